//! Images that the target has, looked at for what was attached to them since.

use futures_util::stream::{self, StreamExt, TryStreamExt};

use edgectl_model::Reference;

use crate::attached::tagged;
use crate::copy::{Run, WIDTH};
use crate::error::RegistryError;
use crate::manifest::Pinned;
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
        let there = self.sink.head(&place).await?;
        // Somebody may have signed the target's copy under the same tag, which
        // holds one manifest: that is not ours to replace.
        if there.as_ref().is_some_and(|there| there.digest != *digest) {
            tracing::warn!("`{place}` holds something else than at the source; it stays");
        }
        Ok(there.is_some())
    }
}
