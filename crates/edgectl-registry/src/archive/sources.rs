//! Archives in the place of the internet: all of it, or what they have.

use edgectl_model::{Digest, Reference};

use super::catalog::Archives;
use crate::attached::Attached;
use crate::content::Chunks;
use crate::error::RegistryError;
use crate::manifest::{Blob, RawManifest};
use crate::registries::Registries;
use crate::source::Source;

/// Archives, and registries that are asked for what the archives lack.
#[derive(Debug)]
pub struct ArchivesFirst {
    /// The archives.
    pub archives: Archives,
    /// Who has the rest; none where nobody else may be asked.
    pub upstream: Option<Registries>,
}

impl ArchivesFirst {
    /// Whether the archives have an image: by the digest it must have, else by
    /// its name.
    pub fn has(&self, reference: &Reference, digest: Option<&Digest>) -> bool {
        match digest.or(reference.digest()) {
            Some(digest) => self.archives.has(digest),
            None => self.archives.find(reference).is_some(),
        }
    }

    /// Fails for an image that can't be had from here.
    pub fn check(
        &self,
        reference: &Reference,
        digest: Option<&Digest>,
    ) -> Result<(), RegistryError> {
        match self.upstream.is_some() || self.has(reference, digest) {
            true => Ok(()),
            false => Err(self.archives.absent(reference, digest)),
        }
    }
}

impl From<Registries> for ArchivesFirst {
    fn from(registries: Registries) -> Self {
        Self { archives: Archives::default(), upstream: Some(registries) }
    }
}

impl Source for ArchivesFirst {
    async fn manifest(
        &self,
        reference: &Reference,
        digest: Option<&Digest>,
    ) -> Result<RawManifest, RegistryError> {
        let wanted = digest.or(reference.digest());
        match &self.upstream {
            _ if self.has(reference, wanted) => self.archives.manifest(reference, wanted).await,
            Some(upstream) => upstream.manifest(reference, digest).await,
            None => Err(self.archives.absent(reference, digest)),
        }
    }

    async fn blob(
        &self,
        reference: &Reference,
        blob: &Blob,
        from: u64,
    ) -> Result<Chunks, RegistryError> {
        match &self.upstream {
            Some(upstream) if !self.archives.has(&blob.digest) => {
                upstream.blob(reference, blob, from).await
            }
            _ => self.archives.blob(reference, blob, from).await,
        }
    }

    async fn attached(
        &self,
        reference: &Reference,
        subject: &Digest,
    ) -> Result<Vec<Attached>, RegistryError> {
        match &self.upstream {
            Some(upstream) if !self.archives.has(subject) => {
                upstream.attached(reference, subject).await
            }
            _ => self.archives.attached(reference, subject).await,
        }
    }

    fn home(&self, reference: &Reference) -> Option<Reference> {
        let upstream = self.upstream.as_ref()?;
        if self.archives.find(reference).is_some() { None } else { upstream.home(reference) }
    }

    fn sequence(&self, digest: &Digest) -> Option<u64> {
        self.archives.sequence(digest)
    }

    fn requests(&self) -> u64 {
        self.upstream.as_ref().map_or(0, Registries::requests)
    }
}
