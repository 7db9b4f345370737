//! The published JSON Schema, and the part of JSON Schema that it uses.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex_lite::Regex;
use serde::Deserialize;
use serde_json::Value;

use super::kind::Kind;

/// JSON Schema (2020-12) of user data: Palette Edge, Kairos and cloud-init.
/// Editors take it, and the checks here follow it.
pub const USER_DATA_SCHEMA: &str = include_str!("../../data/user-data.schema.json");

/// The schema, parsed. One that can't be read would let everything pass; a
/// test makes sure that it can.
pub(super) static SCHEMA: LazyLock<Root> =
    LazyLock::new(|| serde_json::from_str(USER_DATA_SCHEMA).unwrap_or_default());

#[derive(Default, Deserialize)]
pub(super) struct Root {
    #[serde(flatten)]
    pub(super) schema: Schema,
    #[serde(default, rename = "$defs")]
    defs: BTreeMap<String, Schema>,
}

impl Root {
    /// The schema that a `$ref` names, or the one given.
    pub(super) fn resolve<'a>(&'a self, schema: &'a Schema) -> &'a Schema {
        let name = schema.reference.as_deref().and_then(|r| r.strip_prefix("#/$defs/"));
        name.and_then(|name| self.defs.get(name)).unwrap_or(schema)
    }
}

#[derive(Default, Deserialize)]
pub(super) struct Schema {
    #[serde(default, rename = "type")]
    types: Types,
    #[serde(default)]
    pub(super) properties: BTreeMap<String, Schema>,
    #[serde(default, rename = "additionalProperties")]
    additional: Additional,
    #[serde(default, rename = "patternProperties")]
    pub(super) patterns: Patterns,
    pub(super) items: Option<Box<Schema>>,
    #[serde(default, rename = "enum")]
    pub(super) choices: Vec<Value>,
    pub(super) pattern: Option<Pattern>,
    #[serde(default)]
    pub(super) required: Vec<String>,
    #[serde(flatten)]
    pub(super) limits: Limits,
    #[serde(default, rename = "anyOf")]
    any_of: Vec<Schema>,
    #[serde(default, rename = "oneOf")]
    pub(super) one_of: Vec<Schema>,
    #[serde(default)]
    pub(super) deprecated: bool,
    #[serde(rename = "x-replaced-by")]
    pub(super) replaced_by: Option<String>,
    #[serde(rename = "$ref")]
    reference: Option<String>,
}

impl Schema {
    /// The types it allows; none means any.
    pub(super) fn types(&self) -> &[String] {
        match &self.types {
            Types::Any => &[],
            Types::One(one) => std::slice::from_ref(one),
            Types::Many(many) => many,
        }
    }

    pub(super) fn allows(&self, kind: Kind) -> bool {
        let is = |word: &String| {
            word == kind.word() || (kind == Kind::Integer && word == Kind::Number.word())
        };
        self.types().is_empty() || self.types().iter().any(is)
    }

    /// The forms that a value may have, one of which it must have.
    pub(super) fn branches(&self) -> impl Iterator<Item = &Schema> {
        self.any_of.iter().chain(&self.one_of)
    }

    /// What the value of a key must be.
    pub(super) fn of_key(&self, name: &str) -> OfKey<'_> {
        let by_pattern = || self.patterns.0.iter().find(|(pattern, _)| pattern.allows(name));
        match (self.properties.get(name), &self.additional) {
            (Some(schema), _) => OfKey::Like(schema),
            (None, additional) => match (by_pattern(), additional) {
                (Some((_, schema)), _) => OfKey::Like(schema),
                (None, Additional::Like(schema)) => OfKey::Like(schema),
                (None, Additional::Allowed(false)) => OfKey::Unknown,
                (None, _) => OfKey::Anything,
            },
        }
    }
}

/// What a schema says of a key.
pub(super) enum OfKey<'a> {
    Like(&'a Schema),
    Anything,
    Unknown,
}

/// How much, how many, how often.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Limits {
    pub(super) minimum: Option<i64>,
    pub(super) min_items: usize,
    pub(super) max_items: Option<usize>,
    pub(super) unique_items: bool,
    pub(super) min_properties: usize,
}

/// Schemas of keys that have a form rather than a name.
#[derive(Default, Deserialize)]
#[serde(from = "BTreeMap<String, Schema>")]
pub(super) struct Patterns(Vec<(Pattern, Schema)>);

impl From<BTreeMap<String, Schema>> for Patterns {
    fn from(schemas: BTreeMap<String, Schema>) -> Self {
        Self(schemas.into_iter().map(|(text, schema)| (Pattern::from(text), schema)).collect())
    }
}

/// A regular expression, compiled once.
#[derive(Deserialize)]
#[serde(from = "String")]
pub(super) struct Pattern {
    pub(super) text: String,
    regex: Option<Regex>,
}

impl From<String> for Pattern {
    fn from(text: String) -> Self {
        // One that can't be read is the schema's fault; a test reads all.
        Self { regex: Regex::new(&text).ok(), text }
    }
}

impl Pattern {
    pub(super) fn allows(&self, text: &str) -> bool {
        self.regex.as_ref().is_none_or(|regex| regex.is_match(text))
    }
}

#[derive(Default, Deserialize)]
#[serde(untagged)]
enum Types {
    One(String),
    Many(Vec<String>),
    #[default]
    Any,
}

/// What keys may stand beside those named.
#[derive(Default, Deserialize)]
#[serde(untagged)]
enum Additional {
    Allowed(bool),
    Like(Box<Schema>),
    #[default]
    Unsaid,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_read() {
        serde_json::from_str::<Root>(USER_DATA_SCHEMA).unwrap();
        assert!(SCHEMA.schema.properties.contains_key("stylus"));
        let steps = SCHEMA.resolve(&SCHEMA.schema.properties["stages"].properties["boot"]);
        assert!(!steps.allows(Kind::Object) && steps.allows(Kind::Array));
    }
}
