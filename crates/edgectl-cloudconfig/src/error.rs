//! What can be wrong with user data. No message quotes a value.

use std::borrow::Cow;
use std::fmt;

use granit_parser::{ErrorKind, ScanError};
use thiserror::Error;

use crate::template::{Template, explained, other_template};

/// A line and a column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// Line, from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u64,
}

impl Place {
    pub(crate) fn new(line: usize, column: usize) -> Self {
        let wide = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        Self { line: wide(line.max(1)), column: wide(column.max(1)) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// A text that isn't YAML.
pub(crate) struct SyntaxError {
    pub(crate) place: Place,
    pub(crate) message: String,
}

impl SyntaxError {
    pub(crate) fn from_scan(text: &str, error: &ScanError) -> Self {
        let at = error.marker();
        let message = match error.kind() {
            // The parser would quote it, and it may be part of a password.
            ErrorKind::UnexpectedCharacter { .. } => "unexpected character".to_owned(),
            _ => error.info(),
        };
        let message = match other_template(text) {
            Some(whose) => format!(
                "{message}; this looks like a template of {whose}: give the text that is made of it"
            ),
            None => message,
        };
        Self { place: Place::new(at.line(), at.col() + 1), message }
    }
}

/// What a path of no keys is called.
pub(crate) const DOCUMENT: &str = "the document";

fn wrong_shape(path: &str, expected: &str) -> String {
    match path == DOCUMENT {
        true => format!("the whole file has to be {expected}, with a key (`hostname: a`) here"),
        false => format!("expected `{path}` to be {expected}"),
    }
}

/// Why values can't be put into a user data file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InjectError {
    /// Another kind of user data.
    #[error(
        "this is not cloud-config user data: the first line must be `#cloud-config` (after `## template: jinja`, if that is there)"
    )]
    NotCloudConfig,
    /// A header that the agents of Kairos and Palette don't know.
    #[error(
        "something stands behind `#cloud-config` in its line: Kairos' agents, Palette's among them, compare the whole line, and pass the file over; give the comment a line of its own"
    )]
    Header,
    /// Several parts, and none for cloud-init's modules.
    #[error(
        "none of the parts is cloud-config (`text/cloud-config`, or `#cloud-config` on its first line), and parts inside of a part are not looked into; add such a part at the top level"
    )]
    NoCloudConfig,
    /// A part that isn't there byte for byte.
    #[error(
        "the cloud-config part at line {line} is encoded or quoted, and can't be changed in place; give it as a file of its own, as a plain MIME part, or in an archive as a literal block (`content: |`)"
    )]
    Encoded {
        /// Where it starts.
        line: u64,
    },
    /// Several parts, none of which is right for all keys.
    #[error(
        "the cloud-config part at line {line} has `{key}`, and the one at line {other_line} has `{other_key}`: wherever the registry went, one part's keys would replace the other's, which cloud-init doesn't merge; put both keys into one part"
    )]
    Spread {
        /// Where the later part starts.
        line: u64,
        /// A key of it.
        key: String,
        /// Where the earlier part starts.
        other_line: u64,
        /// The key of that.
        other_key: String,
    },
    /// Several parts with the keys, merged in a way of their own.
    #[error(
        "the cloud-config part at line {line} says how it is merged (`merge_how`, `merge_type` or a header), and several parts have the keys that the registry goes into; put those keys into one part"
    )]
    Merging {
        /// Where it starts.
        line: u64,
    },
    /// Not YAML.
    #[error("{place}: {message}")]
    Yaml {
        /// Where.
        place: Place,
        /// What the parser says.
        message: String,
    },
    /// More than one document.
    #[error("{place}: a second document starts here; keep one document per file")]
    SecondDocument {
        /// Where it starts.
        place: Place,
    },
    /// `*name` where a value has to be set.
    #[error("{place}: `{path}` is an alias; write its value out in place of it")]
    Alias {
        /// Where.
        place: Place,
        /// Which key.
        path: String,
    },
    /// `&name` whose aliases would change too.
    #[error(
        "{place}: `{path}` has an anchor that is used elsewhere, and the other place would change too; write the value out there"
    )]
    Anchor {
        /// Where.
        place: Place,
        /// Which key.
        path: String,
    },
    /// `<<` in a mapping that has to be changed.
    #[error("{place}: `{path}` takes keys from elsewhere with `<<`; write them out in block form")]
    MergeKey {
        /// Where.
        place: Place,
        /// Which mapping.
        path: String,
    },
    /// A tag that changes what a value means.
    #[error("{place}: `{path}` has a tag; remove it and write the value out")]
    Tag {
        /// Where.
        place: Place,
        /// Which key.
        path: String,
    },
    /// A key that stands twice.
    #[error("{place}: `{path}` stands here a second time; keep one")]
    Duplicate {
        /// Where the second one stands.
        place: Place,
        /// Which key.
        path: String,
    },
    /// Another kind of value.
    #[error("{place}: {}", wrong_shape(path, expected))]
    Shape {
        /// Where.
        place: Place,
        /// Which key.
        path: String,
        /// What should be there.
        expected: &'static str,
    },
    /// A way of writing that can't be edited without touching other things.
    #[error(
        "{place}: `{path}` can't be set without changing other values; write it out in block form"
    )]
    Unsupported {
        /// Where the part to be changed starts.
        place: Place,
        /// Which key.
        path: String,
    },
    /// A file of the runtime that the user data writes by itself.
    #[error(
        "{place}: `{file}` is written here with a content of its own; take this entry out (mirrors of your own can be `registry.rules` in edge.yaml), or put the registry into it by hand"
    )]
    ForeignFile {
        /// Where.
        place: Place,
        /// The file's path on the host.
        file: String,
    },
    /// A template of cloud-init's that has no place for the registry.
    #[error("{place}: {message}")]
    Template {
        /// Where.
        place: Place,
        /// What is in the way, and what to do.
        message: Cow<'static, str>,
    },
    /// A proxy for a host whose runtime is the agent's affair.
    #[error(
        "a proxy has no place here: `edge-agent` goes to the registry alone, and nowhere by a proxy; name the runtime whose service has it (`containerd`, `k3s` or `rke2`), or choose the flavor `palette`"
    )]
    ProxyWithoutPlace,
    /// A certificate authority that isn't PEM.
    #[error("the certificate authority is not PEM text: expected `-----BEGIN CERTIFICATE-----`")]
    NotPem,
}

/// Why the settings of a node can't be read from user data.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReadError {
    /// Another kind of user data.
    #[error(
        "this is not cloud-config user data: the first line must be `#cloud-config` (after `## template: jinja`, if that is there)"
    )]
    NotCloudConfig,
    /// Not YAML.
    #[error("{place}: {message}")]
    Yaml {
        /// Where.
        place: Place,
        /// What the parser says.
        message: String,
    },
    /// More than one document.
    #[error("{place}: a second document starts here; keep one document per file")]
    SecondDocument {
        /// Where it starts.
        place: Place,
    },
    /// A value of another kind.
    #[error("{place}: expected `{path}` to be {expected}")]
    Value {
        /// Where.
        place: Place,
        /// Which key.
        path: String,
        /// What should be there.
        expected: &'static str,
    },
}

impl InjectError {
    /// An error of a template's text with words, with its place in the template.
    pub(crate) fn in_template(mut self, template: &Template) -> Self {
        if let Some(place) = self.place_mut() {
            *place = template.place(*place);
        }
        match self {
            Self::Yaml { place, message } => Self::Yaml { place, message: explained(&message) },
            other => other,
        }
    }

    /// Where it is, if it is anywhere.
    pub(crate) fn place_mut(&mut self) -> Option<&mut Place> {
        match self {
            Self::Yaml { place, .. }
            | Self::SecondDocument { place }
            | Self::Alias { place, .. }
            | Self::Anchor { place, .. }
            | Self::MergeKey { place, .. }
            | Self::Tag { place, .. }
            | Self::Duplicate { place, .. }
            | Self::Shape { place, .. }
            | Self::Unsupported { place, .. }
            | Self::ForeignFile { place, .. }
            | Self::Template { place, .. } => Some(place),
            Self::NotCloudConfig
            | Self::Header
            | Self::NoCloudConfig
            | Self::Encoded { .. }
            | Self::Spread { .. }
            | Self::Merging { .. }
            | Self::ProxyWithoutPlace
            | Self::NotPem => None,
        }
    }
}

impl From<SyntaxError> for InjectError {
    fn from(error: SyntaxError) -> Self {
        Self::Yaml { place: error.place, message: error.message }
    }
}

impl From<SyntaxError> for ReadError {
    fn from(error: SyntaxError) -> Self {
        Self::Yaml { place: error.place, message: error.message }
    }
}
