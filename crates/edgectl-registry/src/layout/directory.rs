//! The directory itself: where things are and what it names.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use edgectl_model::{Digest, Reference};
use edgectl_process::write_file;
use serde_json::{Map, Value, json};

use crate::error::RegistryError;
use crate::manifest::{MANIFEST_LIMIT, RawManifest};

const VERSION: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The full reference; containerd reads and writes it.
const FULL_NAME: &str = "io.containerd.image.name";
/// A tag, or a full reference, depending on who wrote it.
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// An OCI layout directory. One process at a time may write to it.
#[derive(Debug)]
pub struct Layout {
    directory: PathBuf,
    /// Held while `index.json` is read and written back.
    index: Mutex<()>,
}

/// One entry of `index.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) digest: Digest,
    full_name: Option<String>,
    ref_name: Option<String>,
}

impl Named {
    fn from_json(entry: &Value) -> Option<Self> {
        let text = |key: &str| Some(entry.get("annotations")?.get(key)?.as_str()?.to_owned());
        let digest = Digest::parse(entry.get("digest")?.as_str()?).ok()?;
        Some(Self { digest, full_name: text(FULL_NAME), ref_name: text(REF_NAME) })
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

impl Layout {
    /// Opens a layout that is there.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, RegistryError> {
        let layout = Self { directory: directory.into(), index: Mutex::default() };
        layout.entries()?;
        Ok(layout)
    }

    /// Opens a layout, made first if it isn't there.
    pub fn create(directory: impl Into<PathBuf>) -> Result<Self, RegistryError> {
        let layout = Self { directory: directory.into(), index: Mutex::default() };
        let index = layout.directory.join("index.json");
        if !index.exists() {
            write_file(&layout.directory.join("oci-layout"), 0o644, VERSION.as_bytes())?;
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
            [only] if only.full_name.is_none() && only.ref_name.is_none() => Some(only),
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

    /// Gives a manifest a name, in place of what had that name before.
    pub(super) fn set_name(
        &self,
        reference: &Reference,
        manifest: &RawManifest,
    ) -> Result<(), RegistryError> {
        let _alone = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        let mut index = self.read_index()?;
        let mut annotations = Map::new();
        annotations.insert(FULL_NAME.to_owned(), reference.canonical().into());
        if let Some(tag) = reference.tag_or_latest() {
            annotations.insert(REF_NAME.to_owned(), tag.into());
        }
        let entry = json!({
            "mediaType": manifest.media_type(),
            "digest": manifest.digest().as_str(),
            "size": manifest.bytes().len(),
            "annotations": annotations,
        });
        let manifests = index.get_mut("manifests").and_then(Value::as_array_mut);
        let manifests = manifests.ok_or_else(|| self.bad("`index.json` has no `manifests`"))?;
        manifests.retain(|old| {
            Named::from_json(old)
                .is_none_or(|old| old.full_name.is_none() || !old.is_named(reference))
        });
        manifests.push(entry);
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
