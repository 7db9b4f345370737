//! More values than are looked at.

use super::{Findings, Level, Rule, Subject};

pub(super) static RULE: Rule = Rule {
    id: "too-large",
    level: Level::Error,
    summary: "more values, or deeper ones, than are checked",
    check,
};

fn check(subject: &Subject<'_>, findings: &mut Findings) {
    if let Some(id) = subject.passed_over() {
        let message = "from here on values are not checked: with their aliases written out there \
                       are too many of them, or they are nested too deeply; split the file, or \
                       use fewer aliases";
        findings.add(&RULE, subject.place(id), "", message);
    }
}
