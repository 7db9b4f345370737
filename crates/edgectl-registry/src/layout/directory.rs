//! The directory itself: where things are and what it names.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use edgectl_model::{Digest, Reference};
use edgectl_process::{FileLock, write_file};
use serde_json::{Value, json};

use crate::error::RegistryError;
use crate::manifest::{MANIFEST_LIMIT, RawManifest};

pub(crate) const VERSION: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// The full reference; containerd and Docker read and write it.
const FULL_NAME: &str = "io.containerd.image.name";
/// The full reference, too: a layout holds images of many repositories, and
/// skopeo and podman find them by this one. Others write a tag alone.
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// An OCI layout directory. One process at a time writes to it; any number
/// reads: what they find is whole.
#[derive(Debug)]
pub struct Layout {
    directory: PathBuf,
    /// Held while `index.json` is read and written back.
    index: Mutex<()>,
    /// Keeps other processes from writing; none where it was opened to read.
    lock: Option<FileLock>,
}

/// One entry of `index.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) digest: Digest,
    full_name: Option<String>,
    ref_name: Option<String>,
}

impl Named {
    pub(super) fn from_json(entry: &Value) -> Option<Self> {
        let text = |key: &str| Some(entry.get("annotations")?.get(key)?.as_str()?.to_owned());
        let digest = Digest::parse(entry.get("digest")?.as_str()?).ok()?;
        Some(Self { digest, full_name: text(FULL_NAME), ref_name: text(REF_NAME) })
    }

    /// What it is called, the full name first.
    pub(super) fn name(&self) -> Option<&str> {
        self.full_name.as_deref().or(self.ref_name.as_deref())
    }

    fn is_nameless(&self) -> bool {
        self.full_name.is_none() && self.ref_name.is_none()
    }

    /// The full name first; a bare tag fits any repository and counts only
    /// where there is no full name.
    fn is_named(&self, reference: &Reference) -> bool {
        let is_it = |text: &str| Reference::parse(text).is_ok_and(|named| named == *reference);
        match (&self.full_name, &self.ref_name) {
            (Some(full), _) => is_it(full),
            (None, Some(name)) => {
                is_it(name) || reference.tag_or_latest().is_some_and(|tag| tag == name)
            }
            (None, None) => false,
        }
    }
}

/// Locks a layout by its `oci-layout`, which nobody ever replaces.
fn lock(directory: &Path) -> Result<FileLock, RegistryError> {
    std::fs::create_dir_all(directory).map_err(|e| RegistryError::local(directory, e))?;
    let path = directory.join("oci-layout");
    let failed = |e| RegistryError::local(&path, e);
    // Not by renaming: others may have it open, and their lock would be on
    // another file.
    let mut options = File::options();
    let mut file = options.read(true).append(true).create(true).open(&path).map_err(failed)?;
    let Some(lock) = FileLock::exclusive(&file).map_err(failed)? else {
        return Err(RegistryError::LayoutInUse { directory: directory.to_owned() });
    };
    if file.metadata().map_err(failed)?.len() == 0 {
        file.write_all(VERSION.as_bytes()).map_err(failed)?;
    }
    Ok(lock)
}

/// What `index.json` says of a manifest.
pub(crate) fn entry(name: Option<&Reference>, manifest: &RawManifest) -> Value {
    let mut entry = json!({
        "mediaType": manifest.media_type(),
        "digest": manifest.digest(),
        "size": manifest.bytes().len(),
    });
    if let Some(name) = name.map(Reference::canonical) {
        entry["annotations"] = json!({ FULL_NAME: name, REF_NAME: name });
    }
    entry
}

impl Layout {
    /// Opens a layout that is there.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, RegistryError> {
        let layout = Self { directory: directory.into(), index: Mutex::default(), lock: None };
        layout.entries()?;
        Ok(layout)
    }

    /// Opens a layout to write to it, made first if it isn't there. Fails
    /// while another process, or another one of these, writes to it.
    pub fn create(directory: impl Into<PathBuf>) -> Result<Self, RegistryError> {
        let directory = directory.into();
        let lock = Some(lock(&directory)?);
        let layout = Self { directory, index: Mutex::default(), lock };
        let index = layout.directory.join("index.json");
        if !index.exists() {
            layout.write_index(&json!({
                "schemaVersion": 2,
                "mediaType": INDEX,
                "manifests": [],
            }))?;
        }
        layout.entries()?;
        Ok(layout)
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where a blob is, or would be.
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.directory.join("blobs").join(digest.algorithm()).join(digest.hex())
    }

    /// Fails where it was opened to read.
    pub(super) fn ensure_writable(&self) -> Result<(), RegistryError> {
        match self.lock {
            Some(_) => Ok(()),
            None => Err(self.bad("it is open for reading only")),
        }
    }

    /// Where it is, for messages.
    pub(super) fn place(&self) -> String {
        self.directory.display().to_string()
    }

    /// What `index.json` names; entries of unknown shape are passed over.
    pub(super) fn entries(&self) -> Result<Vec<Named>, RegistryError> {
        let index = self.read_index()?;
        let manifests = index.get("manifests").and_then(Value::as_array);
        let manifests = manifests.ok_or_else(|| self.bad("`index.json` has no `manifests`"))?;
        Ok(manifests.iter().filter_map(Named::from_json).collect())
    }

    /// The digest a reference stands for here. The only entry of a layout
    /// without names stands for every reference.
    pub(super) fn find(&self, reference: &Reference) -> Result<Option<Digest>, RegistryError> {
        let entries = self.entries()?;
        let named = entries.iter().find(|entry| entry.is_named(reference));
        let only = match entries.as_slice() {
            [only] if only.is_nameless() => Some(only),
            _ => None,
        };
        Ok(named.or(only).map(|entry| entry.digest.clone()))
    }

    /// A manifest by its digest.
    pub(super) fn read_manifest(&self, digest: &Digest) -> Result<RawManifest, RegistryError> {
        let bytes = self.read_small(digest, MANIFEST_LIMIT as u64)?;
        RawManifest::new(bytes, None, Some(digest), &self.place())
    }

    /// The whole of a blob that should be small.
    pub(super) fn read_small(&self, digest: &Digest, limit: u64) -> Result<Bytes, RegistryError> {
        let path = self.blob_path(digest);
        let metadata = std::fs::metadata(&path).map_err(|e| self.missing(digest, e))?;
        if metadata.len() > limit {
            return Err(RegistryError::manifest(
                digest,
                format!("it is larger than {limit} bytes"),
            ));
        }
        std::fs::read(&path).map(Bytes::from).map_err(|e| self.missing(digest, e))
    }

    /// The error for a blob that can't be read.
    pub(super) fn missing(&self, digest: &Digest, error: std::io::Error) -> RegistryError {
        match error.kind() {
            std::io::ErrorKind::NotFound => {
                RegistryError::NotFound { what: digest.to_string(), place: self.place() }
            }
            _ => RegistryError::local(&self.blob_path(digest), error),
        }
    }

    /// Lists a manifest, with its name in place of what had that name before.
    /// Named entries stand in the order of their names: the same images give
    /// the same index, whichever was there first.
    pub(super) fn set_entry(
        &self,
        name: Option<&Reference>,
        manifest: &RawManifest,
    ) -> Result<(), RegistryError> {
        let _alone = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        let mut index = self.read_index()?;
        let manifests = index.get_mut("manifests").and_then(Value::as_array_mut);
        let manifests = manifests.ok_or_else(|| self.bad("`index.json` has no `manifests`"))?;
        manifests.retain(|old| match (Named::from_json(old), name) {
            (Some(old), Some(name)) => old.full_name.is_none() || !old.is_named(name),
            (Some(old), None) => !old.is_nameless() || old.digest != *manifest.digest(),
            (None, _) => true,
        });
        manifests.push(entry(name, manifest));
        manifests.sort_by_cached_key(|entry| {
            let name = Named::from_json(entry).and_then(|named| named.full_name);
            (name.is_none(), name)
        });
        self.write_index(&index)
    }

    fn read_index(&self) -> Result<Value, RegistryError> {
        let path = self.directory.join("index.json");
        let bytes = std::fs::read(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                RegistryError::NotFound { what: "index.json".to_owned(), place: self.place() }
            }
            _ => RegistryError::local(&path, error),
        })?;
        serde_json::from_slice(&bytes).map_err(|e| self.bad(&format!("`index.json`: {e}")))
    }

    fn write_index(&self, index: &Value) -> Result<(), RegistryError> {
        let path = self.directory.join("index.json");
        Ok(write_file(&path, 0o644, index.to_string().as_bytes())?)
    }

    pub(super) fn bad(&self, reason: &str) -> RegistryError {
        RegistryError::manifest(self.directory.display(), reason)
    }
}
