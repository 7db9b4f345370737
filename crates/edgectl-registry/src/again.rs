//! Images that the target has, looked at for what was attached to them since.

use futures_util::stream::{self, StreamExt, TryStreamExt};

use edgectl_model::Reference;

use crate::attached::tagged;
use crate::copy::{Run, WIDTH};
use crate::error::RegistryError;
use crate::manifest::{Parsed, Pinned, RawManifest};
use crate::plan::Planned;
use crate::sink::Sink;
use crate::source::Source;
use crate::tree::Tree;
use crate::upload::ImageRequest;

impl<S: Source, K: Sink> Run<'_, S, K> {
    /// What is attached at the source and not at the target; the image itself
    /// where that is nothing.
    pub(crate) async fn look_again(
        &self,
        index: usize,
        image: &ImageRequest,
        pinned: Pinned,
    ) -> Result<Result<Planned, Pinned>, RegistryError> {
        let (root, _) = self.wanted(image, &self.request.platforms).await?;
        let mut tree = Tree::fetch(self.source, &image.source, root).await?;
        tree.attach(self.source, &image.source).await?;
        let asking = tree
            .attached
            .iter()
            .map(|(tag, attached)| self.has_attached(&image.target, tag.as_deref(), attached));
        let there: Vec<bool> = stream::iter(asking).buffered(WIDTH).try_collect().await?;
        let mut there = there.into_iter();
        tree.attached.retain(|_| !there.next().unwrap_or(false));
        if tree.attached.is_empty() {
            return Ok(Err(pinned));
        }
        let tree = tree.only_attached()?;
        let (source, target) = (image.source.clone(), image.target.clone());
        Ok(Ok(Planned { index, source, target, pinned, tree }))
    }

    async fn has_attached(
        &self,
        target: &Reference,
        tag: Option<&str>,
        attached: &Tree,
    ) -> Result<bool, RegistryError> {
        let Some(digest) = attached.root() else { return Ok(true) };
        let place = match tag {
            Some(tag) => tagged(target, tag)?,
            None => {
                let text = format!("{}@{digest}", target.repository());
                Reference::parse(&text).map_err(|e| RegistryError::manifest(&text, e))?
            }
        };
        match self.sink.head(&place).await? {
            None => return Ok(false),
            Some(there) if there.digest == *digest => return Ok(true),
            Some(_) => {}
        }
        if let (Some(new), Some(old)) = (attached.top(), self.sink.held(&place).await?)
            && holds_all_of(new, &old)
        {
            return Ok(false);
        }
        // Somebody may have signed the target's copy under the same tag, which
        // holds one manifest: that is not ours to replace.
        tracing::warn!("`{place}` holds something else than at the source; it stays");
        Ok(true)
    }
}

/// Whether nothing is lost when a manifest takes the place of another one:
/// cosign adds a layer for each further signature.
fn holds_all_of(new: &RawManifest, old: &RawManifest) -> bool {
    let layers = |raw: &RawManifest| match raw.parse() {
        Ok(Parsed::Image { layers, .. }) => layers.into_iter().map(|l| l.blob.digest).collect(),
        _ => Vec::new(),
    };
    let (new, old) = (layers(new), layers(old));
    !old.is_empty() && old.iter().all(|layer| new.contains(layer))
}
