//! PAX records: what an entry says beyond its header.
//!
//! The tar library cuts records at newlines, but values are bytes, and a file
//! capability may well hold a newline. So they are read here, by their lengths.

use std::io::{self, Read};

use tar::{Entry, EntryType, Header};

use crate::layers::BLOCK;

/// The PAX records of one entry, in their order.
#[derive(Debug, Default)]
pub(crate) struct Records(Vec<(Vec<u8>, Vec<u8>)>);

impl Records {
    /// Finds the records among the blocks that come before the entry's own
    /// header, and compares them with what the library made of them.
    pub(crate) fn read<R: Read>(description: &[u8], entry: &Entry<'_, R>) -> io::Result<Self> {
        let mut records = Self::default();
        let mut rest = description;
        while let Some((block, behind)) = rest.split_at_checked(BLOCK as usize) {
            let header = Header::from_byte_slice(block);
            let kind = header.entry_type();
            let describes = kind.is_pax_local_extensions() || is_long_name(kind);
            if !describes {
                break;
            }
            let size = usize::try_from(header.entry_size()?).map_err(|_| malformed())?;
            let content = behind.get(..size).ok_or_else(malformed)?;
            if kind.is_pax_local_extensions() {
                records.0 = parse(content)?;
            }
            rest = behind.get(size.next_multiple_of(BLOCK as usize)..).unwrap_or_default();
        }
        match records.number("size")? {
            Some(size) if size != entry.size() && !entry.header().entry_type().is_gnu_sparse() => {
                Err(malformed())
            }
            _ => Ok(records),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.0.iter().map(|(key, value)| (key.as_slice(), value.as_slice()))
    }

    /// The last one counts.
    pub(crate) fn get(&self, key: &str) -> Option<&[u8]> {
        let found = self.0.iter().rfind(|(k, _)| k == key.as_bytes());
        found.map(|(_, value)| value.as_slice())
    }

    pub(crate) fn number(&self, key: &str) -> io::Result<Option<u64>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let number = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
        number.map(Some).ok_or_else(malformed)
    }
}

fn is_long_name(kind: EntryType) -> bool {
    kind.is_gnu_longname() || kind.is_gnu_longlink()
}

/// `LENGTH KEY=VALUE\n`, where the length counts all of it.
fn parse(mut rest: &[u8]) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut records = Vec::new();
    // Some writers fill up with zeros.
    while !matches!(rest, [] | [0, ..]) {
        let space = position(rest, b' ')?;
        let digits = std::str::from_utf8(&rest[..space]).map_err(|_| malformed())?;
        let length: usize = digits.parse().map_err(|_| malformed())?;
        let record = rest.get(space + 1..length).and_then(|r| r.strip_suffix(b"\n"));
        let record = record.ok_or_else(malformed)?;
        let equals = position(record, b'=')?;
        records.push((record[..equals].to_vec(), record[equals + 1..].to_vec()));
        rest = &rest[length..];
    }
    Ok(records)
}

fn position(bytes: &[u8], wanted: u8) -> io::Result<usize> {
    bytes.iter().position(|byte| *byte == wanted).ok_or_else(malformed)
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the PAX records of an entry are malformed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_bytes() {
        let records = parse(b"9 a=\n=\n\xff\n6 b=\n\n\0\0").unwrap();
        assert_eq!(records[0], (b"a".to_vec(), b"\n=\n\xff".to_vec()));
        assert_eq!(records[1], (b"b".to_vec(), b"\n".to_vec()));
    }

    #[test]
    fn wrong_lengths_are_refused() {
        for bad in [&b"x"[..], b"0 a=b\n", b"7 a=b\n", b"5 a=b\n", b"99999999999999999999 a=b\n"] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
