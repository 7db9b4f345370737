//! Template marks in what is run through a template engine.

use super::{Findings, Level, Rule, Subject};
use crate::check::subject::Flavor;
use crate::host_files::{OWN_MARK, content};
use crate::yip;

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
        let Some(id) = subject.document.get(file, "content") else { continue };
        // What is written for cloud-init is run by cloud-init alone.
        let is_ours = |text: &str| path.starts_with("write_files") && text.starts_with(OWN_MARK);
        let text = content(subject.document, file).filter(|text| !is_ours(text));
        if text.is_some_and(|text| yip::without_escapes(&text).contains("{{")) {
            let message = "`{{` in the content is taken for a Go template, in base64 too; write \
                           `{{ \"{{\" }}`";
            findings.add(&RULE, subject.place(id), &format!("{path}.content"), message);
        }
    }
}
