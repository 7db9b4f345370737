//! The tar stream of the flattened file system.

use std::collections::HashMap;
use std::io::{self, Read, Write};

use tar::{Builder, EntryType, Header};

use crate::entry::{Attributes, Meta, target};
use crate::error::IsoError;
use crate::layers::{LayerEntry, Origin};
use crate::paths;

/// Bytes that are passed on at once.
const BUFFER: usize = 256 << 10;
/// What a tar is made of.
const BLOCK: u64 = 512;

/// Says for a path where a copy of the file's content should go, if anywhere.
pub type Capture<'a> = &'a mut dyn FnMut(&[u8]) -> Option<Box<dyn Write>>;

/// What was written of each regular file, by the entry that it is from.
#[derive(Debug, Default)]
pub struct Sums(HashMap<Origin, Sum>);

impl Sums {
    pub(crate) fn get(&self, origin: Origin) -> Option<Sum> {
        self.0.get(&origin).copied()
    }
}

/// The content of a file in short: enough to tell an accident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) bytes: u64,
    pub(crate) crc32: u32,
}

/// A tar stream being written. Names are written as they are: the usual
/// functions for that tidy them, which changes what a link says.
pub(crate) struct Stream<W: Write> {
    out: Builder<W>,
    sums: Sums,
    buffer: Vec<u8>,
}

impl<W: Write> Stream<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out: Builder::new(out), sums: Sums::default(), buffer: vec![0; BUFFER] }
    }

    /// Ends the stream; says what was in it.
    pub(crate) fn finish(self) -> Result<Sums, IsoError> {
        let mut out = self.out.into_inner().map_err(IsoError::Squashfs)?;
        out.flush().map_err(IsoError::Squashfs)?;
        Ok(self.sums)
    }

    pub(crate) fn directory(&mut self, path: &[u8], meta: &Meta) -> Result<(), IsoError> {
        self.empty(meta.header(EntryType::Directory), &meta.attributes, path, b"")
    }

    /// Writes what `entry` describes under the first of `names`, and the
    /// others as hard links to it.
    pub(crate) fn file(
        &mut self,
        mut from: LayerEntry<'_, '_>,
        names: &[&[u8]],
        capture: Capture<'_>,
    ) -> Result<(), IsoError> {
        let Some((first, others)) = names.split_first() else { return Ok(()) };
        let meta = Meta::read(&from)?;
        let kind = from.entry.header().entry_type();
        match kind {
            EntryType::Symlink => {
                self.empty(meta.header(kind), &meta.attributes, first, &target(&from))?;
            }
            EntryType::Char | EntryType::Block | EntryType::Fifo => {
                let header =
                    device(&meta, from.entry.header()).map_err(|e| from.origin.wrong(e))?;
                self.empty(header, &meta.attributes, first, b"")?;
            }
            _ => {
                let copy = names.iter().find_map(|name| capture(name));
                self.regular(&mut from, &meta, first, copy)?;
            }
        }
        for other in others {
            self.empty(meta.header(EntryType::Link), &Vec::new(), other, first)?;
        }
        Ok(())
    }

    /// Writes `path` as another name for `target`, which the stream has.
    pub(crate) fn link(
        &mut self,
        from: &LayerEntry<'_, '_>,
        path: &[u8],
        target: &[u8],
    ) -> Result<(), IsoError> {
        let meta = Meta::read(from)?;
        self.empty(meta.header(EntryType::Link), &Vec::new(), path, target)
    }

    fn regular(
        &mut self,
        from: &mut LayerEntry<'_, '_>,
        meta: &Meta,
        path: &[u8],
        copy: Option<Box<dyn Write>>,
    ) -> Result<(), IsoError> {
        let mut header = meta.header(EntryType::Regular);
        let bytes = from.entry.size();
        header.set_size(bytes);
        self.entry(header, &meta.attributes, path, b"")?;
        let pump = Pump { out: self.out.get_mut(), copy, crc32: crc32fast::Hasher::new() };
        match pump.pass(&mut from.entry, bytes, &mut self.buffer) {
            Err(Failed::Layer(source)) => Err(from.origin.wrong(source)),
            Err(Failed::Copy(source)) => Err(IsoError::Copy { path: paths::show(path), source }),
            Err(Failed::Stream(source)) => Err(IsoError::Squashfs(source)),
            Ok(crc32) => {
                self.sums.0.insert(from.origin, Sum { bytes, crc32 });
                Ok(())
            }
        }
    }

    fn empty(
        &mut self,
        header: Header,
        attributes: &Attributes,
        path: &[u8],
        link: &[u8],
    ) -> Result<(), IsoError> {
        self.entry(header, attributes, path, link)
    }

    /// All of an entry but its content.
    fn entry(
        &mut self,
        mut header: Header,
        attributes: &Attributes,
        path: &[u8],
        link: &[u8],
    ) -> Result<(), IsoError> {
        let mut records: Vec<(&str, &[u8])> = Vec::new();
        records.extend(attributes.iter().map(|(key, value)| (key.as_str(), value.as_slice())));
        let raw = header.as_old_mut();
        if !fits(&mut raw.name, path) {
            records.push(("path", path));
        }
        let has_room = fits(&mut raw.linkname, link);
        header.set_cksum();
        if !records.is_empty() {
            self.out.append_pax_extensions(records).map_err(IsoError::Squashfs)?;
        }
        if !has_room {
            self.long_link(link).map_err(IsoError::Squashfs)?;
        }
        self.out.append(&header, io::empty()).map_err(IsoError::Squashfs)
    }

    /// Writes where the next entry leads to, as GNU tar does: of a `linkpath` mksquashfs
    /// drops the front (`/`, `../`), as if all links were hard ones.
    fn long_link(&mut self, link: &[u8]) -> io::Result<()> {
        let mut header = Header::new_gnu();
        header.set_path("././@LongLink")?;
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(link.len() as u64 + 1);
        header.set_entry_type(EntryType::GNULongLink);
        header.set_cksum();
        self.out.append(&header, link.chain(&b"\0"[..]))
    }
}

/// Writes as much of a name as there is room for; says whether that is all.
fn fits(field: &mut [u8], name: &[u8]) -> bool {
    let n = name.len().min(field.len());
    field[..n].copy_from_slice(&name[..n]);
    n == name.len()
}

fn device(meta: &Meta, from: &Header) -> io::Result<Header> {
    let mut header = meta.header(from.entry_type());
    if !from.entry_type().is_fifo() {
        header.set_device_major(from.device_major()?.unwrap_or_default())?;
        header.set_device_minor(from.device_minor()?.unwrap_or_default())?;
    }
    Ok(header)
}

/// A file's content on its way out.
struct Pump<'a> {
    out: &'a mut dyn Write,
    copy: Option<Box<dyn Write>>,
    crc32: crc32fast::Hasher,
}

/// Who is to blame.
enum Failed {
    Copy(io::Error),
    Layer(io::Error),
    Stream(io::Error),
}

impl Pump<'_> {
    /// Passes so many bytes on, filled up to whole blocks; gives their
    /// checksum.
    fn pass(mut self, from: &mut dyn Read, bytes: u64, buffer: &mut [u8]) -> Result<u32, Failed> {
        let mut left = bytes;
        while left > 0 {
            let room = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let n = match from.read(&mut buffer[..room]) {
                Ok(0) => return Err(Failed::Layer(io::ErrorKind::UnexpectedEof.into())),
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Failed::Layer(error)),
            };
            let piece = &buffer[..n];
            self.crc32.update(piece);
            if let Some(copy) = &mut self.copy {
                copy.write_all(piece).map_err(Failed::Copy)?;
            }
            self.out.write_all(piece).map_err(Failed::Stream)?;
            left -= n as u64;
        }
        if let Some(mut copy) = self.copy {
            copy.flush().map_err(Failed::Copy)?;
        }
        let filling = bytes.next_multiple_of(BLOCK) - bytes;
        self.out.write_all(&[0; BLOCK as usize][..filling as usize]).map_err(Failed::Stream)?;
        Ok(self.crc32.finalize())
    }
}
