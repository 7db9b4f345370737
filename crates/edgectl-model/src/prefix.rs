//! Registry prefixes: `host[:port][/path]`, the two sides of a mirror rule.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::reference::{Reference, is_component, is_domain};

/// Why a text isn't a prefix.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PrefixError {
    /// Wrong host part.
    #[error(
        "`{0}` is not a registry prefix: expected `host[:port][/path]`, for example `registry.example:5000/team`"
    )]
    Domain(String),
    /// Wrong path part.
    #[error("`{prefix}` is not a registry prefix: `{component}` is not a valid path component")]
    Component {
        /// The whole text.
        prefix: String,
        /// The part in question.
        component: String,
    },
}

/// `host[:port][/path]` without a scheme, tag or trailing slash. Docker Hub is
/// always spelled `docker.io`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Prefix {
    domain: String,
    path: String,
}

impl Prefix {
    /// Parses `host[:port][/path]`; a trailing slash is dropped. As in image
    /// references, a host is `localhost` or has a dot or a port.
    pub fn parse(text: &str) -> Result<Self, PrefixError> {
        let trimmed = text.strip_suffix('/').unwrap_or(text);
        let (domain, path) = trimmed.split_once('/').unwrap_or((trimmed, ""));
        let domain = match domain.to_ascii_lowercase().as_str() {
            "index.docker.io" | "registry-1.docker.io" => "docker.io".to_owned(),
            lower => lower.to_owned(),
        };
        // A bare word would be taken for a Docker Hub user once it stands in
        // front of a repository.
        let is_host = domain == "localhost" || domain.contains(['.', ':']);
        if !is_host || !is_domain(&domain) {
            return Err(PrefixError::Domain(without_login(text)));
        }
        if !path.is_empty()
            && let Some(bad) = path.split('/').find(|c| !is_component(c))
        {
            return Err(PrefixError::Component {
                prefix: without_login(text),
                component: without_login(bad),
            });
        }
        Ok(Self { domain, path: path.to_owned() })
    }

    /// `host[:port]`.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The path below the host; empty for a whole registry.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// This prefix with more path components below it.
    pub fn join(&self, below: &str) -> Result<Self, PrefixError> {
        match below {
            "" => Ok(self.clone()),
            _ => Self::parse(&format!("{self}/{below}")),
        }
    }

    /// What remains of a repository (`domain/path`) below this prefix, if it
    /// lies below it. Matches end on a path boundary: `quay.io/foo` doesn't
    /// cover `quay.io/foobar`.
    pub fn remainder<'a>(&self, reference: &'a Reference) -> Option<&'a str> {
        if reference.domain() != self.domain {
            return None;
        }
        let path = reference.path();
        match path.strip_prefix(self.path.as_str()) {
            Some(rest) if self.path.is_empty() => Some(rest),
            Some("") => Some(""),
            Some(rest) => rest.strip_prefix('/'),
            None => None,
        }
    }

    /// Number of characters: the longer of two matching prefixes is the more
    /// specific one.
    pub(crate) fn specificity(&self) -> usize {
        self.domain.len() + self.path.len()
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.domain)?;
        if self.path.is_empty() { Ok(()) } else { write!(f, "/{}", self.path) }
    }
}

impl FromStr for Prefix {
    type Err = PrefixError;
    fn from_str(text: &str) -> Result<Self, PrefixError> {
        Self::parse(text)
    }
}

impl Serialize for Prefix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Prefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Prefix {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Prefix".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "description": "host[:port][/path], without a scheme"})
    }
}

/// A text without what stands where URLs have a login: it may be a password.
fn without_login(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((_, rest)) => format!("…@{rest}"),
        None => text.to_owned(),
    }
}
