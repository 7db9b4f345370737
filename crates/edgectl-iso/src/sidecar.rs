//! What stands beside an image: its checksum and its manifest.

use std::io;
use std::path::{Path, PathBuf};

use edgectl_model::Digest;
use edgectl_process::{file_error, write_file};

use crate::error::IsoError;

const CHECKSUM: &str = ".sha256";
const MANIFEST: &str = ".manifest.json";

/// Writes both, the checksum as `sha256sum -c` reads it.
pub(crate) fn write(image: &Path, digest: &Digest, manifest: &[u8]) -> Result<(), IsoError> {
    write_sum(image, digest)?;
    Ok(write_file(&beside(image, MANIFEST), 0o644, manifest)?)
}

/// Reads an image and writes its checksum beside it.
pub fn write_checksum(image: &Path) -> Result<Digest, IsoError> {
    let digest = crate::digest::digest_of(image)?;
    write_sum(image, &digest)?;
    Ok(digest)
}

fn write_sum(image: &Path, digest: &Digest) -> Result<(), IsoError> {
    let path = beside(image, CHECKSUM);
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let line = format!("{}  {name}\n", digest.hex());
    Ok(write_file(&path, 0o644, line.as_bytes())?)
}

/// Removes both.
pub(crate) fn remove(image: &Path) -> Result<(), IsoError> {
    forget_manifest(image)?;
    forget_checksum(image).map(drop)
}

/// Removes the manifest beside an image that another one replaces.
pub fn forget_manifest(image: &Path) -> Result<(), IsoError> {
    remove_one(&beside(image, MANIFEST)).map(drop)
}

/// Removes the checksum of an image that has changed; gives its name if there
/// was one.
pub fn forget_checksum(image: &Path) -> Result<Option<PathBuf>, IsoError> {
    let path = beside(image, CHECKSUM);
    Ok(remove_one(&path)?.then_some(path))
}

/// Removes a file; says whether it was there.
pub(crate) fn remove_one(path: &Path) -> Result<bool, IsoError> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(file_error("removing", path)(error).into()),
    }
}

/// A file that belongs to an image: its name and an ending. What stands beside
/// an image doesn't stand beside a link to it.
pub(crate) fn beside(image: &Path, ending: &str) -> PathBuf {
    let target = image.is_symlink().then(|| image.canonicalize().ok()).flatten();
    let mut name = target.unwrap_or_else(|| image.to_owned()).into_os_string();
    name.push(ending);
    name.into()
}
