//! Text that YAML takes for something else.

use super::{Findings, Level, Rule, Subject};
use crate::check::kind::Kind;
use crate::check::schema::Schema;
use crate::check::walk::walk;
use crate::scalar::boolean;
use crate::tree::Id;
use granit_parser::ScalarStyle;

pub(super) static RULE: Rule = Rule {
    id: "unquoted-text",
    level: Level::Error,
    summary: "a text without quotes that YAML takes for a number or a boolean",
    check,
};

fn check(subject: &Subject<'_>, findings: &mut Findings) {
    walk(subject, &mut |visit| {
        let Some(schema) = visit.schema else { return };
        if visit.path.ends_with(".permissions") {
            // Modes have a rule of their own.
            return;
        }
        if let Some(message) = fault(subject, schema, visit.id, visit.kind) {
            findings.add(&RULE, subject.place(visit.id), visit.path, message);
        }
    });
}

/// What is wrong with a scalar that should be a text and isn't quoted.
pub(super) fn fault(
    subject: &Subject<'_>,
    schema: &Schema,
    id: Id,
    kind: Kind,
) -> Option<&'static str> {
    if schema.types() != ["string"] {
        return None;
    }
    let (text, style) = subject.node(id).scalar()?;
    match kind {
        Kind::Number if style == ScalarStyle::Plain => Some(
            "Invalid type. Expected: string, given: number; quote it: YAML drops zeros at the end",
        ),
        Kind::Integer => Some(
            "Invalid type. Expected: string, given: integer; quote it: YAML drops leading zeros",
        ),
        Kind::Boolean => Some("Invalid type. Expected: string, given: boolean; quote it"),
        Kind::String if style == ScalarStyle::Plain && boolean(text).is_some() => {
            Some("older YAML readers take this for a boolean; quote it")
        }
        _ => None,
    }
}
