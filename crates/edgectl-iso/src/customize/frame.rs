//! What is around the files: volume sizes, partition tables and the boot
//! catalog, for an image that gets longer in the middle.
//!
//! New content goes behind the files, in front of everything that a disk has
//! behind them: appended partitions and the copy of the GPT. Those move back
//! as a whole, so nothing that starts the image changes but numbers that say
//! where it lies.

mod apple;
mod catalog;
mod gpt;
mod mbr;

use std::rc::Rc;

use crate::disc::budget::Budget;
use crate::disc::bytes::le32;
use crate::disc::raw::{self, RawTree};
use crate::disc::{BLOCK, Disc};
use crate::error::IsoError;
use crate::patch::Patch;

/// Disks are counted in these.
const SECTOR: u64 = 512;
/// What images grow by, where no geometry says otherwise.
const STEP: u64 = 1 << 20;

/// Trees of an image: two for the disc and two for a partition, with copies.
const TREES: usize = 64;

/// Where an image grows, and by how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Growth {
    /// New content begins here; what was here moves back.
    pub(super) at: u64,
    /// By so many bytes.
    pub(super) by: u64,
}

/// A run of sectors that a table names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    start: u64,
    end: u64,
}

impl Growth {
    /// Where such a span is afterwards. `holds_files` is for partitions that
    /// are the volume; they reach to the end of the new content.
    fn of(self, span: Span, holds_files: bool) -> Span {
        let Span { start, end } = span;
        if start >= self.at {
            Span { start: start + self.by, end: end + self.by }
        } else if end > self.at {
            Span { start, end: end + self.by }
        } else if holds_files {
            Span { start, end: self.at + self.by }
        } else {
            span
        }
    }
}

/// Where new content may begin: behind `content`, in front of the first thing
/// that a table names there.
pub(super) fn place(disc: &Disc, content: u64) -> Result<u64, IsoError> {
    let content = content.max(catalog::end_of_images(disc)?).next_multiple_of(BLOCK);
    let mut starts = starts(disc)?;
    starts.push(disc.bytes().next_multiple_of(BLOCK));
    let first = starts.into_iter().filter(|start| *start >= content).min();
    // Tables count in sectors, files in blocks.
    let at = first.map(|first| first / BLOCK * BLOCK);
    Ok(at.ok_or_else(|| disc.damaged("its files end behind the end of the image"))?)
}

/// Where partitions begin, and tables.
fn starts(disc: &Disc) -> Result<Vec<u64>, IsoError> {
    let mut starts = gpt::starts(disc)?;
    starts.extend(mbr::spans(disc)?.into_iter().map(|span| span.start));
    Ok(starts)
}

/// All trees: those of the volume, and those that it has once more for a
/// partition, from whose start blocks are counted there.
pub(super) fn trees(disc: &Disc) -> Result<Vec<RawTree>, IsoError> {
    let mut starts = starts(disc)?;
    starts.retain(|start| (1..disc.bytes()).contains(start) && start.is_multiple_of(BLOCK));
    starts.sort_unstable();
    starts.dedup();
    let budget = Rc::new(Budget::of_all_anew());
    let mut trees = raw::trees(disc, 0, &budget)?;
    for start in starts {
        trees.extend(raw::trees(disc, start, &budget)?);
        if trees.len() > TREES {
            return Err(disc.damaged("it has more volume descriptors than any image").into());
        }
    }
    Ok(trees)
}

/// How much an image grows for so many new bytes: whole cylinders, as old
/// firmware counts them, where the image has any.
pub(super) fn step(disc: &Disc, bytes: u64) -> Result<u64, IsoError> {
    let unit = mbr::cylinder(disc)?.unwrap_or(STEP);
    Ok(bytes.max(1).next_multiple_of(unit))
}

/// What the growth changes, in places as they are before it.
pub(super) fn patches(
    disc: &Disc,
    trees: &[RawTree],
    growth: Growth,
) -> Result<Vec<Patch>, IsoError> {
    let mut patches: Vec<Patch> = Vec::new();
    for tree in trees {
        patches.extend(volume_size(tree, growth));
        patches.extend(media_check(tree));
    }
    patches.extend(mbr::patches(disc, growth)?);
    patches.extend(gpt::patches(disc, growth)?);
    patches.extend(apple::patches(disc, growth)?);
    patches.extend(catalog::patches(disc, growth)?);
    Ok(patches)
}

/// The volume ends behind the new content, and behind what came after it if
/// that was part of it.
fn volume_size(tree: &RawTree, growth: Growth) -> Vec<Patch> {
    let end = tree.base + u64::from(le32(&tree.descriptor, 80)) * BLOCK;
    let end = growth.of(Span { start: tree.base, end }, true).end;
    let blocks = u32::try_from((end - tree.base) / BLOCK).unwrap_or(u32::MAX);
    vec![Patch { offset: tree.at + 80, bytes: crate::seed::both32(blocks).to_vec() }]
}

/// Whether the growth erases a digest of the whole image.
pub(super) fn has_media_digest(trees: &[RawTree]) -> bool {
    trees.iter().any(|tree| media_check(tree).is_some())
}

/// Digests of the whole image, which media checks look for, would be wrong
/// from now on: without them there is nothing to check.
fn media_check(tree: &RawTree) -> Option<Patch> {
    let used = tree.descriptor.get(883..1395)?;
    let says = |word: &[u8]| used.windows(word.len()).any(|window| window == word);
    let is_there =
        says(b"ISO MD5SUM") || says(b"md5sum=") || says(b"sha256sum=") || says(b"sha1sum=");
    is_there.then(|| Patch { offset: tree.at + 883, bytes: vec![b' '; 512] })
}

/// Whether both partition tables that a GPT has are there and right.
pub(super) fn has_whole_gpt(disc: &Disc) -> Result<bool, IsoError> {
    gpt::is_whole(disc)
}

/// Whether a volume begins at a place.
fn holds_volume(disc: &Disc, start: u64) -> bool {
    let at = start.saturating_add(16 * BLOCK);
    // The protective entry begins behind the boot record of the whole disk.
    start <= SECTOR || disc.bytes_at(at, 6).is_ok_and(|bytes| bytes.ends_with(b"CD001"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_behind_moves_and_what_reaches_over_grows() {
        let growth = Growth { at: 1000, by: 100 };
        let of = |start, end, files| {
            let span = growth.of(Span { start, end }, files);
            (span.start, span.end)
        };
        assert_eq!(of(0, 900, false), (0, 900));
        assert_eq!(of(0, 900, true), (0, 1100));
        assert_eq!(of(0, 1000, true), (0, 1100));
        assert_eq!(of(0, 1500, false), (0, 1600));
        assert_eq!(of(1000, 1200, false), (1100, 1300));
        assert_eq!(of(1200, 1300, true), (1300, 1400));
    }
}
