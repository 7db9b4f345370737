//! Blobs over a whole run: each one is sent once per store, other repositories
//! take it over from the one that has it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use edgectl_model::{Digest, Reference};
use tokio::sync::{Mutex as AsyncMutex, Semaphore};

use crate::content::{Moved, verified};
use crate::error::RegistryError;
use crate::manifest::Blob;
use crate::retry::Backoff;
use crate::sink::{Mount, Sink, UploadSession};
use crate::source::Source;
use crate::upload::{Progress, Totals};

/// Slots that are filled by whoever comes first while others wait. A failure
/// leaves the slot empty, so that the next one tries.
#[derive(Debug)]
struct Slots<K, V>(Mutex<HashMap<K, Arc<AsyncMutex<V>>>>);

impl<K: Eq + Hash, V: Default> Slots<K, V> {
    fn new() -> Self {
        Self(Mutex::default())
    }

    fn get(&self, key: K) -> Arc<AsyncMutex<V>> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(key).or_default())
    }
}

/// What the run knows of blobs at the destination.
#[derive(Debug)]
pub(crate) struct Book {
    /// Store and digest: a target whose repository has the blob.
    owners: Slots<(String, Digest), Option<Reference>>,
    /// Repository and digest: whether the blob is there.
    placed: Slots<(String, Digest), bool>,
    lanes: Semaphore,
}

impl Book {
    /// A book for a run that sends `jobs` blobs at once.
    pub(crate) fn new(jobs: usize) -> Self {
        Self { owners: Slots::new(), placed: Slots::new(), lanes: Semaphore::new(jobs.max(1)) }
    }
}

/// One blob's way from a source reference to a target.
pub(crate) struct Transfer<'a, S, K> {
    pub(crate) source: &'a S,
    pub(crate) sink: &'a K,
    pub(crate) from: &'a Reference,
    pub(crate) to: &'a Reference,
    pub(crate) book: &'a Book,
    pub(crate) totals: &'a Totals,
    pub(crate) progress: &'a dyn Progress,
}

impl<S: Source, K: Sink> Transfer<'_, S, K> {
    /// Makes sure that the target's repository has the blob.
    pub(crate) async fn ensure(&self, blob: &Blob, optional: bool) -> Result<(), RegistryError> {
        let repository = (self.to.repository(), blob.digest.clone());
        let placed = self.book.placed.get(repository);
        let mut placed = placed.lock().await;
        if *placed {
            return Ok(());
        }
        self.place(blob, optional).await?;
        *placed = true;
        Ok(())
    }

    async fn place(&self, blob: &Blob, optional: bool) -> Result<(), RegistryError> {
        let owner = self.book.owners.get((self.sink.store(self.to), blob.digest.clone()));
        let mut owner = owner.lock().await;
        if let Some(from) = owner.clone() {
            // Many may take over at once; only the first upload is alone.
            drop(owner);
            let _lane = self.book.lanes.acquire().await;
            return self.take_over(blob, &from).await;
        }
        let _lane = self.book.lanes.acquire().await;
        if !self.sink.has_blob(self.to, blob).await? {
            match self.send(blob, None).await {
                // Layers that may not be redistributed need not be anywhere.
                Err(RegistryError::NotFound { .. }) if optional => return Ok(()),
                other => other?,
            }
        }
        *owner = Some(self.to.clone());
        Ok(())
    }

    async fn take_over(&self, blob: &Blob, from: &Reference) -> Result<(), RegistryError> {
        match self.sink.mount(self.to, blob, from).await? {
            Mount::Done => {
                self.totals.mounted();
                Ok(())
            }
            Mount::Refused(None) if self.sink.has_blob(self.to, blob).await? => Ok(()),
            Mount::Refused(session) => self.send(blob, session).await,
        }
    }

    /// Streams the blob, again from the start where that may help.
    async fn send(
        &self,
        blob: &Blob,
        mut session: Option<UploadSession>,
    ) -> Result<(), RegistryError> {
        let mut backoff = Backoff::default();
        loop {
            let moved = Moved::default();
            let result = self.send_once(blob, session.take(), &moved).await;
            let Err(error) = result else {
                self.totals.sent();
                return Ok(());
            };
            // Bytes that went nowhere are not progress for the user.
            self.progress.bytes_lost(moved.bytes());
            let wait = error
                .is_temporary()
                .then(|| backoff.next(error.retry_after(), moved.bytes() > FAR));
            let Some(wait) = wait.flatten() else { return Err(error) };
            tracing::debug!(digest = %blob.digest, %error, ?wait, "sending again");
            tokio::time::sleep(wait).await;
        }
    }

    async fn send_once(
        &self,
        blob: &Blob,
        session: Option<UploadSession>,
        moved: &Moved,
    ) -> Result<(), RegistryError> {
        let chunks = self.source.blob(self.from, blob, 0).await?;
        let place = self.from.repository();
        let chunks = verified(chunks, blob, &place, moved.clone());
        let put = self.sink.put_blob(self.to, blob, session, chunks, moved);
        let result = self.reporting(put, moved).await;
        self.totals.bytes(moved.bytes());
        result
    }

    /// Tells the progress a few times a second what has moved.
    async fn reporting<T>(&self, put: impl Future<Output = T>, moved: &Moved) -> T {
        let mut put = std::pin::pin!(put);
        let mut tick = tokio::time::interval(std::time::Duration::from_millis(100));
        let mut told = 0;
        loop {
            let done = tokio::select! {
                result = &mut put => Some(result),
                _ = tick.tick() => None,
            };
            let now = moved.bytes();
            if now > told {
                self.progress.bytes(now - told);
                told = now;
            }
            if let Some(result) = done {
                return result;
            }
        }
    }
}

/// An attempt that came this far counts as progress.
const FAR: u64 = 16 << 20;
