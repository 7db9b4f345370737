//! Where images go.

use std::future::Future;

use edgectl_model::Reference;
use url::Url;

use crate::content::{Chunks, Moved};
use crate::error::RegistryError;
use crate::manifest::{Blob, Pinned, RawManifest};

/// An upload that a registry has opened.
#[derive(Clone)]
pub struct UploadSession {
    pub(crate) url: Url,
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
pub enum Place {
    /// Under its digest alone: the children of an index.
    Child,
    /// Under the target's tag (or its digest, where it has no tag).
    Root,
}

/// A place that takes images. The caller sends blobs before the manifests that
/// name them, and children before their index.
pub trait Sink: Send + Sync {
    /// A name under which two targets share blobs, for example the host.
    fn store(&self, target: &Reference) -> String;

    /// What the target stands for now.
    fn head(
        &self,
        target: &Reference,
    ) -> impl Future<Output = Result<Option<Pinned>, RegistryError>> + Send;

    /// Whether the target's repository has a blob.
    fn has_blob(
        &self,
        target: &Reference,
        blob: &Blob,
    ) -> impl Future<Output = Result<bool, RegistryError>> + Send;

    /// Takes a blob over from another repository of the same store.
    fn mount(
        &self,
        target: &Reference,
        blob: &Blob,
        from: &Reference,
    ) -> impl Future<Output = Result<Mount, RegistryError>> + Send;

    /// Stores a blob from a verified stream; on an error nothing is stored.
    fn put_blob(
        &self,
        target: &Reference,
        blob: &Blob,
        session: Option<UploadSession>,
        chunks: Chunks,
        moved: &Moved,
    ) -> impl Future<Output = Result<(), RegistryError>> + Send;

    /// Stores a manifest.
    fn put_manifest(
        &self,
        target: &Reference,
        place: Place,
        manifest: &RawManifest,
    ) -> impl Future<Output = Result<(), RegistryError>> + Send;
}
