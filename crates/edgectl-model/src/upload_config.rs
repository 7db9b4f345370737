//! How images are sent, as `edge.yaml` says it.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::platform::Platform;

/// How images are sent to the private registry.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UploadConfig {
    /// Blobs in flight at once, 1 to 64.
    #[serde(default = "default_jobs")]
    #[schemars(range(min = 1, max = 64))]
    pub jobs: u16,
    /// Largest body of one request, such as `32MiB`; for front ends that take
    /// no more. Found out by trying where it is absent.
    #[serde(default)]
    pub chunk_size: Option<ByteSize>,
    /// Copy only these platforms, `os/architecture[/variant]`. The digests in
    /// the registry are then others than at the source.
    #[serde(default)]
    pub platforms: Vec<Platform>,
    /// Copy signatures and whatever else is attached to an image.
    #[serde(default = "default_attachments")]
    pub attachments: bool,
}

impl Default for UploadConfig {
    fn default() -> Self {
        Self { jobs: default_jobs(), chunk_size: None, platforms: Vec::new(), attachments: true }
    }
}

fn default_jobs() -> u16 {
    4
}

fn default_attachments() -> bool {
    true
}

/// A number of bytes, written with a unit or without: `33554432`, `32MiB`,
/// `100MB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

const UNITS: [(&str, u64); 7] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("B", 1),
];

impl FromStr for ByteSize {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is not a size: expected bytes, or for example `32MiB`");
        let unit = UNITS.iter().find_map(|(unit, bytes)| Some((text.strip_suffix(unit)?, *bytes)));
        let (number, bytes) = unit.unwrap_or((text, 1));
        let number: u64 = number.trim().parse().map_err(|_| bad())?;
        number.checked_mul(bytes).filter(|bytes| *bytes > 0).map(Self).ok_or_else(bad)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(u64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Number(bytes) => bytes.to_string().parse(),
            Written::Text(text) => text.parse(),
        }
        .map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for ByteSize {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ByteSize".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A number of bytes, or one with a unit, such as `32MiB`.",
            "anyOf": [
                {"type": "integer", "minimum": 1},
                {"type": "string", "pattern": "^[0-9]+ ?(B|kB|MB|GB|KiB|MiB|GiB)?$"},
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_sizes() {
        let bytes = |text: &str| text.parse().ok().map(|ByteSize(bytes)| bytes);
        assert_eq!(bytes("32MiB"), Some(32 << 20));
        assert_eq!(bytes("100 MB"), Some(100_000_000));
        assert_eq!(bytes("7"), Some(7));
        for bad in ["", "0", "MiB", "-1", "1.5MiB", "18446744073709551615GiB", "5mb"] {
            assert_eq!(bytes(bad), None, "{bad}");
        }
    }
}
