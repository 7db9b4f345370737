//! The digest of everything on an image that is neither a listed file nor an
//! area: boot records, partition tables, directories, boot loaders, padding.
//! With the files' digests in the manifest, which is part of it, every byte is
//! accounted for.

use std::io::Read;

use edgectl_model::{Digest, Hasher};
use edgectl_process::{file_error, interrupted};

use crate::area::SEAL;
use crate::disc::{Disc, DiscEntry, Extent, Kind};
use crate::error::IsoError;
use crate::manifest::Manifest;

const BUFFER: usize = 1 << 20;

/// The digest of what the manifest doesn't list.
pub(crate) fn seal(disc: &Disc, manifest: &Manifest) -> Result<Digest, IsoError> {
    let mut listed = Vec::new();
    for path in manifest.files.iter().map(|file| file.path.as_str()).chain([SEAL]) {
        // A file that isn't there is found elsewhere; here it hides nothing.
        listed.extend(disc.find(path)?.into_iter().flat_map(|entry| entry.extents));
    }
    listed.sort_by_key(|extent| extent.offset);
    let frame = DiscEntry {
        kind: Kind::File,
        extents: gaps(&listed, disc.bytes()),
        ..DiscEntry::default()
    };
    digest(disc, &frame)
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
