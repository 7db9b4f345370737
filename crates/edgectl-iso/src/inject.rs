//! New user data and kernel arguments for an image that is baked already.

use std::fs::File;
use std::io::{self, Write};
use std::ops::Deref;
use std::path::Path;

use edgectl_process::{FileLock, Replacement, file_error};

use crate::area::{Area, AreaKind};
use crate::disc::{Disc, Index};
use crate::error::IsoError;
use crate::manifest::Manifest;
use crate::patch::{self, Patch};
use crate::undo::{Exclusive, forget_undo, is_undone, recover};

/// Files with areas and checksums are boot menus, and user data.
const SUMMED_LIMIT: u64 = 1 << 30;
/// How often changes that are cut short are finished before an image is read.
const ATTEMPTS: u32 = 3;

/// What to put on an image.
#[derive(Clone, Copy, Default)]
pub struct Change<'a> {
    /// Take away everything that was put there since it was baked without any.
    pub reset: bool,
    /// The user data.
    pub user_data: Option<&'a [u8]>,
    /// Whether that is encrypted, so that only an agent can read it.
    pub is_encrypted: bool,
    /// cloud-init's network configuration.
    pub network_config: Option<&'a [u8]>,
    /// All further kernel arguments.
    pub kernel_arguments: Option<&'a [String]>,
}

impl std::fmt::Debug for Change<'_> {
    /// The user data holds passwords.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let arguments = &self.kernel_arguments;
        f.debug_struct("Change")
            .field("reset", &self.reset)
            .field("kernel_arguments", arguments)
            .finish()
    }
}

/// Changes an image in place. Whatever stops this, the image is the old one or
/// the new one: the next command that takes it sees to that.
pub fn inject_in_place(image: &Path, change: &Change<'_>) -> Result<(), IsoError> {
    let exclusive = Exclusive::take(image)?;
    let file = exclusive.file.try_clone().map_err(file_error("opening", image))?;
    let disc = Disc::of(file, image)?;
    exclusive.change(&patches_of(&disc, &Manifest::of_ours(&disc)?, change)?)
}

/// Writes a changed copy of an image; on file systems that share blocks it
/// takes no room of its own.
pub fn inject_into_copy(image: &Path, change: &Change<'_>, to: &Path) -> Result<(), IsoError> {
    let disc = Shared::take(image)?;
    let patches = patches_of(&disc, &Manifest::of_ours(&disc)?, change)?;
    copy_with(&disc, &patches, to)
}

/// Writes a copy of an image with patches.
pub(crate) fn copy_with(disc: &Disc, patches: &[Patch], to: &Path) -> Result<(), IsoError> {
    let mut copy = Replacement::new(to, 0o600)?;
    // The file that was looked at, whatever has its name by now.
    let mut from = disc.file().map_err(file_error("reading", disc.path()))?;
    io::copy(&mut from, copy.file()).map_err(file_error("writing", to))?;
    patch::apply(copy.file(), patches).map_err(file_error("writing", to))?;
    forget_undo(to)?;
    Ok(copy.finish()?)
}

/// An image that nobody changes while it is read.
pub(crate) struct Shared {
    disc: Disc,
    _lock: FileLock,
}

impl Shared {
    /// Takes an image, and finishes what a former change left undone.
    pub(crate) fn take(image: &Path) -> Result<Self, IsoError> {
        for _ in 0..ATTEMPTS {
            recover(image)?;
            let file = File::open(image).map_err(file_error("opening", image))?;
            let lock = FileLock::shared(&file).map_err(file_error("locking", image))?;
            let lock = lock.ok_or_else(|| IsoError::Busy(image.to_owned()))?;
            // Between the two somebody may have begun a change and been killed;
            // from here on nobody begins one.
            if !is_undone(image) {
                return Ok(Self { disc: Disc::of(file, image)?, _lock: lock });
            }
        }
        Err(IsoError::Busy(image.to_owned()))
    }
}

impl Deref for Shared {
    type Target = Disc;

    fn deref(&self) -> &Disc {
        &self.disc
    }
}

/// Writes a changed image as a stream.
pub fn inject_into_stream(
    image: &Path,
    change: &Change<'_>,
    to: &mut dyn Write,
) -> Result<(), IsoError> {
    let disc = Shared::take(image)?;
    let patches = patches_of(&disc, &Manifest::of_ours(&disc)?, change)?;
    let from = disc.file().map_err(file_error("reading", image))?;
    Ok(patch::stream(&from, &patches, to).map_err(file_error("copying", image))?)
}

/// Seals an image that has just been written, and puts its content there; says
/// where the first byte is that may be another one now.
pub(crate) fn complete(image: &Path, change: &Change<'_>) -> Result<u64, IsoError> {
    let disc = Disc::open(image)?;
    let manifest = Manifest::of_ours(&disc)?;
    let seal = manifest.area(AreaKind::Seal)?;
    // What may be read by nobody was told already.
    let mut patches = all_patches(&disc, &manifest, change)?;
    let digest = crate::seal::seal(&disc, &Index::of(&disc)?, &manifest)?;
    patches.extend(area_patches(&disc, seal, &seal.seal(&digest))?);
    let file = File::options().write(true).open(image).map_err(file_error("opening", image))?;
    patch::apply(&file, &patches).map_err(file_error("writing", image))?;
    Ok(patches.iter().map(|patch| patch.offset).min().unwrap_or(u64::MAX))
}

/// What a change writes where; fails where nobody would read it.
pub(crate) fn patches_of(
    disc: &Disc,
    manifest: &Manifest,
    change: &Change<'_>,
) -> Result<Vec<Patch>, IsoError> {
    let data = manifest.area(AreaKind::UserData)?;
    if let Some(text) = change.user_data {
        crate::customize::ensure_fit(&data.path, text)?;
    }
    all_patches(disc, manifest, change)
}

fn all_patches(
    disc: &Disc,
    manifest: &Manifest,
    change: &Change<'_>,
) -> Result<Vec<Patch>, IsoError> {
    let mut contents = Vec::new();
    if change.user_data.is_some() && change.is_encrypted {
        ensure_decrypts(manifest)?;
    }
    let data = manifest.area(AreaKind::UserData)?;
    contents.extend(content(data, change, change.user_data.map(|text| data.user_data(text)))?);
    let network = manifest.areas_of(AreaKind::NetworkConfig).next();
    match (network, change.network_config) {
        (None, Some(_)) => return Err(IsoError::NoNetworkRoom),
        (None, None) => {}
        (Some(area), text) => {
            contents.extend(content(area, change, text.map(|text| area.network_config(text)))?);
        }
    }
    if change.kernel_arguments.is_some_and(|words| !words.is_empty()) {
        manifest.area(AreaKind::KernelArguments)?;
    }
    for area in manifest.areas_of(AreaKind::KernelArguments) {
        let words = change.kernel_arguments.map(|words| area.kernel_arguments(words));
        contents.extend(content(area, change, words)?);
    }
    contents.extend(checksums(disc, manifest, &contents)?);
    let mut patches = Vec::new();
    for (area, content) in &contents {
        patches.extend(area_patches(disc, area, content)?);
    }
    Ok(patches)
}

/// Refuses what nothing on the image could read.
fn ensure_decrypts(manifest: &Manifest) -> Result<(), IsoError> {
    match &manifest.live {
        Some(live) if live.decrypts => Ok(()),
        Some(live) if live.system.takes_agent() => Err(IsoError::AgentTooOld),
        _ => Err(IsoError::NoAgentToDecrypt),
    }
}

type Content<'a> = (&'a Area, Vec<u8>);

/// What an area is to hold, where that changes.
fn content<'a>(
    area: &'a Area,
    change: &Change<'_>,
    new: Option<Result<Vec<u8>, IsoError>>,
) -> Result<Option<Content<'a>>, IsoError> {
    let empty = || if change.reset { area.empty() } else { None };
    let content = new.transpose()?.or_else(empty);
    Ok(content.map(|content| (area, content)))
}

/// The checksums of files whose areas change.
fn checksums<'a>(
    disc: &Disc,
    manifest: &'a Manifest,
    contents: &[Content<'_>],
) -> Result<Vec<Content<'a>>, IsoError> {
    let mut sums = Vec::new();
    for area in manifest.areas_of(AreaKind::Checksum) {
        let of = area.of.as_deref().unwrap_or_default();
        let mut changed = contents.iter().filter(|(area, _)| area.path == of).peekable();
        if changed.peek().is_none() {
            continue;
        }
        let entry = disc.find(of)?.ok_or(IsoError::NoArea(area.kind))?;
        let mut bytes = disc.read(&entry, SUMMED_LIMIT)?;
        for (area, content) in changed {
            let start = usize::try_from(area.offset).unwrap_or(usize::MAX);
            let place = bytes.get_mut(start..start.saturating_add(content.len()));
            place.ok_or_else(|| IsoError::AreaOutside(of.to_owned()))?.copy_from_slice(content);
        }
        let sum = crate::customize::sum(&bytes, area.bytes).ok_or(IsoError::NoArea(area.kind))?;
        sums.push((area, sum.into_bytes()));
    }
    Ok(sums)
}

/// What puts the whole content of an area there: nothing of what it held stays.
fn area_patches(disc: &Disc, area: &Area, content: &[u8]) -> Result<Vec<Patch>, IsoError> {
    let entry = disc.find(&area.path)?.ok_or(IsoError::NoArea(area.kind))?;
    patch::patches(disc, &entry, area.offset, content)
}
