//! Inodes: what there is of a file but its name.

use super::Damage;
use super::metadata::Cursor;

/// As the kernel has it.
const LINK_LIMIT: u32 = 4095;
/// Where a file has no part in a fragment.
const NO_FRAGMENT: u32 = u32::MAX;
/// Bytes that directories say too many of themselves, for `.` and `..`.
const DOTS: u32 = 3;

/// Where something is in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Where its block begins, from the table's beginning.
    pub(super) block: u32,
    /// Bytes into that, unpacked.
    pub(super) offset: u16,
}

impl Place {
    /// Where a block begins.
    pub(super) const FIRST: Self = Self { block: 0, offset: 0 };

    /// As the superblock has it; what it can't hold leads nowhere.
    pub(super) fn packed(number: u64) -> Self {
        let block = u32::try_from(number >> 16).unwrap_or(u32::MAX);
        Self { block, offset: (number & 0xffff) as u16 }
    }
}

#[derive(Debug)]
pub(crate) struct Inode {
    /// Names of one file have one number.
    pub(crate) number: u32,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Directory(Directory),
    File(Regular),
    Symlink(Vec<u8>),
    /// A device or a pipe.
    Special,
    Socket,
}

#[derive(Debug)]
pub(crate) struct Directory {
    pub(super) listing: Place,
    /// Of the listing.
    pub(super) bytes: u32,
}

/// A regular file.
#[derive(Debug)]
pub(crate) struct Regular {
    pub(crate) bytes: u64,
    /// Where its first block is.
    pub(super) at: u64,
    /// What each block has: bytes as they are packed, and whether they are.
    pub(super) blocks: Vec<u32>,
    pub(super) tail: Option<Tail>,
}

/// The end of a file, in a fragment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tail {
    pub(super) fragment: u32,
    pub(super) offset: u32,
}

pub(super) fn read(from: &mut Cursor<'_>, block: u32) -> Result<Inode, Damage> {
    let kind = from.u16()?;
    // Mode, owner, group and date.
    from.fill(&mut [0; 10])?;
    let number = from.u32()?;
    let kind = match kind {
        1 => directory(from)?,
        2 => file(from, block)?,
        3 | 10 => symlink(from)?,
        4..=6 | 11..=13 => Kind::Special,
        7 | 14 => Kind::Socket,
        8 => long_directory(from)?,
        9 => long_file(from, block)?,
        _ => return Err(from.wrong("the type of a file")),
    };
    Ok(Inode { number, kind })
}

fn directory(from: &mut Cursor<'_>) -> Result<Kind, Damage> {
    let block = from.u32()?;
    let _links = from.u32()?;
    let bytes = u32::from(from.u16()?);
    let offset = from.u16()?;
    Ok(Kind::Directory(Directory {
        listing: Place { block, offset },
        bytes: bytes.saturating_sub(DOTS),
    }))
}

fn long_directory(from: &mut Cursor<'_>) -> Result<Kind, Damage> {
    let _links = from.u32()?;
    let bytes = from.u32()?;
    let block = from.u32()?;
    let _parent = from.u32()?;
    let _indexes = from.u16()?;
    let offset = from.u16()?;
    Ok(Kind::Directory(Directory {
        listing: Place { block, offset },
        bytes: bytes.saturating_sub(DOTS),
    }))
}

fn file(from: &mut Cursor<'_>, block: u32) -> Result<Kind, Damage> {
    let at = u64::from(from.u32()?);
    let (fragment, offset) = (from.u32()?, from.u32()?);
    let bytes = u64::from(from.u32()?);
    regular(from, block, at, bytes, Tail { fragment, offset })
}

fn long_file(from: &mut Cursor<'_>, block: u32) -> Result<Kind, Damage> {
    let (at, bytes) = (from.u64()?, from.u64()?);
    let (_holes, _links) = (from.u64()?, from.u32()?);
    let (fragment, offset) = (from.u32()?, from.u32()?);
    let _attributes = from.u32()?;
    regular(from, block, at, bytes, Tail { fragment, offset })
}

fn regular(
    from: &mut Cursor<'_>,
    block: u32,
    at: u64,
    bytes: u64,
    tail: Tail,
) -> Result<Kind, Damage> {
    let block = u64::from(block);
    let tail = (tail.fragment != NO_FRAGMENT).then_some(tail);
    let count = match tail {
        Some(_) => bytes / block,
        None => bytes.div_ceil(block),
    };
    // A length that isn't so ends with the table, not with the memory.
    let mut blocks = Vec::new();
    for _ in 0..count {
        blocks.push(from.u32()?);
    }
    Ok(Kind::File(Regular { bytes, at, blocks, tail }))
}

fn symlink(from: &mut Cursor<'_>) -> Result<Kind, Damage> {
    let _links = from.u32()?;
    let length = from.u32()?;
    if length > LINK_LIMIT {
        return Err(from.wrong("the length of a symbolic link"));
    }
    let mut target = vec![0; length as usize];
    from.fill(&mut target)?;
    Ok(Kind::Symlink(target))
}
