//! What the entries of layers say about files.

use std::io;

use tar::{EntryType, Header};

use crate::error::IsoError;
use crate::layers::{LayerEntry, Origin};
use crate::paths;
use crate::pax::Records;

/// As file systems have it.
const MAX_NAME: usize = 255;
/// As the kernel has it.
const MAX_TARGET: usize = 4095;

/// Extended attributes, as PAX records.
pub(crate) type Attributes = Vec<(String, Vec<u8>)>;

/// Mode, owner, date and attributes of a file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meta {
    pub(crate) mode: u32,
    pub(crate) uid: u64,
    pub(crate) gid: u64,
    pub(crate) mtime: u64,
    pub(crate) attributes: Attributes,
}

impl Meta {
    pub(crate) fn read(from: &LayerEntry<'_, '_>) -> Result<Self, IsoError> {
        Self::try_read(from).map_err(|e| from.origin.wrong(e))
    }

    fn try_read(from: &LayerEntry<'_, '_>) -> io::Result<Self> {
        let header = from.entry.header();
        let raw = header.as_old();
        let owner = |key, field: &[u8], value| match from.records.number(key)? {
            Some(number) => Ok(number),
            None => unless_blank(field, value),
        };
        Ok(Self {
            // Some writers add the file type, as `stat` has it.
            mode: unless_blank(&raw.mode, header.mode())? & 0o7777,
            uid: owner("uid", &raw.uid, header.uid())?,
            gid: owner("gid", &raw.gid, header.gid())?,
            mtime: unless_blank(&raw.mtime, header.mtime())?,
            attributes: attributes(&from.records)?,
        })
    }

    /// What a directory gets that no layer describes.
    pub(crate) fn implied() -> Self {
        Self { mode: 0o755, ..Self::default() }
    }

    /// A header with all of this but the attributes, for an empty file.
    pub(crate) fn header(&self, kind: EntryType) -> Header {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(self.mode);
        header.set_uid(self.uid);
        header.set_gid(self.gid);
        header.set_mtime(self.mtime);
        header.set_size(0);
        header
    }
}

/// Old writers leave numbers out.
fn unless_blank<T: Default>(field: &[u8], value: io::Result<T>) -> io::Result<T> {
    match field.iter().all(|byte| matches!(byte, 0 | b' ')) {
        true => Ok(T::default()),
        false => value,
    }
}

/// Extended attributes (file capabilities among them) travel as PAX records.
fn attributes(records: &Records) -> io::Result<Attributes> {
    let mut kept = Vec::new();
    for (key, value) in records.iter() {
        let Ok(key) = std::str::from_utf8(key) else { continue };
        if key.starts_with("GNU.sparse.") {
            // Its content begins with a map of holes; taken as it is, the
            // file would be garbage.
            let text = "a sparse file is stored in PAX format, which is not supported";
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        if key.starts_with("SCHILY.xattr.") || key.starts_with("LIBARCHIVE.xattr.") {
            kept.push((key.to_owned(), value.to_vec()));
        }
    }
    Ok(kept)
}

fn path(from: &LayerEntry<'_, '_>) -> Vec<u8> {
    let path = from.records.get("path").map(<[u8]>::to_vec);
    path.unwrap_or_else(|| from.entry.path_bytes().into_owned())
}

/// What a link says.
pub(crate) fn target(from: &LayerEntry<'_, '_>) -> Vec<u8> {
    let target = from.records.get("linkpath").map(<[u8]>::to_vec);
    target.or_else(|| Some(from.entry.link_name_bytes()?.into_owned())).unwrap_or_default()
}

/// An entry of a layer, without its content.
pub(crate) struct Listed {
    pub(crate) path: Vec<u8>,
    pub(crate) kind: Kind,
    pub(crate) origin: Origin,
}

pub(crate) enum Kind {
    Directory(Box<Meta>),
    File,
    /// To this path.
    HardLink(Vec<u8>),
    /// A device or a pipe.
    Special,
    Symlink(Vec<u8>),
}

impl Listed {
    pub(crate) fn read(from: &LayerEntry<'_, '_>) -> Result<Self, IsoError> {
        let origin = from.origin;
        let meta = Meta::read(from)?;
        let raw = path(from);
        let kind = match from.entry.header().entry_type() {
            EntryType::Directory => Kind::Directory(Box::new(meta)),
            EntryType::Link => Kind::HardLink(checked_path(origin, &target(from))?),
            EntryType::Symlink => Kind::Symlink(checked_target(origin, target(from))?),
            EntryType::Char | EntryType::Block | EntryType::Fifo => Kind::Special,
            // Before there was a type for them, directories ended in a slash.
            _ if raw.ends_with(b"/") => Kind::Directory(Box::new(meta)),
            _ => Kind::File,
        };
        Ok(Self { path: checked_path(origin, &raw)?, kind, origin })
    }
}

fn checked_path(origin: Origin, raw: &[u8]) -> Result<Vec<u8>, IsoError> {
    let layer = origin.layer + 1;
    let path =
        paths::plain(raw).ok_or_else(|| IsoError::Escape { layer, path: paths::show(raw) })?;
    let is_name = |name: &[u8]| name.len() <= MAX_NAME && !name.contains(&0);
    match path.split(|c| *c == b'/').all(is_name) {
        true => Ok(path),
        false => Err(IsoError::Name { layer, name: paths::show(&path) }),
    }
}

fn checked_target(origin: Origin, target: Vec<u8>) -> Result<Vec<u8>, IsoError> {
    match (1..=MAX_TARGET).contains(&target.len()) && !target.contains(&0) {
        true => Ok(target),
        false => Err(IsoError::Name { layer: origin.layer + 1, name: paths::show(&target) }),
    }
}
