//! Blob content on its way: counted and hashed while it passes by, never kept.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use edgectl_model::Hasher;
use futures_util::stream::{self, Stream, StreamExt};

use crate::error::{Mismatch, RegistryError};
use crate::manifest::Blob;

/// Pieces of a blob.
pub type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, RegistryError>> + Send>>;

/// No byte for this long means that the connection is dead.
pub(crate) const STALL: Duration = Duration::from_secs(60);
/// A registry may need this long to hash and store what it was sent.
pub(crate) const STORE: Duration = Duration::from_secs(600);

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

    fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

struct State {
    chunks: Chunks,
    blob: Blob,
    place: String,
    hasher: Hasher,
    taken: u64,
    held: Option<Bytes>,
    moved: Moved,
}

/// Passes chunks on and fails unless they are what the blob's digest and size
/// say. The last chunk is held back until that is known: a receiver never gets
/// the whole of a wrong blob.
pub fn verified(chunks: Chunks, blob: &Blob, place: &str, moved: Moved) -> Chunks {
    let state = State {
        chunks,
        blob: blob.clone(),
        place: place.to_owned(),
        hasher: blob.digest.hasher(),
        taken: 0,
        held: None,
        moved,
    };
    Box::pin(stream::try_unfold(Some(state), |state| async {
        match state {
            Some(state) => state.step().await,
            None => Ok(None),
        }
    }))
}

type Step = Option<(Bytes, Option<State>)>;

impl State {
    async fn step(mut self) -> Result<Step, RegistryError> {
        loop {
            let Some(chunk) = self.chunks.next().await.transpose()? else {
                return self.end();
            };
            if chunk.is_empty() {
                continue;
            }
            self.taken += chunk.len() as u64;
            if self.taken > self.blob.size {
                return Err(self.mismatch(Mismatch::Longer));
            }
            self.hasher.update(&chunk);
            self.moved.add(chunk.len());
            if let Some(ready) = self.held.replace(chunk) {
                return Ok(Some((ready, Some(self))));
            }
        }
    }

    fn end(mut self) -> Result<Step, RegistryError> {
        if self.taken < self.blob.size {
            let taken = self.taken;
            return Err(self.mismatch(Mismatch::Shorter(taken)));
        }
        let digest = std::mem::replace(&mut self.hasher, Hasher::sha256()).finish();
        if digest != self.blob.digest {
            return Err(self.mismatch(Mismatch::Digest(digest)));
        }
        self.moved.end();
        Ok(self.held.take().map(|last| (last, None)))
    }

    fn mismatch(&self, found: Mismatch) -> RegistryError {
        let expected = self.blob.digest.clone();
        RegistryError::Digest { expected, place: self.place.clone(), found }
    }
}

/// A blob that is in memory already.
pub fn chunks_of(bytes: Bytes) -> Chunks {
    Box::pin(stream::iter([Ok(bytes)]))
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

    async fn passed(parts: &[&'static str], size: u64) -> (String, Option<RegistryError>) {
        let blob = Blob { digest: Digest::sha256(b"abcd"), size };
        let mut stream = verified(pieces(parts), &blob, "test", Moved::default());
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
        let (text, error) = passed(&["ab", "", "cd"], 4).await;
        assert!(error.is_none() && text == "abcd");
    }

    #[tokio::test]
    async fn never_passes_the_whole_of_what_is_wrong() {
        for (parts, size) in [(["ab", "ce"], 4), (["ab", "c"], 4), (["ab", "cde"], 4)] {
            let (text, error) = passed(&parts, size).await;
            assert!("ab".starts_with(&text), "{text}");
            assert!(matches!(error, Some(RegistryError::Digest { .. })));
        }
    }
}
