//! Patterns over image references: one image, or all that `*` covers.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::reference::{Reference, ReferenceError};

/// An image, or a pattern: `*` stands for any run of characters, `/` too, and
/// what it is compared with is the canonical form. `quay.io/acme/*` is all of
/// a namespace, `docker.io/library/busybox:*` every tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImagePattern {
    /// One image, however it is spelled.
    Image(Reference),
    /// A text with `*` in it.
    Glob(String),
}

impl ImagePattern {
    /// Parses what a user wrote.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        match text.contains('*') {
            true if text.chars().any(char::is_whitespace) => {
                Err(ReferenceError::Blank(text.to_owned()))
            }
            true => Ok(Self::Glob(text.to_owned())),
            false => Reference::parse(text).map(Self::Image),
        }
    }

    /// Whether it covers an image.
    pub fn matches(&self, image: &Reference) -> bool {
        match self {
            Self::Image(own) => own == image,
            Self::Glob(pattern) => covers(pattern, &image.canonical()),
        }
    }
}

/// Whether `*` of a pattern can be filled in so that it is the text.
fn covers(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

impl fmt::Display for ImagePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(image) => image.fmt(f),
            Self::Glob(pattern) => pattern.fmt(f),
        }
    }
}

impl FromStr for ImagePattern {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        Self::parse(text)
    }
}

impl Serialize for ImagePattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ImagePattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for ImagePattern {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ImagePattern".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "An image reference, or a pattern over canonical references in which `*` stands for any run of characters."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_cover_what_they_say() {
        for (pattern, image, covered) in [
            ("busybox", "docker.io/library/busybox:latest", true),
            ("busybox", "busybox:1", false),
            ("docker.io/library/busybox:*", "busybox:1", true),
            ("quay.io/acme/*", "quay.io/acme/a/b:1", true),
            ("quay.io/acme/*", "quay.io/acmeother/b:1", false),
            ("*/web:*-rc*", "quay.io/a/web:1-rc2", true),
            ("*/web:*-rc*", "quay.io/a/web:1", false),
            ("*", "a", true),
            ("*a*b*", "quay.io/a:1", false),
        ] {
            let image = Reference::parse(image).unwrap();
            assert_eq!(ImagePattern::parse(pattern).unwrap().matches(&image), covered, "{pattern}");
        }
        assert!(ImagePattern::parse("a b*").is_err());
        assert!(ImagePattern::parse("A B").is_err());
    }
}
