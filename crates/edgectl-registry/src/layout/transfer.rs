//! Layouts as sources and sinks of the copy engine.

use std::io::SeekFrom;
use std::path::PathBuf;

use bytes::{Bytes, BytesMut};
use edgectl_model::{Digest, Reference};
use edgectl_process::Replacement;
use futures_util::stream::{self, StreamExt};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

use super::directory::Layout;
use crate::attached::tagged;
use crate::content::{Chunks, Content, Moved, verified};
use crate::error::RegistryError;
use crate::manifest::{Blob, DEPTH, Parsed, Pinned, RawManifest};
use crate::sink::{Place, Sink, UploadSession};
use crate::source::Source;

const CHUNK: usize = 128 * 1024;

impl Source for Layout {
    async fn manifest(
        &self,
        reference: &Reference,
        digest: Option<&Digest>,
    ) -> Result<RawManifest, RegistryError> {
        let digest = match digest.or(reference.digest()) {
            Some(digest) => Some(digest.clone()),
            None => self.find(reference)?,
        };
        let digest = digest.ok_or_else(|| RegistryError::NotFound {
            what: reference.to_string(),
            place: self.place(),
        })?;
        self.read_manifest(&digest)
    }

    async fn blob(&self, _: &Reference, blob: &Blob, from: u64) -> Result<Chunks, RegistryError> {
        let path = self.blob_path(&blob.digest);
        let opened = tokio::fs::File::open(&path).await;
        let mut file = opened.map_err(|e| self.missing(&blob.digest, e))?;
        if from > 0 {
            let sought = file.seek(SeekFrom::Start(from)).await;
            sought.map_err(|e| RegistryError::local(&path, e))?;
        }
        Ok(Box::pin(stream::try_unfold((file, path), read_chunk)))
    }
}

type Reading = (tokio::fs::File, PathBuf);

async fn read_chunk((mut file, path): Reading) -> Result<Option<(Bytes, Reading)>, RegistryError> {
    let mut buffer = BytesMut::with_capacity(CHUNK);
    let read = file.read_buf(&mut buffer).await;
    match read.map_err(|e| RegistryError::local(&path, e))? {
        0 => Ok(None),
        _ => Ok(Some((buffer.freeze(), (file, path)))),
    }
}

impl Layout {
    /// Whether all that a manifest names is there, as far as sizes tell.
    fn is_complete(&self, digest: &Digest, depth: usize) -> Result<bool, RegistryError> {
        match self.read_manifest(digest)?.parse()? {
            Parsed::Index(_) if depth > DEPTH => Ok(false),
            Parsed::Index(entries) => {
                let mut checks =
                    entries.iter().map(|e| self.is_complete(&e.blob.digest, depth + 1));
                checks.try_fold(true, |all, one| Ok(all && one?))
            }
            Parsed::Image { config, layers } => Ok(config
                .iter()
                .chain(&layers)
                .all(|entry| entry.is_foreign || self.has(&entry.blob))),
        }
    }

    /// Blobs appear whole, so the size tells a file cut short by others.
    fn has(&self, blob: &Blob) -> bool {
        let metadata = std::fs::metadata(self.blob_path(&blob.digest));
        metadata.is_ok_and(|m| m.is_file() && m.len() == blob.size)
    }
}

impl Sink for Layout {
    fn store(&self, _: &Reference) -> String {
        self.place()
    }

    async fn head(&self, target: &Reference) -> Result<Option<Pinned>, RegistryError> {
        match self.find(target)? {
            None => Ok(None),
            Some(digest) => match self.is_complete(&digest, 0) {
                Ok(true) => self.read_manifest(&digest)?.pinned().map(Some),
                // What is broken is fetched again.
                Ok(false) | Err(RegistryError::NotFound { .. } | RegistryError::Digest { .. }) => {
                    Ok(None)
                }
                Err(error) => Err(error),
            },
        }
    }

    async fn held(&self, target: &Reference) -> Result<Option<RawManifest>, RegistryError> {
        self.find(target)?.map(|digest| self.read_manifest(&digest)).transpose()
    }

    async fn has_blob(&self, _: &Reference, blob: &Blob) -> Result<bool, RegistryError> {
        Ok(self.has(blob))
    }

    async fn put_blob(
        &self,
        _: &Reference,
        blob: &Blob,
        _: Option<UploadSession>,
        content: &dyn Content,
        moved: &Moved,
    ) -> Result<(), RegistryError> {
        self.ensure_writable()?;
        let chunks = content.open(0).await?;
        let mut chunks = verified(chunks, blob, &content.place(), moved.clone());
        let path = self.blob_path(&blob.digest);
        let failed = |e| RegistryError::local(&path, e);
        let mut replacement = Replacement::new(&path, 0o644)?;
        let copy = replacement.file().try_clone().map_err(failed)?;
        let mut file = tokio::fs::File::from_std(copy);
        while let Some(chunk) = chunks.next().await.transpose()? {
            file.write_all(&chunk).await.map_err(failed)?;
        }
        file.flush().await.map_err(failed)?;
        Ok(replacement.finish()?)
    }

    async fn put_manifest(
        &self,
        target: &Reference,
        place: Place<'_>,
        manifest: &RawManifest,
    ) -> Result<(), RegistryError> {
        self.ensure_writable()?;
        let path = self.blob_path(manifest.digest());
        edgectl_process::write_file(&path, 0o644, manifest.bytes())?;
        match place {
            // What names its subject itself is found by nothing else.
            Place::Child if manifest.subject().is_some() => self.set_entry(None, manifest),
            Place::Child => Ok(()),
            Place::Root => self.set_entry(Some(target), manifest),
            Place::Tag(tag) => self.set_entry(Some(&tagged(target, tag)?), manifest),
        }
    }
}
