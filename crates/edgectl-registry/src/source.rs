//! Where images come from.

use std::future::Future;

use edgectl_model::{Digest, Reference};

use crate::attached::Attached;
use crate::content::Chunks;
use crate::error::RegistryError;
use crate::manifest::{Blob, Pinned, RawManifest};
use crate::tree::platforms_of;

/// A place that has images.
pub trait Source: Send + Sync + Sized {
    /// The manifest or index of a reference, or the one with `digest` in its
    /// repository. The bytes have that digest.
    fn manifest(
        &self,
        reference: &Reference,
        digest: Option<&Digest>,
    ) -> impl Future<Output = Result<RawManifest, RegistryError>> + Send;

    /// A blob's bytes from byte `from` (0 is the first) as they come; the
    /// caller [verifies](crate::verified).
    fn blob(
        &self,
        reference: &Reference,
        blob: &Blob,
        from: u64,
    ) -> impl Future<Output = Result<Chunks, RegistryError>> + Send;

    /// What was attached to a manifest later, such as signatures.
    fn attached(
        &self,
        _reference: &Reference,
        _subject: &Digest,
    ) -> impl Future<Output = Result<Vec<Attached>, RegistryError>> + Send {
        std::future::ready(Ok(Vec::new()))
    }

    /// The registry and repository that a reference is really read from, if it
    /// is one: a destination on the same host takes blobs over from there.
    fn home(&self, _reference: &Reference) -> Option<Reference> {
        None
    }

    /// Where a blob stands in a source that can only be read from front to
    /// back, such as a compressed archive. Such blobs are asked for one after
    /// another in rising order; any other order is right too, but slow.
    fn sequence(&self, _digest: &Digest) -> Option<u64> {
        None
    }

    /// HTTP requests that were made so far, logins included.
    fn requests(&self) -> u64 {
        0
    }

    /// What a reference stands for, platforms included.
    fn resolve(
        &self,
        reference: &Reference,
    ) -> impl Future<Output = Result<Pinned, RegistryError>> + Send {
        async move {
            let raw = self.manifest(reference, reference.digest()).await?;
            let mut pinned = raw.pinned()?;
            if pinned.platforms.is_empty() {
                pinned.platforms = platforms_of(self, reference, &raw).await?;
            }
            Ok(pinned)
        }
    }
}
