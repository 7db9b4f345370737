//! The digest of everything on an image that is neither a listed file nor an
//! area: boot records, partition tables, directories, boot loaders, padding.
//! With the files' digests in the manifest, which is part of it, every byte is
//! accounted for.

use std::collections::HashMap;
use std::io::Read;

use edgectl_model::{Digest, Hasher};
use edgectl_process::{file_error, interrupted};

use crate::area::SEAL;
use crate::disc::{Disc, DiscEntry, Extent, Index, Kind};
use crate::error::IsoError;
use crate::manifest::Manifest;

const BUFFER: usize = 1 << 20;
/// How often all bytes of an image may be part of its files.
const SHARED: u64 = 4;

/// The digest of what the manifest doesn't list.
pub(crate) fn seal(disc: &Disc, index: &Index, manifest: &Manifest) -> Result<Digest, IsoError> {
    let mut listed = Vec::new();
    for path in manifest.files.iter().map(|file| file.path.as_str()).chain([SEAL]) {
        // A file that isn't there is found elsewhere; here it hides nothing.
        listed.extend(index.get(path).into_iter().flat_map(|entry| entry.extents.clone()));
    }
    listed.sort_by_key(|extent| extent.offset);
    let frame = DiscEntry {
        kind: Kind::File,
        extents: gaps(&listed, disc.bytes()),
        ..DiscEntry::default()
    };
    digest(disc, &frame)
}

/// Digests of many entries; those that share their bytes share it.
pub(crate) struct Digests<'a> {
    disc: &'a Disc,
    known: HashMap<Vec<Extent>, Digest>,
    /// Bytes that may still be read.
    left: u64,
}

impl<'a> Digests<'a> {
    pub(crate) fn new(disc: &'a Disc) -> Self {
        let left = disc.bytes().saturating_mul(SHARED);
        Self { disc, known: HashMap::new(), left }
    }

    /// The digest of an entry's bytes.
    pub(crate) fn of(&mut self, entry: &DiscEntry) -> Result<Digest, IsoError> {
        if let Some(digest) = self.known.get(&entry.extents) {
            return Ok(digest.clone());
        }
        let what = "its files lie upon each other, and have many times the bytes that it has";
        self.left = self.left.checked_sub(entry.bytes).ok_or_else(|| self.disc.damaged(what))?;
        let digest = digest(self.disc, entry)?;
        self.known.insert(entry.extents.clone(), digest.clone());
        Ok(digest)
    }
}

/// The digest of an entry's bytes.
pub(crate) fn digest(disc: &Disc, entry: &DiscEntry) -> Result<Digest, IsoError> {
    let mut hasher = Hasher::sha256();
    feed(disc, entry, &mut hasher)?;
    Ok(hasher.finish())
}

/// Hands an entry's bytes to a digest that may have taken others before.
pub(crate) fn feed(disc: &Disc, entry: &DiscEntry, hasher: &mut Hasher) -> Result<(), IsoError> {
    for_each_part(disc, entry, &mut |bytes| hasher.update(bytes))
}

/// Calls `take` with an entry's bytes, part after part.
pub(crate) fn for_each_part(
    disc: &Disc,
    entry: &DiscEntry,
    take: &mut dyn FnMut(&[u8]),
) -> Result<(), IsoError> {
    let (mut reader, mut buffer) = (disc.reader(entry), vec![0; BUFFER]);
    loop {
        interrupted()?;
        match reader.read(&mut buffer).map_err(file_error("reading", disc.path()))? {
            0 => return Ok(()),
            n => take(&buffer[..n]),
        }
    }
}

/// What lies between extents, which are in their order but may overlap.
fn gaps(listed: &[Extent], end: u64) -> Vec<Extent> {
    let (mut gaps, mut at) = (Vec::new(), 0);
    for extent in listed {
        if extent.offset > at {
            gaps.push(Extent { offset: at, bytes: extent.offset - at });
        }
        at = at.max(extent.offset + extent.bytes);
    }
    if end > at {
        gaps.push(Extent { offset: at, bytes: end - at });
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_lie_between() {
        let extent = |offset, bytes| Extent { offset, bytes };
        let listed = [extent(0, 2), extent(4, 4), extent(5, 1), extent(8, 1)];
        assert_eq!(gaps(&listed, 12), [extent(2, 2), extent(9, 3)]);
        assert_eq!(gaps(&listed, 9), [extent(2, 2)]);
        assert_eq!(gaps(&[], 3), [extent(0, 3)]);
    }
}
