//! What a squashfs says of itself in front.

use super::inode::Place;
use super::{Damage, number};

pub(super) const LENGTH: usize = 96;
const MAGIC: [u8; 4] = *b"hsqs";
const VERSION: [u8; 4] = [4, 0, 0, 0];
/// As the kernel: 4 KiB to 1 MiB.
const BLOCKS: std::ops::RangeInclusive<u32> = 12..=20;
/// Where there is no such table.
const NONE: u64 = u64::MAX;

#[derive(Debug, Clone)]
pub(super) struct Superblock {
    /// Bytes of a data block.
    pub(super) block: u32,
    pub(super) compression: u16,
    /// Bytes of the whole.
    pub(super) bytes: u64,
    pub(super) root: Place,
    /// Where the tables begin.
    pub(super) inodes: u64,
    pub(super) directories: u64,
    /// How many fragments there are, and where the list of their places is.
    pub(super) fragments: Option<(u32, u64)>,
}

impl Superblock {
    pub(super) fn parse(bytes: &[u8; LENGTH]) -> Result<Self, Damage> {
        let wrong = |what, at| Err(Damage::Wrong { what, at });
        let u64_at = |at| u64::from_le_bytes(number(bytes, at));
        let u32_at = |at| u32::from_le_bytes(number(bytes, at));
        if bytes[..4] != MAGIC || bytes[28..32] != VERSION {
            return wrong("the superblock", 0);
        }
        let (block, log) = (u32_at(12), u32::from(u16::from_le_bytes(number(bytes, 22))));
        if !BLOCKS.contains(&log) || block != 1 << log {
            return wrong("the size of blocks", 12);
        }
        let fragments = match (u32_at(16), u64_at(80)) {
            (0, _) => None,
            (_, NONE) => return wrong("the number of fragments", 16),
            found => Some(found),
        };
        Ok(Self {
            block,
            compression: u16::from_le_bytes(number(bytes, 20)),
            bytes: u64_at(40),
            root: Place::packed(u64_at(32)),
            inodes: u64_at(64),
            directories: u64_at(72),
            fragments,
        })
    }
}
