//! A whole image: all its manifests, every blob they name, and what was
//! attached to it.

use std::collections::{HashMap, HashSet};

use edgectl_model::{Digest, Platform, Reference};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::attached::Attached;
use crate::content::collect;
use crate::error::RegistryError;
use crate::manifest::{Blob, CONFIG_LIMIT, DEPTH, Entry, Parsed, RawManifest, config_platform};
use crate::source::Source;

/// Manifests in one image; the largest real indexes have a few dozen.
pub(crate) const MANIFESTS: usize = 1000;
/// Requests for one image at once.
const WIDTH: usize = 8;
/// Signatures of attestations of images; nobody goes further.
const ATTACHED_DEPTH: usize = 3;

/// A whole image, manifests by depth.
#[derive(Debug)]
pub(crate) struct Tree {
    /// The root is alone in the first level; what an index names is always in
    /// a later level than the index.
    pub(crate) levels: Vec<Vec<RawManifest>>,
    /// Every blob once, those of what is attached among them.
    pub(crate) blobs: Vec<Entry>,
    /// Trees of what was attached to any manifest, with the tag they have.
    pub(crate) attached: Vec<(Option<String>, Self)>,
}

impl Tree {
    /// Fetches all manifests below a root, without what is attached.
    pub(crate) async fn fetch<S: Source>(
        source: &S,
        reference: &Reference,
        root: RawManifest,
    ) -> Result<Self, RegistryError> {
        let mut seen = Sizes::default();
        seen.is_new(&Blob { digest: root.digest().clone(), size: root.bytes().len() as u64 })?;
        let (mut blobs, mut all, mut depth) = (Vec::new(), Vec::new(), 0);
        let mut level = vec![root];
        while !level.is_empty() {
            let mut wanted = Vec::new();
            for raw in level {
                let (children, entries) = match raw.parse()? {
                    Parsed::Index(entries) => {
                        (entries.into_iter().map(|entry| entry.blob).collect(), Vec::new())
                    }
                    Parsed::Image { config, layers } => {
                        (Vec::new(), config.into_iter().chain(layers).collect())
                    }
                };
                for entry in entries {
                    if seen.is_new(&entry.blob)? {
                        blobs.push(entry);
                    }
                }
                for child in &children {
                    if seen.is_new(child)? {
                        wanted.push(child.clone());
                    }
                }
                let children = children.into_iter().map(|child: Blob| child.digest).collect();
                all.push(Node { raw, children });
            }
            depth += 1;
            if depth > DEPTH || all.len() + wanted.len() > MANIFESTS {
                let reason = "it holds more manifests than any image needs";
                return Err(RegistryError::manifest(reference, reason));
            }
            level = fetch_children(source, reference, &wanted).await?;
        }
        Ok(Self { levels: levels(all), blobs, attached: Vec::new() })
    }

    /// Adds what is attached to any of its manifests, and to that.
    pub(crate) async fn attach<S: Source>(
        &mut self,
        source: &S,
        reference: &Reference,
    ) -> Result<(), RegistryError> {
        let mut known: HashSet<Digest> = self.digests().cloned().collect();
        let mut subjects: Vec<Digest> = self.digests().cloned().collect();
        for _ in 0..ATTACHED_DEPTH {
            let found =
                stream::iter(subjects.iter().map(|digest| source.attached(reference, digest)))
                    .buffered(WIDTH)
                    .try_collect::<Vec<Vec<Attached>>>()
                    .await?;
            subjects = Vec::new();
            for Attached { manifest, tag } in found.into_iter().flatten() {
                let is_new = known.insert(manifest.digest().clone());
                if !is_new && tag.is_none() {
                    continue;
                }
                let mut tree = Self::fetch(source, reference, manifest).await?;
                subjects.extend(tree.digests().filter(|_| is_new).cloned());
                self.take_blobs(&mut tree);
                self.attached.push((tag, tree));
            }
            if subjects.is_empty() {
                break;
            }
        }
        Ok(())
    }

    fn take_blobs(&mut self, other: &mut Self) {
        for entry in std::mem::take(&mut other.blobs) {
            if !self.blobs.iter().any(|known| known.blob.digest == entry.blob.digest) {
                self.blobs.push(entry);
            }
        }
    }

    /// Digests of all manifests, without those of what is attached.
    fn digests(&self) -> impl Iterator<Item = &Digest> {
        self.levels.iter().flatten().map(RawManifest::digest)
    }

    /// Digest of the root.
    pub(crate) fn root(&self) -> Option<&Digest> {
        self.top().map(RawManifest::digest)
    }

    /// The root itself.
    pub(crate) fn top(&self) -> Option<&RawManifest> {
        self.levels.first()?.first()
    }

    /// Without its own manifests, and with the blobs of what is attached alone.
    pub(crate) fn only_attached(mut self) -> Result<Self, RegistryError> {
        self.levels.clear();
        self.leave_unneeded_blobs()?;
        Ok(self)
    }

    /// Takes out attachments, and the blobs that only they need; `leave` says
    /// which, in their order.
    pub(crate) fn leave_attached(&mut self, leave: &[bool]) -> Result<(), RegistryError> {
        if !leave.contains(&true) {
            return Ok(());
        }
        let mut leave = leave.iter();
        self.attached.retain(|_| !leave.next().copied().unwrap_or(false));
        self.leave_unneeded_blobs()
    }

    fn leave_unneeded_blobs(&mut self) -> Result<(), RegistryError> {
        let mut wanted = HashSet::new();
        let attached = self.attached.iter().flat_map(|(_, tree)| &tree.levels);
        for raw in self.levels.iter().chain(attached).flatten() {
            if let Parsed::Image { config, layers } = raw.parse()? {
                wanted.extend(config.into_iter().chain(layers).map(|entry| entry.blob.digest));
            }
        }
        self.blobs.retain(|entry| wanted.contains(&entry.blob.digest));
        Ok(())
    }

    /// Manifests, those of what is attached among them.
    pub(crate) fn manifests(&self) -> usize {
        let own: usize = self.levels.iter().map(Vec::len).sum();
        own + self.attached.iter().map(|(_, tree)| tree.manifests()).sum::<usize>()
    }
}

/// What an image names, with its sizes: runtimes refuse what has another one.
#[derive(Default)]
struct Sizes(HashMap<Digest, u64>);

impl Sizes {
    /// Whether this is named for the first time; fails where it was named with
    /// another size.
    fn is_new(&mut self, blob: &Blob) -> Result<bool, RegistryError> {
        match self.0.insert(blob.digest.clone(), blob.size) {
            None => Ok(true),
            Some(size) if size == blob.size => Ok(false),
            Some(size) => {
                let reason = format!("it is named with {size} bytes and with {}", blob.size);
                Err(RegistryError::manifest(&blob.digest, reason))
            }
        }
    }
}

/// A manifest with the digests of those that it names.
struct Node {
    raw: RawManifest,
    children: Vec<Digest>,
}

/// Manifests by the longest way down from them, the longest first: one that
/// two indexes name comes after both.
fn levels(all: Vec<Node>) -> Vec<Vec<RawManifest>> {
    let mut heights: HashMap<Digest, usize> = HashMap::new();
    // Found from the root down, so most children stand behind their parents;
    // no way is longer than there are levels.
    for _ in 0..=DEPTH {
        for node in all.iter().rev() {
            let below = node.children.iter().filter_map(|child| heights.get(child));
            let height = below.max().map_or(0, |height| height + 1);
            heights.insert(node.raw.digest().clone(), height);
        }
    }
    let mut levels: Vec<Vec<RawManifest>> = Vec::new();
    for node in all {
        let height = heights.get(node.raw.digest()).copied().unwrap_or(0);
        if levels.len() <= height {
            levels.resize_with(height + 1, Vec::new);
        }
        if let Some(level) = levels.get_mut(height) {
            level.push(node.raw);
        }
    }
    levels.reverse();
    levels
}

/// The platform of a single image, which stands in its configuration.
pub(crate) async fn platforms_of<S: Source>(
    source: &S,
    reference: &Reference,
    root: &RawManifest,
) -> Result<Vec<Platform>, RegistryError> {
    let Parsed::Image { config: Some(config), .. } = root.parse()? else {
        return Ok(Vec::new());
    };
    if config.blob.size > CONFIG_LIMIT {
        return Ok(Vec::new());
    }
    let chunks = source.blob(reference, &config.blob, 0).await?;
    let bytes = collect(chunks, &config.blob, &reference.repository()).await?;
    Ok(config_platform(&bytes).into_iter().collect())
}

async fn fetch_children<S: Source>(
    source: &S,
    reference: &Reference,
    children: &[Blob],
) -> Result<Vec<RawManifest>, RegistryError> {
    let fetching = children.iter().map(async |child| {
        match source.manifest(reference, Some(&child.digest)).await {
            Err(RegistryError::NotFound { what, place }) => {
                Err(RegistryError::Sparse { image: reference.to_string(), what, place })
            }
            other => {
                let raw = other?;
                raw.ensure_size(Some(child.size))?;
                Ok(raw)
            }
        }
    });
    stream::iter(fetching).buffered(WIDTH).try_collect().await
}
