//! Lists of checksums that an image brings along, as `md5sum` writes them:
//! installers compare their medium with them.

use edgectl_model::Digest;
use md5::{Digest as _, Md5};

use crate::area::{Area, AreaKind};
use crate::disc::{Disc, DiscEntry, Kind};
use crate::error::IsoError;

/// Where such lists stand.
const LISTS: [&str; 6] =
    ["/md5sum.txt", "/sha256sum.txt", "/sha512sum.txt", "/MD5SUMS", "/SHA256SUMS", "/SHA512SUMS"];
/// A list of a hundred thousand files.
const LIST_LIMIT: u64 = 16 << 20;

/// A list, with the checksums of files that changed.
pub(super) struct List {
    /// Its path, without a slash in front.
    pub(super) path: String,
    pub(super) bytes: Vec<u8>,
    pub(super) areas: Vec<Area>,
    /// Its permissions, as they were.
    pub(super) mode: u32,
}

/// The checksum whose hexadecimal form has so many bytes.
pub(crate) fn sum(bytes: &[u8], length: u64) -> Option<String> {
    match length {
        32 => Some(Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()),
        64 => Some(Digest::sha256(bytes).hex().to_owned()),
        128 => {
            let mut hasher = Digest::parse(&format!("sha512:{}", "0".repeat(128))).ok()?.hasher();
            hasher.update(bytes);
            Some(hasher.finish().hex().to_owned())
        }
        _ => None,
    }
}

/// The lists that name any of the `changed` files (path and bytes), which may
/// have areas.
pub(super) fn lists(
    disc: &Disc,
    files: &[(String, DiscEntry)],
    changed: &[(&str, &[u8])],
) -> Result<Vec<List>, IsoError> {
    let mut lists = Vec::new();
    for (path, entry) in files {
        if entry.kind == Kind::File && LISTS.contains(&path.as_str()) {
            let bytes = disc.read(entry, LIST_LIMIT)?;
            let mode = entry.mode.unwrap_or(0o444) & 0o7777;
            lists.extend(list(path.trim_start_matches('/'), bytes, changed, mode));
        }
    }
    Ok(lists)
}

fn list(path: &str, mut bytes: Vec<u8>, changed: &[(&str, &[u8])], mode: u32) -> Option<List> {
    let (mut areas, mut at) = (Vec::new(), 0);
    let lines: Vec<Vec<u8>> =
        bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    for line in lines {
        let named = parse(&line).and_then(|(length, name)| {
            let (path, content) = changed.iter().find(|(path, _)| path.as_bytes() == name)?;
            Some((*path, sum(content, length as u64)?))
        });
        if let Some((of, sum)) = named {
            bytes[at..at + sum.len()].copy_from_slice(sum.as_bytes());
            areas.push(Area {
                of: Some(of.to_owned()),
                ..Area::new(AreaKind::Checksum, path, at as u64, sum.len() as u64)
            });
        }
        at += line.len();
    }
    (!areas.is_empty()).then(|| List { path: path.to_owned(), bytes, areas, mode })
}

/// The length of the checksum, and the file's path without `./`.
fn parse(line: &[u8]) -> Option<(usize, &[u8])> {
    let line = line.trim_ascii_end();
    let length = line.iter().position(|byte| !byte.is_ascii_hexdigit())?;
    let name = line.get(length..)?.trim_ascii_start();
    let name = name.strip_prefix(b"*").unwrap_or(name);
    let name = name.strip_prefix(b"./").unwrap_or(name);
    Some((length, name.strip_prefix(b"/").unwrap_or(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_of_changed_files_are_areas() {
        let old =
            b"00000000000000000000000000000000  ./a\n0123456789abcdef0123456789abcdef *./b/c\n";
        let list = list("md5sum.txt", old.to_vec(), &[("b/c", b"x")], 0o444).unwrap();
        let text = String::from_utf8(list.bytes).unwrap();
        let expected =
            "00000000000000000000000000000000  ./a\n9dd4e461268c8034f5c8564e155c67a6 *./b/c\n";
        assert_eq!(text, expected);
        assert_eq!((list.areas[0].offset, list.areas[0].bytes), (38, 32));
        assert_eq!(list.areas[0].of.as_deref(), Some("b/c"));
        assert!(super::list("x", old.to_vec(), &[("c", b"x")], 0).is_none());
        assert_eq!(sum(b"x", 64).unwrap(), Digest::sha256(b"x").hex());
        assert!(sum(b"x", 128).is_some() && sum(b"x", 40).is_none());
    }
}
