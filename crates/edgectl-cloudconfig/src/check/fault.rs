//! What is wrong with one value by itself, as its schema has it.

use std::collections::BTreeSet;

use granit_parser::ScalarStyle;
use serde_json::Value;

use super::kind::Kind;
use super::schema::Schema;
use super::subject::{Flavor, Subject};
use crate::scalar::boolean;
use crate::tree::{Data, Id};

/// One thing that is wrong.
#[derive(Clone, PartialEq)]
pub(super) enum Fault {
    Type,
    Missing(&'static str),
    /// None of these.
    Choice(&'static [Value]),
    /// Not of this form.
    Pattern(&'static str),
    Below(i64),
    FewItems(usize),
    ManyItems(usize),
    FewKeys(usize),
    Repeated,
    /// Several of the forms at once, of which it may have one; what they ask for.
    Ambiguous(Vec<&'static str>),
    UnknownKey,
}

impl Fault {
    /// How much it says against a form that a value may have among others:
    /// choices, such as those of a `type:`, tell forms apart.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Choice(_) => 8,
            _ => 1,
        }
    }
}

/// What is wrong with the value, what it contains aside.
pub(super) fn faults(
    subject: &Subject<'_>,
    schema: &'static Schema,
    id: Id,
    kind: Kind,
) -> Vec<Fault> {
    if !takes(subject, schema, id, kind) {
        return vec![Fault::Type];
    }
    match &subject.node(id).data {
        Data::Scalar { text, style } => {
            let is_plain = *style == ScalarStyle::Plain;
            of_scalar(schema, text, kind, is_plain).into_iter().collect()
        }
        Data::Sequence { items, .. } => of_list(subject, schema, items),
        Data::Mapping { entries, .. } => {
            let least = schema.limits.min_properties;
            let is_few = entries.len() < least && !is_unset(subject, entries.is_empty());
            let few = is_few.then_some(Fault::FewKeys(least));
            let is_missing = |key: &&String| subject.document.get(id, key).is_none();
            let missing = schema.required.iter().filter(is_missing);
            few.into_iter().chain(missing.map(|key| Fault::Missing(key))).collect()
        }
        Data::Alias(_) => Vec::new(),
    }
}

/// Whether the value has a type that its readers take.
fn takes(subject: &Subject<'_>, schema: &Schema, id: Id, kind: Kind) -> bool {
    let is_section = schema.allows(Kind::Object) || schema.allows(Kind::Array);
    let is_empty_section = kind == Kind::Null && is_section && is_unset(subject, true);
    // `yes` is a boolean to the readers that ask for one.
    let plain = subject.node(id).scalar().filter(|(_, style)| *style == ScalarStyle::Plain);
    let is_boolean =
        schema.allows(Kind::Boolean) && plain.and_then(|(text, _)| boolean(text)).is_some();
    schema.allows(kind) || is_boolean || is_empty_section
}

/// An empty section is no section to Palette and Kairos; cloud-init refuses it.
fn is_unset(subject: &Subject<'_>, is_empty: bool) -> bool {
    is_empty && subject.flavor != Flavor::CloudInit
}

fn of_scalar(schema: &'static Schema, text: &str, kind: Kind, is_plain: bool) -> Option<Fault> {
    let is_choice = |choice: &Value| match choice {
        Value::Bool(wanted) => is_plain && boolean(text) == Some(*wanted),
        choice => choice.as_str() == Some(text) && kind == Kind::String,
    };
    if !schema.choices.is_empty() && !schema.choices.iter().any(is_choice) {
        return Some(Fault::Choice(&schema.choices));
    }
    if let (Some(least), Kind::Integer | Kind::Number) = (schema.limits.minimum, kind) {
        let number: Option<f64> = text.replace('_', "").parse().ok();
        return number.filter(|number| *number < least as f64).map(|_| Fault::Below(least));
    }
    let pattern = schema.pattern.as_ref().filter(|_| kind == Kind::String)?;
    (!pattern.allows(text)).then_some(Fault::Pattern(&pattern.text))
}

fn of_list(subject: &Subject<'_>, schema: &Schema, items: &[Id]) -> Vec<Fault> {
    let limits = &schema.limits;
    let mut found = Vec::new();
    if items.len() < limits.min_items && !is_unset(subject, items.is_empty()) {
        found.push(Fault::FewItems(limits.min_items));
    }
    if let Some(most) = limits.max_items.filter(|most| items.len() > *most) {
        found.push(Fault::ManyItems(most));
    }
    let mut seen = BTreeSet::new();
    let mut is_seen = |id: &Id| subject.text_of(*id).is_some_and(|text| !seen.insert(text));
    if limits.unique_items && items.iter().any(&mut is_seen) {
        found.push(Fault::Repeated);
    }
    found
}
