//! I/O errors that name their file.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Reading, writing or looking at a file failed.
#[derive(Debug, Error)]
#[error("{action} `{}`", .path.display())]
pub struct FileError {
    /// What was being done, as a gerund.
    pub action: &'static str,
    /// The file.
    pub path: PathBuf,
    /// What went wrong.
    #[source]
    pub source: io::Error,
}

/// Names the file in an I/O error: `fs::read(p).map_err(file_error("reading", p))?`.
pub fn file_error(
    action: &'static str,
    path: impl Into<PathBuf>,
) -> impl FnOnce(io::Error) -> FileError {
    let path = path.into();
    move |source| FileError { action, path, source }
}
