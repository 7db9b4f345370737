//! Archives of images as a source: OCI layouts, `docker save`, a registry's
//! own storage; in directories, in tars, compressed or not, and in packages
//! that hold such archives. Nothing is unpacked: one pass over an archive
//! learns what is inside and where, blobs are streamed from there.
//!
//! What `docker save` writes has no manifest of a registry, so one is made:
//! configuration and layers stay byte for byte as they are (the image ID stays,
//! and layers that aren't compressed stay so), and the same archive gives the
//! same manifest. It can't have the digest that the image had in its registry:
//! the manifest that was there is lost.

mod absent;
mod catalog;
mod content;
mod decoder;
mod docker;
mod files;
mod names;
mod oci;
mod scan;
mod source;
mod sources;
mod storage;
mod stream;
mod survey;
mod tar;

pub use catalog::{ArchivedImage, Archives, RefusedName};
pub use decoder::Compression;
pub use sources::ArchivesFirst;
pub use survey::Survey;

use std::io;
use std::path::Path;

use edgectl_process::Interrupted;

use crate::error::RegistryError;

/// The largest text that is read whole: manifests, indexes, configurations.
const TEXT_LIMIT: u64 = crate::manifest::MANIFEST_LIMIT as u64;

/// An error about what an archive holds.
fn malformed(reason: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.into())
}

/// The error of a place in an archive. What the system says is about the file;
/// everything else is about what is in it.
fn broken(path: &Path, place: &str, error: io::Error) -> RegistryError {
    if error.get_ref().is_some_and(|inner| inner.is::<Interrupted>()) {
        return Interrupted.into();
    }
    match (error.raw_os_error(), error.kind()) {
        (Some(_), _) => RegistryError::local(path, error),
        (None, io::ErrorKind::UnexpectedEof) => {
            RegistryError::manifest(place, format!("it is cut short: {error}"))
        }
        (None, _) => RegistryError::manifest(place, error),
    }
}
