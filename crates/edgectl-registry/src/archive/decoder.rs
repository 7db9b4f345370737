//! The compressions that archives come in.

use std::io::{self, BufReader, Read};

use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;

/// Read from below at once.
const BUFFER: usize = 64 * 1024;
/// What a decoder may hold: as much as the largest presets of `xz` and `zstd`
/// need.
const WINDOW_KIB: u32 = 128 * 1024;

/// How bytes are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Gzip,
    Xz,
    Zstd,
}

impl Form {
    /// By the first bytes; names are wrong now and then.
    pub(super) fn of(start: &[u8]) -> Option<Self> {
        match start {
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            _ => None,
        }
    }

    /// The bytes that were compressed; all members, streams and frames.
    pub(super) fn decoder(
        self,
        from: impl Read + Send + 'static,
    ) -> io::Result<Box<dyn Read + Send>> {
        let from = BufReader::with_capacity(BUFFER, from);
        Ok(match self {
            Self::Gzip => Box::new(MultiGzDecoder::new(from)),
            Self::Xz => Box::new(XzReader::new_mem_limit(from, true, WINDOW_KIB)),
            Self::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(from)?),
        })
    }
}
