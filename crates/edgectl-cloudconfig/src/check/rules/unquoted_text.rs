//! Text that YAML takes for something else.

use super::{Findings, Level, Rule, Subject};
use crate::check::kind::Kind;
use crate::check::schema::Schema;
use crate::check::subject::Flavor;
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
    for visit in subject.visits() {
        let Some(schema) = visit.schema else { continue };
        if visit.path.ends_with(".permissions") && visit.kind == Kind::Integer {
            // Modes have a rule of their own.
            continue;
        }
        if let Some(message) = fault(subject, schema, visit.id, visit.kind) {
            findings.add(&RULE, subject.place(visit.id), &visit.path, message);
        }
    }
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
        Kind::Number if style == ScalarStyle::Plain => Some(match text.ends_with('0') {
            true => {
                "Invalid type. Expected: string, given: number; quote it: YAML drops zeros at the end"
            }
            false => "Invalid type. Expected: string, given: number; quote it",
        }),
        Kind::Integer => Some(match text.len() > 1 && text.starts_with('0') {
            true => {
                "Invalid type. Expected: string, given: integer; quote it: YAML drops leading zeros"
            }
            false => "Invalid type. Expected: string, given: integer; quote it",
        }),
        Kind::Boolean => Some("Invalid type. Expected: string, given: boolean; quote it"),
        Kind::String if style != ScalarStyle::Plain => None,
        Kind::String if boolean(text).is_some() => {
            Some("older YAML readers take this for a boolean; quote it")
        }
        // Readers in Go do not.
        Kind::String if subject.flavor == Flavor::CloudInit => taken_by_python(text),
        _ => None,
    }
}

/// What the YAML 1.1 of cloud-init makes of a text that is one elsewhere.
fn taken_by_python(text: &str) -> Option<&'static str> {
    let is_numeric = |part: &str| part.chars().all(|c| c.is_ascii_digit());
    let mut parts = text.strip_prefix(['-', '+']).unwrap_or(text).split(':');
    let first = parts.next().unwrap_or_default();
    let is_led = first.starts_with(|c: char| ('1'..='9').contains(&c)) && is_numeric(first);
    let mut rest = parts.peekable();
    let is_sexagesimal = rest.peek().is_some()
        && rest.all(|part| is_numeric(part) && part.parse::<u8>().is_ok_and(|n| n < 60));
    let date: Vec<&str> = text.split('-').collect();
    let is_date = date.iter().all(|part| is_numeric(part))
        && date.iter().map(|part| part.len()).eq([4, 2, 2]);
    match (is_led && is_sexagesimal, is_date) {
        (true, _) => Some("cloud-init takes this for a number to the base of 60; quote it"),
        (_, true) => Some("cloud-init takes this for a date; quote it"),
        _ => None,
    }
}
