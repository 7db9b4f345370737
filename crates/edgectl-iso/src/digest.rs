//! Digests of files.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use edgectl_model::{Digest, Hasher};
use edgectl_process::file_error;

use crate::error::IsoError;

const BUFFER: usize = 1 << 20;

/// The digest of a file.
pub fn digest_of(path: &Path) -> Result<Digest, IsoError> {
    let file = File::open(path).map_err(file_error("opening", path))?;
    digest_from(&file, Hasher::sha256(), path)
}

/// The digest of what a hasher has taken, and of what is left of the file at
/// `path`.
pub fn digest_from(mut file: &File, mut hasher: Hasher, path: &Path) -> Result<Digest, IsoError> {
    let mut buffer = vec![0; BUFFER];
    loop {
        match file.read(&mut buffer).map_err(file_error("reading", path))? {
            0 => return Ok(hasher.finish()),
            n => hasher.update(&buffer[..n]),
        }
    }
}
