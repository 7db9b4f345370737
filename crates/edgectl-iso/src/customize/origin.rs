//! What was changed of an image that others made, so that it can be made anew
//! from the image as it was.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use edgectl_model::Digest;
use edgectl_process::file_error;
use serde::{Deserialize, Serialize};

use super::frame::Growth;
use super::medium::Flavor;
use crate::error::IsoError;
use crate::patch::Patch;

/// Bytes that move at once.
const PIECE: u64 = 4 << 20;

/// How an image of others became this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Customized {
    /// The digest of the image as others made it.
    pub base: Digest,
    /// Its size in bytes.
    pub base_bytes: u64,
    /// What it was taken for.
    pub flavor: Flavor,
    /// The user data that a system started from it reads, if one does.
    pub live: Option<String>,
    /// The boot catalog, where it is a file: it holds the places of others, so
    /// the manifest doesn't list it.
    pub catalog: Option<String>,
    /// Files that were added or are others now.
    pub edited: Vec<String>,
    /// Those of them whose former bytes are gone.
    pub wiped: Vec<String>,
    /// Where it grew, and by how much.
    pub(crate) grown_at: u64,
    pub(crate) grown_by: u64,
    /// What stood in other places, as they were before it grew.
    pub(crate) before: Vec<Before>,
}

/// Bytes that were replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Before {
    pub(crate) offset: u64,
    /// In base64.
    pub(crate) bytes: String,
}

impl Before {
    pub(crate) fn of(patch: &Patch) -> Self {
        Self { offset: patch.offset, bytes: STANDARD.encode(&patch.bytes) }
    }
}

impl Growth {
    /// Where a place is after the growth.
    pub(super) fn moved(self, offset: u64) -> u64 {
        if offset >= self.at { offset + self.by } else { offset }
    }
}

/// Moves everything from the growth's place on back, and clears that place.
pub(super) fn grow(file: &File, bytes: u64, growth: Growth) -> io::Result<()> {
    file.set_len(bytes.max(growth.at) + growth.by)?;
    let mut end = bytes;
    while end > growth.at {
        let piece = PIECE.min(end - growth.at);
        end -= piece;
        copy(file, end, end + growth.by, piece)?;
    }
    clear(file, growth.at, growth.by)
}

/// Makes an image the one that it was before it was customised, but for files
/// that were wiped.
pub(super) fn restore(file: &File, path: &Path, of: &Customized) -> Result<(), IsoError> {
    let growth = Growth { at: of.grown_at, by: of.grown_by };
    let length = file.metadata().map_err(file_error("measuring", path))?.len();
    let expected = of.base_bytes.max(growth.at).checked_add(growth.by);
    if expected != Some(length) {
        return Err(IsoError::AreaOutside(path.display().to_string()));
    }
    let writing = || file_error("writing", path);
    for Before { offset, bytes } in &of.before {
        let bytes = STANDARD.decode(bytes).ok();
        let is_inside =
            |bytes: &Vec<u8>| offset.checked_add(bytes.len() as u64) <= Some(of.base_bytes);
        let bytes = bytes.filter(is_inside);
        let bytes = bytes.ok_or_else(|| IsoError::AreaOutside(path.display().to_string()))?;
        file.write_all_at(&bytes, growth.moved(*offset)).map_err(writing())?;
    }
    let mut at = growth.at;
    while at < of.base_bytes {
        let piece = PIECE.min(of.base_bytes - at);
        copy(file, at + growth.by, at, piece).map_err(writing())?;
        at += piece;
    }
    Ok(file.set_len(of.base_bytes).map_err(writing())?)
}

/// Writes zeros.
pub(super) fn clear(file: &File, mut at: u64, mut bytes: u64) -> io::Result<()> {
    let zeros = vec![0; PIECE as usize];
    while bytes > 0 {
        let piece = PIECE.min(bytes);
        file.write_all_at(&zeros[..piece as usize], at)?;
        at += piece;
        bytes -= piece;
    }
    Ok(())
}

fn copy(file: &File, from: u64, to: u64, bytes: u64) -> io::Result<()> {
    let mut buffer = vec![0; bytes as usize];
    file.read_exact_at(&mut buffer, from)?;
    file.write_all_at(&buffer, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn customized(bytes: u64, growth: Growth) -> Customized {
        Customized {
            base: Digest::sha256(b""),
            base_bytes: bytes,
            flavor: Flavor::Kairos,
            live: None,
            catalog: None,
            edited: Vec::new(),
            wiped: Vec::new(),
            grown_at: growth.at,
            grown_by: growth.by,
            before: vec![Before::of(&Patch { offset: 1, bytes: b"ab".to_vec() })],
        }
    }

    #[test]
    fn what_grew_shrinks_to_what_it_was() {
        let tail = (PIECE as usize) * 2 + 17;
        for by in [5, PIECE + 1] {
            let growth = Growth { at: 100, by };
            let file = tempfile::NamedTempFile::new().unwrap();
            let mut old = vec![7; 100];
            old[1..3].copy_from_slice(b"ab");
            old.extend((0..tail).map(|n| (n % 251) as u8));
            std::fs::write(file.path(), &old).unwrap();
            grow(file.as_file(), old.len() as u64, growth).unwrap();
            let grown = std::fs::read(file.path()).unwrap();
            assert_eq!(grown[100..100 + by as usize], vec![0; by as usize]);
            assert!(grown[100 + by as usize..] == old[100..]);
            file.as_file().write_all_at(b"xy", 1).unwrap();
            let of = customized(old.len() as u64, growth);
            restore(file.as_file(), file.path(), &of).unwrap();
            assert!(std::fs::read(file.path()).unwrap() == old);
            assert!(restore(file.as_file(), file.path(), &of).is_err());
        }
    }
}
