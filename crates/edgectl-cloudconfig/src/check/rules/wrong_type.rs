//! Values of the wrong type.

use super::null_password::is_null_password;
use super::unquoted_text;
use super::{Findings, Level, Rule, Subject};
use crate::check::fault::Fault;
use crate::check::kind::Kind;

pub(in crate::check) static RULE: Rule =
    Rule { id: "wrong-type", level: Level::Error, summary: "a value of the wrong type", check };

fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for visit in subject.visits() {
        let Some(schema) = visit.schema.filter(|_| visit.faults.contains(&Fault::Type)) else {
            continue;
        };
        let key = visit.key.map(|(_, name)| name);
        let is_elsewhere = is_null_password(key, visit.kind)
            || unquoted_text::fault(subject, schema, visit.id, visit.kind).is_some()
            || is_stage(&visit.path)
            || is_mode(&visit.path, visit.kind);
        if !is_elsewhere {
            let (wanted, given) = (schema.types().join(" or "), visit.kind.word());
            let message = format!("Invalid type. Expected: {wanted}, given: {given}");
            findings.add(&RULE, subject.place(visit.node()), &visit.path, message);
        }
    }
}

/// A mode that is a number where a text is asked for, or the other way round.
fn is_mode(path: &str, kind: Kind) -> bool {
    let other = if path.starts_with("stages.") { Kind::String } else { Kind::Integer };
    path.ends_with(".permissions") && kind == other
}

/// Stages and their steps have a rule of their own.
fn is_stage(path: &str) -> bool {
    let Some(stage) = path.strip_prefix("stages.") else { return false };
    let (name, rest) = stage.split_once('[').unwrap_or((stage, "]"));
    let is_all = rest.strip_suffix(']').is_some_and(|index| !index.contains(']'));
    let ends = [".before", ".after", ".pre"];
    let is_known =
        name.starts_with("provider-kairos.") || ends.iter().any(|end| name.ends_with(end));
    is_all && (!name.contains('.') || is_known)
}
