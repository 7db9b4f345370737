//! Why the quickstart's world couldn't be made.

use std::io;
use std::path::{Path, PathBuf};

use edgectl_model::ReferenceError;
use edgectl_process::{CmdError, Interrupted, PersistError, ToolError};
use edgectl_registry::RegistryError;
use thiserror::Error;

use crate::error::TestkitError;

/// Why the quickstart's world couldn't be made.
#[derive(Debug, Error)]
pub enum QuickstartError {
    /// A program failed.
    #[error(transparent)]
    Cmd(#[from] CmdError),
    /// A file couldn't be read or written.
    #[error("{doing} `{}`", .path.display())]
    File {
        /// What was being done.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// Neither of the variables that say where caches go is set.
    #[error("neither XDG_CACHE_HOME nor HOME says where images can be kept")]
    Home,
    /// The user asked to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// A file that a recipe names isn't in the packages.
    #[error("the Debian packages hold no `{0}`, which an image of the quickstart needs")]
    NotInPackages(String),
    /// A program whose libraries can't be told.
    #[error("`{0}` is not a program that can be read: {1}")]
    NotAProgram(String, &'static str),
    /// A file couldn't be put in its place.
    #[error(transparent)]
    Persist(#[from] PersistError),
    /// An image has a name that isn't one.
    #[error("the name of an image of the quickstart")]
    Reference(#[from] ReferenceError),
    /// An image couldn't be sent to the source registry.
    #[error("sending `{image}` to the registry that stands for the internet")]
    Send {
        /// The image.
        image: String,
        /// Why not.
        #[source]
        source: Box<RegistryError>,
    },
    /// The layout or the registries.
    #[error(transparent)]
    Registry(#[from] Box<RegistryError>),
    /// A registry or certificate.
    #[error(transparent)]
    Testkit(#[from] TestkitError),
    /// A program isn't installed.
    #[error(transparent)]
    Tool(#[from] ToolError),
}

/// For `map_err`: names the file and what was being done with it.
pub(super) fn file_error<'a>(
    doing: &'static str,
    path: &'a Path,
) -> impl FnOnce(io::Error) -> QuickstartError + use<'a> {
    move |source| QuickstartError::File { doing, path: path.to_owned(), source }
}
