//! Where images go.

use std::future::Future;

use edgectl_model::Reference;
use url::Url;

use crate::content::{Checkpoint, Content, Moved};
use crate::error::RegistryError;
use crate::manifest::{Blob, Pinned, RawManifest};
use crate::retry::Patience;

/// An upload that a registry has opened.
#[derive(Clone)]
pub struct UploadSession {
    pub(crate) url: Url,
    /// Bytes that the registry has.
    pub(crate) at: u64,
    /// How far the blob's digest is known; never beyond what was sent.
    pub(crate) read: Option<Checkpoint>,
    /// Bytes that a chunk must have, the last one apart.
    pub(crate) least: u64,
}

impl std::fmt::Debug for UploadSession {
    /// Its URL lets anybody go on with the upload.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UploadSession")
    }
}

/// What came of taking a blob over from another repository.
#[derive(Debug)]
pub enum Mount {
    /// The blob is there now.
    Done,
    /// It isn't; an upload may be open already.
    Refused(Option<UploadSession>),
}

/// Where a manifest is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// Under its digest alone: the children of an index, and what names its
    /// subject itself.
    Child,
    /// Under the target's tag (or its digest, where it has no tag).
    Root,
    /// Under another tag of the target's repository.
    Tag(&'a str),
}

/// A place that takes images. The caller sends blobs before the manifests that
/// name them, and children before their index.
pub trait Sink: Send + Sync {
    /// A name under which two targets share blobs, for example the host.
    fn store(&self, target: &Reference) -> String;

    /// Whether all that it takes ends up in one stream, such as an archive.
    /// Blobs come one after another then, in an order that the images alone
    /// decide, and nothing is sent for a whole that will lack something.
    fn is_one_stream(&self) -> bool {
        false
    }

    /// Fails for an image that can't be stored here; asked before anything of
    /// it is sent.
    fn ensure_takes(&self, _target: &Reference, _root: &RawManifest) -> Result<(), RegistryError> {
        Ok(())
    }

    /// How long to wait before trying again.
    fn patience(&self) -> Patience {
        Patience::default()
    }

    /// What the target stands for now.
    fn head(
        &self,
        target: &Reference,
    ) -> impl Future<Output = Result<Option<Pinned>, RegistryError>> + Send;

    /// The manifest that the target stands for now, from a sink that can be
    /// read.
    fn held(
        &self,
        _target: &Reference,
    ) -> impl Future<Output = Result<Option<RawManifest>, RegistryError>> + Send {
        std::future::ready(Ok(None))
    }

    /// Whether what refers to another manifest can be found by it, at a sink
    /// that has it.
    fn is_listed(
        &self,
        _target: &Reference,
        _referrer: &RawManifest,
    ) -> impl Future<Output = Result<bool, RegistryError>> + Send {
        std::future::ready(Ok(true))
    }

    /// Whether the target's repository has a blob; one of another size is an
    /// error.
    fn has_blob(
        &self,
        target: &Reference,
        blob: &Blob,
    ) -> impl Future<Output = Result<bool, RegistryError>> + Send;

    /// Takes a blob over from another repository of the same store. Without
    /// repositories of its own a store has one set of blobs for all.
    fn mount(
        &self,
        target: &Reference,
        blob: &Blob,
        _from: &Reference,
    ) -> impl Future<Output = Result<Mount, RegistryError>> + Send {
        async {
            let is_there = self.has_blob(target, blob).await?;
            Ok(if is_there { Mount::Done } else { Mount::Refused(None) })
        }
    }

    /// Gives up an upload that a refused mount has opened.
    fn give_up(
        &self,
        _target: &Reference,
        _blob: &Blob,
        _session: UploadSession,
    ) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// Repositories of the same store that may have a blob, from former runs.
    fn hints(&self, _target: &Reference, _blob: &Blob) -> Vec<Reference> {
        Vec::new()
    }

    /// An upload of a blob that a former run left open, with what the store
    /// has of it.
    fn resume(
        &self,
        _target: &Reference,
        _blob: &Blob,
    ) -> impl Future<Output = Result<Option<UploadSession>, RegistryError>> + Send {
        std::future::ready(Ok(None))
    }

    /// The blob is in the target's repository, however it came there.
    fn note(&self, _target: &Reference, _blob: &Blob) {}

    /// Stores a blob, verified on its way; on an error nothing is stored.
    fn put_blob(
        &self,
        target: &Reference,
        blob: &Blob,
        session: Option<UploadSession>,
        content: &dyn Content,
        moved: &Moved,
    ) -> impl Future<Output = Result<(), RegistryError>> + Send;

    /// Stores a manifest.
    fn put_manifest(
        &self,
        target: &Reference,
        place: Place<'_>,
        manifest: &RawManifest,
    ) -> impl Future<Output = Result<(), RegistryError>> + Send;
}
