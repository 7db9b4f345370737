//! A second YAML document.

use super::{Findings, Level, Rule, Subject};

pub(super) static RULE: Rule = Rule {
    id: "second-document",
    level: Level::Error,
    summary: "a second YAML document, which nobody reads",
    check,
};

fn check(subject: &Subject<'_>, findings: &mut Findings) {
    if let Some(place) = subject.document.second {
        let message = "a second document starts here, and only the first one is read; \
                       keep one document per file";
        findings.add(&RULE, place, "", message);
    }
}
