//! Images that were written in several sessions: what files of older ones held
//! stays where it was.

use crate::disc::raw::{FRONT, RawTree};
use crate::disc::{BLOCK, Disc};
use crate::error::IsoError;

/// Path tables are between the descriptors and the root: a few megabytes, in
/// blocks.
const NEAR: u64 = 4096;
/// Of a descriptor: type, `CD001`, version.
const HEAD: usize = 7;
/// The root's record in a descriptor.
const ROOT: std::ops::Range<usize> = 156..190;

/// Whether there is a session before the one that `tree` is of: sessions keep
/// their descriptors where they begin, not far in front of their root, and the
/// first one begins at the front.
pub(super) fn has_older(disc: &Disc, tree: &RawTree) -> Result<bool, IsoError> {
    let root = tree.root.offset / BLOCK;
    let from = root.saturating_sub(NEAR).max(FRONT);
    if tree.base != 0 || from >= root {
        return Ok(false);
    }
    let bytes = disc.bytes_at(from * BLOCK, (root - from) * BLOCK)?;
    let is_its = |block: &[u8]| {
        block.get(..HEAD) == tree.descriptor.get(..HEAD)
            && block.get(ROOT) == tree.descriptor.get(ROOT)
    };
    Ok(bytes.chunks(BLOCK as usize).any(is_its))
}
