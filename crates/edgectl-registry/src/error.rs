//! What can go wrong between here and a registry, told apart far enough for
//! exit codes and hints.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use edgectl_model::{Digest, Platform};
use edgectl_process::{CmdError, Interrupted, PersistError};
use thiserror::Error;

pub use crate::failure::{HttpFailure, Mismatch};

/// The coarse kinds of [`RegistryError`], for exit codes and hints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrorKind {
    /// A certificate authority, client or helper is set up wrongly.
    Configuration,
    /// The login is good but doesn't allow this.
    Denied,
    /// Bytes aren't what their digest says.
    Digest,
    /// Another answer of the registry.
    Http,
    /// The user asked to stop.
    Interrupted,
    /// Nothing is wrong with it, but what it was for can't be completed.
    LeftOut,
    /// A local file, for example because the disk is full.
    Local,
    /// User name or password are refused, or missing.
    Login,
    /// A manifest that can't be understood.
    Manifest,
    /// A project or a repository must be made first.
    MissingPlace,
    /// The image or a part of it isn't there.
    NotFound,
    /// The certificate isn't trusted, or the other side doesn't speak TLS.
    Tls,
    /// The connection broke or stood still.
    Transport,
    /// Nobody answers there.
    Unreachable,
}

/// Why something with a registry or an OCI layout failed.
#[derive(Debug, Error)]
pub enum RegistryError {
    /// Our certificate is asked for, or not taken.
    #[error("`{host}` {}", if *.shown { "does not take our certificate" } else { "asks for a certificate of ours" })]
    ClientCertificate {
        /// `host:port`.
        host: String,
        /// Whether one was shown.
        shown: bool,
    },
    /// A setting can't be used.
    #[error("the settings for `{host}` can't be used: {reason}")]
    Configuration {
        /// The registry.
        host: String,
        /// Why not.
        reason: String,
    },
    /// The login doesn't allow it.
    #[error("`{host}` does not allow {} to {action}{}", user_text(.user), said(.message))]
    Denied {
        /// The registry.
        host: String,
        /// Who was logged in.
        user: Option<String>,
        /// What was tried, for example ``push to `edge/web` ``.
        action: String,
        /// What the registry said.
        message: String,
    },
    /// Bytes aren't what their digest says.
    #[error("`{place}` gave other content for `{expected}`: {found}")]
    Digest {
        /// The digest asked for.
        expected: Digest,
        /// Registry or directory.
        place: String,
        /// What came.
        found: Mismatch,
    },
    /// A credential helper failed.
    #[error("the credential helper `{program}` failed for `{server}`{}", said(.message))]
    Helper {
        /// The program.
        program: String,
        /// What it was asked for.
        server: String,
        /// What it said.
        message: String,
    },
    /// A credential helper can't be run.
    #[error("running the credential helper `{program}`")]
    HelperRun {
        /// The program.
        program: String,
        /// Why not.
        #[source]
        source: CmdError,
    },
    /// Any other answer that isn't a success.
    #[error(transparent)]
    Http(Box<HttpFailure>),
    /// The user asked to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// A registry keeps damaged content, whatever it is sent.
    #[error("`{place}` took `{digest}` and keeps the damaged copy that it had: {found}")]
    Kept {
        /// The blob.
        digest: Digest,
        /// Registry and repository.
        place: String,
        /// How its copy differs.
        found: Mismatch,
    },
    /// An archive has an index, and not all of its images.
    #[error("`{image}` for {} is not in `{place}`{}", listed(.lacking), only(.there))]
    LackingPlatforms {
        /// The image.
        image: String,
        /// The archive.
        place: String,
        /// Platforms of the index whose images aren't there.
        lacking: Vec<Platform>,
        /// Those whose images are.
        there: Vec<Platform>,
    },
    /// Another process writes to a layout.
    #[error("another process is writing to `{}`", .directory.display())]
    LayoutInUse {
        /// The layout.
        directory: PathBuf,
    },
    /// A registry wants to be left alone for longer than a run waits.
    #[error("`{host}` asks to be left alone for {seconds} s, which is too long to wait for")]
    LeftAlone {
        /// Who asks for it.
        host: String,
        /// How long.
        seconds: u64,
    },
    /// A registry has taken content, and doesn't have it.
    #[error("`{place}` took `{digest}`, and doesn't have it")]
    Lost {
        /// The blob.
        digest: Digest,
        /// Registry and repository.
        place: String,
    },
    /// What it was for lacks something else.
    #[error("it was left out, because another image can't be had")]
    LeftOut,
    /// A local file can't be read or written.
    #[error("using `{}`", .path.display())]
    Local {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The login is refused, or one is needed.
    #[error("{}{}", login_text(.host, .user), said(.message))]
    LoginRefused {
        /// Who refused it.
        host: String,
        /// Who tried; none if no login was given.
        user: Option<String>,
        /// What the registry said.
        message: String,
    },
    /// A manifest, index or layout that can't be understood.
    #[error("`{what}` can't be used: {reason}")]
    Manifest {
        /// Which one.
        what: String,
        /// Why not.
        reason: String,
    },
    /// An index where only one platform fits.
    #[error("`{image}` has several platforms ({}), and a docker-archive holds one", .platforms.join(", "))]
    ManyPlatforms {
        /// The image.
        image: String,
        /// Its platforms.
        platforms: Vec<String>,
    },
    /// Projects that must be made before anything is pushed.
    #[error("`{host}` has no {}", named("project", .names))]
    MissingProjects {
        /// The registry.
        host: String,
        /// Their names.
        names: Vec<String>,
    },
    /// Repositories that must be made before anything is pushed.
    #[error("`{host}` has no {}", named("repository", .names))]
    MissingRepositories {
        /// The registry.
        host: String,
        /// Their names.
        names: Vec<String>,
    },
    /// It isn't there.
    #[error("`{what}` is not in `{place}`")]
    NotFound {
        /// Reference or digest.
        what: String,
        /// Registry or directory.
        place: String,
    },
    /// An image that is for other platforms than those that were asked for.
    #[error("`{image}` is not there for {}: it has {}", listed(.wanted), listed(.has))]
    OtherPlatforms {
        /// The image.
        image: String,
        /// The platforms that were asked for.
        wanted: Vec<Platform>,
        /// Those that it has.
        has: Vec<Platform>,
    },
    /// A local file can't be put in its place.
    #[error(transparent)]
    Persist(#[from] PersistError),
    /// A manifest of another size than its index says.
    #[error("`{what}` can't be used: it has {has} bytes, and its index names it with {named}")]
    Size {
        /// The manifest.
        what: Digest,
        /// Its size.
        has: u64,
        /// The size that its index says.
        named: u64,
    },
    /// An index names what its own registry doesn't have.
    #[error("the index `{image}` names `{what}`, which is not in `{place}`")]
    Sparse {
        /// The image.
        image: String,
        /// The manifest that is missing.
        what: String,
        /// The registry.
        place: String,
    },
    /// No byte has moved for too long.
    #[error("`{host}` stood still for {seconds} s")]
    Stalled {
        /// The registry.
        host: String,
        /// How long.
        seconds: u64,
    },
    /// The certificate isn't trusted, or the other side doesn't speak TLS.
    #[error("no secure connection to `{host}`: {reason}")]
    Tls {
        /// `host:port`.
        host: String,
        /// What the TLS library says.
        reason: String,
    },
    /// A token ended under an upload; the next request gets another one.
    #[error("`{host}` took its token back during an upload")]
    TokenEnded {
        /// The registry.
        host: String,
    },
    /// The connection broke.
    #[error("the connection to `{host}` broke")]
    Transport {
        /// The registry.
        host: String,
        /// How.
        #[source]
        source: reqwest::Error,
    },
    /// Nobody answers there.
    #[error("`{address}` can't be reached{}", through(.proxy))]
    Unreachable {
        /// `host:port` that was tried.
        address: String,
        /// The proxy that was to lead there, `host:port`.
        proxy: Option<String>,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl RegistryError {
    /// The coarse kind.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Configuration { .. } | Self::Helper { .. } => ErrorKind::Configuration,
            Self::HelperRun { source: CmdError::Interrupted(_), .. } | Self::Interrupted(_) => {
                ErrorKind::Interrupted
            }
            Self::LeftOut => ErrorKind::LeftOut,
            Self::HelperRun { .. } => ErrorKind::Configuration,
            Self::Denied { .. } => ErrorKind::Denied,
            Self::Digest { .. } | Self::Kept { .. } | Self::Lost { .. } => ErrorKind::Digest,
            Self::Http(_) | Self::LeftAlone { .. } => ErrorKind::Http,
            Self::LayoutInUse { .. } | Self::Local { .. } | Self::Persist(_) => ErrorKind::Local,
            Self::LoginRefused { .. } => ErrorKind::Login,
            Self::Manifest { .. } | Self::ManyPlatforms { .. } | Self::Size { .. } => {
                ErrorKind::Manifest
            }
            Self::MissingProjects { .. } | Self::MissingRepositories { .. } => {
                ErrorKind::MissingPlace
            }
            Self::LackingPlatforms { .. }
            | Self::NotFound { .. }
            | Self::OtherPlatforms { .. }
            | Self::Sparse { .. } => ErrorKind::NotFound,
            Self::Stalled { .. } | Self::TokenEnded { .. } | Self::Transport { .. } => {
                ErrorKind::Transport
            }
            Self::ClientCertificate { .. } | Self::Tls { .. } => ErrorKind::Tls,
            Self::Unreachable { .. } => ErrorKind::Unreachable,
        }
    }

    /// Whether the same request may succeed a moment later.
    pub fn is_temporary(&self) -> bool {
        match self {
            // A lost upload is no reason to give up: the next attempt opens another.
            Self::Http(failure) => {
                is_temporary_status(failure.status)
                    || failure.code.as_deref() == Some("BLOB_UPLOAD_UNKNOWN")
            }
            Self::Stalled { .. } | Self::TokenEnded { .. } | Self::Transport { .. } => true,
            Self::Unreachable { source, .. } => {
                use io::ErrorKind as E;
                matches!(
                    source.kind(),
                    E::ConnectionRefused | E::ConnectionReset | E::ConnectionAborted
                )
            }
            _ => false,
        }
    }

    /// How long the registry wants to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Http(failure) => failure.retry_after,
            _ => None,
        }
    }

    /// The same error once more, for those that concern a whole registry and
    /// would only be repeated by each further request.
    pub(crate) fn repeated(&self) -> Option<Self> {
        Some(match self {
            Self::LoginRefused { host, user: user @ Some(_), message } => Self::LoginRefused {
                host: host.clone(),
                user: user.clone(),
                message: message.clone(),
            },
            Self::ClientCertificate { host, shown } => {
                Self::ClientCertificate { host: host.clone(), shown: *shown }
            }
            Self::Tls { host, reason } => Self::Tls { host: host.clone(), reason: reason.clone() },
            Self::Unreachable { address, proxy, source } => Self::Unreachable {
                address: address.clone(),
                proxy: proxy.clone(),
                source: io::Error::new(source.kind(), source.to_string()),
            },
            _ => return None,
        })
    }

    /// A local file's error.
    pub(crate) fn local(path: &Path, source: io::Error) -> Self {
        Self::Local { path: path.to_owned(), source }
    }

    /// A manifest's error.
    pub(crate) fn manifest(what: impl fmt::Display, reason: impl fmt::Display) -> Self {
        Self::Manifest { what: what.to_string(), reason: reason.to_string() }
    }
}

/// 408, 429 and server errors that pass; 499 is what the distribution registry
/// says when the connection broke under an upload.
pub(crate) fn is_temporary_status(status: u16) -> bool {
    matches!(status, 408 | 429 | 499 | 500 | 502 | 503 | 504)
}

/// What a registry said, as the end of a message.
pub(crate) fn said(message: &str) -> String {
    match message.trim() {
        "" => String::new(),
        text => format!(": {text}"),
    }
}

/// How many names a message has; hints have them all.
const NAMES: usize = 5;

/// ``project `edge` ``, ``repository `a`, `b` and 3 more``.
fn named(what: &str, names: &[String]) -> String {
    let first: Vec<String> = names.iter().take(NAMES).map(|name| format!("`{name}`")).collect();
    let more = match names.len().saturating_sub(NAMES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{what} {}{more}", first.join(", "))
}

fn listed(platforms: &[Platform]) -> String {
    platforms.iter().map(Platform::to_string).collect::<Vec<_>>().join(", ")
}

fn only(platforms: &[Platform]) -> String {
    match platforms {
        [] => String::new(),
        there => format!(", which has it for {} only", listed(there)),
    }
}

fn through(proxy: &Option<String>) -> String {
    proxy.as_ref().map(|proxy| format!(" through the proxy `{proxy}`")).unwrap_or_default()
}

fn user_text(user: &Option<String>) -> String {
    match user {
        Some(user) => format!("`{user}`"),
        None => "anybody without a login".to_owned(),
    }
}

fn login_text(host: &str, user: &Option<String>) -> String {
    match user {
        Some(user) => format!("`{host}` refused the login of `{user}`"),
        None => format!("`{host}` needs a login"),
    }
}
