//! The texts that say which images an archive holds.

use std::collections::{BTreeMap, BTreeSet};

use edgectl_model::{Digest, Reference};
use serde_json::{Value, json};

use crate::error::RegistryError;
use crate::layout::{INDEX, entry};
use crate::manifest::{Parsed, RawManifest};

/// The manifests of an archive, and what they are called.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) manifests: BTreeMap<Digest, RawManifest>,
    named: BTreeMap<String, (Reference, Digest)>,
    /// What names its subject itself, such as signatures, needs no name, but
    /// an entry by which it is found.
    nameless: BTreeSet<Digest>,
}

/// Where a blob or manifest stands in a layout.
pub(super) fn path_of(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm(), digest.hex())
}

impl Contents {
    pub(super) fn add(&mut self, manifest: &RawManifest) {
        if manifest.subject().is_some() {
            self.nameless.insert(manifest.digest().clone());
        }
        self.manifests.insert(manifest.digest().clone(), manifest.clone());
    }

    pub(super) fn name(&mut self, reference: &Reference, manifest: &RawManifest) {
        self.add(manifest);
        let named = (reference.clone(), manifest.digest().clone());
        self.named.insert(reference.canonical(), named);
    }

    /// `index.json`, in the order of names.
    pub(super) fn index(&self) -> String {
        let is_named = |digest: &&Digest| self.named.values().any(|(_, named)| named == *digest);
        let named = self.named.values().map(|(name, digest)| (Some(name), digest));
        let nameless = self.nameless.iter().filter(|digest| !is_named(digest));
        let all = named.chain(nameless.map(|digest| (None, digest)));
        let entries =
            all.filter_map(|(name, digest)| Some(entry(name, self.manifests.get(digest)?)));
        let manifests: Vec<Value> = entries.collect();
        json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests }).to_string()
    }

    /// `manifest.json`, as `docker load` reads it: an entry per image with all
    /// its tags.
    pub(super) fn docker_list(&self) -> Result<String, RegistryError> {
        let mut tags: BTreeMap<&Digest, Vec<String>> = BTreeMap::new();
        for (reference, digest) in self.named.values() {
            let tags = tags.entry(digest).or_default();
            tags.extend(docker_tag(reference));
        }
        let mut list = Vec::new();
        for (digest, tags) in tags {
            let Some(manifest) = self.manifests.get(digest) else { continue };
            let (config, layers) = parts(manifest)?;
            list.push(json!({ "Config": config, "RepoTags": tags, "Layers": layers }));
        }
        Ok(Value::from(list).to_string())
    }
}

/// What `docker load` will call an image; nothing where a digest alone names
/// it.
pub(super) fn docker_tag(reference: &Reference) -> Option<String> {
    let tag = reference.tag_or_latest()?;
    Some(format!("{}:{tag}", reference.repository()))
}

/// The places of configuration and layers.
fn parts(manifest: &RawManifest) -> Result<(String, Vec<String>), RegistryError> {
    match manifest.parse()? {
        Parsed::Image { config: Some(config), layers } => {
            let layers = layers.iter().map(|layer| path_of(&layer.blob.digest));
            Ok((path_of(&config.blob.digest), layers.collect()))
        }
        _ => Err(RegistryError::manifest(manifest.digest(), "it is no image of one platform")),
    }
}

/// Fails for what `docker load` can't take.
pub(super) fn ensure_loadable(
    reference: &Reference,
    manifest: &RawManifest,
) -> Result<(), RegistryError> {
    let bad = |reason: &str| Err(RegistryError::manifest(reference, reason));
    match manifest.parse()? {
        Parsed::Index(entries) => {
            let platforms: Vec<String> =
                entries.iter().filter_map(|e| Some(e.platform.as_ref()?.to_string())).collect();
            Err(RegistryError::ManyPlatforms { image: reference.to_string(), platforms })
        }
        Parsed::Image { config: Some(config), .. } if !is_image_config(&config.media_type) => {
            bad("it is no container image, and a docker-archive holds nothing else")
        }
        Parsed::Image { config: None, .. } => {
            bad("it has no configuration, and a docker-archive holds no artifacts")
        }
        Parsed::Image { layers, .. } if layers.iter().any(|layer| layer.is_foreign) => {
            bad("a layer of it may not be redistributed, and a docker-archive needs all of them")
        }
        Parsed::Image { .. } => Ok(()),
    }
}

fn is_image_config(media_type: &str) -> bool {
    matches!(
        media_type,
        "application/vnd.oci.image.config.v1+json"
            | "application/vnd.docker.container.image.v1+json"
    )
}
