//! One file of an archive: where it is, and what is known of it.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use edgectl_model::{Digest, Hasher};
use edgectl_process::interrupted;

use super::decoder::Compression;
use super::malformed;
use super::stream::Stream;
use super::tar::is_header;

/// Read at once.
pub(super) const PIECE: usize = 128 * 1024;
/// What shows how a file is packed.
pub(super) const START: usize = 512;

/// A content.
#[derive(Debug, Clone)]
pub(super) struct Content {
    pub(super) stream: Arc<Stream>,
    pub(super) at: u64,
    pub(super) size: u64,
    /// Its turn, where the stream is read from front to back.
    pub(super) order: Option<u64>,
    /// Where it had to be read anyway.
    pub(super) digest: Option<Digest>,
    /// The same for small texts.
    pub(super) held: Option<Bytes>,
    /// What it is packed with, where it was looked at.
    pub(super) packed: Option<Packed>,
}

/// What a file is packed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packed {
    Tar,
    Compressed(Compression),
    No,
}

impl Packed {
    /// By the first block.
    pub(super) fn of(start: &[u8]) -> Self {
        match Compression::of(start) {
            Some(form) => Self::Compressed(form),
            None if is_header(start) => Self::Tar,
            None => Self::No,
        }
    }
}

impl Content {
    /// A piece of it from byte `from`; none at the end.
    pub(super) fn piece(&self, from: u64) -> io::Result<Bytes> {
        if let Some(held) = &self.held {
            let from = usize::try_from(from).unwrap_or(usize::MAX).min(held.len());
            return Ok(held.slice(from..));
        }
        let left = usize::try_from(self.size.saturating_sub(from)).unwrap_or(usize::MAX);
        let mut piece = vec![0; left.min(PIECE)];
        if piece.is_empty() {
            return Ok(Bytes::new());
        }
        match self.stream.read_at(self.at + from, &mut piece)? {
            // The archive was longer when it was looked at.
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                piece.truncate(read);
                Ok(piece.into())
            }
        }
    }

    /// The whole of a small one.
    pub(super) fn whole(&self, limit: u64) -> io::Result<Bytes> {
        if let Some(held) = &self.held {
            return Ok(held.clone());
        }
        if self.size > limit {
            return Err(malformed(format!("it is larger than {limit} bytes")));
        }
        let mut all = vec![0; usize::try_from(self.size).unwrap_or(0)];
        match self.stream.fill_at(self.at, &mut all)? {
            length if length == all.len() => Ok(all.into()),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Its first block.
    pub(super) fn start(&self) -> io::Result<Vec<u8>> {
        let length = self.size.min(START as u64);
        let mut start = vec![0; usize::try_from(length).unwrap_or(0)];
        let filled = match &self.held {
            Some(held) => {
                let length = start.len().min(held.len());
                start[..length].copy_from_slice(&held[..length]);
                length
            }
            None => self.stream.fill_at(self.at, &mut start)?,
        };
        start.truncate(filled);
        Ok(start)
    }

    /// What it is packed with.
    pub(super) fn packed(&self) -> io::Result<Packed> {
        match self.packed {
            Some(packed) => Ok(packed),
            None => Ok(Packed::of(&self.start()?)),
        }
    }

    /// Its digest, found by reading it unless it is known.
    pub(super) fn hashed(&self) -> io::Result<Digest> {
        if let Some(digest) = &self.digest {
            return Ok(digest.clone());
        }
        let mut hasher = Hasher::sha256();
        let mut at = 0;
        while at < self.size {
            interrupted().map_err(io::Error::other)?;
            let piece = self.piece(at)?;
            hasher.update(&piece);
            at += piece.len() as u64;
        }
        Ok(hasher.finish())
    }
}
