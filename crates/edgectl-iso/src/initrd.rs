//! What an initial RAM file system holds: cpio archives (newc) one after
//! another, plain or packed, as the kernel reads them
//! (Documentation/driver-api/early-userspace/buffer-format.rst).

use std::io::{self, BufRead, BufReader, Cursor, ErrorKind, Read};

/// A header: a magic number, and 13 numbers of eight hexadecimal digits.
const HEADER: usize = 110;
/// Where a header has the length of the content, and that of the name.
const CONTENT: usize = 54;
const NAME: usize = 94;
/// Everything begins at multiples of this.
const ALIGNMENT: u64 = 4;
/// As the kernel: no path is longer.
const LONGEST_NAME: u64 = 4096;
/// What the decoder of xz may hold; the largest presets need half of it.
const XZ_KIB: u32 = 128 * 1024;
const TRAILER: &[u8] = b"TRAILER!!!";

/// Calls `visit` with each path, without a slash in front. False if a part is
/// packed in a way that isn't read here; what comes before it was visited.
///
/// Parts follow one another, plain and packed ones in any order, as the kernel
/// takes them: zeros between them are skipped, and a plain one begins at a
/// multiple of four.
pub(crate) fn for_each_path(file: impl Read, visit: &mut dyn FnMut(&[u8])) -> io::Result<bool> {
    let mut file = Counted { inner: BufReader::new(file), at: 0 };
    while let Some(first) = first_beyond_zeros(&mut file)? {
        let is_aligned = (file.at - 1).is_multiple_of(ALIGNMENT);
        let mut magic = [first, 0, 0, 0, 0, 0];
        if let Err(error) = file.read_exact(&mut magic[1..]) {
            return ended(error);
        }
        let mut rest = Cursor::new(magic).chain(&mut file);
        match &magic {
            b"070701" | b"070702" if is_aligned => read_archive(&mut rest, visit)?,
            _ if !packed(&magic, rest, visit)? => return Ok(false),
            _ => {}
        }
    }
    Ok(true)
}

/// What is too short to be anything is nothing that is read here.
fn ended(error: io::Error) -> io::Result<bool> {
    if error.kind() == ErrorKind::UnexpectedEof { Ok(false) } else { Err(error) }
}

/// Reads a packed part, and nothing behind it. False if it isn't read here.
fn packed<'a>(
    magic: &[u8; 6],
    rest: impl BufRead + 'a,
    visit: &mut dyn FnMut(&[u8]),
) -> io::Result<bool> {
    let inside: Box<dyn Read + 'a> = match magic {
        [0x1f, 0x8b, ..] => Box::new(flate2::bufread::GzDecoder::new(rest)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(zstd::Decoder::with_buffer(rest)?.single_frame()),
        [0xfd, b'7', b'z', b'X', b'Z', 0] => {
            Box::new(lzma_rust2::XzReader::new_mem_limit(rest, false, XZ_KIB))
        }
        _ => return Ok(false),
    };
    let mut inside = BufReader::new(inside);
    // Archives may follow one another in there, too, but nothing packed.
    while let Some(first) = first_beyond_zeros(&mut inside)? {
        if first != b'0' {
            return Ok(false);
        }
        read_archive(&mut Cursor::new([first]).chain(&mut inside), visit)?;
    }
    Ok(true)
}

/// A reader that knows its place.
struct Counted<R> {
    inner: BufReader<R>,
    at: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.at += n as u64;
        Ok(n)
    }
}

impl<R: Read> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, n: usize) {
        self.inner.consume(n);
        self.at += n as u64;
    }
}

/// Zeros fill the room between archives.
fn first_beyond_zeros(file: &mut impl Read) -> io::Result<Option<u8>> {
    let mut byte = [0];
    loop {
        match file.read(&mut byte)? {
            0 => return Ok(None),
            _ if byte[0] != 0 => return Ok(Some(byte[0])),
            _ => {}
        }
    }
}

fn read_archive(file: &mut impl Read, visit: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    loop {
        let mut header = [0; HEADER];
        file.read_exact(&mut header)?;
        if !header.starts_with(b"07070") {
            return Err(damaged("a header is none"));
        }
        let (content, name) = (number(&header, CONTENT)?, number(&header, NAME)?);
        if name == 0 || name > LONGEST_NAME {
            return Err(damaged("a name is longer than any path"));
        }
        let mut path = vec![0; usize::try_from(name).unwrap_or(0)];
        file.read_exact(&mut path)?;
        skip(file, padding(HEADER as u64 + name))?;
        path.pop();
        if path == TRAILER {
            return Ok(());
        }
        visit(path.strip_prefix(b"./").or(path.strip_prefix(b"/")).unwrap_or(&path));
        skip(file, content + padding(content))?;
    }
}

/// What is missing to the next multiple.
fn padding(length: u64) -> u64 {
    length.next_multiple_of(ALIGNMENT) - length
}

fn number(header: &[u8; HEADER], at: usize) -> io::Result<u64> {
    let digits = header.get(at..at + 8).and_then(|digits| std::str::from_utf8(digits).ok());
    let number = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    number.ok_or_else(|| damaged("a number in a header is none"))
}

fn skip(file: &mut impl Read, bytes: u64) -> io::Result<()> {
    match io::copy(&mut file.take(bytes), &mut io::sink())? == bytes {
        true => Ok(()),
        false => Err(ErrorKind::UnexpectedEof.into()),
    }
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("{what} in a cpio archive"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, content) in files.iter().chain([&("TRAILER!!!", &b""[..])]) {
            let numbers = [0, 0o100_644, 0, 0, 1, 0, content.len(), 0, 0, 0, 0, name.len() + 1, 0];
            let numbers: String = numbers.iter().map(|number| format!("{number:08x}")).collect();
            write!(out, "070701{numbers}{name}\0").unwrap();
            out.resize(out.len().next_multiple_of(4), 0);
            out.extend_from_slice(content);
            out.resize(out.len().next_multiple_of(4), 0);
        }
        out
    }

    fn paths(bytes: &[u8]) -> io::Result<(Vec<String>, bool)> {
        let mut found = Vec::new();
        let mut visit = |path: &[u8]| found.push(String::from_utf8_lossy(path).into_owned());
        let is_read = for_each_path(bytes, &mut visit)?;
        Ok((found, is_read))
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn packings(bytes: &[u8]) -> [Vec<u8>; 4] {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(bytes).unwrap();
        let mut xz =
            lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(1)).unwrap();
        xz.write_all(bytes).unwrap();
        let zstd = zstd::encode_all(bytes, 1).unwrap();
        [bytes.to_vec(), gzip.finish().unwrap(), zstd, xz.finish().unwrap()]
    }

    #[test]
    fn early_microcode_and_every_packing() {
        let mut early = archive(&[("kernel/x86/microcode/GenuineIntel.bin", &[7; 1001])]);
        early.resize(early.len().next_multiple_of(512), 0);
        let main = archive(&[("./scripts/live", b"#!"), ("/usr", b"")]);
        for packed in packings(&main) {
            let whole = [early.as_slice(), &packed].concat();
            let wanted = names(&["kernel/x86/microcode/GenuineIntel.bin", "scripts/live", "usr"]);
            assert_eq!(paths(&whole).unwrap(), (wanted, true));
        }
    }

    /// Debian's tools and dracut's put packed modules in front of the rest;
    /// network boot puts plain files behind it.
    #[test]
    fn every_packing_behind_every_other() {
        let (one, other) = (archive(&[("a", &[5; 3000])]), archive(&[("b", b"x")]));
        for first in packings(&one) {
            for second in packings(&other) {
                let mut whole = first.clone();
                whole.resize(whole.len().next_multiple_of(4), 0);
                whole.extend(&second);
                assert_eq!(paths(&whole).unwrap(), (names(&["a", "b"]), true));
                // Packed parts need no place of their own; plain ones do.
                let odd = [&[0][..], &first, &first[..0], &second].concat();
                if first[0] != b'0' && second[0] != b'0' {
                    assert_eq!(paths(&odd).unwrap(), (names(&["a", "b"]), true));
                } else if first[0] == b'0' {
                    assert_eq!(paths(&odd).unwrap(), (names(&[]), false));
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_read_is_said_to_be() {
        let lz4 = [archive(&[("a", b"")]), vec![0x02, 0x21, 0x4c, 0x18, 9, 9, 9]].concat();
        assert_eq!(paths(&lz4).unwrap(), (names(&["a"]), false));
        assert_eq!(paths(b"an initrd").unwrap(), (Vec::new(), false));
        assert_eq!(paths(b"x").unwrap(), (Vec::new(), false));
        assert_eq!(paths(b"").unwrap(), (Vec::new(), true));
    }

    #[test]
    fn damage_is_an_error_and_no_panic() {
        let whole = archive(&[("scripts/live", b"content")]);
        for length in 6..whole.len() - 4 {
            assert!(paths(&whole[..length]).is_err(), "{length}");
        }
        let mut wrong = whole.clone();
        wrong[NAME..NAME + 8].copy_from_slice(b"ffffffff");
        assert!(paths(&wrong).is_err());
        wrong[NAME..NAME + 8].copy_from_slice(b"zzzzzzzz");
        assert!(paths(&wrong).is_err());
    }
}
