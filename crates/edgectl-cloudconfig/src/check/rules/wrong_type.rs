//! Values of the wrong type.

use super::null_password::is_null_password;
use super::unquoted_text;
use super::{Findings, Level, Rule, Subject};
use crate::check::kind::Kind;
use crate::check::walk::walk;
use crate::scalar::boolean;
use granit_parser::ScalarStyle;

pub(super) static RULE: Rule =
    Rule { id: "wrong-type", level: Level::Error, summary: "a value of the wrong type", check };

fn check(subject: &Subject<'_>, findings: &mut Findings) {
    walk(subject, &mut |visit| {
        let Some(schema) = visit.schema.filter(|schema| !schema.allows(visit.kind)) else { return };
        let key = visit.key.map(|(_, name)| name);
        let is_elsewhere = is_null_password(key, visit.kind)
            || unquoted_text::fault(subject, schema, visit.id, visit.kind).is_some()
            || is_stage(visit.path)
            || visit.path.ends_with(".permissions");
        // `yes` is a boolean to the readers that ask for one.
        let scalar = subject.node(visit.id).scalar();
        let plain = scalar.filter(|(_, style)| *style == ScalarStyle::Plain);
        let is_boolean =
            schema.allows(Kind::Boolean) && plain.and_then(|(text, _)| boolean(text)).is_some();
        // An empty section is no section.
        let is_empty_section =
            visit.kind == Kind::Null && (schema.allows(Kind::Object) || schema.allows(Kind::Array));
        if is_elsewhere || is_boolean || is_empty_section {
            return;
        }
        let message = format!(
            "Invalid type. Expected: {}, given: {}",
            schema.types().join(" or "),
            visit.kind.word()
        );
        let place = match visit.kind {
            Kind::Null => subject.place(visit.key.map_or(visit.id, |(key, _)| key)),
            _ => subject.place(visit.id),
        };
        findings.add(&RULE, place, visit.path, message);
    });
}

/// Stages and their steps have a rule of their own.
fn is_stage(path: &str) -> bool {
    let Some(stage) = path.strip_prefix("stages.") else { return false };
    let name = stage.split('[').next().unwrap_or_default();
    !name.contains('.') || name.ends_with(".before") || name.ends_with(".after")
}
