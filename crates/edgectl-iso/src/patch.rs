//! Replacing bytes of an image, in place or on the way to somewhere else.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;

use crate::disc::{Disc, DiscEntry, Extent};
use crate::error::IsoError;

/// Bytes for a place.
#[derive(PartialEq, Eq)]
pub(crate) struct Patch {
    /// Bytes from the start of the image.
    pub(crate) offset: u64,
    pub(crate) bytes: Vec<u8>,
}

impl std::fmt::Debug for Patch {
    /// The bytes hold passwords.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Patch({}..+{})", self.offset, self.bytes.len())
    }
}

/// The patches that put `bytes` at `offset` of a file, wherever its pieces are.
pub(crate) fn patches(
    disc: &Disc,
    entry: &DiscEntry,
    offset: u64,
    bytes: &[u8],
) -> Result<Vec<Patch>, IsoError> {
    let (mut start, mut rest, mut patches) = (offset, bytes, Vec::new());
    for Extent { offset, bytes } in &entry.extents {
        if start >= *bytes {
            start -= bytes;
            continue;
        }
        let room = usize::try_from(bytes - start).unwrap_or(usize::MAX);
        let (here, more) = rest.split_at(rest.len().min(room));
        if !here.is_empty() {
            patches.push(Patch { offset: offset + start, bytes: here.to_vec() });
        }
        (rest, start) = (more, 0);
    }
    match rest.is_empty() {
        true => Ok(patches),
        false => Err(IsoError::AreaOutside(disc.path().display().to_string())),
    }
}

/// What stands where the patches go.
pub(crate) fn before(file: &File, patches: &[Patch]) -> io::Result<Vec<Patch>> {
    let old = |patch: &Patch| {
        let mut bytes = vec![0; patch.bytes.len()];
        file.read_exact_at(&mut bytes, patch.offset)?;
        Ok(Patch { offset: patch.offset, bytes })
    };
    patches.iter().map(old).collect()
}

/// Writes the patches into the file.
pub(crate) fn apply(file: &File, patches: &[Patch]) -> io::Result<()> {
    patches.iter().try_for_each(|patch| file.write_all_at(&patch.bytes, patch.offset))
}

/// Copies an image with its patches, front to back.
pub(crate) fn stream(mut image: &File, patches: &[Patch], to: &mut dyn Write) -> io::Result<()> {
    let mut in_order: Vec<&Patch> = patches.iter().collect();
    in_order.sort_by_key(|patch| patch.offset);
    image.seek(SeekFrom::Start(0))?;
    let mut at = 0;
    for patch in in_order {
        let between = patch.offset.saturating_sub(at);
        if io::copy(&mut image.take(between), to)? != between {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        to.write_all(&patch.bytes)?;
        at = patch.offset + patch.bytes.len() as u64;
        image.seek(SeekFrom::Start(at))?;
    }
    io::copy(&mut image, to)?;
    to.flush()
}
