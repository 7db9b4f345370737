//! Every byte of an image against its manifest.

use std::collections::BTreeSet;

use edgectl_model::Digest;

use crate::area::{Area, AreaKind, SEAL};
use crate::disc::{Disc, DiscEntry, Index, Kind};
use crate::error::IsoError;
use crate::manifest::{FileDigest, Manifest};
use crate::seal::{Digests, seal};

/// Files with areas in them are small.
const AREA_FILE_LIMIT: u64 = 256 << 20;

/// What came of looking at every byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscCheck {
    /// Files whose bytes were compared.
    pub files: usize,
    /// Their bytes, and all others.
    pub bytes: u64,
    /// What isn't as it was baked.
    pub findings: Vec<String>,
}

/// Compares an image with its manifest. What was put into areas later is not
/// looked at, but for checksums: what they are of says what they must be.
pub fn verify_disc(disc: &Disc) -> Result<DiscCheck, IsoError> {
    let manifest = Manifest::of_ours(disc)?;
    let mut findings = Vec::new();
    let index = Index::of(disc)?;
    let mut digests = Digests::new(disc);
    for file in &manifest.files {
        findings.extend(file_finding((disc, &index, &mut digests), &manifest, file)?);
    }
    for area in manifest.areas_of(AreaKind::Checksum) {
        findings.extend(checksum_finding(disc, &index, area)?);
    }
    findings.extend(strangers(&index, &manifest));
    findings.extend(seal_finding(disc, &index, &manifest)?);
    Ok(DiscCheck { files: manifest.files.len(), bytes: disc.bytes(), findings })
}

fn file_finding(
    (disc, index, digests): (&Disc, &Index, &mut Digests<'_>),
    manifest: &Manifest,
    file: &FileDigest,
) -> Result<Option<String>, IsoError> {
    let path = &file.path;
    let Some(entry) = index.get(path).filter(|entry| entry.kind == Kind::File) else {
        return Ok(Some(format!("`{path}` is missing")));
    };
    if entry.bytes != file.bytes {
        let (found, expected) = (entry.bytes, file.bytes);
        return Ok(Some(format!("`{path}` has {found} bytes in place of {expected}")));
    }
    let found = match manifest.areas_in(path).next() {
        Some(_) => Digest::sha256(&without_areas(disc, manifest, path, entry)?),
        None => digests.of(entry)?,
    };
    let expected = &file.digest;
    Ok((found != *expected).then(|| format!("`{path}` is {found} in place of {expected}")))
}

/// A checksum in a list that came with the image.
fn checksum_finding(disc: &Disc, index: &Index, area: &Area) -> Result<Option<String>, IsoError> {
    let of = area.of.as_deref().unwrap_or_default();
    // Whatever is missing is told as a file.
    let (Some(list), Some(entry)) = (index.get(&area.path), index.get(of)) else {
        return Ok(None);
    };
    let bytes = disc.read(list, AREA_FILE_LIMIT)?;
    let start = usize::try_from(area.offset).unwrap_or(usize::MAX);
    let found = bytes.get(start..start.saturating_add(area.bytes as usize));
    let expected = crate::customize::sum(&disc.read(entry, AREA_FILE_LIMIT)?, area.bytes);
    let is_right = found == expected.as_deref().map(str::as_bytes);
    let path = &area.path;
    Ok((!is_right).then(|| format!("`{path}` has another checksum of `{of}` than it has")))
}

/// A file's bytes with its areas empty.
pub(crate) fn without_areas(
    disc: &Disc,
    manifest: &Manifest,
    path: &str,
    entry: &DiscEntry,
) -> Result<Vec<u8>, IsoError> {
    let mut bytes = disc.read(entry, AREA_FILE_LIMIT)?;
    for area in manifest.areas_in(path) {
        let empty = area.empty().ok_or(IsoError::NoArea(area.kind))?;
        let range = usize::try_from(area.offset)
            .ok()
            .and_then(|start| bytes.get_mut(start..start.checked_add(empty.len())?));
        range.ok_or_else(|| IsoError::AreaOutside(path.to_owned()))?.copy_from_slice(&empty);
    }
    Ok(bytes)
}

/// Files that the manifest doesn't know.
fn strangers(index: &Index, manifest: &Manifest) -> Vec<String> {
    let listed = manifest.files.iter().map(|file| file.path.as_str());
    let known: BTreeSet<String> =
        listed.chain(manifest.unlisted()).map(|path| index.key(path)).collect();
    // Links are part of directories, which the seal is of.
    let files = index.entries().iter().filter(|(_, entry)| entry.kind == Kind::File);
    let strange = files.filter(|(path, _)| !known.contains(&index.key(path)));
    strange.map(|(path, _)| format!("`{}` was added", path.trim_start_matches('/'))).collect()
}

fn seal_finding(
    disc: &Disc,
    index: &Index,
    manifest: &Manifest,
) -> Result<Option<String>, IsoError> {
    let area = manifest.area(AreaKind::Seal)?;
    let entry = index.get(SEAL).ok_or(IsoError::NoArea(AreaKind::Seal))?;
    let expected = disc.read(entry, AREA_FILE_LIMIT)?;
    let found = area.seal(&seal(disc, index, manifest)?);
    let text = "what is around the files (boot records, partitions, directories, boot loaders) was changed";
    Ok((found != expected).then(|| text.to_owned()))
}
