//! Reading ISO 9660 images: ECMA-119 with Rock Ridge or Joliet, files in
//! several extents, El Torito and partition tables.
//!
//! Images come from anywhere, so every length and pointer is checked against
//! the file before it is followed, and every list has an end.

pub(crate) mod budget;
pub(crate) mod bytes;
mod directory;
mod el_torito;
mod error;
mod index;
mod partitions;
pub(crate) mod raw;
mod record;
mod rock_ridge;
mod volume;
mod walk;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use edgectl_process::file_error;

use budget::Budget;
pub use directory::{DiscEntry, Extent, Kind};
pub use el_torito::{BootEntry, BootPlatform};
pub use error::DiscError;
pub(crate) use index::Index;
pub use partitions::{Partition, PartitionTable};
use volume::Volume;

/// Bytes of one block.
pub(crate) const BLOCK: u64 = 2048;
/// No directory has more bytes than this; a hundred thousand names fit.
const DIRECTORY_LIMIT: u64 = 64 << 20;

/// An ISO 9660 image in a file.
#[derive(Debug)]
pub struct Disc {
    path: PathBuf,
    file: File,
    bytes: u64,
    volume: Volume,
}

impl Disc {
    /// Opens an image, and refuses one whose end is missing.
    pub fn open(path: &Path) -> Result<Self, DiscError> {
        let file = File::open(path).map_err(file_error("opening", path))?;
        Self::of(file, path)
    }

    /// The same of a file that is open.
    pub(crate) fn of(file: File, path: &Path) -> Result<Self, DiscError> {
        let data = file.metadata().map_err(file_error("measuring", path))?;
        if !data.is_file() {
            return Err(DiscError::NotIso(path.to_owned()));
        }
        let mut disc =
            Self { path: path.to_owned(), file, bytes: data.len(), volume: Volume::default() };
        disc.volume = volume::read(&disc)?;
        disc.ensure_whole(disc.volume.blocks * BLOCK)?;
        if let Some(table) = disc.partitions()? {
            disc.ensure_whole(table.end())?;
        }
        Ok(disc)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The open file, from its start on. There is one position for all of
    /// these; the readers of this type have their own.
    pub(crate) fn file(&self) -> io::Result<File> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(0))?;
        Ok(file)
    }

    /// The volume label, without its padding.
    pub fn label(&self) -> &str {
        &self.volume.label
    }

    /// The file's size in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How names are kept: `Rock Ridge`, `Joliet` or `ISO 9660`.
    pub fn names(&self) -> &'static str {
        self.volume.names.as_str()
    }

    /// The entry with a path such as `/boot/kernel`, and `None` where there is
    /// none. Names are compared as they stand; without Rock Ridge and Joliet
    /// in any case.
    pub fn find(&self, path: &str) -> Result<Option<DiscEntry>, DiscError> {
        let mut at = self.root();
        for name in path.split('/').filter(|name| !name.is_empty()) {
            if at.kind != Kind::Directory {
                return Ok(None);
            }
            let is_it = |entry: &DiscEntry| self.volume.names.are_equal(&entry.name, name);
            match self.list(&at)?.into_iter().find(is_it) {
                Some(entry) => at = entry,
                None => return Ok(None),
            }
        }
        Ok(Some(at))
    }

    /// Whether two names are one, as [`Self::find`] sees it.
    pub(crate) fn are_equal(&self, found: &str, wanted: &str) -> bool {
        self.volume.names.are_equal(found, wanted)
    }

    /// The root directory.
    pub fn root(&self) -> DiscEntry {
        self.volume.root.clone()
    }

    /// What a directory holds.
    pub fn list(&self, directory: &DiscEntry) -> Result<Vec<DiscEntry>, DiscError> {
        self.list_within(directory, &Budget::of_a_directory())
    }

    fn list_within(
        &self,
        directory: &DiscEntry,
        budget: &Budget,
    ) -> Result<Vec<DiscEntry>, DiscError> {
        budget.take(self, directory.bytes)?;
        let bytes = self.read(directory, DIRECTORY_LIMIT)?;
        directory::entries(self, &bytes, &self.volume, budget)
    }

    /// All files, links and directories below the root with their paths, in
    /// the order of the paths.
    pub fn walk(&self) -> Result<Vec<(String, DiscEntry)>, DiscError> {
        walk::walk(self)
    }

    /// The bytes of an entry that has no more than `limit`.
    pub fn read(&self, entry: &DiscEntry, limit: u64) -> Result<Vec<u8>, DiscError> {
        if entry.bytes > limit {
            let what = format!("`{}` has {} bytes, more than {limit}", entry.name, entry.bytes);
            return Err(self.damaged(what));
        }
        let mut bytes = Vec::new();
        let reading = file_error("reading", &self.path);
        self.reader(entry).read_to_end(&mut bytes).map_err(reading)?;
        Ok(bytes)
    }

    /// The bytes of an entry, one after another.
    pub fn reader<'a>(&'a self, entry: &'a DiscEntry) -> impl Read + 'a {
        Reader { disc: self, extents: &entry.extents, at: 0 }
    }

    /// The entries of the boot catalog; none without El Torito.
    pub fn boot_entries(&self) -> Result<Vec<BootEntry>, DiscError> {
        match self.volume.boot_catalog {
            Some(block) => el_torito::entries(self, block),
            None => Ok(Vec::new()),
        }
    }

    /// The block of the boot catalog; none without El Torito.
    pub(crate) fn boot_catalog(&self) -> Option<u64> {
        self.volume.boot_catalog
    }

    /// The partition table that the image has as a disk.
    pub fn partitions(&self) -> Result<Option<PartitionTable>, DiscError> {
        partitions::read(self)
    }

    /// Bytes at a place, all of which must be there.
    pub(crate) fn bytes_at(&self, offset: u64, length: u64) -> Result<Vec<u8>, DiscError> {
        self.ensure_inside(Extent { offset, bytes: length }, "a structure")?;
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        self.file.read_exact_at(&mut bytes, offset).map_err(file_error("reading", &self.path))?;
        Ok(bytes)
    }

    pub(crate) fn ensure_inside(&self, extent: Extent, what: &str) -> Result<(), DiscError> {
        match extent.offset.checked_add(extent.bytes) {
            Some(end) if end <= self.bytes => Ok(()),
            _ => Err(self.damaged(format!("{what} reaches beyond the end of the image"))),
        }
    }

    fn ensure_whole(&self, expected: u64) -> Result<(), DiscError> {
        match self.bytes < expected {
            true => {
                Err(DiscError::Truncated { path: self.path.clone(), bytes: self.bytes, expected })
            }
            false => Ok(()),
        }
    }

    pub(crate) fn damaged(&self, what: impl Into<String>) -> DiscError {
        DiscError::Damaged { path: self.path.clone(), what: what.into() }
    }
}

/// Reads extents one after another.
struct Reader<'a> {
    disc: &'a Disc,
    extents: &'a [Extent],
    /// Read of the first extent.
    at: u64,
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some((first, rest)) = self.extents.split_first() {
            if self.at == first.bytes {
                (self.extents, self.at) = (rest, 0);
                continue;
            }
            let left = usize::try_from(first.bytes - self.at).unwrap_or(usize::MAX);
            let length = buffer.len().min(left);
            let read = self.disc.file.read_at(&mut buffer[..length], first.offset + self.at)?;
            if read == 0 && length > 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.at += read as u64;
            return Ok(read);
        }
        Ok(0)
    }
}
