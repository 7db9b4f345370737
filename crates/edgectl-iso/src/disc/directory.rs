//! What a directory holds.

use super::budget::Budget;
use super::record::Record;
use super::rock_ridge::Posix;
use super::volume::{Names, Volume, name};
use super::{BLOCK, Disc, DiscError, rock_ridge};

/// Extents of one file: 400 GiB in pieces of 4 GiB are a hundred.
const EXTENTS: usize = 4096;

/// A run of bytes in the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Extent {
    /// Bytes from the start of the image.
    pub offset: u64,
    /// Its length in bytes.
    pub bytes: u64,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// A directory.
    #[default]
    Directory,
    /// A regular file.
    File,
    /// A symbolic link or a special file, by Rock Ridge.
    Other,
}

/// A file or a directory of an image.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DiscEntry {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Where its bytes are; inside the image.
    pub extents: Vec<Extent>,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its mode, by Rock Ridge.
    pub mode: Option<u32>,
}

/// The entries in the bytes of a directory.
pub(super) fn entries(
    disc: &Disc,
    bytes: &[u8],
    volume: &Volume,
    budget: &Budget,
) -> Result<Vec<DiscEntry>, DiscError> {
    let mut entries: Vec<DiscEntry> = Vec::new();
    let mut goes_on = false;
    // Records don't cross blocks; what is left of a block is zero.
    for block in bytes.chunks(BLOCK as usize) {
        let mut rest = block;
        while rest.first().is_some_and(|length| *length > 0) {
            let broken = || disc.damaged("a directory record doesn't fit in its block");
            let record = Record::parse(rest).ok_or_else(broken)?;
            rest = rest.get(usize::from(rest[0])..).unwrap_or_default();
            if record.is_dot() {
                continue;
            }
            match (goes_on, entries.last_mut()) {
                (true, Some(file)) => add_extent(disc, file, &record)?,
                _ => entries.extend(entry(disc, &record, volume.names, budget)?),
            }
            goes_on = record.goes_on && !record.is_directory;
        }
    }
    Ok(entries)
}

fn add_extent(disc: &Disc, file: &mut DiscEntry, record: &Record<'_>) -> Result<(), DiscError> {
    let extent = extent(disc, record, &file.name)?;
    file.bytes += extent.bytes;
    file.extents.push(extent);
    if file.extents.len() > EXTENTS {
        return Err(disc.damaged(format!("`{}` is in too many pieces", file.name)));
    }
    Ok(())
}

/// None for a directory in the place it was moved to.
fn entry(
    disc: &Disc,
    record: &Record<'_>,
    names: Names,
    budget: &Budget,
) -> Result<Option<DiscEntry>, DiscError> {
    let posix = match names {
        Names::RockRidge(skip) => rock_ridge::read(disc, record.system_use, skip, 0, budget)?,
        _ => Posix::default(),
    };
    if posix.is_relocated {
        return Ok(None);
    }
    let name = match posix.name {
        Some(name) => String::from_utf8_lossy(&name).into_owned(),
        None => name(record.name, names),
    };
    if name.is_empty() || name.contains(['/', '\0']) || name == "." || name == ".." {
        return Err(disc.damaged(format!("{name:?} can't be the name of a file")));
    }
    let (kind, extent) = match posix.child {
        Some(block) => (Kind::Directory, moved(disc, block)?),
        None if record.is_directory => (Kind::Directory, extent(disc, record, &name)?),
        None if posix.is_link || !is_regular(posix.mode) => {
            (Kind::Other, Extent { offset: 0, bytes: 0 })
        }
        None => (Kind::File, extent(disc, record, &name)?),
    };
    Ok(Some(DiscEntry { name, kind, bytes: extent.bytes, extents: vec![extent], mode: posix.mode }))
}

/// A directory that lies elsewhere: its first record tells its size.
fn moved(disc: &Disc, block: u32) -> Result<Extent, DiscError> {
    let bytes = disc.bytes_at(u64::from(block) * BLOCK, BLOCK)?;
    let record =
        Record::parse(&bytes).filter(|record| record.is_directory && record.block == block);
    let record =
        record.ok_or_else(|| disc.damaged("a moved directory isn't where it should be"))?;
    extent(disc, &record, "a moved directory")
}

fn is_regular(mode: Option<u32>) -> bool {
    mode.is_none_or(|mode| mode & 0o170_000 == 0o100_000)
}

/// Where a record's bytes are; they must be there. Empty files point anywhere.
pub(super) fn extent(disc: &Disc, record: &Record<'_>, name: &str) -> Result<Extent, DiscError> {
    let offset = if record.bytes == 0 { 0 } else { u64::from(record.block) * BLOCK };
    let extent = Extent { offset, bytes: u64::from(record.bytes) };
    disc.ensure_inside(extent, &format!("`{name}`"))?;
    Ok(extent)
}
