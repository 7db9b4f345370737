//! Unpacking single blocks.

use std::io::{self, Read};

use super::Damage;

/// Unpacks blocks of one squashfs; keeps what it needs for that.
pub(super) enum Unpacker {
    Gzip,
    Xz,
    Zstd(zstd::bulk::Decompressor<'static>),
}

impl std::fmt::Debug for Unpacker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Gzip => "Gzip",
            Self::Xz => "Xz",
            Self::Zstd(_) => "Zstd",
        })
    }
}

impl Unpacker {
    /// By the number that the superblock has for it.
    pub(super) fn new(compression: u16) -> Result<Self, Damage> {
        match compression {
            1 => Ok(Self::Gzip),
            4 => Ok(Self::Xz),
            6 => Ok(Self::Zstd(zstd::bulk::Decompressor::new()?)),
            other => Err(Damage::Compression(other)),
        }
    }

    /// Fills the front of `to` with the block `packed` from byte `at`; says
    /// how far. More than there is room for is an error.
    pub(super) fn unpack(
        &mut self,
        packed: &[u8],
        to: &mut [u8],
        at: u64,
    ) -> Result<usize, Damage> {
        let unpacked = match self {
            Self::Zstd(zstd) => zstd.decompress_to_buffer(packed, to),
            Self::Gzip => fill(flate2::read::ZlibDecoder::new(packed), to),
            Self::Xz => fill(lzma_rust2::XzReader::new(packed, false), to),
        };
        unpacked.map_err(|source| Damage::Packed { at, source })
    }
}

fn fill(mut from: impl Read, to: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < to.len() {
        match from.read(&mut to[filled..])? {
            0 => return Ok(filled),
            n => filled += n,
        }
    }
    match from.read(&mut [0])? {
        0 => Ok(filled),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "it is too long")),
    }
}
