//! An archive as a sink: blobs one after another as they come, the texts that
//! name them at the end. Manifests are kept until then; they are small.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use edgectl_model::{Digest, Reference};
use tokio::sync::Mutex as AsyncMutex;

use super::SaveForm;
use super::compress::Packing;
use super::index::{Contents, docker_tag, ensure_loadable, path_of};
use super::stream::{SavedFile, TarStream};
use crate::attached::tagged;
use crate::content::{Checkpoint, Content, Moved, Reader};
use crate::error::RegistryError;
use crate::layout::VERSION;
use crate::manifest::{Blob, Pinned, RawManifest};
use crate::sink::{Place, Sink, UploadSession};

/// An archive in the making; there is none until it is
/// [finished](Self::finish).
#[derive(Debug)]
pub(super) struct ArchiveSink {
    path: PathBuf,
    form: SaveForm,
    out: AsyncMutex<Out>,
    written: Mutex<HashSet<Digest>>,
    contents: Mutex<Contents>,
    /// What each tag of a `docker-archive` will stand for.
    tags: Mutex<BTreeMap<String, Digest>>,
}

#[derive(Debug)]
struct Out {
    tar: TarStream,
    directories: BTreeSet<String>,
    /// A blob that was cut short, and how far it is: what is written stays
    /// written, so only the rest of it may follow.
    half: Option<(Digest, Checkpoint)>,
}

impl ArchiveSink {
    pub(super) fn create(
        path: &Path,
        form: SaveForm,
        packing: Packing,
    ) -> Result<Self, RegistryError> {
        let tar = TarStream::create(path, packing)?;
        Ok(Self {
            path: path.to_owned(),
            form,
            out: AsyncMutex::new(Out { tar, directories: BTreeSet::new(), half: None }),
            written: Mutex::default(),
            contents: Mutex::default(),
            tags: Mutex::default(),
        })
    }

    /// Writes manifests and names, and puts the file into its place.
    pub(super) async fn finish(self) -> Result<SavedFile, RegistryError> {
        let contents = self.contents.into_inner().unwrap_or_else(PoisonError::into_inner);
        let written = self.written.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut out = self.out.into_inner();
        out.ensure_whole(&self.path)?;
        for (digest, manifest) in &contents.manifests {
            if !written.contains(digest) {
                out.make_directories(digest).await?;
                out.tar.small(&path_of(digest), manifest.bytes().clone()).await?;
            }
        }
        out.tar.small("index.json", contents.index().into()).await?;
        if self.form == SaveForm::DockerArchive {
            out.tar.small("manifest.json", contents.docker_list()?.into()).await?;
        }
        out.tar.small("oci-layout", VERSION.into()).await?;
        out.tar.finish().await
    }

    fn has(&self, digest: &Digest) -> bool {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).contains(digest)
    }

    /// `docker load` knows images by their tags alone.
    fn ensure_one(&self, target: &Reference, root: &RawManifest) -> Result<(), RegistryError> {
        let Some(name) = docker_tag(target) else { return Ok(()) };
        let mut tags = self.tags.lock().unwrap_or_else(PoisonError::into_inner);
        let first = tags.entry(name.clone()).or_insert_with(|| root.digest().clone());
        if first == root.digest() {
            return Ok(());
        }
        let reason = format!(
            "`{name}` would stand for {first} and for {}, and a docker-archive has no digests \
             in names; save one of them into a file of its own",
            root.digest()
        );
        Err(RegistryError::manifest(target, reason))
    }

    fn with_contents(&self, work: impl FnOnce(&mut Contents)) {
        work(&mut self.contents.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Out {
    /// Some programs don't make the directories that aren't in the archive.
    async fn make_directories(&mut self, digest: &Digest) -> Result<(), RegistryError> {
        for name in ["blobs/".to_owned(), format!("blobs/{}/", digest.algorithm())] {
            if self.directories.insert(name.clone()) {
                self.tar.directory(&name).await?;
            }
        }
        Ok(())
    }

    fn ensure_whole(&self, path: &Path) -> Result<(), RegistryError> {
        match &self.half {
            None => Ok(()),
            Some((digest, _)) => {
                let reason = io::Error::other(format!("`{digest}` in it was cut short"));
                Err(RegistryError::local(path, reason))
            }
        }
    }

    /// Where the blob goes on, or begins.
    async fn begin(&mut self, path: &Path, blob: &Blob) -> Result<Checkpoint, RegistryError> {
        match &self.half {
            Some((digest, at)) if *digest == blob.digest => return Ok(at.clone()),
            _ => self.ensure_whole(path)?,
        }
        self.make_directories(&blob.digest).await?;
        self.tar.begin(&path_of(&blob.digest), blob.size).await?;
        let start = Checkpoint::start(blob);
        self.half = Some((blob.digest.clone(), start.clone()));
        Ok(start)
    }
}

impl Sink for ArchiveSink {
    fn store(&self, _: &Reference) -> String {
        self.path.display().to_string()
    }

    fn is_one_stream(&self) -> bool {
        true
    }

    fn ensure_takes(&self, target: &Reference, root: &RawManifest) -> Result<(), RegistryError> {
        match self.form {
            SaveForm::DockerArchive => {
                ensure_loadable(target, root)?;
                self.ensure_one(target, root)
            }
            SaveForm::OciArchive | SaveForm::Directory => Ok(()),
        }
    }

    async fn head(&self, _: &Reference) -> Result<Option<Pinned>, RegistryError> {
        Ok(None)
    }

    async fn has_blob(&self, _: &Reference, blob: &Blob) -> Result<bool, RegistryError> {
        Ok(self.has(&blob.digest))
    }

    async fn put_blob(
        &self,
        _: &Reference,
        blob: &Blob,
        _: Option<UploadSession>,
        content: &dyn Content,
        moved: &Moved,
    ) -> Result<(), RegistryError> {
        let mut out = self.out.lock().await;
        if self.has(&blob.digest) {
            return Ok(());
        }
        let from = match &out.half {
            Some((digest, at)) if *digest == blob.digest => at.at,
            _ => 0,
        };
        // What isn't there must not begin.
        let chunks = content.open(from).await?;
        let from = out.begin(&self.path, blob).await?;
        let mut reader = Reader::new(chunks, blob, content.place(), from);
        while let Some(piece) = reader.next(u64::MAX).await? {
            moved.add(piece.len());
            out.tar.piece(piece).await?;
            out.half = Some((blob.digest.clone(), reader.checkpoint().clone()));
        }
        moved.set_ended(true);
        out.tar.end(blob.size).await?;
        out.half = None;
        self.written.lock().unwrap_or_else(PoisonError::into_inner).insert(blob.digest.clone());
        Ok(())
    }

    async fn put_manifest(
        &self,
        target: &Reference,
        place: Place<'_>,
        manifest: &RawManifest,
    ) -> Result<(), RegistryError> {
        let name = match place {
            Place::Child => None,
            Place::Root => Some(target.clone()),
            Place::Tag(tag) => Some(tagged(target, tag)?),
        };
        self.with_contents(|contents| match &name {
            Some(name) => contents.name(name, manifest),
            None => contents.add(manifest),
        });
        Ok(())
    }
}
