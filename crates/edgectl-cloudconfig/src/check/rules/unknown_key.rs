//! Keys that nobody reads.

use edgectl_model::did_you_mean;

use super::misplaced_key::home_of;
use super::{Findings, Level, Rule, Subject};

pub(super) static RULE: Rule = Rule {
    id: "unknown-key",
    level: Level::Warning,
    summary: "a key that no agent is known to read",
    check,
};

fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for visit in subject.visits() {
        let (None, Some((key, name)), Some(parent)) = (visit.schema, visit.key, visit.parent)
        else {
            continue;
        };
        // Extensions that people keep anchors in.
        if home_of(name, &visit.path).is_some() || name.starts_with("x-") {
            continue;
        }
        let known = parent.properties.keys().map(String::as_str);
        let message = match did_you_mean(name, known) {
            Some(near) => {
                format!("Additional property {name} is not allowed; did you mean `{near}`?")
            }
            None => format!("Additional property {name} is not allowed"),
        };
        findings.add(&RULE, subject.place(key), &visit.path, message);
    }
}
