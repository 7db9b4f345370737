//! Image references, with the grammar and the Docker Hub rules of the
//! `distribution/reference` library that every runtime uses.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::digest::{Digest, DigestError};

/// Longest repository path, without its domain.
const MAX_PATH: usize = 255;
/// Longest tag.
const MAX_TAG: usize = 128;

/// Why a text isn't an image reference.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReferenceError {
    /// Nothing there.
    #[error("the image reference is empty")]
    Empty,
    /// Blanks around or inside.
    #[error("`{0}` is not an image reference: it contains a blank or a control character")]
    Blank(String),
    /// A scheme such as `https://` in front.
    #[error("`{0}` is not an image reference: remove the scheme in front of the host name")]
    Scheme(String),
    /// A macro or template that nothing has filled in.
    #[error("`{0}` is not an image reference: its template is not filled in")]
    Template(String),
    /// The host part is wrong.
    #[error(
        "`{reference}` is not an image reference: `{domain}` is not a host name with an optional port"
    )]
    Domain {
        /// The whole text.
        reference: String,
        /// The part in question.
        domain: String,
    },
    /// A path component is wrong.
    #[error(
        "`{reference}` is not an image reference: `{component}` is not a valid path component (lower-case letters, digits, and `.`, `_`, `__` or `-` between them)"
    )]
    Component {
        /// The whole text.
        reference: String,
        /// The part in question.
        component: String,
    },
    /// The tag is wrong.
    #[error(
        "`{reference}` is not an image reference: `{tag}` is not a valid tag (letters, digits, `_`, `.` and `-`, at most 128)"
    )]
    Tag {
        /// The whole text.
        reference: String,
        /// The part in question.
        tag: String,
    },
    /// The digest is wrong.
    #[error("`{reference}` is not an image reference")]
    Digest {
        /// The whole text.
        reference: String,
        /// What is wrong with the digest.
        #[source]
        source: DigestError,
    },
    /// The path is longer than registries take.
    #[error("`{0}` is not an image reference: its path is longer than 255 characters")]
    TooLong(String),
    /// 64 hexadecimal digits, which Docker takes for an image ID.
    #[error("`{0}` is an image ID, not an image reference")]
    ImageId(String),
}

/// An image reference. Equality and order go by the canonical form, so
/// `nginx` and `docker.io/library/nginx:latest` are the same reference.
#[derive(Debug, Clone)]
pub struct Reference {
    typed: String,
    domain: String,
    path: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl Reference {
    /// Parses what a user, a manifest or a registry wrote.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        check_shape(text)?;
        let (rest, digest) = split_digest(text)?;
        let (name, tag) = split_tag(rest);
        if let Some(tag) = tag
            && !is_tag(tag)
        {
            return Err(ReferenceError::Tag { reference: text.to_owned(), tag: tag.to_owned() });
        }
        let (domain, path) = split_domain(name);
        let domain = normal_domain(domain);
        if !is_domain(&domain) {
            return Err(ReferenceError::Domain { reference: text.to_owned(), domain });
        }
        let path = match (domain.as_str(), path.contains('/')) {
            ("docker.io", false) => format!("library/{path}"),
            _ => path.to_owned(),
        };
        if let Some(bad) = path.split('/').find(|c| !is_component(c)) {
            return Err(ReferenceError::Component {
                reference: text.to_owned(),
                component: bad.to_owned(),
            });
        }
        if path.len() > MAX_PATH {
            return Err(ReferenceError::TooLong(text.to_owned()));
        }
        Ok(Self { typed: text.to_owned(), domain, path, tag: tag.map(str::to_owned), digest })
    }

    /// A reference from parts that are already known to be right; they are
    /// checked all the same.
    pub fn from_parts(
        domain: &str,
        path: &str,
        tag: Option<&str>,
        digest: Option<&Digest>,
    ) -> Result<Self, ReferenceError> {
        let mut text = format!("{domain}/{path}");
        if let Some(tag) = tag {
            text = format!("{text}:{tag}");
        }
        if let Some(digest) = digest {
            text = format!("{text}@{digest}");
        }
        Self::parse(&text)
    }

    /// Exactly what was parsed.
    pub fn as_typed(&self) -> &str {
        &self.typed
    }

    /// The full form: `domain/path[:tag][@digest]`, with `:latest` where
    /// neither a tag nor a digest was given.
    pub fn canonical(&self) -> String {
        let mut text = self.repository();
        if let Some(tag) = self.tag_or_latest() {
            text.push(':');
            text.push_str(tag);
        }
        if let Some(digest) = &self.digest {
            text.push('@');
            text.push_str(digest.as_str());
        }
        text
    }

    /// The bytes of the canonical form, without writing it: references are
    /// compared often.
    fn canonical_bytes(&self) -> impl Iterator<Item = u8> {
        let tag = self.tag_or_latest().map(|tag| [":", tag]);
        let digest = self.digest.as_ref().map(|digest| ["@", digest.as_str()]);
        [self.domain.as_str(), "/", self.path.as_str()]
            .into_iter()
            .chain(tag.into_iter().flatten())
            .chain(digest.into_iter().flatten())
            .flat_map(str::bytes)
    }

    /// `host[:port]`; `docker.io` for Docker Hub.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The repository path below the domain, `library/` included.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// `domain/path`.
    pub fn repository(&self) -> String {
        format!("{}/{}", self.domain, self.path)
    }

    /// The tag, as given.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The tag that a runtime would ask for: the given one, else `latest`,
    /// else none where a digest decides.
    pub fn tag_or_latest(&self) -> Option<&str> {
        match (&self.tag, &self.digest) {
            (Some(tag), _) => Some(tag),
            (None, None) => Some("latest"),
            (None, Some(_)) => None,
        }
    }

    /// The digest, if the reference is pinned.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// Whether nothing pins what `latest` means today.
    pub fn is_floating(&self) -> bool {
        self.digest.is_none() && self.tag_or_latest() == Some("latest")
    }

    /// What stands after `/manifests/` in a registry's URL: the digest where
    /// there is one, because it decides; else the tag.
    pub fn manifest_name(&self) -> &str {
        match &self.digest {
            Some(digest) => digest.as_str(),
            None => self.tag.as_deref().unwrap_or("latest"),
        }
    }
}

fn check_shape(text: &str) -> Result<(), ReferenceError> {
    if text.is_empty() {
        return Err(ReferenceError::Empty);
    }
    if text.contains("{{") || text.contains("${") {
        return Err(ReferenceError::Template(text.to_owned()));
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(ReferenceError::Blank(text.to_owned()));
    }
    if text.contains("://") {
        return Err(ReferenceError::Scheme(text.to_owned()));
    }
    if text.len() == 64 && text.bytes().all(|c| c.is_ascii_hexdigit() && !c.is_ascii_uppercase()) {
        return Err(ReferenceError::ImageId(text.to_owned()));
    }
    Ok(())
}

fn split_digest(text: &str) -> Result<(&str, Option<Digest>), ReferenceError> {
    let Some((rest, digest)) = text.split_once('@') else {
        return Ok((text, None));
    };
    match Digest::parse(digest) {
        Ok(digest) => Ok((rest, Some(digest))),
        Err(source) => Err(ReferenceError::Digest { reference: text.to_owned(), source }),
    }
}

/// The tag follows the last `:`, unless a `/` follows that (then it is a port).
fn split_tag(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (text, None),
    }
}

/// The part before the first `/` is a domain if it can't be a Docker Hub user.
fn split_domain(name: &str) -> (&str, &str) {
    match name.split_once('/') {
        Some((first, rest))
            if first == "localhost"
                || first.contains(['.', ':'])
                || first.chars().any(|c| c.is_ascii_uppercase()) =>
        {
            (first, rest)
        }
        _ => ("docker.io", name),
    }
}

fn normal_domain(domain: &str) -> String {
    match domain.to_ascii_lowercase().as_str() {
        "index.docker.io" | "registry-1.docker.io" => "docker.io".to_owned(),
        lower => lower.to_owned(),
    }
}

/// `host[:port]`, where host is a DNS name, an IPv4 address or `[IPv6]`.
pub(crate) fn is_domain(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|t| t.split_once(']')) {
        Some((v6, rest)) => {
            let is_v6 = !v6.is_empty() && v6.bytes().all(|c| c.is_ascii_hexdigit() || c == b':');
            return is_v6 && (rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port));
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    port.is_none_or(is_port) && host.split('.').all(is_label)
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|c| c.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|p| p > 0)
}

fn is_label(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
}

/// `[a-z0-9]+` runs, joined by one `.`, one or two `_`, or any number of `-`.
pub(crate) fn is_component(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if !text.starts_with(is_word) || !text.ends_with(is_word) {
        return false;
    }
    text.split(is_word)
        .all(|join| matches!(join, "" | "." | "_" | "__") || join.bytes().all(|c| c == b'-'))
}

pub(crate) fn is_tag(text: &str) -> bool {
    let is_word = |c: u8| c.is_ascii_alphanumeric() || c == b'_';
    text.len() <= MAX_TAG
        && text.bytes().next().is_some_and(is_word)
        && text.bytes().all(|c| is_word(c) || c == b'.' || c == b'-')
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.canonical())
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;
    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        Self::parse(text)
    }
}

impl PartialEq for Reference {
    fn eq(&self, other: &Self) -> bool {
        self.domain == other.domain
            && self.path == other.path
            && self.tag_or_latest() == other.tag_or_latest()
            && self.digest == other.digest
    }
}

impl Eq for Reference {}

impl PartialOrd for Reference {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Reference {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.canonical_bytes().cmp(other.canonical_bytes())
    }
}

impl std::hash::Hash for Reference {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.domain.hash(state);
        self.path.hash(state);
        self.tag_or_latest().hash(state);
        self.digest.hash(state);
    }
}

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Reference {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Reference".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "description": "An image reference"})
    }
}
