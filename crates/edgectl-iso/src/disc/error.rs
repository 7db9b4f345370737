//! What can be wrong with an image.

use std::path::PathBuf;

use edgectl_process::FileError;
use thiserror::Error;

/// Why an image can't be read.
#[derive(Debug, Error)]
pub enum DiscError {
    /// Something else.
    #[error("`{}` is no ISO 9660 image", .0.display())]
    NotIso(PathBuf),
    /// Something else, or the very beginning of an image.
    #[error(
        "`{}` has {bytes} bytes, less than any ISO 9660 image: if it is one, the download or the copy was cut short",
        .path.display()
    )]
    TooShort {
        /// The file.
        path: PathBuf,
        /// Bytes that are there.
        bytes: u64,
    },
    /// A download or a copy that was cut short.
    #[error(
        "`{}` has {bytes} of its {expected} bytes: the download or the copy was cut short",
        .path.display()
    )]
    Truncated {
        /// The image.
        path: PathBuf,
        /// Bytes that are there.
        bytes: u64,
        /// Bytes that it says it has.
        expected: u64,
    },
    /// A structure that can't be right.
    #[error("`{}` is damaged: {what}", .path.display())]
    Damaged {
        /// The image.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The file can't be read.
    #[error(transparent)]
    File(#[from] FileError),
}
