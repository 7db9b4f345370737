//! Why rules have no form in a runtime's configuration.

use edgectl_model::HostRule;
use thiserror::Error;

/// Why the files can't be written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NodeError {
    /// The path below the host changes.
    #[error(
        "containerd can't express the mirror rule `{}` -> `{}`: it keeps the whole path of an image and replaces only its host; use the layout `full`, or rewrite the image names in the manifests with `edgectl rewrite`",
        .0.source, .0.target
    )]
    PathChanges(Box<HostRule>),
    /// Two targets for one source host.
    #[error(
        "containerd can't express both `{}` -> `{}` and `{}` -> `{}`: it knows one mirror path per source host; use the layout `full`, or rewrite the image names in the manifests with `edgectl rewrite`",
        .first.source, .first.target, .second.source, .second.target
    )]
    TwoTargets {
        /// One rule.
        first: Box<HostRule>,
        /// The other.
        second: Box<HostRule>,
    },
    /// Two logins for one host.
    #[error(
        "registry `{host}` is given twice with different logins, and containerd knows one login per registry; keep one"
    )]
    TwoLogins {
        /// `host[:port]`.
        host: String,
    },
}
