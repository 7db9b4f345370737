//! Template marks in what is run through a template engine.

use super::{Findings, Level, Rule, Subject};
use crate::check::subject::Flavor;

pub(super) static RULE: Rule = Rule {
    id: "template-in-content",
    level: Level::Warning,
    summary: "`{{` in the content of a stage's file, which is run as a Go template",
    check,
};

fn check(subject: &Subject<'_>, findings: &mut Findings) {
    if subject.flavor == Flavor::CloudInit {
        return;
    }
    for (path, file) in subject.files() {
        let get = |key| subject.document.get(file, key);
        let encoding = get("encoding").and_then(|id| subject.text_of(id)).unwrap_or_default();
        let Some(id) = get("content").filter(|_| encoding.is_empty()) else { continue };
        let content = subject.text_of(id).unwrap_or_default();
        let escaped = [r#"{{ "{{" }}"#, "{{ `{{` }}", r#"{{"{{"}}"#];
        let rest = escaped.iter().fold(content.to_owned(), |text, e| text.replace(e, ""));
        if rest.contains("{{") {
            let message = "`{{` in the content is taken for a Go template; write \
                           `{{ \"{{\" }}`, or give the content as base64 with `encoding: b64`";
            findings.add(&RULE, subject.place(id), &format!("{path}.content"), message);
        }
    }
}
