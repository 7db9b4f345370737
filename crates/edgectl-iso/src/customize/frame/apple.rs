//! The Apple partition map that hybrid images for Macs have.

use super::{Growth, Span};
use crate::disc::Disc;
use crate::disc::bytes::part;
use crate::error::IsoError;
use crate::patch::Patch;

/// Entries of a map.
const ENTRIES: u64 = 64;

pub(super) fn patches(disc: &Disc, growth: Growth) -> Result<Vec<Patch>, IsoError> {
    for unit in [512, 2048] {
        let entries = entries(disc, unit)?;
        if !entries.is_empty() {
            let patches = entries.into_iter().filter_map(|(at, start, sectors)| {
                let span = Span { start: start * unit, end: (start + sectors) * unit };
                let moved = growth.of(span, false);
                let numbers = [moved.start / unit, (moved.end - moved.start) / unit];
                let numbers = numbers.map(|n| u32::try_from(n).unwrap_or(u32::MAX).to_be_bytes());
                (moved != span).then(|| Patch { offset: at + 8, bytes: numbers.concat() })
            });
            return Ok(patches.collect());
        }
    }
    Ok(Vec::new())
}

/// Where each entry is, and the first and the number of its blocks.
fn entries(disc: &Disc, unit: u64) -> Result<Vec<(u64, u64, u64)>, IsoError> {
    let mut found = Vec::new();
    for number in 1..=ENTRIES {
        let at = number * unit;
        let Ok(bytes) = disc.bytes_at(at, 16) else { break };
        if part(&bytes, 0, 2) != b"PM" {
            break;
        }
        let number =
            |at| u64::from(u32::from_be_bytes(*bytes[at..].first_chunk().unwrap_or(&[0; 4])));
        found.push((at, number(8), number(12)));
    }
    Ok(found)
}
