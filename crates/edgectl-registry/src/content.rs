//! Blob content on its way: counted and hashed while it passes by, never kept.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use edgectl_model::Hasher;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, Stream, StreamExt};

use crate::error::{Mismatch, RegistryError};
use crate::manifest::Blob;

/// Pieces of a blob.
pub type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, RegistryError>> + Send>>;

/// A blob's bytes wherever they come from, readable more than once.
pub trait Content: Send + Sync {
    /// The bytes from byte `from` on.
    fn open(&self, from: u64) -> BoxFuture<'_, Result<Chunks, RegistryError>>;

    /// Where they come from, for messages.
    fn place(&self) -> String;
}

/// What the watchdog of an upload looks at.
#[derive(Debug, Clone, Default)]
pub struct Moved {
    bytes: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
}

impl Moved {
    /// Bytes so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Whether all of it has passed by.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// That many more.
    pub(crate) fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// All of a request's body has passed by, or another one begins.
    pub(crate) fn set_ended(&self, ended: bool) {
        self.ended.store(ended, Ordering::Relaxed);
    }
}

/// How far a blob has been read, and the digest up to there.
#[derive(Debug, Clone)]
pub(crate) struct Checkpoint {
    pub(crate) at: u64,
    pub(crate) hasher: Hasher,
}

impl Checkpoint {
    /// The blob's first byte.
    pub(crate) fn start(blob: &Blob) -> Self {
        Self { at: 0, hasher: blob.digest.hasher() }
    }
}

/// Reads a blob and fails unless it is what its digest and size say. The last
/// piece is held back until that is known: a receiver never gets the whole of
/// a wrong blob.
pub(crate) struct Reader {
    chunks: Chunks,
    blob: Blob,
    place: String,
    now: Checkpoint,
    /// What of the last piece was more than asked for.
    rest: Bytes,
}

impl Reader {
    /// Reads on from a checkpoint; `chunks` begin there.
    pub(crate) fn new(chunks: Chunks, blob: &Blob, place: String, from: Checkpoint) -> Self {
        Self { chunks, blob: blob.clone(), place, now: from, rest: Bytes::new() }
    }

    /// The first byte that hasn't been read.
    pub(crate) fn checkpoint(&self) -> &Checkpoint {
        &self.now
    }

    /// The next piece, of at most `limit` bytes; none at the end.
    pub(crate) async fn next(&mut self, limit: u64) -> Result<Option<Bytes>, RegistryError> {
        if self.now.at == self.blob.size && self.rest.is_empty() {
            // Nobody has asked a blob without bytes for its digest yet.
            return if self.blob.size == 0 {
                self.check_end().await.map(|()| None)
            } else {
                Ok(None)
            };
        }
        while self.rest.is_empty() {
            match self.chunks.next().await.transpose()? {
                Some(chunk) => self.rest = chunk,
                None => return Err(self.mismatch(Mismatch::Shorter(self.now.at))),
            }
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX).min(self.rest.len());
        let piece = self.rest.split_to(limit);
        if self.now.at + piece.len() as u64 > self.blob.size {
            return Err(self.mismatch(Mismatch::Longer));
        }
        self.now.at += piece.len() as u64;
        self.now.hasher.update(&piece);
        if self.now.at == self.blob.size {
            self.check_end().await?;
        }
        Ok(Some(piece))
    }

    /// Reads on to byte `at` without giving anything away.
    pub(crate) async fn skip_to(&mut self, at: u64) -> Result<(), RegistryError> {
        while self.now.at < at {
            let left = at - self.now.at;
            if self.next(left).await?.is_none() {
                break;
            }
        }
        Ok(())
    }

    async fn check_end(&mut self) -> Result<(), RegistryError> {
        while self.rest.is_empty() {
            match self.chunks.next().await.transpose()? {
                Some(chunk) => self.rest = chunk,
                None => break,
            }
        }
        if !self.rest.is_empty() {
            return Err(self.mismatch(Mismatch::Longer));
        }
        let digest = self.now.hasher.clone().finish();
        match digest == self.blob.digest {
            true => Ok(()),
            false => Err(self.mismatch(Mismatch::Digest(digest))),
        }
    }

    fn mismatch(&self, found: Mismatch) -> RegistryError {
        let expected = self.blob.digest.clone();
        RegistryError::Digest { expected, place: self.place.clone(), found }
    }
}

/// Passes chunks on and fails unless they are what the blob's digest and size
/// say. The last chunk is held back until that is known: a receiver never gets
/// the whole of a wrong blob.
pub fn verified(chunks: Chunks, blob: &Blob, place: &str, moved: Moved) -> Chunks {
    let reader = Reader::new(chunks, blob, place.to_owned(), Checkpoint::start(blob));
    Box::pin(stream::try_unfold((reader, moved), |(mut reader, moved)| async {
        let piece = reader.next(u64::MAX).await?;
        moved.add(piece.as_ref().map_or(0, Bytes::len));
        moved.set_ended(piece.is_none());
        Ok(piece.map(|piece| (piece, (reader, moved))))
    }))
}

/// A blob that is in memory already.
pub fn chunks_of(bytes: Bytes) -> Chunks {
    Box::pin(stream::iter([Ok(bytes)]))
}

/// Reads a blob to its end, which fails unless size and digest are right.
pub(crate) async fn ensure_whole(
    chunks: Chunks,
    blob: &Blob,
    place: &str,
) -> Result<(), RegistryError> {
    let mut chunks = verified(chunks, blob, place, Moved::default());
    while let Some(chunk) = chunks.next().await {
        chunk?;
    }
    Ok(())
}

/// The whole of a small blob, verified.
pub(crate) async fn collect(
    chunks: Chunks,
    blob: &Blob,
    place: &str,
) -> Result<Bytes, RegistryError> {
    let mut verified = verified(chunks, blob, place, Moved::default());
    let mut all = Vec::new();
    while let Some(chunk) = verified.next().await.transpose()? {
        all.extend_from_slice(&chunk);
    }
    Ok(all.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgectl_model::Digest;

    fn pieces(parts: &[&'static str]) -> Chunks {
        let parts: Vec<_> = parts.iter().map(|p| Ok(Bytes::from_static(p.as_bytes()))).collect();
        Box::pin(stream::iter(parts))
    }

    fn abcd() -> Blob {
        Blob { digest: Digest::sha256(b"abcd"), size: 4 }
    }

    async fn passed(parts: &[&'static str]) -> (String, Option<RegistryError>) {
        let mut stream = verified(pieces(parts), &abcd(), "test", Moved::default());
        let mut text = String::new();
        while let Some(chunk) = stream.next().await {
            match chunk {
                Ok(chunk) => text.push_str(std::str::from_utf8(&chunk).unwrap()),
                Err(error) => return (text, Some(error)),
            }
        }
        (text, None)
    }

    #[tokio::test]
    async fn passes_what_is_right() {
        let (text, error) = passed(&["ab", "", "cd", ""]).await;
        assert!(error.is_none() && text == "abcd");
        let empty = Blob { digest: Digest::sha256(b""), size: 0 };
        assert!(collect(pieces(&[]), &empty, "test").await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn never_passes_the_whole_of_what_is_wrong() {
        for parts in [["ab", "ce", ""], ["ab", "c", ""], ["ab", "cde", ""], ["ab", "cd", "e"]] {
            let (text, error) = passed(&parts).await;
            assert!("abc".starts_with(&text), "{text}");
            assert!(matches!(error, Some(RegistryError::Digest { .. })));
        }
        let wrong = Blob { digest: Digest::sha256(b"x"), size: 0 };
        assert!(collect(pieces(&[]), &wrong, "test").await.is_err());
    }

    #[tokio::test]
    async fn reads_on_from_a_checkpoint_in_pieces_of_any_size() {
        let mut reader = Reader::new(
            pieces(&["abc", "d"]),
            &abcd(),
            "test".to_owned(),
            Checkpoint::start(&abcd()),
        );
        reader.skip_to(1).await.unwrap();
        assert_eq!(reader.next(1).await.unwrap().unwrap(), "b");
        let at = reader.checkpoint().clone();
        let mut again = Reader::new(pieces(&["cd"]), &abcd(), "test".to_owned(), at);
        assert_eq!(again.next(9).await.unwrap().unwrap(), "cd");
        assert!(again.next(9).await.unwrap().is_none());
    }
}
