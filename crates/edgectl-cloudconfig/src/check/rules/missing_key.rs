//! Keys that must be there.

use super::{Findings, Level, Rule, Subject};
use crate::check::walk::walk;

pub(super) static RULE: Rule = Rule {
    id: "missing-key",
    level: Level::Error,
    summary: "a key that must be there is not",
    check,
};

fn check(subject: &Subject<'_>, findings: &mut Findings) {
    walk(subject, &mut |visit| {
        let Some(schema) = visit.schema else { return };
        let is_missing = |key: &&String| subject.document.get(visit.id, key).is_none();
        for key in schema.required.iter().filter(is_missing) {
            let message = format!("{key} is required");
            findings.add(&RULE, subject.place(visit.id), visit.path, message);
        }
    });
}
