//! Directory records (ECMA-119, 9.1).

use super::bytes::{le32, part};

/// Bytes before the name.
const HEADER: usize = 33;

/// One record.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record<'a> {
    /// First block.
    pub(super) block: u32,
    pub(super) bytes: u32,
    pub(super) is_directory: bool,
    /// More of the file is in the next record.
    pub(super) goes_on: bool,
    pub(super) name: &'a [u8],
    /// The system use area, where Rock Ridge is.
    pub(super) system_use: &'a [u8],
}

impl<'a> Record<'a> {
    /// The record that `bytes` are, from its length on; none where lengths
    /// don't fit in each other.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let length = usize::from(*bytes.first()?);
        let bytes = bytes.get(..length)?;
        let name_length = usize::from(*bytes.get(HEADER - 1)?);
        let name_end = HEADER + name_length;
        let name = bytes.get(HEADER..name_end)?;
        // Names of an even length are followed by a filler.
        let system_use = part(bytes, name_end + usize::from(name_length % 2 == 0), length);
        let (extended, flags) = (u32::from(*bytes.get(1)?), *bytes.get(25)?);
        Some(Self {
            block: le32(bytes, 2).checked_add(extended)?,
            bytes: le32(bytes, 10),
            is_directory: flags & 2 != 0,
            goes_on: flags & 0x80 != 0,
            name,
            system_use,
        })
    }

    /// Whether it is the directory itself or the one above.
    pub(super) fn is_dot(&self) -> bool {
        matches!(self.name, [0] | [1])
    }
}
