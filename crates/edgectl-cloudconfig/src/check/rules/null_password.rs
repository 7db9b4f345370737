//! A password without a value.

use super::{Findings, Level, Rule, Subject};
use crate::check::kind::Kind;

pub(super) static RULE: Rule =
    Rule { id: "null-password", level: Level::Error, summary: "a password without a value", check };

fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for visit in subject.visits() {
        if is_null_password(visit.key.map(|(_, name)| name), visit.kind) {
            let place = subject.place(visit.key.map_or(visit.id, |(key, _)| key));
            let message = "Invalid type. Expected: string, given: null; write `\"\"` for none, \
                           and quote what looks like `null` or `~`";
            findings.add(&RULE, place, &visit.path, message);
        }
    }
}

/// Whether this is what the rule is about.
pub(super) fn is_null_password(key: Option<&str>, kind: Kind) -> bool {
    const NAMES: [&str; 4] = ["password", "passwd", "username", "edgeHostToken"];
    kind == Kind::Null && key.is_some_and(|key| NAMES.contains(&key))
}
