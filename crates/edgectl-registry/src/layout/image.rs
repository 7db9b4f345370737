//! One image of a layout, for whoever unpacks it.

use edgectl_model::{Digest, Platform, Reference};
use serde::Deserialize;

use super::directory::Layout;
use super::layer::LayerBlob;
use crate::error::RegistryError;
use crate::manifest::{CONFIG_LIMIT, DEPTH, Entry, Parsed, RawManifest, choose, config_platform};

/// One image for one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutImage {
    /// Digest of its manifest.
    pub digest: Digest,
    /// What its configuration says.
    pub config: LayoutConfig,
    /// Its layers, the lowest first.
    pub layers: Vec<LayerBlob>,
}

/// What is read of an image's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutConfig {
    /// When it was made, as it says (RFC 3339).
    pub created: Option<String>,
    /// Its platform.
    pub platform: Option<Platform>,
}

#[derive(Deserialize)]
struct Created {
    created: Option<String>,
}

impl Layout {
    /// The image for a platform in a layout that holds one image, be it an
    /// index over several platforms.
    pub fn image(&self, platform: &Platform) -> Result<LayoutImage, RegistryError> {
        let entries = self.entries()?;
        match entries.as_slice() {
            [only] => self.image_below(&only.digest, platform),
            [] => Err(self.bad("it holds no image")),
            _ => Err(self.bad("it holds several images; say which one")),
        }
    }

    /// A named image for a platform.
    pub fn named_image(
        &self,
        reference: &Reference,
        platform: &Platform,
    ) -> Result<LayoutImage, RegistryError> {
        let digest = self.find(reference)?.ok_or_else(|| RegistryError::NotFound {
            what: reference.to_string(),
            place: self.place(),
        })?;
        self.image_below(&digest, platform)
    }

    fn image_below(
        &self,
        digest: &Digest,
        platform: &Platform,
    ) -> Result<LayoutImage, RegistryError> {
        let mut digest = digest.clone();
        for _ in 0..DEPTH {
            let raw = self.read_manifest(&digest)?;
            match raw.parse()? {
                Parsed::Index(entries) => {
                    let found = choose(&entries, platform).or(only(&entries));
                    let found = found.ok_or_else(|| RegistryError::NotFound {
                        what: format!("{digest} for {platform}"),
                        place: self.place(),
                    })?;
                    digest = found.blob.digest.clone();
                }
                Parsed::Image { config, layers } => {
                    return self.checked_image(&raw, config, layers, platform);
                }
            }
        }
        Err(self.bad("its indexes go too deep"))
    }

    fn checked_image(
        &self,
        raw: &RawManifest,
        config: Option<Entry>,
        layers: Vec<Entry>,
        platform: &Platform,
    ) -> Result<LayoutImage, RegistryError> {
        let config = config.ok_or_else(|| self.bad("the image has no configuration"))?;
        let config = self.read_config(&config)?;
        let fits = config
            .platform
            .as_ref()
            .is_none_or(|own| own.os == platform.os && own.architecture == platform.architecture);
        if !fits {
            return Err(RegistryError::NotFound {
                what: format!("{} for {platform}", raw.digest()),
                place: self.place(),
            });
        }
        let layers = layers.into_iter().map(|entry| LayerBlob {
            path: self.blob_path(&entry.blob.digest),
            digest: entry.blob.digest,
            media_type: entry.media_type,
            size: entry.blob.size,
        });
        Ok(LayoutImage { digest: raw.digest().clone(), config, layers: layers.collect() })
    }

    fn read_config(&self, config: &Entry) -> Result<LayoutConfig, RegistryError> {
        let bytes = self.read_small(&config.blob.digest, CONFIG_LIMIT)?;
        let mut hasher = config.blob.digest.hasher();
        hasher.update(&bytes);
        let found = hasher.finish();
        if found != config.blob.digest {
            let found = crate::error::Mismatch::Digest(found);
            let expected = config.blob.digest.clone();
            return Err(RegistryError::Digest { expected, place: self.place(), found });
        }
        let created = serde_json::from_slice::<Created>(&bytes)
            .map_err(|e| RegistryError::manifest(&config.blob.digest, e))?;
        Ok(LayoutConfig { created: created.created, platform: config_platform(&bytes) })
    }
}

/// Indexes over a single image often leave the platform out.
fn only(entries: &[Entry]) -> Option<&Entry> {
    match entries {
        [only] if only.platform.is_none() => Some(only),
        _ => None,
    }
}
