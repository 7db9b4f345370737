//! The details of two kinds of errors.

use std::fmt;
use std::time::Duration;

use edgectl_model::Digest;
use thiserror::Error;

use crate::error::said;

/// How content differs from its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// Another digest.
    Digest(Digest),
    /// More bytes than announced.
    Longer,
    /// Fewer bytes than announced.
    Shorter(u64),
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digest(digest) => write!(f, "its digest is `{digest}`"),
            Self::Longer => f.write_str("it is longer than announced"),
            Self::Shorter(bytes) => write!(f, "it ends after {bytes} bytes"),
        }
    }
}

/// An answer that isn't a success, with all that helps to find out why.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{method} {url}` was answered with {status}{}{}", code_text(.code), said(.message))]
pub struct HttpFailure {
    /// Method.
    pub method: String,
    /// URL without its query, which may hold session secrets.
    pub url: String,
    /// Status.
    pub status: u16,
    /// The registry's error code, for example `MANIFEST_INVALID`.
    pub code: Option<String>,
    /// The registry's message.
    pub message: String,
    /// The start of the body, at most 64 KiB.
    pub body: String,
    /// How long the registry wants to be left alone.
    pub retry_after: Option<Duration>,
}

impl HttpFailure {
    /// A manifest names what the registry doesn't have.
    pub(crate) fn is_blob_unknown(&self) -> bool {
        let code = self.code.as_deref();
        matches!(code, Some("MANIFEST_BLOB_UNKNOWN" | "BLOB_UNKNOWN" | "MANIFEST_UNKNOWN"))
    }
}

fn code_text(code: &Option<String>) -> String {
    code.as_ref().map(|code| format!(" {code}")).unwrap_or_default()
}
