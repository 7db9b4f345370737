//! Whether a layout holds all that it names.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use edgectl_model::Digest;
use edgectl_process::interrupted;
use serde_json::Value;

use super::directory::{Layout, Named};
use crate::error::{Mismatch, RegistryError};
use crate::manifest::{Blob, DEPTH, MANIFEST_LIMIT, Parsed};

const BUFFER: usize = 1 << 20;

/// What a layout leads to, every byte of it compared with its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WholeLayout {
    /// The bytes of `index.json`.
    pub index: Vec<u8>,
    /// The names that it gives, in their order.
    pub names: Vec<String>,
    /// The blobs, manifests among them, with where they are.
    pub blobs: Vec<(Blob, PathBuf)>,
}

impl Layout {
    /// Reads everything that `index.json` leads to; fails where something is
    /// missing or isn't what its digest says. Blobs that nothing leads to are
    /// left out.
    pub fn whole(&self) -> Result<WholeLayout, RegistryError> {
        let index = self.index_bytes()?;
        let mut found = BTreeMap::new();
        let mut names = Vec::new();
        for entry in self.listed(&index)? {
            let named = Named::from_json(&entry);
            let named = named.ok_or_else(|| self.bad("an entry of `index.json` has no digest"))?;
            names.extend(named.name().map(str::to_owned));
            self.gather(&named.digest, 0, &mut found)?;
        }
        names.sort();
        names.dedup();
        let blobs = found.into_iter().map(|(digest, size)| {
            let path = self.blob_path(&digest);
            (Blob { digest, size }, path)
        });
        Ok(WholeLayout { index, names, blobs: blobs.collect() })
    }

    fn index_bytes(&self) -> Result<Vec<u8>, RegistryError> {
        let path = self.directory().join("index.json");
        let failed = |e| RegistryError::local(&path, e);
        if std::fs::metadata(&path).map_err(failed)?.len() > MANIFEST_LIMIT as u64 {
            return Err(self.bad("`index.json` is larger than any registry takes"));
        }
        std::fs::read(&path).map_err(failed)
    }

    fn listed(&self, index: &[u8]) -> Result<Vec<Value>, RegistryError> {
        let index: Value =
            serde_json::from_slice(index).map_err(|e| self.bad(&format!("`index.json`: {e}")))?;
        let manifests = index.get("manifests").and_then(Value::as_array);
        Ok(manifests.ok_or_else(|| self.bad("`index.json` has no `manifests`"))?.clone())
    }

    /// A manifest and all below it.
    fn gather(
        &self,
        digest: &Digest,
        depth: usize,
        found: &mut BTreeMap<Digest, u64>,
    ) -> Result<(), RegistryError> {
        if depth > DEPTH {
            return Err(self.bad("its indexes go too deep"));
        }
        if found.contains_key(digest) {
            return Ok(());
        }
        let manifest = self.read_manifest(digest)?;
        found.insert(digest.clone(), manifest.bytes().len() as u64);
        match manifest.parse()? {
            Parsed::Index(entries) => entries
                .iter()
                .try_for_each(|entry| self.gather(&entry.blob.digest, depth + 1, found)),
            Parsed::Image { config, layers } => {
                for entry in config.iter().chain(&layers) {
                    let blob = &entry.blob;
                    let is_elsewhere = entry.is_foreign && !self.blob_path(&blob.digest).exists();
                    if !is_elsewhere && !found.contains_key(&blob.digest) {
                        self.ensure_right(blob)?;
                        found.insert(blob.digest.clone(), blob.size);
                    }
                }
                Ok(())
            }
        }
    }

    /// Compares a blob with its digest and its size.
    fn ensure_right(&self, blob: &Blob) -> Result<(), RegistryError> {
        let mut file =
            File::open(self.blob_path(&blob.digest)).map_err(|e| self.missing(&blob.digest, e))?;
        let (mut hasher, mut size) = (blob.digest.hasher(), 0);
        let mut buffer = vec![0; BUFFER];
        loop {
            interrupted()?;
            let read = file.read(&mut buffer);
            match read.map_err(|e| RegistryError::local(&self.blob_path(&blob.digest), e))? {
                0 => break,
                n => {
                    hasher.update(&buffer[..n]);
                    size += n as u64;
                }
            }
        }
        let expected = blob.digest.clone();
        let wrong = |found| Err(RegistryError::Digest { expected, place: self.place(), found });
        match hasher.finish() {
            _ if size > blob.size => wrong(Mismatch::Longer),
            _ if size < blob.size => wrong(Mismatch::Shorter(size)),
            found if found != blob.digest => wrong(Mismatch::Digest(found)),
            _ => Ok(()),
        }
    }
}
