//! `docker save`: `manifest.json` lists images with the files of their
//! configurations and layers. A registry's manifest is made from them.

use std::collections::BTreeSet;
use std::io;

use edgectl_model::{Digest, Reference};
use serde::{Deserialize, Serialize};

use super::catalog::Gathered;
use super::content::{Content, Packed};
use super::decoder::Compression;
use super::files::Files;
use super::names::{blob_digest, name_by_path};
use super::{TEXT_LIMIT, malformed};
use crate::manifest::RawManifest;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Config {
    rootfs: Option<RootFs>,
}

#[derive(Deserialize)]
struct RootFs {
    #[serde(default)]
    diff_ids: Vec<String>,
}

/// The manifest that is made; the order of its fields is part of its digest.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    schema_version: u8,
    media_type: &'static str,
    config: Descriptor,
    layers: Vec<Descriptor>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: String,
    digest: String,
    size: u64,
}

/// Finds saved images among files. Where a layout stands beside them, it has
/// the true manifests, and only the names are taken.
pub(super) fn gather(
    files: &Files,
    used: &mut BTreeSet<String>,
    into: &mut Gathered,
) -> io::Result<()> {
    for directory in files.directories_with("manifest.json") {
        let Some((_, list)) = files.get(&format!("{directory}manifest.json"))? else { continue };
        let text = list.whole(TEXT_LIMIT)?;
        // Other programs have a `manifest.json`, too.
        let Ok(saved) = serde_json::from_slice::<Vec<Saved>>(&text) else { continue };
        for image in saved {
            if into.layouts.contains(&directory) {
                into.named_configs.extend(config_names(&image));
                continue;
            }
            save(files, &directory, &image, used, into)
                .map_err(|e| io::Error::new(e.kind(), format!("image `{}`: {e}", told(&image))))?;
        }
    }
    Ok(())
}

fn told(image: &Saved) -> &str {
    let first = image.repo_tags.as_ref().and_then(|tags| tags.first());
    first.map_or(image.config.as_str(), String::as_str)
}

fn names(image: &Saved) -> Vec<Reference> {
    let tags = image.repo_tags.iter().flatten();
    tags.filter_map(|tag| Reference::parse(tag).ok()).collect()
}

fn config_names(image: &Saved) -> Option<(Digest, Vec<Reference>)> {
    let digest = Digest::parse(&blob_digest(&image.config)?).ok()?;
    Some((digest, names(image)))
}

/// Makes the manifest of one image.
fn save(
    files: &Files,
    directory: &str,
    image: &Saved,
    used: &mut BTreeSet<String>,
    into: &mut Gathered,
) -> io::Result<()> {
    let (_, config) = find(files, directory, &image.config)?;
    let text = config.whole(TEXT_LIMIT)?;
    let parsed: Config = serde_json::from_slice(&text)
        .map_err(|e| malformed(format!("its configuration `{}`: {e}", image.config)))?;
    let diff_ids = parsed.rootfs.map(|rootfs| rootfs.diff_ids).unwrap_or_default();
    let layers = image.layers.as_deref().unwrap_or_default();
    if diff_ids.len() != layers.len() {
        return Err(malformed(format!(
            "its configuration speaks of {} layers, the archive of {}",
            diff_ids.len(),
            layers.len()
        )));
    }
    let mut made = Made {
        schema_version: 2,
        media_type: MANIFEST,
        config: descriptor(CONFIG, &Digest::sha256(&text), config.size),
        layers: Vec::new(),
    };
    into.blob(Digest::sha256(&text), config.clone());
    for (layer, diff_id) in layers.iter().zip(&diff_ids) {
        let (name, content) = find(files, directory, layer)?;
        used.insert(name.to_owned());
        let (media_type, digest) = layer_of(name, content, diff_id)
            .map_err(|e| io::Error::new(e.kind(), format!("its layer `{layer}`: {e}")))?;
        made.layers.push(descriptor(media_type, &digest, content.size));
        into.blob(digest, content.clone());
    }
    let bytes = serde_json::to_vec(&made).map_err(io::Error::other)?;
    let raw = RawManifest::new(bytes.into(), Some(MANIFEST), None, &files.place);
    let raw = raw.map_err(|e| malformed(e.to_string()))?;
    let mut names = names(image);
    let by_path = || files.inside.as_ref().and_then(|(_, path)| name_by_path(path));
    let by_path = names.is_empty().then(by_path).flatten();
    // What is made here can't have the digest that a registry knew.
    let (pinned, tagged): (Vec<_>, Vec<_>) =
        by_path.into_iter().partition(|name| name.digest().is_some());
    names.extend(tagged);
    into.image(raw.digest().clone(), names, None, &files.place);
    for name in pinned {
        let why = lost_digest(&name, raw.digest());
        into.refuse(raw.digest(), name, why);
    }
    into.made.insert(raw.digest().clone(), raw);
    Ok(())
}

fn lost_digest(name: &Reference, made: &Digest) -> String {
    format!(
        "the archive hasn't kept the manifest with this digest, and one that is made for it has \
         another; take a bundle in registry format (`format: docker`), or give it a name with a \
         tag: `--name {made}={}:TAG`",
        name.repository()
    )
}

fn find<'a>(files: &'a Files, directory: &str, name: &str) -> io::Result<(&'a str, &'a Content)> {
    let found = files.get(&format!("{directory}{name}"))?;
    found.ok_or_else(|| malformed(format!("its file `{name}` is missing")))
}

/// Media type and digest of a layer. One that isn't compressed has the digest
/// that the configuration says; that is looked at when it is sent.
fn layer_of(name: &str, content: &Content, diff_id: &str) -> io::Result<(&'static str, Digest)> {
    let form = match content.packed()? {
        Packed::Compressed(form) => Some(form),
        Packed::Tar | Packed::No => None,
    };
    let media_type = match form {
        None => LAYER,
        Some(Compression::Gzip) => "application/vnd.oci.image.layer.v1.tar+gzip",
        Some(Compression::Zstd) => "application/vnd.oci.image.layer.v1.tar+zstd",
        Some(Compression::Xz) => {
            return Err(malformed("it is compressed with xz, which no runtime reads"));
        }
    };
    let claimed = blob_digest(name).and_then(|digest| Digest::parse(&digest).ok());
    let digest = match (&content.digest, claimed, form) {
        (Some(digest), ..) => digest.clone(),
        (None, Some(digest), _) => digest,
        (None, None, None) => Digest::parse(diff_id).map_err(|e| malformed(e.to_string()))?,
        (None, None, Some(_)) => content.hashed()?,
    };
    if form.is_none() && digest.algorithm() == "sha256" && digest.as_str() != diff_id {
        return Err(malformed(format!("its digest is `{digest}`, and should be `{diff_id}`")));
    }
    Ok((media_type, digest))
}

fn descriptor(media_type: &str, digest: &Digest, size: u64) -> Descriptor {
    Descriptor { media_type: media_type.to_owned(), digest: digest.to_string(), size }
}
