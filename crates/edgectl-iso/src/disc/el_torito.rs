//! El Torito boot catalogs.

use super::bytes::{le16, le32, part};
use super::{BLOCK, Disc, DiscError};

const ENTRY: usize = 32;
/// Catalogs are one block in practice; writers take up to 32 images.
const BLOCKS: u64 = 2;

/// What firmware an entry is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BootPlatform {
    /// BIOS.
    Bios,
    /// UEFI.
    Uefi,
    /// Another one, by its number.
    Other(u8),
}

impl std::fmt::Display for BootPlatform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bios => f.write_str("BIOS"),
            Self::Uefi => f.write_str("UEFI"),
            Self::Other(number) => write!(f, "platform {number:#04x}"),
        }
    }
}

/// One boot image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootEntry {
    /// What starts it.
    pub platform: BootPlatform,
    /// Whether firmware may start it.
    pub is_bootable: bool,
    /// Bytes from the start of the image.
    pub offset: u64,
    /// Bytes that firmware loads.
    pub bytes: u64,
}

/// The entries of the catalog in `block`.
pub(super) fn entries(disc: &Disc, block: u64) -> Result<Vec<BootEntry>, DiscError> {
    let at = block * BLOCK;
    let length = (BLOCKS * BLOCK).min(disc.bytes().saturating_sub(at));
    let bytes = disc.bytes_at(at, length)?;
    let sum = (0..ENTRY).step_by(2).fold(0_u16, |sum, at| sum.wrapping_add(le16(&bytes, at)));
    if bytes.first() != Some(&1) || part(&bytes, 30, 32) != [0x55, 0xaa] || sum != 0 {
        return Err(disc.damaged("its boot catalog is none"));
    }
    let mut platform = platform(bytes.get(1).copied().unwrap_or(0));
    let mut rest = bytes.chunks_exact(ENTRY).skip(1);
    let mut found: Vec<BootEntry> =
        rest.next().map(|entry| boot_entry(entry, platform)).into_iter().collect();
    // Behind the first entry come sections: a header, then its entries.
    while let Some(header) = rest.next() {
        let [kind @ (0x90 | 0x91), id, ..] = *header else { break };
        platform = self::platform(id);
        let count = usize::from(le16(header, 2));
        found.extend(rest.by_ref().take(count).map(|entry| boot_entry(entry, platform)));
        if kind == 0x91 {
            break;
        }
    }
    Ok(found)
}

fn platform(id: u8) -> BootPlatform {
    match id {
        0 => BootPlatform::Bios,
        0xef => BootPlatform::Uefi,
        other => BootPlatform::Other(other),
    }
}

fn boot_entry(entry: &[u8], platform: BootPlatform) -> BootEntry {
    BootEntry {
        platform,
        is_bootable: entry.first() == Some(&0x88),
        offset: u64::from(le32(entry, 8)) * BLOCK,
        bytes: u64::from(le16(entry, 6)) * 512,
    }
}
