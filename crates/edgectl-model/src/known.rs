//! Fields of custom resources that hold images.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// Fields of some kinds of custom resources that hold images.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KnownField {
    /// API group without version, such as `monitoring.coreos.com`; `*` for
    /// any, `*.elastic.co` for all below a domain.
    pub group: String,
    /// Kinds; `*` for any.
    pub kinds: Vec<String>,
    /// Where the images are or, with `compose`, the mappings that hold their
    /// parts: `spec.image`, `spec.templates[*].container.image`,
    /// `spec.*.image`, `spec.**.image`,
    /// `metadata.annotations["example.com/image"]`.
    #[serde(default)]
    pub paths: Vec<FieldPath>,
    /// How the reference is put together, such as `{repository}:{version}`;
    /// the first for which all fields are there. Names are fields of the
    /// mapping, or of the object itself if they begin with `/`.
    #[serde(default)]
    pub compose: Vec<String>,
    /// The row is left out for objects that have something there.
    #[serde(default)]
    pub unless: Option<FieldPath>,
}

/// Where a field is in an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldPath {
    text: String,
    steps: Vec<FieldStep>,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldStep {
    /// To the value of a key.
    Key(String),
    /// `*`: to the value of every key.
    AnyKey,
    /// `[*]`: to every item of a list.
    AnyItem,
    /// `**`: any number of keys and items further down, none included.
    Deep,
}

/// Why a text isn't a path to a field.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{0}` is not a path to a field: expected keys with dots between them, such as `spec.images[*].image`"
)]
pub struct FieldPathError(String);

impl FieldPath {
    /// Parses a path.
    pub fn parse(text: &str) -> Result<Self, FieldPathError> {
        let steps = steps(text).filter(|steps| !steps.is_empty());
        let steps = steps.ok_or_else(|| FieldPathError(text.to_owned()))?;
        Ok(Self { text: text.to_owned(), steps })
    }

    /// The steps from the object to the field.
    pub fn steps(&self) -> &[FieldStep] {
        &self.steps
    }
}

fn steps(text: &str) -> Option<Vec<FieldStep>> {
    let mut steps = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("[*]") {
            steps.push(FieldStep::AnyItem);
            rest = after;
        } else if let Some(after) = rest.strip_prefix("[\"") {
            let (key, after) = after.split_once("\"]")?;
            steps.push(FieldStep::Key(key.to_owned()));
            rest = after;
        } else {
            // A dot stands between a step and a key.
            let after = if steps.is_empty() { rest } else { rest.strip_prefix('.')? };
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let (key, after) = after.split_at(end);
            steps.push(match key {
                "" => return None,
                "*" => FieldStep::AnyKey,
                "**" => FieldStep::Deep,
                _ => FieldStep::Key(key.to_owned()),
            });
            rest = after;
        }
    }
    Some(steps)
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for FieldPath {
    type Err = FieldPathError;
    fn from_str(text: &str) -> Result<Self, FieldPathError> {
        Self::parse(text)
    }
}

impl Serialize for FieldPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FieldPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for FieldPath {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FieldPath".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "description": "A path to a field, such as `spec.images[*].image`"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::from_yaml;

    #[test]
    fn paths() {
        let key = |key: &str| FieldStep::Key(key.to_owned());
        for (text, expected) in [
            ("spec.image", vec![key("spec"), key("image")]),
            ("a[*].b", vec![key("a"), FieldStep::AnyItem, key("b")]),
            ("a[*][*]", vec![key("a"), FieldStep::AnyItem, FieldStep::AnyItem]),
            ("a.*.**.b", vec![key("a"), FieldStep::AnyKey, FieldStep::Deep, key("b")]),
            ("a[\"b.c/d\"].e", vec![key("a"), key("b.c/d"), key("e")]),
        ] {
            let path: FieldPath = text.parse().unwrap();
            assert_eq!(path.steps(), expected, "{text}");
            assert_eq!(path.to_string(), text);
        }
        for text in ["", ".a", "a.", "a..b", "a[0]", "a[\"b", "a[*]b"] {
            let error = FieldPath::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{text}` is not a path")), "{error}");
        }
    }

    #[test]
    fn rows_are_read_strictly() {
        let row: KnownField =
            from_yaml("{group: acme.io, kinds: [Web], paths: [spec.image]}").unwrap();
        assert_eq!((row.compose.len(), row.unless), (0, None));
        assert!(from_yaml::<KnownField>("{group: a, kinds: [B], paths: [a..b]}").is_err());
        assert!(from_yaml::<KnownField>("{group: a, kinds: [B], path: [a]}").is_err());
    }
}
