//! Keys of older agents.

use super::{Findings, Level, Rule, Subject};

pub(super) static RULE: Rule = Rule {
    id: "deprecated-key",
    level: Level::Warning,
    summary: "a key that newer agents call otherwise",
    check,
};

fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for visit in subject.visits() {
        let (Some(schema), Some((key, name))) = (visit.schema, visit.key) else { continue };
        if schema.deprecated {
            let new = schema.replaced_by.as_deref().unwrap_or("another key");
            let message = match new.contains(':') {
                true => format!("`{name}` is an old key; today it is {new}"),
                false => format!("`{name}` is an old key; today it is `{new}`"),
            };
            findings.add(&RULE, subject.place(key), &visit.path, message);
        }
    }
}
