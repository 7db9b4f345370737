//! What stands in the way of starting an image over a network.

use std::path::PathBuf;

/// Why there are no network boot files.
#[derive(Debug, thiserror::Error)]
pub enum NetbootError {
    /// What is on the image can't do it.
    #[error("the image can't be started over a network: {0}")]
    Image(String),
    /// A directory with something else in it.
    #[error(
        "`{}` isn't ours, and the directory for network boot is replaced as a whole; name another one",
        .0.display()
    )]
    Place(PathBuf),
    /// An address that boot loaders and boot scripts can't fetch from. It isn't
    /// shown: it could hold a password.
    #[error(
        "the address is none that a boot loader can fetch from: it is http:// or https://, a host, \
         perhaps a port and a path, without a login"
    )]
    Address,
    /// A kernel argument that iPXE's scripts have no form for.
    #[error(
        "the kernel argument `{0}` can't stand in a script of iPXE, which has no quotes; \
         `iso inject --no-kernel-arguments` takes it away"
    )]
    Argument(String),
}
