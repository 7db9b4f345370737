//! The compressions that archives come in.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;
use lzma_rust2::XzReader;

use super::malformed;

/// Read from below at once.
const BUFFER: usize = 64 * 1024;
/// What a decoder may hold: as much as the largest presets of `xz` and `zstd`
/// need.
const WINDOW_KIB: u32 = 128 * 1024;

/// The first byte of gzip.
const GZIP_START: u8 = 0x1f;

/// How bytes are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// gzip, of any number of members.
    Gzip,
    /// xz.
    Xz,
    /// Zstandard.
    Zstd,
}

impl Compression {
    /// By the first bytes; names are wrong now and then.
    pub(super) fn of(start: &[u8]) -> Option<Self> {
        match start {
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            _ => None,
        }
    }

    /// The bytes that were compressed; all members, streams and frames. Zeros
    /// behind gzip are padding, anything else there is an error.
    pub fn decoder(self, from: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
        let from = BufReader::with_capacity(BUFFER, from);
        Ok(match self {
            Self::Gzip => Box::new(Members(Some(GzDecoder::new(from)))),
            Self::Xz => Box::new(XzReader::new_mem_limit(from, true, WINDOW_KIB)),
            Self::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(from)?),
        })
    }
}

/// The members of a gzip file, one after another. Zeros behind the last one
/// are padding, as `gzip` takes them.
struct Members<R>(Option<GzDecoder<R>>);

impl<R: BufRead> Members<R> {
    fn next(&mut self) -> io::Result<()> {
        let Some(mut from) = self.0.take().map(GzDecoder::into_inner) else { return Ok(()) };
        loop {
            let ready = from.fill_buf()?;
            match ready.iter().position(|byte| *byte != 0) {
                Some(at) if ready.get(at) != Some(&GZIP_START) => {
                    return Err(malformed("what follows its end is no gzip"));
                }
                Some(at) => {
                    from.consume(at);
                    self.0 = Some(GzDecoder::new(from));
                    return Ok(());
                }
                None if ready.is_empty() => return Ok(()),
                None => {
                    let zeros = ready.len();
                    from.consume(zeros);
                }
            }
        }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = self.0.as_mut().filter(|_| !buffer.is_empty()) {
            match member.read(buffer)? {
                0 => self.next()?,
                read => return Ok(read),
            }
        }
        Ok(0)
    }
}
