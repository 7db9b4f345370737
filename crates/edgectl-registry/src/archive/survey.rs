//! A look through one image of archives.

use std::collections::{BTreeMap, BTreeSet};

use edgectl_model::{Digest, Platform};
use edgectl_process::interrupted;

use super::catalog::Archives;
use crate::error::RegistryError;
use crate::manifest::{CONFIG_LIMIT, DEPTH, Entry, Parsed, RawManifest, config_platform};
use crate::tree::MANIFESTS;

/// What a look through an image finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// Media type of its manifest or index.
    pub media_type: String,
    /// Its platforms.
    pub platforms: Vec<Platform>,
    /// Its blobs with their sizes.
    pub blobs: BTreeMap<Digest, u64>,
    /// Manifests and blobs that it names and that no archive has.
    pub missing: BTreeSet<Digest>,
}

impl Archives {
    /// Looks through one image. Fails where its manifests can't be used.
    pub fn survey(&self, digest: &Digest) -> Result<Survey, RegistryError> {
        let root = self.read_manifest(digest)?;
        let mut survey = Survey {
            media_type: root.media_type().to_owned(),
            platforms: root.pinned()?.platforms,
            blobs: BTreeMap::new(),
            missing: BTreeSet::new(),
        };
        let mut seen = BTreeSet::from([digest.clone()]);
        let (mut level, mut depth) = (vec![root], 0);
        while !level.is_empty() {
            depth += 1;
            let wanted = self.look(&level, &mut survey)?;
            let wanted: Vec<Digest> =
                wanted.into_iter().filter(|digest| seen.insert(digest.clone())).collect();
            // An upload takes no more either.
            if depth > DEPTH || seen.len() > MANIFESTS {
                let reason = "it holds more manifests than any image needs";
                return Err(RegistryError::manifest(digest, reason));
            }
            let next = wanted.iter().map(|digest| self.read_manifest(digest));
            level = next.collect::<Result<_, _>>()?;
        }
        survey.platforms.sort();
        survey.platforms.dedup();
        Ok(survey)
    }

    /// Looks at manifests, and gives back those that they name.
    fn look(
        &self,
        level: &[RawManifest],
        survey: &mut Survey,
    ) -> Result<BTreeSet<Digest>, RegistryError> {
        let mut wanted = BTreeSet::new();
        for raw in level {
            interrupted()?;
            match raw.parse()? {
                Parsed::Index(entries) => {
                    let (there, missing): (Vec<_>, Vec<_>) = entries
                        .into_iter()
                        .map(|entry| entry.blob.digest)
                        .partition(|digest| self.has(digest));
                    wanted.extend(there);
                    survey.missing.extend(missing);
                }
                Parsed::Image { config, layers } => {
                    self.take_platform(config.as_ref(), survey);
                    self.take_blobs(config.into_iter().chain(layers), survey);
                }
            }
        }
        Ok(wanted)
    }

    /// The platform of an image that no index tells of.
    fn take_platform(&self, config: Option<&Entry>, survey: &mut Survey) {
        if let Some(config) = config.filter(|config| config.blob.size <= CONFIG_LIMIT)
            && survey.platforms.is_empty()
            && let Some(content) = self.blobs.get(&config.blob.digest)
            && let Ok(text) = content.whole(CONFIG_LIMIT)
        {
            survey.platforms.extend(config_platform(&text));
        }
    }

    fn take_blobs(&self, entries: impl Iterator<Item = Entry>, survey: &mut Survey) {
        for entry in entries {
            match self.blobs.contains_key(&entry.blob.digest) {
                true => drop(survey.blobs.insert(entry.blob.digest, entry.blob.size)),
                false if entry.is_foreign => {}
                false => drop(survey.missing.insert(entry.blob.digest)),
            }
        }
    }
}
