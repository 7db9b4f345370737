//! What can go wrong while running a machine (not: what the machine proves).

use std::io;
use std::path::PathBuf;

use edgectl_process::{CmdError, Interrupted, PersistError, ToolError};
use thiserror::Error;

/// Why a machine couldn't be run.
#[derive(Debug, Error)]
pub enum QemuError {
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
    /// QEMU's monitor doesn't answer.
    #[error("talking to QEMU's monitor")]
    Monitor(#[source] io::Error),
    /// A tool is missing.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// A tool failed.
    #[error(transparent)]
    Cmd(#[from] CmdError),
    /// A result couldn't be written.
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
) -> impl FnOnce(io::Error) -> QemuError {
    let path = path.into();
    move |source| QemuError::File { action, path, source }
}
