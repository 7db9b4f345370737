//! What an image says of itself: its inputs, its files with their digests,
//! and the areas whose content may be replaced.

use std::collections::HashMap;
use std::path::Path;

use edgectl_model::Digest;
use edgectl_process::file_error;
use serde::{Deserialize, Serialize};

use crate::area::{Area, AreaKind, MENU, NETWORK, SEAL, SEAL_ROOM, USER_DATA};
use crate::boot_files::{CONFIG, EL_TORITO};
use crate::content::ContentSummary;
use crate::customize::Customized;
use crate::disc::Disc;
use crate::error::IsoError;
use crate::live::LiveSystem;

/// Where it is on the image.
pub(crate) const PATH: &str = "edgectl/manifest.json";
/// The form of baked images.
const SCHEMA: u32 = 1;
/// That of customised ones: with several areas of one kind.
const CUSTOMIZED_SCHEMA: u32 = 2;
/// Files that the manifest can't list: itself, the seal, the boot image, into
/// which xorriso writes its place, and the second name of the user data. The
/// seal sees to them and to where they are.
const UNLISTED: [&str; 4] = [PATH, SEAL, EL_TORITO, CONFIG];
/// More than all areas have together.
const AREA_LIMIT: u64 = 1 << 30;
/// A manifest is some kilobytes.
const LIMIT: u64 = 16 << 20;
/// Menus and their checksums have some hundreds.
const AREAS: usize = 10_000;

/// Something that an image was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// What it is, such as `operating system`.
    pub name: String,
    /// Its digest.
    pub digest: Digest,
}

/// A file of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDigest {
    /// Its path from the root.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its digest; areas count as empty.
    pub digest: Digest,
}

/// How the system on an image starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Live {
    /// What starts it.
    pub system: LiveSystem,
    /// The file that it reads as user data.
    pub user_data: String,
    /// Whether the agent on the image opens user data that is encrypted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub decrypts: bool,
}

/// The manifest of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The form of this document.
    pub schema: u32,
    /// The version of edgectl that made the image.
    pub edgectl: String,
    /// Seconds since 1970 of every date on the image.
    pub epoch: u64,
    /// What it was made of.
    pub inputs: Vec<Input>,
    /// How its system starts; absent on images of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Live>,
    /// The images on it, where there are some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<ContentSummary>,
    /// What can be replaced.
    pub areas: Vec<Area>,
    /// What was changed of an image that others made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customized: Option<Customized>,
    /// Its files, in the order of their paths.
    pub files: Vec<FileDigest>,
}

impl Manifest {
    /// The manifest of files below `tree`; `known` digests aren't computed again.
    pub(crate) fn of(
        epoch: u64,
        inputs: Vec<Input>,
        live: Live,
        tree: &Path,
        known: &[(String, Digest)],
    ) -> Result<Self, IsoError> {
        let known: HashMap<&str, &Digest> =
            known.iter().map(|(name, digest)| (name.as_str(), digest)).collect();
        let mut files = Vec::new();
        for path in crate::paths_below::files(tree)? {
            if UNLISTED.contains(&path.as_str()) {
                continue;
            }
            let file = tree.join(&path);
            let digest = match known.get(path.as_str()) {
                Some(digest) => (*digest).clone(),
                None => crate::digest::digest_of(&file)?,
            };
            let bytes = crate::bake::length(&file)?;
            files.push(FileDigest { path, bytes, digest });
        }
        let areas = areas(tree)?;
        let edgectl = env!("CARGO_PKG_VERSION").to_owned();
        let live = Some(live);
        Ok(Self {
            schema: SCHEMA,
            edgectl,
            epoch,
            inputs,
            live,
            content: None,
            areas,
            customized: None,
            files,
        })
    }

    /// The manifest of an image that others made.
    pub(crate) fn of_customized(
        epoch: u64,
        areas: Vec<Area>,
        customized: Customized,
        files: Vec<FileDigest>,
    ) -> Self {
        let digest = customized.base.clone();
        let inputs = vec![Input { name: "base".to_owned(), digest }];
        let edgectl = env!("CARGO_PKG_VERSION").to_owned();
        let customized = Some(customized);
        Self {
            schema: CUSTOMIZED_SCHEMA,
            edgectl,
            epoch,
            inputs,
            live: None,
            content: None,
            areas,
            customized,
            files,
        }
    }

    /// The document's bytes.
    pub(crate) fn to_json(&self) -> Result<Vec<u8>, IsoError> {
        let mut text = serde_json::to_vec_pretty(self).map_err(IsoError::Manifest)?;
        text.push(b'\n');
        Ok(text)
    }

    /// The manifest of an image; none where edgectl didn't bake it.
    pub fn read(disc: &Disc) -> Result<Option<Self>, IsoError> {
        let Some(entry) = disc.find(PATH)? else { return Ok(None) };
        let bytes = disc.read(&entry, LIMIT)?;
        let manifest: Self = serde_json::from_slice(&bytes).map_err(IsoError::Manifest)?;
        if ![SCHEMA, CUSTOMIZED_SCHEMA].contains(&manifest.schema) {
            return Err(IsoError::Schema(manifest.schema));
        }
        if let Some(why) = excess(&manifest.areas) {
            return Err(disc.damaged(why).into());
        }
        manifest.areas.iter().try_for_each(|area| ensure_inside(disc, area))?;
        Ok(Some(manifest))
    }

    /// The same, where edgectl must have baked it.
    pub(crate) fn of_ours(disc: &Disc) -> Result<Self, IsoError> {
        Self::read(disc)?.ok_or_else(|| IsoError::NotOurs(disc.path().to_owned()))
    }

    /// The area for something, if there is one.
    pub(crate) fn area(&self, kind: AreaKind) -> Result<&Area, IsoError> {
        self.areas.iter().find(|area| area.kind == kind).ok_or(IsoError::NoArea(kind))
    }

    /// All areas for something.
    pub(crate) fn areas_of(&self, kind: AreaKind) -> impl Iterator<Item = &Area> {
        self.areas.iter().filter(move |area| area.kind == kind)
    }

    /// Whether a file is user data, or goes with it.
    pub(crate) fn is_user_data(&self, path: &str) -> bool {
        let kinds = [AreaKind::UserData, AreaKind::NetworkConfig];
        self.areas.iter().any(|area| kinds.contains(&area.kind) && area.path == path)
    }

    /// Files that aren't listed and yet known: the seal sees to them.
    pub(crate) fn unlisted(&self) -> impl Iterator<Item = &str> {
        let catalog = self.customized.as_ref().and_then(|it| it.catalog.as_deref());
        UNLISTED.into_iter().chain(catalog)
    }

    /// Whether the user data is cloud-config, and no script or JSON.
    pub fn takes_cloud_config(&self) -> bool {
        let has =
            |directory| self.areas_of(AreaKind::UserData).any(|a| a.path.starts_with(directory));
        !has("combustion/") && !has("ignition/")
    }

    /// The areas in a file.
    pub(crate) fn areas_in<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a Area> {
        self.areas.iter().filter(move |area| area.path == path)
    }
}

/// What is wrong with areas that a manifest names: whoever made it, they must be few
/// enough to be looked at, and small enough to be held all at once.
fn excess(areas: &[Area]) -> Option<&'static str> {
    let bytes = areas.iter().try_fold(0_u64, |sum, area| sum.checked_add(area.bytes));
    match () {
        () if areas.len() > AREAS => Some("its manifest names more areas than edgectl makes"),
        () if bytes.is_none_or(|bytes| bytes > AREA_LIMIT) => {
            Some("its manifest names larger areas than edgectl makes")
        }
        () => None,
    }
}

/// Whoever made the image, an area is a part of its file.
fn ensure_inside(disc: &Disc, area: &Area) -> Result<(), IsoError> {
    let room = disc.find(&area.path)?.map_or(0, |entry| entry.bytes);
    let end = area.offset.checked_add(area.bytes);
    match end.is_some_and(|end| end <= room) {
        true => Ok(()),
        false => Err(IsoError::AreaOutside(area.path.clone())),
    }
}

/// The areas of a disc that is laid out below `tree`.
fn areas(tree: &Path) -> Result<Vec<Area>, IsoError> {
    let menu = tree.join(MENU);
    let text = std::fs::read(&menu).map_err(file_error("reading", menu))?;
    let (offset, bytes) =
        crate::grub::arguments_area(&text).ok_or(IsoError::NoArea(AreaKind::KernelArguments))?;
    let whole = |kind, path: &str| {
        Ok::<_, IsoError>(Area::new(kind, path, 0, crate::bake::length(&tree.join(path))?))
    };
    let menu = Area::new(AreaKind::KernelArguments, MENU, offset, bytes);
    let seal = Area { bytes: SEAL_ROOM, ..whole(AreaKind::Seal, SEAL)? };
    let mut areas = vec![whole(AreaKind::UserData, USER_DATA)?, menu, seal];
    if tree.join(NETWORK).exists() {
        areas.push(whole(AreaKind::NetworkConfig, NETWORK)?);
    }
    Ok(areas)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_are_few_and_small() {
        let area = |bytes| Area::new(AreaKind::KernelArguments, "x", 0, bytes);
        assert_eq!(excess(&vec![area(1024); AREAS]), None);
        assert!(excess(&vec![area(1); AREAS + 1]).unwrap().contains("more areas"));
        assert!(excess(&[area(AREA_LIMIT), area(1)]).unwrap().contains("larger areas"));
        assert!(excess(&[area(u64::MAX), area(1)]).unwrap().contains("larger areas"));
    }
}
