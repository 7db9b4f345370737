//! What can go wrong while baking.

use std::io;
use std::path::PathBuf;

use edgectl_process::{CmdError, Interrupted, PersistError, ToolError};
use thiserror::Error;

/// Why an installer image couldn't be made.
#[derive(Debug, Error)]
pub enum IsoError {
    /// A layer can't be read.
    #[error("reading layer {layer} of the operating system image")]
    Layer {
        /// Number of the layer, from 1, lowest first.
        layer: usize,
        /// What went wrong.
        #[source]
        source: io::Error,
    },
    /// A layer tries to leave the root.
    #[error(
        "layer {layer} of the operating system image holds the path `{path}`, which leads out of the image"
    )]
    Escape {
        /// Number of the layer, from 1.
        layer: usize,
        /// The path.
        path: String,
    },
    /// A hard link to nothing.
    #[error(
        "layer {layer} of the operating system image links `{path}` to `{target}`, which is not there"
    )]
    DanglingLink {
        /// Number of the layer, from 1.
        layer: usize,
        /// The link.
        path: String,
        /// What it should be linked to.
        target: String,
    },
    /// Nothing to boot.
    #[error(
        "the operating system image has no kernel: expected `/boot/vmlinuz-VERSION` (found in /boot: {found})"
    )]
    NoKernel {
        /// What there is in `/boot`.
        found: String,
    },
    /// A kernel without an initial RAM file system.
    #[error(
        "the operating system image has the kernel `/{kernel}` but no initial RAM file system for it: expected `/boot/initrd.img-VERSION`, `/boot/initrd-VERSION` or `/boot/initramfs-VERSION.img`"
    )]
    NoInitrd {
        /// The kernel.
        kernel: String,
    },
    /// User data that doesn't fit.
    #[error(
        "the user data has {bytes} bytes, the image keeps room for {room}: raise `iso.userDataKib`"
    )]
    UserDataTooLarge {
        /// Its size.
        bytes: u64,
        /// The room.
        room: u64,
    },
    /// The agent must run on any system.
    #[error("`{}` is not a static program; build it with `-C target-feature=+crt-static`", .0.display())]
    AgentNotStatic(PathBuf),
    /// A template is broken.
    #[error("filling the template `{name}`")]
    Template {
        /// Its name.
        name: &'static str,
        /// What is wrong.
        #[source]
        source: minijinja::Error,
    },
    /// Reading or writing a file.
    #[error("{action} `{}`", .path.display())]
    File {
        /// Gerund.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What went wrong.
        #[source]
        source: io::Error,
    },
    /// The squashfs writer stopped taking data.
    #[error("writing the system into the squashfs")]
    Squashfs(#[source] io::Error),
    /// A tool is missing.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// A tool failed.
    #[error(transparent)]
    Cmd(#[from] CmdError),
    /// The result couldn't be put in its place.
    #[error(transparent)]
    Persist(#[from] PersistError),
    /// The user asked to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

/// Names the file in an I/O error.
pub(crate) fn file_error(
    action: &'static str,
    path: impl Into<PathBuf>,
) -> impl FnOnce(io::Error) -> IsoError {
    let path = path.into();
    move |source| IsoError::File { action, path, source }
}
