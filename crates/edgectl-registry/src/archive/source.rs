//! Archives as a source of the copy engine.

use std::sync::Arc;

use bytes::Bytes;
use edgectl_model::{Digest, Reference};
use futures_util::stream;
use tokio::sync::OwnedMutexGuard;

use super::broken;
use super::catalog::Archives;
use super::content::Content;
use super::stream::Stream;
use crate::attached::{Attached, cosign_tags, tagged};
use crate::content::Chunks;
use crate::error::{Mismatch, RegistryError};
use crate::manifest::{Blob, RawManifest};
use crate::source::Source;

impl Source for Archives {
    async fn manifest(
        &self,
        reference: &Reference,
        digest: Option<&Digest>,
    ) -> Result<RawManifest, RegistryError> {
        let named = || self.find(reference).map(|image| &image.digest);
        match digest.or(reference.digest()).or_else(named) {
            Some(digest) if self.has(digest) => self.read_manifest(digest),
            digest => Err(self.absent(reference, digest)),
        }
    }

    async fn blob(&self, _: &Reference, blob: &Blob, from: u64) -> Result<Chunks, RegistryError> {
        let content = self.blobs.get(&blob.digest).ok_or_else(|| self.missing(&blob.digest))?;
        if content.size != blob.size {
            let found = match content.size < blob.size {
                true => Mismatch::Shorter(content.size),
                false => Mismatch::Longer,
            };
            let place = content.stream.path().display().to_string();
            return Err(RegistryError::Digest { expected: blob.digest.clone(), place, found });
        }
        let reading = Reading {
            content: content.clone(),
            digest: blob.digest.clone(),
            at: from,
            reader: Arc::clone(&self.reader),
            turn: None,
        };
        Ok(Box::pin(stream::try_unfold(reading, Reading::next)))
    }

    async fn attached(
        &self,
        reference: &Reference,
        subject: &Digest,
    ) -> Result<Vec<Attached>, RegistryError> {
        let mut attached = Vec::new();
        for digest in self.referrers.get(subject).into_iter().flatten() {
            attached.push(Attached { manifest: self.read_manifest(digest)?, tag: None });
        }
        for tag in cosign_tags(subject) {
            if let Some(image) = self.find(&tagged(reference, &tag)?) {
                let manifest = self.read_manifest(&image.digest)?;
                attached.push(Attached { manifest, tag: Some(tag) });
            }
        }
        Ok(attached)
    }

    fn sequence(&self, digest: &Digest) -> Option<u64> {
        let content = self.blobs.get(digest)?;
        content.order.filter(|_| content.held.is_none())
    }
}

/// The stream that was read last, for whose turn it is.
type Turn = Option<Arc<Stream>>;

/// A blob on its way.
struct Reading {
    content: Content,
    digest: Digest,
    at: u64,
    reader: Arc<tokio::sync::Mutex<Turn>>,
    /// Held until the blob is read, so that two readers don't pull a decoder
    /// back and forth.
    turn: Option<OwnedMutexGuard<Turn>>,
}

impl Reading {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, RegistryError> {
        if self.at >= self.content.size {
            return Ok(None);
        }
        if self.turn.is_none() && self.content.order.is_some() && self.content.held.is_none() {
            self.turn = Some(self.take_turn().await);
        }
        let (content, at) = (self.content.clone(), self.at);
        let piece = tokio::task::spawn_blocking(move || content.piece(at)).await;
        let piece = piece.map_err(std::io::Error::other).and_then(|piece| piece);
        let place = format!("{}: {}", self.content.stream.path().display(), self.digest);
        let piece = piece.map_err(|e| broken(self.content.stream.path(), &place, e))?;
        self.at += piece.len() as u64;
        Ok(Some((piece, self)))
    }

    /// Waits for its turn. A decoder that nobody reads any more is given up.
    async fn take_turn(&self) -> OwnedMutexGuard<Turn> {
        let mut turn = Arc::clone(&self.reader).lock_owned().await;
        let stream = &self.content.stream;
        if let Some(last) = turn.as_ref().filter(|last| !Arc::ptr_eq(last, stream)) {
            last.release_up_to(stream);
        }
        *turn = Some(Arc::clone(stream));
        turn
    }
}
