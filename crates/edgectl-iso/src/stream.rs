//! The tar stream of the flattened file system.

use std::collections::HashMap;
use std::io::{self, Read, Write};

use tar::{Builder, EntryType, Header};

use crate::entry::{Attributes, Meta, target};
use crate::error::IsoError;
use crate::layers::{LayerEntry, Origin};
use crate::paths;

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
}

impl<W: Write> Stream<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out: Builder::new(out), sums: Sums::default() }
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
        let left = from.entry.size();
        header.set_size(left);
        let crc32 = crc32fast::Hasher::new();
        let mut pump = Pump { from: &mut from.entry, left, copy, crc32, failed: None };
        let written = self.entry(header, &meta.attributes, path, b"", &mut pump);
        match pump.end() {
            Err(Failed::Layer(source)) => Err(from.origin.wrong(source)),
            Err(Failed::Copy(source)) => Err(IsoError::Copy { path: paths::show(path), source }),
            Ok(crc32) => {
                self.sums.0.insert(from.origin, Sum { bytes: left, crc32 });
                written
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
        self.entry(header, attributes, path, link, &mut io::empty())
    }

    fn entry(
        &mut self,
        mut header: Header,
        attributes: &Attributes,
        path: &[u8],
        link: &[u8],
        content: &mut dyn Read,
    ) -> Result<(), IsoError> {
        let mut records: Vec<(&str, &[u8])> = Vec::new();
        records.extend(attributes.iter().map(|(key, value)| (key.as_str(), value.as_slice())));
        let raw = header.as_old_mut();
        if !fits(&mut raw.name, path) {
            records.push(("path", path));
        }
        if !fits(&mut raw.linkname, link) {
            records.push(("linkpath", link));
        }
        header.set_cksum();
        if !records.is_empty() {
            self.out.append_pax_extensions(records).map_err(IsoError::Squashfs)?;
        }
        self.out.append(&header, content).map_err(IsoError::Squashfs)
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

/// A file's content on its way out. Reading and writing go through one copy
/// loop; what failed is kept here, so that the blame can be put right.
struct Pump<'a> {
    from: &'a mut dyn Read,
    left: u64,
    copy: Option<Box<dyn Write>>,
    crc32: crc32fast::Hasher,
    failed: Option<Failed>,
}

enum Failed {
    Copy(io::Error),
    Layer(io::Error),
}

impl Pump<'_> {
    /// The checksum of what went through.
    fn end(self) -> Result<u32, Failed> {
        match (self.failed, self.copy) {
            (Some(failed), _) => return Err(failed),
            (None, Some(mut copy)) => copy.flush().map_err(Failed::Copy)?,
            (None, None) => {}
        }
        Ok(self.crc32.finalize())
    }

    fn fail(&mut self, failed: Failed) -> io::Error {
        self.failed = Some(failed);
        io::Error::other("the content ended early")
    }
}

impl Read for Pump<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = match self.from.read(buffer) {
            Ok(0) if self.left > 0 && !buffer.is_empty() => {
                let short = io::Error::from(io::ErrorKind::UnexpectedEof);
                return Err(self.fail(Failed::Layer(short)));
            }
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => return Err(self.fail(Failed::Layer(error))),
        };
        self.left = self.left.saturating_sub(n as u64);
        self.crc32.update(&buffer[..n]);
        if let Some(copy) = &mut self.copy
            && let Err(error) = copy.write_all(&buffer[..n])
        {
            return Err(self.fail(Failed::Copy(error)));
        }
        Ok(n)
    }
}
