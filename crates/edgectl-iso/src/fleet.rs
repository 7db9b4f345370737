//! Many images from one: the base is read once, however many there are.

use std::fs::File;
use std::path::{Path, PathBuf};

use edgectl_model::{Digest, Hasher};
use edgectl_process::file_error;

use crate::area::AreaKind;
use crate::digest::digest_of;
use crate::disc::{Disc, DiscEntry, Extent, Kind};
use crate::error::IsoError;
use crate::inject::{Change, Shared, copy_with, patches_of};
use crate::manifest::Manifest;
use crate::patch::{Patch, before};
use crate::seal;
use crate::sidecar;
use crate::undo::recover;

/// An image that others are made from.
pub struct Base {
    path: PathBuf,
    disc: Shared,
    manifest: Manifest,
    /// Of all bytes in front of the first area.
    hasher: Hasher,
    hashed: u64,
}

impl std::fmt::Debug for Base {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Base").field("path", &self.path).finish()
    }
}

impl Base {
    /// Opens an image and reads it up to its first area. While this is there,
    /// nobody changes the image.
    pub fn open(path: &Path) -> Result<Self, IsoError> {
        let disc = Shared::take(path)?;
        let manifest = Manifest::of_ours(&disc)?;
        let places = patches_of(&disc, &manifest, &Change { reset: true, ..Change::default() })?;
        let hashed = places.iter().map(|patch| patch.offset).min().unwrap_or(0);
        let mut base =
            Self { path: path.to_owned(), disc, manifest, hasher: Hasher::sha256(), hashed };
        let mut hasher = Hasher::sha256();
        base.hash(&mut hasher, Extent { offset: 0, bytes: hashed })?;
        base.hasher = hasher;
        Ok(base)
    }

    /// Fails where the content doesn't fit.
    pub fn check(&self, change: &Change<'_>) -> Result<(), IsoError> {
        patches_of(&self.disc, &self.manifest, change).map(drop)
    }

    /// Writes the base with other content; gives the digest of what it wrote.
    pub fn write(&self, change: &Change<'_>, to: &Path) -> Result<Digest, IsoError> {
        let patches = self.content(change)?;
        // What stands beside an image is never of another one.
        sidecar::remove(to)?;
        copy_with(&self.disc, &patches, to)?;
        self.digest(patches)
    }

    /// The digest of the base with other content, if that is what the image
    /// at `path` is.
    pub fn digest_if_there(
        &self,
        change: &Change<'_>,
        path: &Path,
    ) -> Result<Option<Digest>, IsoError> {
        if !path.exists() {
            return Ok(None);
        }
        recover(path)?;
        // Something else, or half of it.
        let Ok(there) = Disc::open(path) else { return Ok(None) };
        let is_ours = there.bytes() == self.disc.bytes()
            && matches!(Manifest::read(&there), Ok(Some(other)) if other == self.manifest)
            && self.seal(&there)? == self.seal(&self.disc)?;
        if !is_ours {
            return Ok(None);
        }
        let patches = self.content(change)?;
        let file = File::open(path).map_err(file_error("opening", path))?;
        let found = before(&file, &patches).map_err(file_error("reading", path))?;
        if found != patches {
            return Ok(None);
        }
        // What differs anywhere else has been damaged since.
        let digest = self.digest(patches)?;
        Ok((digest_of(path)? == digest).then_some(digest))
    }

    /// What stands in all areas of the base after a change.
    fn content(&self, change: &Change<'_>) -> Result<Vec<Patch>, IsoError> {
        let all =
            patches_of(&self.disc, &self.manifest, &Change { reset: true, ..Change::default() })?;
        let file = self.disc.file().map_err(file_error("reading", &self.path))?;
        let mut content = before(&file, &all).map_err(file_error("reading", &self.path))?;
        for patch in patches_of(&self.disc, &self.manifest, change)? {
            content.retain(|old| old.offset != patch.offset);
            content.push(patch);
        }
        Ok(content)
    }

    fn seal(&self, disc: &Disc) -> Result<Vec<u8>, IsoError> {
        let area = self.manifest.area(AreaKind::Seal)?;
        let entry = disc.find(&area.path)?.ok_or(IsoError::NoArea(area.kind))?;
        Ok(disc.read(&entry, area.bytes)?)
    }

    /// The digest of the base with patches.
    fn digest(&self, mut patches: Vec<Patch>) -> Result<Digest, IsoError> {
        patches.sort_by_key(|patch| patch.offset);
        let (mut hasher, mut at) = (self.hasher.clone(), self.hashed);
        for patch in patches {
            let bytes = patch.offset.saturating_sub(at);
            self.hash(&mut hasher, Extent { offset: at, bytes })?;
            hasher.update(&patch.bytes);
            at = patch.offset + patch.bytes.len() as u64;
        }
        let bytes = self.disc.bytes().saturating_sub(at);
        self.hash(&mut hasher, Extent { offset: at, bytes })?;
        Ok(hasher.finish())
    }

    fn hash(&self, hasher: &mut Hasher, extent: Extent) -> Result<(), IsoError> {
        let part = DiscEntry { kind: Kind::File, extents: vec![extent], ..DiscEntry::default() };
        seal::feed(&self.disc, &part, hasher)
    }
}
