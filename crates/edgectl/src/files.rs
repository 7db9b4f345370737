//! Reading the user's files, with the file named in every error.

use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use edgectl_model::Secret;
use edgectl_process::interrupted;
use edgectl_registry::Compression;

use crate::exit;
use crate::failure::Failure;

/// Larger texts aren't what they are said to be.
const LIMIT: u64 = 256 << 20;

/// The first bytes of gzip.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The text of a file; `-` is stdin.
pub(crate) fn read_text(path: &Path, what: &str) -> Result<String, Failure> {
    decode(path, what, Ok)
}

/// A secret on the first line of a file; `-` is stdin.
pub(crate) fn read_secret_line(path: &Path, what: &str) -> Result<Secret, Failure> {
    let text = Secret::new(read_text(path, what)?);
    Ok(Secret::new(text.expose().lines().next().unwrap_or_default()))
}

/// How user data is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Plain,
    Gzip,
}

impl Form {
    /// The bytes of a text, the same ones each time: without a name or a date.
    pub(crate) fn written(self, text: &str) -> Result<Vec<u8>, Failure> {
        if self == Self::Plain {
            return Ok(text.as_bytes().to_vec());
        }
        let mut gzip = flate2::GzBuilder::new().write(Vec::new(), flate2::Compression::best());
        let done = gzip.write_all(text.as_bytes()).and_then(|()| gzip.finish());
        done.map_err(|e| Failure::of(exit::FAILED, &e).doing("compressing the user data"))
    }
}

/// User data, which may be compressed with gzip, as cloud-init takes it.
pub(crate) fn read_user_data(path: &Path) -> Result<String, Failure> {
    read_user_data_of_form(path).map(|(text, _)| text)
}

/// User data, and how it was written.
pub(crate) fn read_user_data_of_form(path: &Path) -> Result<(String, Form), Failure> {
    let mut form = Form::Plain;
    let text = decode(path, "the user data", |bytes| match bytes.starts_with(&GZIP) {
        true => {
            form = Form::Gzip;
            read_all(Compression::Gzip.decoder(io::Cursor::new(bytes))?)
        }
        false => Ok(bytes),
    })?;
    Ok((text, form))
}

fn decode(
    path: &Path,
    what: &str,
    inflate: impl FnOnce(Vec<u8>) -> io::Result<Vec<u8>>,
) -> Result<String, Failure> {
    let failed = |error: &dyn std::error::Error| {
        Failure::of(exit::FAILED, error).doing(format!("reading {what} `{}`", path.display()))
    };
    let bytes = match path.as_os_str() == "-" {
        true => read_stdin()?,
        false => std::fs::File::open(path).and_then(read_all),
    };
    let bytes = bytes.and_then(inflate).map_err(|e| failed(&e))?;
    String::from_utf8(bytes).map_err(|e| failed(&e))
}

fn read_all(from: impl Read) -> io::Result<Vec<u8>> {
    read_at_most(from, LIMIT)
}

/// A part of a text is another text: what is longer is an error.
fn read_at_most(from: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(limit + 1).read_to_end(&mut bytes)?;
    match u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
        true => Ok(bytes),
        false => Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it is larger than {} MiB, uncompressed", limit >> 20),
        )),
    }
}

/// Whoever writes to us may take his time, and the user may lose patience.
fn read_stdin() -> Result<io::Result<Vec<u8>>, Failure> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(read_all(io::stdin().lock())));
    loop {
        match receiver.recv_timeout(Duration::from_millis(50)) {
            Ok(read) => return Ok(read),
            Err(RecvTimeoutError::Timeout) => interrupted()?,
            Err(RecvTimeoutError::Disconnected) => {
                return Ok(Err(io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_not_cut() {
        assert_eq!(read_at_most(&b"abcd"[..], 4).ok().as_deref(), Some(&b"abcd"[..]));
        assert_eq!(
            read_at_most(&b"abcde"[..], 4).map_err(|error| error.kind()),
            Err(io::ErrorKind::FileTooLarge)
        );
    }
}
