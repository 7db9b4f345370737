//! Why a piece of the test bench couldn't be set up.

use std::io;
use std::path::PathBuf;

use edgectl_process::{CmdError, PersistError, ToolError};
use thiserror::Error;

/// Why a piece of the test bench couldn't be set up.
#[derive(Debug, Error)]
pub enum TestkitError {
    /// A certificate couldn't be made.
    #[error("making a certificate for `{0}`")]
    Certificate(String, #[source] rcgen::Error),
    /// A file couldn't be read or written.
    #[error("using `{}`", .0.display())]
    File(PathBuf, #[source] io::Error),
    /// A password couldn't be hashed.
    #[error("hashing the password of `{0}`")]
    Password(String, #[source] bcrypt::BcryptError),
    /// A file couldn't be put in its place.
    #[error(transparent)]
    Persist(#[from] PersistError),
    /// The registry couldn't be started, or ended at once.
    #[error("starting the registry")]
    Start(#[source] CmdError),
    /// The registry program isn't installed.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// The registry said nothing for too long.
    #[error("the registry did not start to listen; see `{}`", .0.display())]
    Silent(PathBuf),
}
