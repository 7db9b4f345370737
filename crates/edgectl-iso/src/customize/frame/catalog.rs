//! The boot catalog.

use super::Growth;
use crate::disc::bytes::{le16, le32, part};
use crate::disc::{BLOCK, BootPlatform, Disc};
use crate::error::IsoError;
use crate::patch::Patch;

const ENTRY: u64 = 32;
/// Entries of a catalog, headers included.
const ENTRIES: u64 = 64;

/// Where the images end that must stay where they are: those for the BIOS know
/// their own place, and the boot record knows it.
pub(super) fn end_of_images(disc: &Disc) -> Result<u64, IsoError> {
    let mut end = 0;
    for entry in disc.boot_entries()?.iter().filter(|e| e.platform != BootPlatform::Uefi) {
        let table = disc.bytes_at(entry.offset, 64).unwrap_or_default();
        // With a boot information table the image says how long it is.
        let says = u64::from(le32(&table, 12)) * BLOCK == entry.offset;
        let bytes = if says { u64::from(le32(&table, 16)) } else { 0 };
        end = end.max(entry.offset.saturating_add(bytes.max(entry.bytes)));
    }
    Ok(end.min(disc.bytes()))
}

/// Boot images that move.
pub(super) fn patches(disc: &Disc, growth: Growth) -> Result<Vec<Patch>, IsoError> {
    let Some(block) = disc.boot_catalog() else { return Ok(Vec::new()) };
    let start = block * BLOCK;
    let length = (ENTRIES * ENTRY).min(disc.bytes().saturating_sub(start));
    let bytes = disc.bytes_at(start, length)?;
    let entry = |number: usize| part(&bytes, number * 32, number * 32 + 32);
    let (mut images, mut number) = (vec![1], 2);
    while let [kind @ (0x90 | 0x91), ..] = *entry(number) {
        let count = usize::from(le16(entry(number), 2));
        images.extend((number + 1..=number + count).take(ENTRIES as usize));
        number += count + 1;
        if kind == 0x91 {
            break;
        }
    }
    let mut patches = Vec::new();
    for number in images {
        let at = u64::from(le32(entry(number), 8)) * BLOCK;
        if entry(number).len() == 32 && at >= growth.at {
            let moved = u32::try_from((at + growth.by) / BLOCK).unwrap_or(u32::MAX);
            let offset = start + number as u64 * ENTRY + 8;
            patches.push(Patch { offset, bytes: moved.to_le_bytes().to_vec() });
        }
    }
    Ok(patches)
}
