//! Keys that must be there.

use super::{Findings, Level, Rule, Subject};
use crate::check::fault::Fault;

pub(super) static RULE: Rule = Rule {
    id: "missing-key",
    level: Level::Error,
    summary: "a key that must be there is not",
    check,
};

fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for visit in subject.visits() {
        for fault in &visit.faults {
            if let Fault::Missing(key) = fault {
                let message = format!("{key} is required");
                findings.add(&RULE, subject.place(visit.id), &visit.path, message);
            }
        }
    }
}
