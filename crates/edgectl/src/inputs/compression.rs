//! What a file is packed with, by its first bytes.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

use edgectl_registry::Compression;

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Tar,
    Gzip,
    Zstd,
    Xz,
    Zip,
}

/// Room for `ustar` in the header of a tar entry.
const LOOK: usize = 512;
/// Bytes that any archive may unfold to.
const FREE: u64 = 256 << 20;
/// Beyond these, an archive unfolds to so many times its size at most; texts
/// don't get near it, bombs get beyond.
const RATIO: u64 = 250;

/// How a file is packed; none if it isn't.
pub(super) fn form(file: &File, path: &Path) -> io::Result<Option<Form>> {
    let mut start = [0; LOOK];
    let mut length = 0;
    while length < LOOK {
        match file.read_at(&mut start[length..], length as u64)? {
            0 => break,
            read => length += read,
        }
    }
    let found = form_of(&start[..length]);
    let is_tar = path.extension().is_some_and(|extension| extension == "tar");
    Ok(found.or(is_tar.then_some(Form::Tar)))
}

/// How a tar is packed, whose first bytes or name say that it is one.
pub(crate) fn tar_form(path: &Path) -> io::Result<Option<Form>> {
    Ok(form(&File::open(path)?, path)?.filter(|form| *form != Form::Zip))
}

/// How bytes are packed, by the first of them.
pub(super) fn form_of(start: &[u8]) -> Option<Form> {
    match start {
        [0x1f, 0x8b, ..] => Some(Form::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Form::Zstd),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Form::Xz),
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Form::Zip),
        _ if start.get(257..262) == Some(b"ustar") => Some(Form::Tar),
        _ => None,
    }
}

/// The contents of a file of `size` bytes that is packed as a stream. A bomb
/// ends in an error.
pub(crate) fn unfolded(
    file: impl Read + Send + 'static,
    size: u64,
    form: Form,
) -> io::Result<Box<dyn Read + Send>> {
    let reader: Box<dyn Read + Send> = match form {
        Form::Gzip => Compression::Gzip.decoder(file)?,
        Form::Zstd => Compression::Zstd.decoder(file)?,
        Form::Xz => Compression::Xz.decoder(file)?,
        Form::Tar | Form::Zip => Box::new(BufReader::with_capacity(1 << 16, file)),
    };
    Ok(Box::new(Bounded { reader, left: allowance(size) }))
}

/// How many bytes an archive of this size may unfold to.
pub(super) fn allowance(size: u64) -> u64 {
    FREE.max(size.saturating_mul(RATIO))
}

/// A reader that refuses to unfold without end.
pub(super) struct Bounded<R> {
    pub(super) reader: R,
    pub(super) left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            io::Error::other(format!(
                "it unfolds to more than {RATIO} times its size: an archive bomb"
            ))
        })?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bombs_end() {
        let mut reader = Bounded { reader: io::repeat(0), left: 1000 };
        let error = io::copy(&mut reader, &mut io::sink()).unwrap_err();
        assert!(error.to_string().contains("archive bomb"), "{error}");
    }

    #[test]
    fn forms_by_first_bytes() {
        assert_eq!(form_of(b"PK\x03\x04"), Some(Form::Zip));
        assert_eq!(form_of(b"kind: Pod"), None);
        assert_eq!(form_of(b""), None);
        let mut tar = [0; 512];
        tar[257..262].copy_from_slice(b"ustar");
        assert_eq!(form_of(&tar), Some(Form::Tar));
    }
}
