//! That an image still is what it was, but for what was to change.

use edgectl_process::interrupted;

use super::frame::has_whole_gpt;
use super::origin::Customized;
use crate::diff::diff_files;
use crate::disc::{BootEntry, BootPlatform, Disc, DiscEntry, Extent, Kind};
use crate::error::IsoError;
use crate::manifest::Manifest;
use crate::seal;

/// Compares both images with what was to change. `former` is what had been
/// changed of the base before.
pub(super) fn ensure_replayed(
    base: &Disc,
    made: &Disc,
    manifest: &Manifest,
    former: Option<&Customized>,
) -> Result<(), IsoError> {
    interrupted()?;
    let edited = manifest.customized.iter().chain(former).flat_map(|it| &it.edited);
    let edited: Vec<&String> = edited.collect();
    let is_catalog = |path: &str| {
        manifest.customized.as_ref().is_some_and(|it| it.catalog.as_deref() == Some(path))
    };
    for (path, how) in diff_files(base, made)? {
        let path = path.trim_start_matches('/');
        // Directories that lead to what was added were added, too.
        let is_meant = |one: &str| {
            let front = one.get(..path.len()).unwrap_or_default();
            made.are_equal(front, path)
                && matches!(one.as_bytes().get(path.len()), None | Some(b'/'))
        };
        if !is_catalog(path) && !edited.iter().any(|one| is_meant(one)) {
            return Err(IsoError::Replay(format!("`{path}` ({how})")));
        }
    }
    if base.label() != made.label() {
        return Err(IsoError::Replay("the volume label".to_owned()));
    }
    ensure_boot(base, made)?;
    ensure_disk(base, made)
}

/// What starts it as a CD: the same images for the same firmware.
fn ensure_boot(base: &Disc, made: &Disc) -> Result<(), IsoError> {
    let (old, new) = (base.boot_entries()?, made.boot_entries()?);
    let form = |entry: &BootEntry| (entry.platform, entry.is_bootable, entry.bytes);
    let forms =
        |all: &[BootEntry]| all.iter().map(form).collect::<Vec<(BootPlatform, bool, u64)>>();
    if forms(&old) != forms(&new) {
        return Err(IsoError::Replay("the boot catalog".to_owned()));
    }
    for (a, b) in old.iter().zip(&new) {
        if loaded(base, a)? != loaded(made, b)? {
            return Err(IsoError::Replay(format!("the boot image for {}", a.platform)));
        }
    }
    Ok(())
}

/// The digest of what firmware loads, as far as it is there.
fn loaded(disc: &Disc, entry: &BootEntry) -> Result<edgectl_model::Digest, IsoError> {
    let offset = entry.offset.min(disc.bytes());
    let bytes = entry.bytes.min(disc.bytes() - offset);
    let extents = vec![Extent { offset, bytes }];
    seal::digest(disc, &DiscEntry { kind: Kind::File, extents, bytes, ..DiscEntry::default() })
}

/// What it is as a disk: the same partitions, and nothing wrong that wasn't.
fn ensure_disk(base: &Disc, made: &Disc) -> Result<(), IsoError> {
    let (old, new) = (base.partitions()?, made.partitions()?);
    let forms = |disc: &Option<crate::disc::PartitionTable>| {
        let table = disc.as_ref()?;
        let all = table.partitions.iter().map(|one| (one.kind.clone(), one.name.clone()));
        Some((table.kind, all.collect::<Vec<_>>()))
    };
    if forms(&old) != forms(&new) {
        return Err(IsoError::Replay("the partition table".to_owned()));
    }
    if has_whole_gpt(base)? && !has_whole_gpt(made)? {
        return Err(IsoError::Replay("the copy of the partition table".to_owned()));
    }
    let known = old.map(|table| table.faults).unwrap_or_default();
    let faults = new.map(|table| table.faults).unwrap_or_default();
    match faults.into_iter().find(|fault| !known.contains(fault)) {
        Some(fault) => Err(IsoError::Replay(format!("the partition table: {fault}"))),
        None => Ok(()),
    }
}
