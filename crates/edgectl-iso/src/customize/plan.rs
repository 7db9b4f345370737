//! What customising an image writes where.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use edgectl_model::Digest;

use super::CustomizeRequest;
use super::contents::{Contents, contents};
use super::directories::{self, Layout, NewFile};
use super::frame::{self, Growth};
use super::medium::Flavor;
use super::origin::{Before, Customized};
use super::sessions;
use crate::area::SEAL;
use crate::disc::raw::{self, RawTree};
use crate::disc::{BLOCK, Disc, DiscEntry, Extent, Kind};
use crate::error::IsoError;
use crate::manifest::{self, FileDigest, Manifest};
use crate::patch::Patch;
use crate::seal::{self, Digests};

/// Room in the manifest for numbers that have more digits in the end.
const MANIFEST_SLACK: u64 = 64;
/// The type of HFS+ partitions.
const HFS: &str = "48465300-0000-11AA-AA11-00306543ECAC";

/// What is to be done.
pub(super) struct Plan {
    /// The size of the image as it is.
    pub(super) bytes: u64,
    pub(super) growth: Growth,
    /// Bytes for places that there are, by where they were before.
    pub(super) changed: Vec<Patch>,
    /// Bytes for new places.
    pub(super) added: Vec<Patch>,
    /// Former contents that are to be gone.
    pub(super) wiped: Vec<Extent>,
    pub(super) manifest: Manifest,
    pub(super) manifest_bytes: Vec<u8>,
    pub(super) flavor: Flavor,
    pub(super) user_data: String,
    pub(super) is_live: bool,
    pub(super) menus: Vec<String>,
    pub(super) warnings: Vec<String>,
}

/// The image as it is.
pub(super) struct Base<'a> {
    pub(super) disc: &'a Disc,
    pub(super) entries: Vec<(String, DiscEntry)>,
    pub(super) trees: Vec<RawTree>,
    /// Where everything ends that they lead to.
    end: u64,
    epoch: u64,
}

impl Plan {
    pub(super) fn of(
        disc: &Disc,
        request: &CustomizeRequest<'_>,
        former: Option<&Customized>,
    ) -> Result<Self, IsoError> {
        let base = Base::of(disc, request.epoch)?;
        let contents = contents(&base, request)?;
        let wiped = wiped(&base, &contents);
        if let Some(lost) = lost(former, &contents) {
            return Err(IsoError::Wiped(lost.to_owned()));
        }
        // How long the manifest is decides how much the image grows, which the
        // manifest says.
        let first = base.layout(&contents, BLOCK)?;
        let customized = customized(&base, &contents, &first, former, &wiped)?;
        let mut manifest = manifest(&base, &contents, customized)?;
        let room = manifest.to_json()?.len() as u64 + MANIFEST_SLACK;
        let mut layout = base.layout(&contents, room.next_multiple_of(BLOCK))?;
        if let Some(customized) = &mut manifest.customized {
            customized.grown_by = layout.growth.by;
        }
        let mut bytes = manifest.to_json()?;
        bytes.resize(layout.manifest.bytes as usize, b'\n');
        let offset = layout.manifest.offset;
        layout.added.push(Patch { offset, bytes: bytes.clone() });
        let mut warnings = contents.warnings();
        warnings.extend(base.hfs_warning(&contents)?);
        warnings.extend(base.sessions_warning()?);
        Ok(Self {
            bytes: disc.bytes(),
            growth: layout.growth,
            changed: layout.changed,
            added: layout.added,
            wiped: wiped.into_iter().flat_map(|(_, extents)| extents).collect(),
            manifest,
            manifest_bytes: bytes,
            flavor: contents.flavor,
            user_data: contents.places.user_data.to_owned(),
            is_live: contents.is_live && contents.places.misfit.is_none(),
            menus: contents.menus.into_iter().map(|menu| menu.path).collect(),
            warnings,
        })
    }
}

/// Where everything is put.
struct Placement {
    growth: Growth,
    changed: Vec<Patch>,
    added: Vec<Patch>,
    manifest: Extent,
}

impl<'a> Base<'a> {
    fn of(disc: &'a Disc, epoch: Option<u64>) -> Result<Self, IsoError> {
        if raw::has_udf(disc)? {
            return Err(IsoError::CannotReplay("lists its files in UDF, too"));
        }
        let trees = frame::trees(disc)?;
        let (mut end, mut seen) = (0, HashSet::new());
        for tree in trees.iter().filter(|tree| seen.insert((tree.base, tree.root.offset))) {
            end = end.max(directories::end_of(disc, tree)?);
        }
        let dated =
            trees.first().and_then(|tree| crate::date::epoch_of(tree.descriptor.get(813..827)?));
        let epoch = epoch.or(dated).unwrap_or(0);
        Ok(Self { disc, entries: disc.walk()?, trees, end, epoch })
    }

    /// Whether every tree leads to a file by directories that can be written
    /// anew.
    pub(super) fn reaches(&self, path: &str) -> Result<bool, IsoError> {
        for tree in &self.trees {
            if !directories::leads_to(self.disc, tree, path)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn layout(&self, contents: &Contents, manifest_bytes: u64) -> Result<Placement, IsoError> {
        let at = frame::place(self.disc, self.end)?;
        let (mut layout, mut added, mut files) = (Layout { next: at }, Vec::new(), Vec::new());
        let manifest = layout.take(manifest_bytes);
        files.push(NewFile { path: manifest::PATH.to_owned(), at: manifest, mode: 0o444 });
        for content in &contents.files {
            let place = layout.take(content.bytes.len() as u64);
            files.push(NewFile { path: content.path.clone(), at: place, mode: content.mode });
            added.push(Patch { offset: place.offset, bytes: content.bytes.clone() });
        }
        let (mut changed, mut heads) = (Vec::new(), HashMap::new());
        for tree in &self.trees {
            // Two descriptors may lead to one root, which is written once.
            let key = (tree.base, tree.root.offset);
            if let Entry::Vacant(vacant) = heads.entry(key) {
                let written = directories::put(self.disc, tree, &files, self.epoch, &mut layout)?;
                let (here, behind): (Vec<Patch>, _) =
                    written.patches.into_iter().partition(|patch| patch.offset < at);
                changed.extend(here);
                added.extend(behind);
                vacant.insert(written.head);
            }
            let head = heads.get(&key).into_iter().flatten();
            changed.extend(
                head.map(|(place, bytes)| Patch { offset: tree.at + place, bytes: bytes.clone() }),
            );
        }
        let by = frame::step(self.disc, layout.next - at)?;
        let growth = Growth { at, by };
        changed.extend(frame::patches(self.disc, &self.trees, growth)?);
        ensure_apart(&changed)?;
        Ok(Placement { growth, changed, added, manifest })
    }

    /// Macs start from a tree of their own.
    fn hfs_warning(&self, contents: &Contents) -> Result<Option<String>, IsoError> {
        let table = self.disc.partitions()?;
        let has_it = table.is_some_and(|table| table.partitions.iter().any(|one| one.kind == HFS));
        let text = "the image has an HFS+ tree for Macs, too, which keeps its menus as they were";
        Ok((has_it && !contents.menus.is_empty()).then(|| text.to_owned()))
    }

    /// What an older session wrote isn't looked through.
    fn sessions_warning(&self) -> Result<Option<String>, IsoError> {
        let Some(tree) = self.trees.first() else { return Ok(None) };
        let text = "the image was written in several sessions: what its files held before the last one, passwords included, stays in it; if that is a secret, start from an image that was written at once";
        Ok(sessions::has_older(self.disc, tree)?.then(|| text.to_owned()))
    }

    /// The boot catalog, where it is a file.
    fn catalog(&self) -> Option<String> {
        let at = self.disc.boot_catalog()? * BLOCK;
        let is_it = |entry: &DiscEntry| {
            entry.kind == Kind::File && entry.extents.iter().any(|e| e.offset == at && e.bytes > 0)
        };
        let (path, _) = self.entries.iter().find(|(_, entry)| is_it(entry))?;
        Some(path.trim_start_matches('/').to_owned())
    }

    /// A digest for every file that stays as it is.
    fn digests(&self, but: &[&str]) -> Result<Vec<FileDigest>, IsoError> {
        let (catalog, mut digests) = (self.catalog(), Digests::new(self.disc));
        let mut files: Vec<FileDigest> = Vec::new();
        for (path, entry) in &self.entries {
            let path = path.trim_start_matches('/');
            let is_known = files.last().is_some_and(|last| last.path == path);
            let is_catalog = catalog.as_deref() == Some(path);
            if entry.kind != Kind::File || but.contains(&path) || is_known || is_catalog {
                continue;
            }
            let digest = digests.of(entry)?;
            files.push(FileDigest { path: path.to_owned(), bytes: entry.bytes, digest });
        }
        Ok(files)
    }
}

/// Nothing is written twice to one place: what stood there couldn't be told.
fn ensure_apart(patches: &[Patch]) -> Result<(), IsoError> {
    let mut places: Vec<(u64, u64)> =
        patches.iter().map(|p| (p.offset, p.offset + p.bytes.len() as u64)).collect();
    places.sort_unstable();
    match places.windows(2).any(|pair| pair[0].1 > pair[1].0) {
        true => Err(IsoError::CannotReplay("has structures that lie in each other")),
        false => Ok(()),
    }
}

/// Former contents of files that may hold passwords: user data and what goes
/// with it. What another file shares stays.
fn wiped(base: &Base<'_>, contents: &Contents) -> Vec<(String, Vec<Extent>)> {
    let is_private = |path: &str| contents.files.iter().any(|f| f.path == path && f.is_private);
    let relative = |path: &str| path.trim_start_matches('/').to_owned();
    let mut found = Vec::new();
    for (path, entry) in &base.entries {
        if entry.kind != Kind::File || entry.bytes == 0 || !is_private(&relative(path)) {
            continue;
        }
        let overlaps =
            |a: &Extent, b: &Extent| a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
        let is_shared = base.entries.iter().any(|(other, of)| {
            !is_private(&relative(other))
                && of.extents.iter().any(|a| entry.extents.iter().any(|b| overlaps(a, b)))
        });
        if !is_shared {
            found.push((relative(path), entry.extents.clone()));
        }
    }
    found
}

/// Something that a former run has wiped and this one wouldn't replace.
fn lost<'a>(former: Option<&'a Customized>, contents: &Contents) -> Option<&'a str> {
    let is_there = |path: &str| contents.files.iter().any(|file| file.path == path);
    let mut wiped = former.into_iter().flat_map(|former| &former.wiped);
    wiped.find(|path| !is_there(path)).map(String::as_str)
}

fn customized(
    base: &Base<'_>,
    contents: &Contents,
    layout: &Placement,
    former: Option<&Customized>,
    wiped: &[(String, Vec<Extent>)],
) -> Result<Customized, IsoError> {
    let mut before = Vec::new();
    for patch in &layout.changed {
        let bytes = base.disc.bytes_at(patch.offset, patch.bytes.len() as u64)?;
        before.push(Before::of(&Patch { offset: patch.offset, bytes }));
    }
    let whole = || {
        let bytes = base.disc.bytes();
        let all = Extent { offset: 0, bytes };
        seal::digest(base.disc, &DiscEntry { extents: vec![all], bytes, ..DiscEntry::default() })
    };
    let digest: Digest = former.map_or_else(whole, |former| Ok(former.base.clone()))?;
    let mut edited: Vec<String> = contents.files.iter().map(|file| file.path.clone()).collect();
    edited.push(manifest::PATH.to_owned());
    edited.sort();
    let mut gone: Vec<String> = wiped.iter().map(|(path, _)| path.clone()).collect();
    gone.sort();
    Ok(Customized {
        base: digest,
        base_bytes: base.disc.bytes(),
        flavor: contents.flavor,
        live: contents.is_live.then(|| contents.places.user_data.to_owned()),
        catalog: base.catalog(),
        edited,
        wiped: gone,
        grown_at: layout.growth.at,
        grown_by: layout.growth.by,
        before,
    })
}

fn manifest(
    base: &Base<'_>,
    contents: &Contents,
    customized: Customized,
) -> Result<Manifest, IsoError> {
    let new: Vec<&str> = contents.files.iter().map(|file| file.path.as_str()).collect();
    let mut files = base.digests(&new)?;
    for content in contents.files.iter().filter(|content| content.path != SEAL) {
        let digest = Digest::sha256(&contents.empty(content));
        let bytes = content.bytes.len() as u64;
        files.push(FileDigest { path: content.path.clone(), bytes, digest });
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(Manifest::of_customized(base.epoch, contents.areas.clone(), customized, files))
}
