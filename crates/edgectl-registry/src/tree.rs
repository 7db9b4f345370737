//! A whole image: all its manifests, and every blob they name.

use std::collections::HashSet;

use edgectl_model::{Platform, Reference};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::content::collect;
use crate::error::RegistryError;
use crate::manifest::{CONFIG_LIMIT, DEPTH, Entry, Parsed, RawManifest, config_platform};
use crate::source::Source;

/// Manifests in one image; the largest real indexes have a few dozen.
const MANIFESTS: usize = 1000;
/// Requests for one image at once.
const WIDTH: usize = 8;

/// A whole image, manifests by depth.
#[derive(Debug)]
pub(crate) struct Tree {
    /// The root is alone in the first level.
    pub(crate) levels: Vec<Vec<RawManifest>>,
    /// Every blob once.
    pub(crate) blobs: Vec<Entry>,
}

impl Tree {
    /// Fetches all manifests below a root.
    pub(crate) async fn fetch<S: Source>(
        source: &S,
        reference: &Reference,
        root: RawManifest,
    ) -> Result<Self, RegistryError> {
        let mut seen = HashSet::from([root.digest().clone()]);
        let mut tree = Self { levels: Vec::new(), blobs: Vec::new() };
        let mut level = vec![root];
        let mut count = 0;
        while !level.is_empty() {
            let mut children = Vec::new();
            for raw in &level {
                let entries = match raw.parse()? {
                    Parsed::Index(entries) => {
                        children.extend(entries.into_iter().map(|entry| entry.blob.digest));
                        continue;
                    }
                    Parsed::Image { config, layers } => config.into_iter().chain(layers),
                };
                tree.blobs.extend(entries.filter(|entry| seen.insert(entry.blob.digest.clone())));
            }
            children.retain(|digest| seen.insert(digest.clone()));
            tree.levels.push(level);
            count += children.len();
            if tree.levels.len() > DEPTH || count > MANIFESTS {
                let reason = "it holds more manifests than any image needs";
                return Err(RegistryError::manifest(reference, reason));
            }
            let fetching = children.iter().map(|digest| source.manifest(reference, Some(digest)));
            level = stream::iter(fetching).buffered(WIDTH).try_collect().await?;
        }
        Ok(tree)
    }

    /// The platform of a single image stands in its configuration.
    pub(crate) async fn platforms<S: Source>(
        &self,
        source: &S,
        reference: &Reference,
    ) -> Result<Vec<Platform>, RegistryError> {
        let root = self.levels.first().and_then(|level| level.first());
        let Some(Parsed::Image { config: Some(config), .. }) =
            root.map(RawManifest::parse).transpose()?
        else {
            return Ok(Vec::new());
        };
        if config.blob.size > CONFIG_LIMIT {
            return Ok(Vec::new());
        }
        let chunks = source.blob(reference, &config.blob, 0).await?;
        let bytes = collect(chunks, &config.blob, &reference.repository()).await?;
        Ok(config_platform(&bytes).into_iter().collect())
    }
}
