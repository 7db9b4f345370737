//! Values that must be one of a few, or of a form.

use super::{Findings, Level, Rule, Subject};
use crate::check::schema::Schema;
use crate::check::walk::walk;

pub(super) static RULE: Rule = Rule {
    id: "invalid-value",
    level: Level::Error,
    summary: "a value that is none of those allowed",
    check,
};

fn check(subject: &Subject<'_>, findings: &mut Findings) {
    walk(subject, &mut |visit| {
        let (Some(schema), Some(text)) = (visit.schema, subject.text_of(visit.id)) else { return };
        if let Some(message) = fault(schema, text) {
            findings.add(&RULE, subject.place(visit.id), visit.path, message);
        }
    });
}

fn fault(schema: &Schema, text: &str) -> Option<String> {
    if !schema.choices.is_empty() && !schema.choices.iter().any(|choice| choice == text) {
        let named = schema.choices.iter().filter(|choice| !choice.is_empty());
        let choices: Vec<String> = named.map(|choice| format!("\"{choice}\"")).collect();
        return Some(format!("must be one of the following: {}", choices.join(", ")));
    }
    let pattern = schema.pattern.as_ref().filter(|pattern| !pattern.allows(text))?;
    Some(format!("Does not match pattern '{}'", pattern.text))
}
