//! OCI layouts: `index.json` names manifests, blobs stand under their digests.

use std::collections::BTreeMap;
use std::io;

use edgectl_model::{Digest, Reference};
use edgectl_process::interrupted;
use serde::Deserialize;

use super::catalog::Gathered;
use super::files::{Files, Node};
use super::names::{blob_digest, full_name};
use super::{TEXT_LIMIT, malformed};

/// The full reference; containerd and Docker write it.
const FULL_NAME: &str = "io.containerd.image.name";
/// A tag, or a full reference, depending on who wrote it.
const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// More indexes below the one in the layout hold no names.
const NAMED_DEPTH: usize = 2;

#[derive(Deserialize)]
struct Index {
    manifests: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    digest: String,
    #[serde(default, rename = "mediaType")]
    media_type: String,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

impl Entry {
    fn names(&self) -> Vec<Reference> {
        let annotations = self.annotations.iter();
        let text = |key| annotations.clone().find_map(|all| all.get(key));
        let full = text(FULL_NAME).and_then(|name| Reference::parse(name).ok());
        full.or_else(|| full_name(text(REF_NAME)?)).into_iter().collect()
    }

    fn tag(&self) -> Option<String> {
        let tag = self.annotations.as_ref()?.get(REF_NAME)?;
        (!tag.contains(['/', ':', '@'])).then(|| tag.clone())
    }

    fn is_index(&self) -> bool {
        self.media_type.contains("image.index") || self.media_type.contains("manifest.list")
    }
}

/// Finds the layouts among files. `named` holds names that a `docker save`
/// manifest beside the layout has for a configuration.
pub(super) fn gather(files: &Files, into: &mut Gathered) -> io::Result<()> {
    for directory in files.directories_with("index.json") {
        let Some((_, index)) = files.get(&format!("{directory}index.json"))? else { continue };
        let text = index.whole(TEXT_LIMIT)?;
        let has_version = files.get(&format!("{directory}oci-layout"))?.is_some();
        let index: Index = match serde_json::from_slice(&text) {
            Ok(index) => index,
            // Many programs have an `index.json` of their own.
            Err(_) if !has_version => continue,
            Err(error) => return Err(malformed(format!("`{directory}index.json`: {error}"))),
        };
        into.layouts.insert(directory.clone());
        blobs(files, &directory, into);
        for entry in index.manifests {
            image(files, &directory, entry, into, 0)?;
        }
    }
    Ok(())
}

/// Takes blobs in under the digests that their names claim; whether they have
/// them shows when they are read.
fn blobs(files: &Files, directory: &str, into: &mut Gathered) {
    for (name, node) in files.below(&format!("{directory}blobs/")) {
        let digest = blob_digest(name).and_then(|digest| Digest::parse(&digest).ok());
        let content = match node {
            Node::File(content) => Some(content),
            Node::Link(_) => files.get(name).ok().flatten().map(|(_, content)| content),
            Node::Unusable(_) => None,
        };
        if let (Some(digest), Some(content)) = (digest, content) {
            into.blob(digest, content.clone());
        }
    }
}

/// One entry; where it has no name, but is an index whose own entries have
/// names, they are the images.
fn image(
    files: &Files,
    directory: &str,
    entry: Entry,
    into: &mut Gathered,
    depth: usize,
) -> io::Result<()> {
    interrupted().map_err(io::Error::other)?;
    let digest = Digest::parse(&entry.digest).map_err(|e| malformed(e.to_string()))?;
    let names = entry.names();
    if names.is_empty() && entry.is_index() && depth < NAMED_DEPTH {
        let path = format!("{directory}blobs/{}/{}", digest.algorithm(), digest.hex());
        let text = files.get(&path)?.map(|(_, content)| content.whole(TEXT_LIMIT)).transpose()?;
        let inner = text.and_then(|text| serde_json::from_slice::<Index>(&text).ok());
        if let Some(inner) = inner.filter(|inner| inner.manifests.iter().any(has_name)) {
            for entry in inner.manifests {
                image(files, directory, entry, into, depth + 1)?;
            }
            return Ok(());
        }
    }
    into.image(digest, names, entry.tag(), &files.place);
    Ok(())
}

fn has_name(entry: &Entry) -> bool {
    !entry.names().is_empty()
}
