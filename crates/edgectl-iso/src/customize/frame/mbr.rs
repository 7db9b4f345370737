//! The partition table of a master boot record.

use super::{BLOCK, Growth, SECTOR, Span, holds_volume};
use crate::disc::Disc;
use crate::disc::bytes::{le32, part};
use crate::error::IsoError;
use crate::patch::Patch;

const TABLE: u64 = 446;
const ENTRY: u64 = 16;
/// The type of the entry that guards a GPT.
const PROTECTIVE: u8 = 0xee;

/// One entry that names sectors.
struct Entry {
    /// Bytes from the start of the image.
    at: u64,
    bytes: Vec<u8>,
}

impl Entry {
    fn span(&self) -> Span {
        let (start, sectors) = (u64::from(le32(&self.bytes, 8)), u64::from(le32(&self.bytes, 12)));
        Span { start: start * SECTOR, end: (start + sectors) * SECTOR }
    }

    fn is_protective(&self) -> bool {
        self.bytes.get(4) == Some(&PROTECTIVE)
    }

    /// Some tables have an entry of one sector, only to be bootable.
    fn is_small(&self) -> bool {
        le32(&self.bytes, 12) <= 1
    }

    /// Heads and sectors of the geometry in which the entry ends with a
    /// cylinder, if there is one.
    fn geometry(&self) -> Option<(u64, u64)> {
        let (head, low) = (u64::from(*self.bytes.get(5)?), u64::from(*self.bytes.get(6)?));
        let (heads, sectors) = (head + 1, low & 63);
        let cylinder = (low >> 6) << 8 | u64::from(*self.bytes.get(7)?);
        let end = self.span().end / SECTOR;
        let is_whole = sectors > 0 && end > 0 && end.is_multiple_of(heads * sectors);
        let last = end.checked_div(heads * sectors)?.saturating_sub(1).min(1023);
        (is_whole && cylinder == last && (heads, sectors) != (255, 63)).then_some((heads, sectors))
    }
}

fn entries(disc: &Disc) -> Result<Vec<Entry>, IsoError> {
    let front = disc.bytes_at(0, SECTOR)?;
    if part(&front, 510, 512) != [0x55, 0xaa] {
        return Ok(Vec::new());
    }
    let entry = |number: u64| {
        let at = TABLE + number * ENTRY;
        Entry { at, bytes: part(&front, at as usize, (at + ENTRY) as usize).to_vec() }
    };
    // An entry of any type counts: hybrid images of Debian's have type 0.
    Ok((0..4).map(entry).filter(|entry| le32(&entry.bytes, 12) != 0).collect())
}

/// The partitions.
pub(super) fn spans(disc: &Disc) -> Result<Vec<Span>, IsoError> {
    let all = entries(disc)?.into_iter();
    let all = all.filter(|entry| !entry.is_protective() && !entry.is_small());
    Ok(all.map(|entry| entry.span()).collect())
}

/// Bytes of a cylinder, where a partition that is the volume ends with one.
pub(super) fn cylinder(disc: &Disc) -> Result<Option<u64>, IsoError> {
    let mut found = entries(disc)?.into_iter().filter(|entry| {
        let is_real = !entry.is_protective() && !entry.is_small();
        is_real && holds_volume(disc, entry.span().start)
    });
    let bytes = found.find_map(|entry| entry.geometry()).map(|(heads, sectors)| {
        let mut bytes = heads * sectors * SECTOR;
        while !bytes.is_multiple_of(BLOCK) {
            bytes *= 2;
        }
        bytes
    });
    Ok(bytes)
}

pub(super) fn patches(disc: &Disc, growth: Growth) -> Result<Vec<Patch>, IsoError> {
    let patch = |entry: Entry| {
        let span = entry.span();
        if entry.is_small() && !entry.is_protective() {
            return None;
        }
        let grown = growth.of(span, holds_volume(disc, span.start));
        let bytes = moved(&entry, grown);
        (bytes != entry.bytes).then_some(Patch { offset: entry.at, bytes })
    };
    Ok(entries(disc)?.into_iter().filter_map(patch).collect())
}

/// The entry for other sectors.
fn moved(entry: &Entry, to: Span) -> Vec<u8> {
    let mut bytes = entry.bytes.clone();
    let from = entry.span();
    let sectors = |span: Span| u32::try_from((span.end - span.start) / SECTOR).unwrap_or(u32::MAX);
    let is_clipped = le32(&entry.bytes, 12) == u32::MAX;
    let start = u32::try_from(to.start / SECTOR).unwrap_or(u32::MAX);
    let length = if is_clipped { u32::MAX } else { sectors(to) };
    bytes[8..12].copy_from_slice(&start.to_le_bytes());
    bytes[12..16].copy_from_slice(&length.to_le_bytes());
    if let Some((heads, count)) = entry.geometry() {
        if to.start != from.start {
            bytes[1..4].copy_from_slice(&address(to.start / SECTOR, heads, count));
        }
        bytes[5..8].copy_from_slice(&address((to.end / SECTOR).saturating_sub(1), heads, count));
    }
    bytes
}

/// A sector as head, sector and cylinder; the last address there is for those
/// that have none.
fn address(sector: u64, heads: u64, sectors: u64) -> [u8; 3] {
    let cylinder = sector / (heads * sectors);
    let (head, of_track) = (sector / sectors % heads, sector % sectors + 1);
    let (head, of_track, cylinder) = match cylinder > 1023 {
        true => (heads - 1, sectors, 1023),
        false => (head, of_track, cylinder),
    };
    [head as u8, (of_track | (cylinder >> 8) << 6) as u8, cylinder as u8]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: u8, first: [u8; 3], last: [u8; 3], start: u32, sectors: u32) -> Entry {
        let mut bytes = vec![0x80];
        bytes.extend(first);
        bytes.push(kind);
        bytes.extend(last);
        bytes.extend(start.to_le_bytes());
        bytes.extend(sectors.to_le_bytes());
        Entry { at: TABLE, bytes }
    }

    #[test]
    fn an_entry_that_ends_with_a_cylinder_still_does() {
        // 64 heads, 32 sectors: a cylinder is 1 MiB.
        let old = entry(0x17, [0, 1, 0], [63, 32, 9], 0, 20_480);
        assert_eq!(old.geometry(), Some((64, 32)));
        let new = moved(&old, Span { start: 0, end: 12 << 20 });
        let expected = entry(0x17, [0, 1, 0], [63, 32, 11], 0, 24_576);
        assert_eq!(new, expected.bytes);
        assert_eq!(address(2000 * 2048, 64, 32), [63, 0xe0, 0xff]);
    }

    #[test]
    fn addresses_without_a_geometry_stay() {
        let old = entry(0xee, [0, 2, 0], [254, 255, 255], 1, 20_479);
        assert_eq!(old.geometry(), None);
        let new = moved(&old, Span { start: 512, end: 11 << 20 });
        assert_eq!(new, entry(0xee, [0, 2, 0], [254, 255, 255], 1, 22_527).bytes);
    }
}
