//! One image: look, fetch what differs, send blobs, then manifests, tag last.

use std::collections::HashSet;

use edgectl_model::Reference;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::blobs::{Book, Transfer};
use crate::content::collect;
use crate::error::RegistryError;
use crate::manifest::{CONFIG_LIMIT, DEPTH, Entry, Parsed, Pinned, RawManifest, config_platform};
use crate::sink::{Place, Sink};
use crate::source::Source;
use crate::upload::{ImageOutcome, ImageRequest, Progress, Totals};

/// Manifests in one image; the largest real indexes have a few dozen.
const MANIFESTS: usize = 1000;
/// Requests for one image at once; blobs wait for their lanes besides.
const WIDTH: usize = 8;

/// What all images of a run share.
pub(crate) struct Run<'a, S, K> {
    pub(crate) source: &'a S,
    pub(crate) sink: &'a K,
    pub(crate) book: &'a Book,
    pub(crate) totals: &'a Totals,
    pub(crate) progress: &'a dyn Progress,
}

/// A whole image, manifests by depth.
struct Tree {
    /// The root is alone in the first level.
    levels: Vec<Vec<RawManifest>>,
    /// Every blob once.
    blobs: Vec<Entry>,
}

impl<S: Source, K: Sink> Run<'_, S, K> {
    /// Copies one image unless the target has it.
    pub(crate) async fn image(&self, request: &ImageRequest) -> ImageOutcome {
        match self.look_and_copy(request).await {
            Ok((true, pinned)) => ImageOutcome::Copied(pinned),
            Ok((false, pinned)) => ImageOutcome::AlreadyThere(pinned),
            Err(error) => ImageOutcome::Failed(error),
        }
    }

    async fn look_and_copy(&self, request: &ImageRequest) -> Result<(bool, Pinned), RegistryError> {
        let digest = request.source.digest().or(request.digest.as_ref());
        let root = match digest {
            Some(digest) => {
                // With a pin one question decides; the source isn't asked.
                if let Some(there) = self.sink.head(&request.target).await?
                    && there.digest == *digest
                {
                    return Ok((false, there));
                }
                self.source.manifest(&request.source, Some(digest)).await?
            }
            None => {
                let there = self.sink.head(&request.target);
                let wanted = self.source.manifest(&request.source, None);
                let (there, wanted) = tokio::try_join!(there, wanted)?;
                if there.is_some_and(|there| there.digest == *wanted.digest()) {
                    return Ok((false, wanted.pinned()?));
                }
                wanted
            }
        };
        Ok((true, self.copy(request, root).await?))
    }

    async fn copy(
        &self,
        request: &ImageRequest,
        root: RawManifest,
    ) -> Result<Pinned, RegistryError> {
        let mut pinned = root.pinned()?;
        let tree = self.tree(&request.source, root).await?;
        self.progress.planned(tree.blobs.iter().map(|entry| entry.blob.size).sum());
        if pinned.platforms.is_empty() {
            pinned.platforms = self.platforms(&request.source, &tree).await?;
        }
        let transfer = Transfer {
            source: self.source,
            sink: self.sink,
            from: &request.source,
            to: &request.target,
            book: self.book,
            totals: self.totals,
            progress: self.progress,
        };
        // The first failure drops what else is on its way for this image.
        let sending = tree.blobs.iter().map(|entry| transfer.ensure(&entry.blob, entry.is_foreign));
        stream::iter(sending).buffer_unordered(WIDTH).try_collect::<Vec<()>>().await?;
        self.put_manifests(&request.target, &tree).await?;
        Ok(pinned)
    }

    /// Deepest first, so that no index ever names what isn't there.
    async fn put_manifests(&self, target: &Reference, tree: &Tree) -> Result<(), RegistryError> {
        for (depth, level) in tree.levels.iter().enumerate().rev() {
            let place = if depth == 0 { Place::Root } else { Place::Child };
            let putting = level.iter().map(|raw| self.sink.put_manifest(target, place, raw));
            stream::iter(putting).buffer_unordered(WIDTH).try_collect::<Vec<()>>().await?;
        }
        Ok(())
    }

    /// Fetches all manifests below a root.
    async fn tree(&self, source: &Reference, root: RawManifest) -> Result<Tree, RegistryError> {
        let mut seen = HashSet::from([root.digest().clone()]);
        let mut tree = Tree { levels: Vec::new(), blobs: Vec::new() };
        let mut level = vec![root];
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
            if tree.levels.len() > DEPTH || children.len() > MANIFESTS {
                let reason = "it holds more manifests than any image needs";
                return Err(RegistryError::manifest(source, reason));
            }
            let fetching = children.iter().map(|digest| self.source.manifest(source, Some(digest)));
            level = stream::iter(fetching).buffered(WIDTH).try_collect().await?;
        }
        Ok(tree)
    }

    /// The platform of a single image stands in its configuration.
    async fn platforms(
        &self,
        source: &Reference,
        tree: &Tree,
    ) -> Result<Vec<edgectl_model::Platform>, RegistryError> {
        let root = tree.levels.first().and_then(|level| level.first());
        let Some(Parsed::Image { config: Some(config), .. }) =
            root.map(RawManifest::parse).transpose()?
        else {
            return Ok(Vec::new());
        };
        if config.blob.size > CONFIG_LIMIT {
            return Ok(Vec::new());
        }
        let chunks = self.source.blob(source, &config.blob, 0).await?;
        let bytes = collect(chunks, &config.blob, &source.repository()).await?;
        Ok(config_platform(&bytes).into_iter().collect())
    }
}
