//! The entries of a tar: names and places, contents are passed over.

use std::io::{self, ErrorKind};

use tar::{EntryType, Header};

use super::malformed;
use super::stream::Stream;

const BLOCK: u64 = 512;
/// Longest description of an entry (PAX records).
const RECORDS_LIMIT: u64 = 1 << 20;
/// Longest name.
const NAME_LIMIT: u64 = 8 << 10;

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    /// Its target is relative to its own directory.
    Symlink(String),
    /// Its target is the name of another entry.
    HardLink(String),
    /// A file whose content isn't stored as it is.
    Sparse,
    /// Directories, devices: nothing that an image archive needs.
    Other,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// Where its content starts in the stream.
    pub(super) at: u64,
    pub(super) size: u64,
}

/// Reads entries one after another.
pub(super) struct Entries<'a> {
    stream: &'a Stream,
    at: u64,
    /// Where the tar must have ended.
    end: u64,
}

/// What the entries before one say about it.
#[derive(Default)]
struct Said {
    name: Option<String>,
    link: Option<String>,
    size: Option<u64>,
    is_sparse: bool,
}

/// Whether a block is the header of an entry.
pub(super) fn is_header(block: &[u8]) -> bool {
    block.len() as u64 == BLOCK && has_right_sum(block)
}

fn has_right_sum(block: &[u8]) -> bool {
    let sum = block.iter().enumerate().map(|(i, byte)| match (148..156).contains(&i) {
        true => u32::from(b' '),
        false => u32::from(*byte),
    });
    Header::from_byte_slice(block).cksum().is_ok_and(|said| said == sum.sum::<u32>())
}

impl<'a> Entries<'a> {
    /// The tar that starts at `at` and ends at `end` or before.
    pub(super) fn new(stream: &'a Stream, at: u64, end: u64) -> Self {
        Self { stream, at, end }
    }

    /// The next entry; none at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Entry>> {
        let mut said = Said::default();
        loop {
            let mut block = [0; BLOCK as usize];
            let length = self.read(&mut block)?;
            // Some writers leave the empty blocks at the end out.
            if length == 0 || block.iter().all(|byte| *byte == 0) {
                return Ok(None);
            }
            if length < block.len() {
                return Err(self.cut_short("a header"));
            }
            if !has_right_sum(&block) {
                return Err(malformed(format!("there is no tar header at byte {}", self.at)));
            }
            let header = Header::from_byte_slice(&block);
            self.at += BLOCK;
            let kind = header.entry_type();
            let size = header.entry_size()?;
            if kind.is_pax_local_extensions() {
                said.take_records(&self.text(size, RECORDS_LIMIT)?)?;
            } else if kind.is_gnu_longname() {
                said.name = Some(name_of(&self.text(size, NAME_LIMIT)?));
            } else if kind.is_gnu_longlink() {
                said.link = Some(name_of(&self.text(size, NAME_LIMIT)?));
            } else if kind.is_pax_global_extensions() {
                self.pass(size)?;
            } else {
                return self.entry(header, said).map(Some);
            }
        }
    }

    fn entry(&mut self, header: &Header, said: Said) -> io::Result<Entry> {
        let kind = header.entry_type();
        let name = said.name.unwrap_or_else(|| name_of(&header.path_bytes()));
        let link = || {
            let own = header.link_name_bytes();
            said.link.clone().unwrap_or_else(|| name_of(&own.unwrap_or_default()))
        };
        // The content of the others is nothing, whatever their size says.
        let has_content =
            matches!(kind, EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse)
                || kind.as_byte() == 0;
        let size = if has_content { said.size.unwrap_or(header.entry_size()?) } else { 0 };
        let kind = match kind {
            EntryType::Symlink => Kind::Symlink(link()),
            EntryType::Link => Kind::HardLink(link()),
            EntryType::GNUSparse => {
                self.pass_map(header)?;
                Kind::Sparse
            }
            _ if has_content && said.is_sparse => Kind::Sparse,
            // Old writers mark directories by their names alone.
            _ if has_content && !name.ends_with('/') => Kind::File,
            _ => Kind::Other,
        };
        let at = self.at;
        self.pass(size).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => self.cut_short(&format!("`{name}`")),
            _ => error,
        })?;
        Ok(Entry { name, kind, at, size })
    }

    /// Passes over a content, up to the next header.
    fn pass(&mut self, size: u64) -> io::Result<()> {
        let padded = size.checked_next_multiple_of(BLOCK);
        let next = padded.and_then(|padded| self.at.checked_add(padded));
        match next {
            // The last padding may be left out, too.
            Some(next) if self.at.saturating_add(size) <= self.end => {
                self.at = next;
                Ok(())
            }
            _ => Err(ErrorKind::UnexpectedEof.into()),
        }
    }

    /// The rest of an old sparse file's map comes before its content.
    fn pass_map(&mut self, header: &Header) -> io::Result<()> {
        let mut goes_on = header.as_gnu().is_some_and(|gnu| gnu.is_extended());
        while goes_on {
            let mut block = [0; BLOCK as usize];
            if self.read(&mut block)? < block.len() {
                return Err(self.cut_short("a sparse file"));
            }
            self.at += BLOCK;
            goes_on = block[504] != 0;
        }
        Ok(())
    }

    /// A small content.
    fn text(&mut self, size: u64, limit: u64) -> io::Result<Vec<u8>> {
        if size > limit {
            return Err(malformed(format!("the description of an entry has {size} bytes")));
        }
        let mut text = vec![0; usize::try_from(size).unwrap_or(0)];
        let at = self.at;
        self.pass(size)?;
        match self.stream.fill_at(at, &mut text)? {
            length if length == text.len() => Ok(text),
            _ => Err(self.cut_short("the description of an entry")),
        }
    }

    fn read(&self, block: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let wanted = block.len().min(left);
        self.stream.fill_at(self.at, &mut block[..wanted])
    }

    fn cut_short(&self, what: &str) -> io::Error {
        io::Error::new(ErrorKind::UnexpectedEof, format!("it ends in the middle of {what}"))
    }
}

impl Said {
    /// PAX records: `LENGTH KEY=VALUE\n`, where the length counts all of it.
    fn take_records(&mut self, mut rest: &[u8]) -> io::Result<()> {
        let wrong = || malformed("the PAX records of an entry are malformed");
        // Some writers fill up with zeros.
        while !matches!(rest, [] | [0, ..]) {
            let space = rest.iter().position(|byte| *byte == b' ').ok_or_else(wrong)?;
            let digits = std::str::from_utf8(&rest[..space]).ok();
            let length: usize = digits.and_then(|digits| digits.parse().ok()).ok_or_else(wrong)?;
            let record = rest.get(space + 1..length).and_then(|r| r.strip_suffix(b"\n"));
            let record = record.ok_or_else(wrong)?;
            let equals = record.iter().position(|byte| *byte == b'=').ok_or_else(wrong)?;
            self.take(&record[..equals], &record[equals + 1..])?;
            rest = &rest[length..];
        }
        Ok(())
    }

    fn take(&mut self, key: &[u8], value: &[u8]) -> io::Result<()> {
        match key {
            b"path" => self.name = Some(name_of(value)),
            b"linkpath" => self.link = Some(name_of(value)),
            b"size" => {
                let size = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                self.size = Some(size.ok_or_else(|| malformed("the size of an entry is none"))?);
            }
            _ if key.starts_with(b"GNU.sparse.") => self.is_sparse = true,
            _ => {}
        }
        Ok(())
    }
}

fn name_of(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}
