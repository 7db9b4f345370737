//! Which libraries a program asks its loader for. Reads just that of 64-bit
//! little-endian ELF, the only kind that the quickstart's architectures have.

/// What a program needs to start.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// Path of the loader; static programs have none.
    pub(super) loader: Option<String>,
    /// Names of libraries.
    pub(super) libraries: Vec<String>,
}

const LOAD: u64 = 1;
const DYNAMIC: u64 = 2;
const INTERPRETER: u64 = 3;
const TAG_NEEDED: u64 = 1;
const TAG_STRINGS: u64 = 5;

/// A program header.
struct Segment {
    kind: u64,
    offset: u64,
    address: u64,
    size: u64,
}

/// What a file needs; nothing if it isn't ELF at all.
pub(super) fn needs(bytes: &[u8]) -> Result<Needs, &'static str> {
    if !bytes.starts_with(b"\x7fELF") {
        return Ok(Needs::default());
    }
    if bytes.get(4..6) != Some(&[2, 1]) {
        return Err("it is not 64-bit little-endian ELF");
    }
    read(bytes).ok_or("its headers point out of the file")
}

fn read(bytes: &[u8]) -> Option<Needs> {
    let segments = segments(bytes)?;
    let content = |segment: &Segment| slice(bytes, segment.offset, segment.size);
    let of_kind = |kind| segments.iter().find(|segment| segment.kind == kind);
    let loader = match of_kind(INTERPRETER) {
        Some(segment) => Some(text(content(segment)?)?),
        None => None,
    };
    let Some(dynamic) = of_kind(DYNAMIC) else { return Some(Needs { loader, libraries: vec![] }) };
    let dynamic = content(dynamic)?;
    let tags: Vec<(u64, u64)> =
        dynamic.chunks_exact(16).filter_map(|t| Some((word(t, 0, 8)?, word(t, 8, 8)?))).collect();
    let needed: Vec<u64> =
        tags.iter().filter(|(tag, _)| *tag == TAG_NEEDED).map(|(_, value)| *value).collect();
    if needed.is_empty() {
        return Some(Needs { loader, libraries: vec![] });
    }
    let (_, address) = tags.iter().find(|(tag, _)| *tag == TAG_STRINGS)?;
    let strings = offset_of(&segments, *address)?;
    let name = |at: u64| text(bytes.get(usize::try_from(strings.checked_add(at)?).ok()?..)?);
    let libraries = needed.into_iter().map(name).collect::<Option<Vec<_>>>()?;
    Some(Needs { loader, libraries })
}

fn segments(bytes: &[u8]) -> Option<Vec<Segment>> {
    let (start, size, count) = (word(bytes, 32, 8)?, word(bytes, 54, 2)?, word(bytes, 56, 2)?);
    let segment = |index: u64| {
        let header = slice(bytes, start.checked_add(index * size)?, size)?;
        Some(Segment {
            kind: word(header, 0, 4)?,
            offset: word(header, 8, 8)?,
            address: word(header, 16, 8)?,
            size: word(header, 32, 8)?,
        })
    };
    (0..count).map(segment).collect()
}

/// Where in the file an address of memory comes from.
fn offset_of(segments: &[Segment], address: u64) -> Option<u64> {
    segments.iter().filter(|segment| segment.kind == LOAD).find_map(|segment| {
        let inside =
            address.checked_sub(segment.address).filter(|inside| *inside < segment.size)?;
        segment.offset.checked_add(inside)
    })
}

fn slice(bytes: &[u8], offset: u64, size: u64) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    bytes.get(start..start.checked_add(usize::try_from(size).ok()?)?)
}

fn word(bytes: &[u8], offset: usize, size: usize) -> Option<u64> {
    let mut word = [0; 8];
    word[..size].copy_from_slice(bytes.get(offset..offset + size)?);
    Some(u64::from_le_bytes(word))
}

fn text(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    String::from_utf8(bytes[..end].to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_real_program() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let needs = needs(&own).unwrap();
        assert!(needs.loader.unwrap().contains("/ld-linux"));
        assert!(needs.libraries.iter().any(|name| name == "libc.so.6"), "{:?}", needs.libraries);
    }

    #[test]
    fn other_files_need_nothing_and_broken_ones_are_errors() {
        assert_eq!(needs(b"#!/bin/sh\n"), Ok(Needs::default()));
        assert_eq!(needs(b"\x7fELF\x01\x01"), Err("it is not 64-bit little-endian ELF"));
        let mut own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        for length in [6, 20, 63, 64, 100, 200] {
            assert!(needs(&own[..length]).is_err(), "{length}");
        }
        own[32..40].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(needs(&own).is_err());
    }
}
