//! Blobs over a whole run: each one is sent once per store, other repositories
//! take it over from the one that has it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use edgectl_model::Reference;
use edgectl_process::interrupted;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::{Mutex as AsyncMutex, Semaphore};

use crate::content::{Chunks, Content, Moved};
use crate::error::RegistryError;
use crate::failure::Mismatch;
use crate::manifest::Blob;
use crate::plan::LARGE;
use crate::retry::Backoff;
use crate::sink::{Mount, Sink, UploadSession};
use crate::source::Source;
use crate::upload::{Progress, Totals};

/// Blobs at once that are hardly more than a request.
pub(crate) const SMALL: usize = 8;

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
    /// Store and blob: a target whose repository has it. A blob is its digest
    /// and its size: a manifest may be wrong about the size.
    owners: Slots<(String, Blob), Option<Reference>>,
    /// Repository and blob: whether it is there.
    placed: Slots<(String, Blob), bool>,
    /// Store and blob: how the copy is damaged that the store doesn't give up.
    kept: Mutex<HashMap<(String, Blob), Mismatch>>,
    /// For blobs that take time.
    lanes: Semaphore,
    /// For those that don't: they never stand behind the others.
    small: Semaphore,
}

impl Book {
    /// A book for a run that sends `jobs` blobs at once.
    pub(crate) fn new(jobs: usize) -> Self {
        Self {
            owners: Slots::new(),
            placed: Slots::new(),
            kept: Mutex::default(),
            lanes: Semaphore::new(jobs.max(1)),
            small: Semaphore::new(SMALL),
        }
    }

    fn kept(&self, key: &(String, Blob)) -> Option<Mismatch> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn keep(&self, key: (String, Blob), found: Mismatch) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(key, found);
    }
}

/// Blobs' way from a source reference to a target.
pub(crate) struct Transfer<'a, S, K> {
    pub(crate) source: &'a S,
    pub(crate) sink: &'a K,
    pub(crate) from: &'a Reference,
    pub(crate) to: &'a Reference,
    pub(crate) book: &'a Book,
    pub(crate) totals: &'a Totals,
    pub(crate) progress: &'a dyn Progress,
    /// Set once anything is sent or mounted.
    pub(crate) sent: &'a AtomicBool,
    /// Most of the image is there: a question comes before a mount.
    pub(crate) looks_first: bool,
}

/// A blob as one source has it.
struct Sourced<'a, S> {
    source: &'a S,
    from: &'a Reference,
    blob: &'a Blob,
}

impl<S: Source> Content for Sourced<'_, S> {
    fn open(&self, from: u64) -> BoxFuture<'_, Result<Chunks, RegistryError>> {
        self.source.blob(self.from, self.blob, from).boxed()
    }

    fn place(&self) -> String {
        self.from.repository()
    }
}

impl<S: Source, K: Sink> Transfer<'_, S, K> {
    /// Makes sure that the target's repository has the blob.
    pub(crate) async fn ensure(&self, blob: &Blob, optional: bool) -> Result<(), RegistryError> {
        let placed = self.book.placed.get(self.key(blob));
        let mut placed = placed.lock().await;
        if *placed {
            return Ok(());
        }
        if self.place(blob, optional).await? {
            self.sink.note(self.to, blob);
        }
        *placed = true;
        Ok(())
    }

    /// The same without relying on anything that was found out before: the
    /// destination says that it has no such blob.
    pub(crate) async fn ensure_again(
        &self,
        blob: &Blob,
        optional: bool,
    ) -> Result<(), RegistryError> {
        let placed = self.book.placed.get(self.key(blob));
        let _alone = placed.lock().await;
        match self.has(blob).await? {
            true => Ok(()),
            false => is_there(self.send(blob, None).await, optional).map(drop),
        }
    }

    fn key(&self, blob: &Blob) -> (String, Blob) {
        (self.to.repository(), blob.clone())
    }

    /// Says whether the blob is there now.
    async fn place(&self, blob: &Blob, optional: bool) -> Result<bool, RegistryError> {
        let owner = self.book.owners.get((self.sink.store(self.to), blob.clone()));
        let mut owner = owner.lock().await;
        interrupted()?;
        if let Some(from) = owner.clone() {
            // Many may take over at once; only the first upload is alone.
            drop(owner);
            return is_there(self.take_over(blob, &from).await.map(drop), optional);
        }
        let is_there = is_there(self.first(blob).await, optional)?;
        if is_there {
            *owner = Some(self.to.clone());
        }
        Ok(is_there)
    }

    /// The run's first use of a blob in this store.
    async fn first(&self, blob: &Blob) -> Result<(), RegistryError> {
        if let Some(session) = self.sink.resume(self.to, blob).await? {
            self.progress.there(session.at);
            return self.send(blob, Some(session)).await;
        }
        if let Some(from) = self.elsewhere(blob) {
            if !self.take_over(blob, &from).await? {
                return Ok(());
            }
            // Nothing of this run has seen its size. Whom that can't be asked
            // has said that it is there.
            return match self.sink.has_blob(self.to, blob).await {
                Ok(false) => self.send(blob, None).await,
                Err(RegistryError::Digest { .. }) => self.replace(blob).await,
                Ok(true) | Err(_) => Ok(()),
            };
        }
        if self.has(blob).await? {
            self.progress.there(blob.size);
            return Ok(());
        }
        match self.looks_first {
            // It was lost, and what it was lost with may not be the only harm.
            true => self.replace(blob).await,
            false => self.send(blob, None).await,
        }
    }

    /// Another repository of the store that probably has the blob, where
    /// nothing says that the target's own has it.
    pub(crate) fn elsewhere(&self, blob: &Blob) -> Option<Reference> {
        let here = self.to.repository();
        let home = self.source.home(self.from);
        // Only a registry has repositories beyond those of this run.
        let home = home.filter(|home| self.sink.store(self.to) == home.domain());
        let mut hints = self.sink.hints(self.to, blob);
        hints.extend(home);
        match hints.iter().any(|from| from.repository() == here) {
            true => None,
            false => hints.into_iter().next(),
        }
    }

    /// Whether the target's repository has the blob, whole.
    async fn has(&self, blob: &Blob) -> Result<bool, RegistryError> {
        match self.sink.has_blob(self.to, blob).await {
            Err(RegistryError::Digest { .. }) => self.replace(blob).await.map(|()| true),
            other => other,
        }
    }

    /// Sends a blob of which the registry may have a damaged copy. Some take it
    /// in its place; others say so and keep what they have.
    async fn replace(&self, blob: &Blob) -> Result<(), RegistryError> {
        let (digest, place) = (blob.digest.clone(), self.to.repository());
        let key = (self.sink.store(self.to), blob.clone());
        // Its other images would send it in vain, too.
        if let Some(found) = self.book.kept(&key) {
            return Err(RegistryError::Kept { digest, place, found });
        }
        self.send(blob, None).await?;
        match self.sink.has_blob(self.to, blob).await {
            Err(RegistryError::Digest { found, .. }) => {
                self.book.keep(key, found.clone());
                Err(RegistryError::Kept { digest, place, found })
            }
            Ok(false) => Err(RegistryError::Lost { digest, place }),
            other => other.map(drop),
        }
    }

    /// Says whether it was mounted: else it was there, or was sent.
    async fn take_over(&self, blob: &Blob, from: &Reference) -> Result<bool, RegistryError> {
        if self.looks_first && self.has(blob).await? {
            return Ok(false);
        }
        match self.sink.mount(self.to, blob, from).await? {
            Mount::Done => {
                self.sent.store(true, Ordering::Relaxed);
                self.totals.mounted(blob.size);
                Ok(true)
            }
            Mount::Refused(session) => self.unless_there(blob, session).await.map(|()| false),
        }
    }

    /// Some registries mount nothing, and have one set of blobs for all: a
    /// question is cheaper than sending a large blob for nothing.
    async fn unless_there(
        &self,
        blob: &Blob,
        session: Option<UploadSession>,
    ) -> Result<(), RegistryError> {
        let is_asked = session.is_none() || blob.size >= LARGE;
        let there = match is_asked {
            true => self.has(blob).await,
            false => Ok(false),
        };
        if matches!(there, Ok(false)) {
            return self.send(blob, session).await;
        }
        if let Some(session) = session {
            self.sink.give_up(self.to, blob, session).await;
        }
        there.map(drop)
    }

    /// Streams the blob, again from the start where that may help.
    async fn send(
        &self,
        blob: &Blob,
        mut session: Option<UploadSession>,
    ) -> Result<(), RegistryError> {
        let lanes = if blob.size < LARGE { &self.book.small } else { &self.book.lanes };
        let _lane = lanes.acquire().await;
        let mut backoff = Backoff::new(&self.sink.patience());
        let content = Sourced { source: self.source, from: self.from, blob };
        loop {
            let moved = Moved::default();
            let put = self.sink.put_blob(self.to, blob, session.take(), &content, &moved);
            let result = self.reporting(put, &moved).await;
            self.totals.bytes(moved.bytes());
            self.sent.fetch_or(result.is_ok() || moved.bytes() > 0, Ordering::Relaxed);
            let Err(error) = result else {
                self.totals.sent();
                return Ok(());
            };
            let wait = error
                .is_temporary()
                .then(|| backoff.next(error.retry_after(), moved.bytes() > FAR));
            let Some(wait) = wait.flatten() else { return Err(error) };
            tracing::debug!(digest = %blob.digest, %error, ?wait, "sending again");
            tokio::time::sleep(wait).await;
            interrupted()?;
            // The answer may have been lost, and not the blob.
            match self.sink.has_blob(self.to, blob).await {
                Ok(true) => return Ok(()),
                // Damaged, as it may have been before.
                Ok(false) | Err(RegistryError::Digest { .. }) => {}
                Err(error) => return Err(error),
            }
            // What the registry kept of it need not be sent again; what it
            // didn't is no progress for the user.
            session = self.sink.resume(self.to, blob).await?;
            let kept = session.as_ref().map_or(0, |session| session.at);
            self.progress.bytes_lost(moved.bytes().saturating_sub(kept));
        }
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
                self.totals.moving(now - told);
                told = now;
            }
            if let Some(result) = done {
                return result;
            }
        }
    }
}

/// Layers that may not be redistributed need not be anywhere.
fn is_there(result: Result<(), RegistryError>, optional: bool) -> Result<bool, RegistryError> {
    match result {
        Err(RegistryError::NotFound { .. }) if optional => Ok(false),
        other => other.map(|()| true),
    }
}

/// An attempt that came this far counts as progress.
const FAR: u64 = 16 << 20;
