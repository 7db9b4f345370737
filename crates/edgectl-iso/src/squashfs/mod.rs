//! Reading squashfs 4.0, as mksquashfs writes it: what files it has, and the
//! check sums of their contents.
//!
//! It may be damaged, so every length and place in it is checked; nothing in
//! it makes this read for longer or hold more than a sound one would.
//!
//! Numbers are little-endian. Data blocks come first, then tables of metadata
//! blocks of 8 KiB: inodes, directories, where the fragments (blocks that are
//! shared by ends of files and small files) are. The superblock in front says
//! where each table begins.

mod contents;
mod directory;
mod inode;
mod metadata;
mod superblock;
mod unpack;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use edgectl_process::Interrupted;
use thiserror::Error;

pub(crate) use contents::crc32s;
pub(crate) use directory::Entry;
use inode::Place;
pub(crate) use inode::{Inode, Kind, Regular};
use metadata::{Cursor, Tables};
use superblock::Superblock;
use unpack::Unpacker;

/// Why a squashfs can't be read.
#[derive(Debug, Error)]
pub(crate) enum Damage {
    #[error("it ends early")]
    Ended,
    /// What is said of some place in it can't be.
    #[error("{what} at byte {at} can't be right")]
    Wrong { what: &'static str, at: u64 },
    #[error("what is packed at byte {at} can't be unpacked: {source}")]
    Packed { at: u64, source: io::Error },
    #[error("it is packed in a way that is not known ({0})")]
    Compression(u16),
    #[error(transparent)]
    Read(io::Error),
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl From<io::Error> for Damage {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Ended,
            _ => Self::Read(error),
        }
    }
}

/// A squashfs.
#[derive(Debug)]
pub(crate) struct Squashfs {
    file: File,
    superblock: Superblock,
    tables: Tables,
}

impl Squashfs {
    pub(crate) fn open(path: &Path) -> Result<Self, Damage> {
        let file = File::open(path)?;
        let mut bytes = [0; superblock::LENGTH];
        file.read_exact_at(&mut bytes, 0)?;
        let superblock = Superblock::parse(&bytes)?;
        if file.metadata()?.len() < superblock.bytes {
            return Err(Damage::Ended);
        }
        let unpacker = Unpacker::new(superblock.compression)?;
        let tables = Tables::new(file.try_clone()?, superblock.bytes, unpacker);
        Ok(Self { file, superblock, tables })
    }

    /// The root directory.
    pub(crate) fn root(&mut self) -> Result<Inode, Damage> {
        self.inode(self.superblock.root)
    }

    /// What an entry of a directory names.
    pub(crate) fn inode(&mut self, place: Place) -> Result<Inode, Damage> {
        let mut cursor = Cursor::new(&mut self.tables, self.superblock.inodes, place)?;
        inode::read(&mut cursor, self.superblock.block)
    }

    /// The entries of a directory, in their order.
    pub(crate) fn list(&mut self, directory: &inode::Directory) -> Result<Vec<Entry>, Damage> {
        // Of an empty one there is no listing anywhere.
        if directory.bytes == 0 {
            return Ok(Vec::new());
        }
        let mut cursor =
            Cursor::new(&mut self.tables, self.superblock.directories, directory.listing)?;
        directory::read(&mut cursor, directory.bytes)
    }
}

/// Numbers of a few bytes.
fn number<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut number = [0; N];
    number.copy_from_slice(&bytes[at..at + N]);
    number
}
