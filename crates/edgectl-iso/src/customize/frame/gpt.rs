//! The GUID partition table and its copy.

use super::{Growth, SECTOR, Span, holds_volume};
use crate::disc::Disc;
use crate::disc::bytes::{le32, le64, part};
use crate::error::IsoError;
use crate::patch::Patch;

/// Bytes of entries that any table has.
const TABLE_LIMIT: u64 = 1 << 20;

/// One of the two tables.
struct Table {
    /// Where its header is: bytes from the start of the image.
    at: u64,
    /// The sector of the header.
    header: Vec<u8>,
    /// Its entries.
    entries: Vec<u8>,
}

impl Table {
    fn read(disc: &Disc, at: u64) -> Result<Option<Self>, IsoError> {
        let Ok(header) = disc.bytes_at(at, SECTOR) else { return Ok(None) };
        let size = u64::from(le32(&header, 12));
        if !header.starts_with(b"EFI PART") || !(92..=SECTOR).contains(&size) {
            return Ok(None);
        }
        let length = u64::from(le32(&header, 80)) * u64::from(le32(&header, 84));
        if length > TABLE_LIMIT || !(128..=4096).contains(&le32(&header, 84)) {
            return Err(disc.damaged("its partition table has no sensible size").into());
        }
        let entries = disc.bytes_at(le64(&header, 72).saturating_mul(SECTOR), length)?;
        let table = Self { at, header, entries };
        // What is behind the end can't move: it has no place to move to.
        let is_outside = table.spans().any(|(_, span)| span.end > disc.bytes());
        match is_outside {
            true => Err(disc.damaged("a partition of its GPT ends behind the image").into()),
            false => Ok(Some(table)),
        }
    }

    fn size(&self) -> usize {
        le32(&self.header, 84) as usize
    }

    fn entries_at(&self) -> u64 {
        le64(&self.header, 72).saturating_mul(SECTOR)
    }

    fn spans(&self) -> impl Iterator<Item = (usize, Span)> + '_ {
        let used = self.entries.chunks_exact(self.size()).enumerate();
        let used = used.filter(|(_, entry)| part(entry, 0, 16) != [0; 16]);
        used.map(|(number, entry)| {
            let start = le64(entry, 32).saturating_mul(SECTOR);
            let end = le64(entry, 40).saturating_add(1).saturating_mul(SECTOR);
            (number * self.size(), Span { start, end: end.max(start) })
        })
    }

    fn is_right(&self) -> bool {
        let mut header = self.header.clone();
        header[16..20].fill(0);
        let sum = crc32fast::hash(part(&header, 0, le32(&header, 12) as usize));
        let is_here = le64(&self.header, 24).checked_mul(SECTOR) == Some(self.at);
        is_here
            && sum == le32(&self.header, 16)
            && crc32fast::hash(&self.entries) == le32(&self.header, 88)
    }

    /// The table after the growth.
    fn patches(&self, disc: &Disc, growth: Growth) -> Vec<Patch> {
        let (mut header, mut entries) = (self.header.clone(), self.entries.clone());
        let mut patches = Vec::new();
        for (at, span) in self.spans() {
            let grown = growth.of(span, holds_volume(disc, span.start));
            if grown != span
                && let Some(place) = entries.get_mut(at + 32..at + 48)
            {
                place[..8].copy_from_slice(&(grown.start / SECTOR).to_le_bytes());
                place[8..].copy_from_slice(&(grown.end / SECTOR - 1).to_le_bytes());
                let offset = self.entries_at() + at as u64 + 32;
                patches.push(Patch { offset, bytes: place.to_vec() });
            }
        }
        // Both headers, the last sector for partitions, and the entries of the
        // copy lie behind what grows, or stay.
        for at in [24, 32, 48, 72] {
            let sector = le64(&header, at);
            let is_behind =
                sector.saturating_add(u64::from(at == 48)).saturating_mul(SECTOR) >= growth.at;
            if is_behind {
                let moved = sector.saturating_add(growth.by / SECTOR);
                header[at..at + 8].copy_from_slice(&moved.to_le_bytes());
            }
        }
        header[88..92].copy_from_slice(&crc32fast::hash(&entries).to_le_bytes());
        header[16..20].fill(0);
        let size = le32(&header, 12) as usize;
        let sum = crc32fast::hash(part(&header, 0, size));
        header[16..20].copy_from_slice(&sum.to_le_bytes());
        patches.push(Patch { offset: self.at, bytes: header });
        patches
    }
}

fn tables(disc: &Disc) -> Result<Vec<Table>, IsoError> {
    let Some(first) = Table::read(disc, SECTOR)? else { return Ok(Vec::new()) };
    let other = le64(&first.header, 32).saturating_mul(SECTOR);
    let copy = if other > SECTOR { Table::read(disc, other)? } else { None };
    Ok([Some(first), copy].into_iter().flatten().collect())
}

pub(super) fn is_whole(disc: &Disc) -> Result<bool, IsoError> {
    let tables = tables(disc)?;
    Ok(tables.len() == 2 && tables.iter().all(Table::is_right))
}

/// Where partitions begin, and the copy of the table.
pub(super) fn starts(disc: &Disc) -> Result<Vec<u64>, IsoError> {
    let mut starts = Vec::new();
    for table in tables(disc)? {
        starts.extend(table.spans().map(|(_, span)| span.start));
        let behind_all = le64(&table.header, 48).saturating_add(1).saturating_mul(SECTOR);
        starts.extend([table.at, table.entries_at(), behind_all]);
    }
    Ok(starts)
}

pub(super) fn patches(disc: &Disc, growth: Growth) -> Result<Vec<Patch>, IsoError> {
    let tables = tables(disc)?;
    Ok(tables.iter().flat_map(|table| table.patches(disc, growth)).collect())
}
