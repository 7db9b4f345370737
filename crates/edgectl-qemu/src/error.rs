//! What can go wrong while running a machine (not: what the machine proves).

use std::io;

use edgectl_process::{CmdError, FileError, Interrupted, PersistError, ToolError};
use thiserror::Error;

/// Why a machine couldn't be run.
#[derive(Debug, Error)]
pub enum QemuError {
    /// Reading or writing a file.
    #[error(transparent)]
    File(#[from] FileError),
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
