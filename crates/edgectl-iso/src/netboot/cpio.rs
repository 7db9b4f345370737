//! A cpio archive (newc) with one file, as the kernel unpacks it beside its
//! initial RAM file system.

use std::io::{self, Read, Write};

const DIRECTORY: u32 = 0o040_755;
/// Whoever has the medium has what is on it.
const FILE: u32 = 0o100_600;
const TRAILER: &str = "TRAILER!!!";
const ALIGNMENT: usize = 4;

/// Writes `directory/name` with `bytes` bytes of `from`.
pub(super) fn write(
    out: &mut impl Write,
    directory: &str,
    name: &str,
    from: &mut impl Read,
    bytes: u32,
    epoch: u64,
) -> io::Result<()> {
    // Dates have 32 bits.
    let time = u32::try_from(epoch).unwrap_or(u32::MAX);
    header(out, 1, DIRECTORY, 2, time, 0, directory)?;
    header(out, 2, FILE, 1, time, bytes, &format!("{directory}/{name}"))?;
    let copied = io::copy(&mut from.take(u64::from(bytes)), out)?;
    if copied != u64::from(bytes) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    pad(out, copied as usize)?;
    header(out, 0, 0, 1, 0, 0, TRAILER)
}

fn header(
    out: &mut impl Write,
    inode: u32,
    mode: u32,
    links: u32,
    time: u32,
    bytes: u32,
    name: &str,
) -> io::Result<()> {
    let length = u32::try_from(name.len() + 1).unwrap_or(u32::MAX);
    // Owner and group; device and node numbers; then a sum that isn't used.
    let numbers = [inode, mode, 0, 0, links, time, bytes, 0, 0, 0, 0, length, 0];
    let numbers: String = numbers.iter().map(|number| format!("{number:08x}")).collect();
    let text = format!("070701{numbers}{name}\0");
    out.write_all(text.as_bytes())?;
    pad(out, text.len())
}

fn pad(out: &mut impl Write, written: usize) -> io::Result<()> {
    out.write_all(&[0; ALIGNMENT][..written.next_multiple_of(ALIGNMENT) - written])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for length in [0_u32, 1, 4, 4097] {
            let content = vec![7; length as usize];
            let mut out = b"\0\0\0\0".to_vec();
            write(&mut out, "edgectl", "medium.iso", &mut content.as_slice(), length, 1).unwrap();
            assert!(out.len().is_multiple_of(4));
            let mut found = Vec::new();
            let mut visit = |path: &[u8]| found.push(String::from_utf8_lossy(path).into_owned());
            assert!(crate::initrd::for_each_path(out.as_slice(), &mut visit).unwrap());
            assert_eq!(found, ["edgectl", "edgectl/medium.iso"]);
        }
        let error = write(&mut Vec::new(), "a", "b", &mut io::empty(), 1, u64::MAX).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
