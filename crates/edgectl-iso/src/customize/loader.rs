//! Loaders for UEFI: file systems that firmware starts them from. What is in
//! there can't be changed without changing what it checks.

use crate::disc::bytes::{le16, le32};
use crate::disc::{BootEntry, BootPlatform, Disc, DiscEntry};
use crate::error::IsoError;

/// What is searched of one.
const LIMIT: u64 = 64 << 20;
/// Catalogs that don't know a loader's length say one sector, or none.
const SECTOR: u64 = 512;

/// Whether a loader for UEFI holds something.
pub(super) fn has(
    disc: &Disc,
    entries: &[(String, DiscEntry)],
    is_it: &dyn Fn(&[u8]) -> bool,
) -> Result<bool, IsoError> {
    for entry in disc.boot_entries()?.iter().filter(|e| e.platform == BootPlatform::Uefi) {
        let offset = entry.offset.min(disc.bytes());
        let bytes = length(disc, entries, entry)?.min(LIMIT).min(disc.bytes() - offset);
        let loader = disc.bytes_at(offset, bytes)?;
        if is_it(&loader) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// How long a loader's file system is, by whoever knows best: the file that it
/// is, its partition, itself, the catalog.
fn length(
    disc: &Disc,
    entries: &[(String, DiscEntry)],
    entry: &BootEntry,
) -> Result<u64, IsoError> {
    let mut extents = entries.iter().flat_map(|(_, file)| &file.extents);
    let file = extents.find(|extent| extent.offset == entry.offset && extent.bytes > 0);
    let table = disc.partitions()?;
    let mut partitions = table.iter().flat_map(|table| &table.partitions);
    let partition = partitions.find(|partition| partition.offset == entry.offset);
    let told = Some(entry.bytes).filter(|bytes| *bytes > SECTOR);
    Ok(file
        .map(|extent| extent.bytes)
        .or(partition.map(|partition| partition.bytes))
        .or_else(|| fat(disc, entry.offset))
        .or(told)
        .unwrap_or(LIMIT))
}

/// How long a FAT file system says it is.
fn fat(disc: &Disc, offset: u64) -> Option<u64> {
    let sector = disc.bytes_at(offset, SECTOR).ok()?;
    let unit = u64::from(le16(&sector, 11));
    let sectors = match le16(&sector, 19) {
        0 => u64::from(le32(&sector, 32)),
        small => u64::from(small),
    };
    let is_one = sector.ends_with(&[0x55, 0xaa]) && (512..=4096).contains(&unit) && sectors > 0;
    is_one.then_some(unit * sectors)
}
