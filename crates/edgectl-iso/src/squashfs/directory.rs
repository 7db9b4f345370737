//! Listings of directories: runs of names whose inodes share a block.

use super::Damage;
use super::inode::Place;
use super::metadata::Cursor;

/// Names in a run, as the kernel has it.
const RUN: u32 = 256;
/// Bytes in a name, likewise.
const NAME: usize = 256;

/// A name in a directory.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: Vec<u8>,
    /// Where its inode is.
    pub(crate) place: Place,
}

/// Reads a listing of so many bytes.
pub(super) fn read(from: &mut Cursor<'_>, bytes: u32) -> Result<Vec<Entry>, Damage> {
    let mut entries = Vec::new();
    let mut left = bytes;
    while left > 0 {
        let (count, block) = (from.u32()?, from.u32()?);
        let _number = from.u32()?;
        take(from, &mut left, 12)?;
        if count >= RUN {
            return Err(from.wrong("the length of a directory"));
        }
        for _ in 0..=count {
            let entry = entry(from, block)?;
            take(from, &mut left, 8 + entry.name.len() as u32)?;
            entries.push(entry);
        }
    }
    Ok(entries)
}

fn entry(from: &mut Cursor<'_>, block: u32) -> Result<Entry, Damage> {
    let offset = from.u16()?;
    let (_number, _kind) = (from.u16()?, from.u16()?);
    let length = usize::from(from.u16()?) + 1;
    if length > NAME {
        return Err(from.wrong("the length of a name"));
    }
    let mut name = vec![0; length];
    from.fill(&mut name)?;
    Ok(Entry { name, place: Place { block, offset } })
}

fn take(from: &Cursor<'_>, left: &mut u32, bytes: u32) -> Result<(), Damage> {
    *left = left.checked_sub(bytes).ok_or_else(|| from.wrong("the length of a directory"))?;
    Ok(())
}
