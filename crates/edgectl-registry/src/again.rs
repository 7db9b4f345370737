//! Images that the target has, looked at for what was attached to them since.

use futures_util::stream::{self, StreamExt, TryStreamExt};

use edgectl_model::{Digest, Reference};
use serde_json::Value;

use crate::attached::tagged;
use crate::copy::Run;
use crate::error::RegistryError;
use crate::manifest::{Pinned, RawManifest};
use crate::plan::Planned;
use crate::sink::{Place, Sink};
use crate::source::Source;
use crate::together::WIDTH;
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
        let root = self.wanted(image, &self.request.platforms).await?.root;
        let mut tree = Tree::fetch(self.source, &image.source, root).await?;
        tree.attach(self.source, &image.source).await?;
        let there = self.there(&image.target, &tree, |_| true).await?;
        tree.leave_attached(&there)?;
        if tree.attached.is_empty() {
            return Ok(Err(pinned));
        }
        let tree = tree.only_attached()?;
        Ok(Ok(Planned::new(index, image, pinned, tree)))
    }

    /// Takes out of a tree what the target has under cosign's tags and the
    /// source's must not replace.
    pub(crate) async fn leave_what_others_attached(
        &self,
        target: &Reference,
        tree: &mut Tree,
    ) -> Result<(), RegistryError> {
        // What names its subject itself is never in another one's place.
        let there = self.there(target, tree, |tag| tag.is_some()).await?;
        tree.leave_attached(&there)
    }

    /// Which attachments of a tree stay as they are at the target; those that
    /// aren't `asked` about don't.
    async fn there(
        &self,
        target: &Reference,
        tree: &Tree,
        asked: impl Fn(Option<&str>) -> bool,
    ) -> Result<Vec<bool>, RegistryError> {
        let asking = tree.attached.iter().map(|(tag, attached)| {
            let is_asked = asked(tag.as_deref());
            async move {
                match is_asked {
                    true => self.has_attached(target, tag.as_deref(), attached).await,
                    false => Ok(false),
                }
            }
        });
        stream::iter(asking.collect::<Vec<_>>()).buffered(WIDTH).try_collect().await
    }

    /// How many of an image's manifests the target lacks.
    pub(crate) async fn lacking_manifests(&self, image: &Planned) -> Result<u64, RegistryError> {
        let (tree, mut lacking) = (&image.tree, 0);
        let attached = tree.attached.iter().map(|(tag, tree)| (tag.as_deref(), tree));
        for (tag, tree) in attached.chain([(None, tree)]) {
            for (depth, raw) in
                tree.levels.iter().enumerate().flat_map(|(n, l)| l.iter().map(move |raw| (n, raw)))
            {
                let place = tag.filter(|_| depth == 0).map_or(Place::Child, Place::Tag);
                lacking += u64::from(!self.has_manifest(&image.target, place, raw).await?);
            }
        }
        Ok(lacking)
    }

    /// Whether the target has a manifest in its place and whole, and in the
    /// list of what it refers to.
    pub(crate) async fn has_manifest(
        &self,
        target: &Reference,
        place: Place<'_>,
        raw: &RawManifest,
    ) -> Result<bool, RegistryError> {
        let at = at(target, place, raw.digest())?;
        let size = raw.bytes().len() as u64;
        // Not every registry says the size.
        let is_whole =
            |there: Pinned| there.digest == *raw.digest() && [0, size].contains(&there.size);
        let there = match self.sink.head(&at).await {
            // One that is damaged may be all that is wrong: sending it tells.
            Err(RegistryError::Http(_)) => None,
            there => there?,
        };
        Ok(there.is_some_and(is_whole) && self.sink.is_listed(target, raw).await?)
    }

    async fn has_attached(
        &self,
        target: &Reference,
        tag: Option<&str>,
        attached: &Tree,
    ) -> Result<bool, RegistryError> {
        let Some(digest) = attached.root() else { return Ok(true) };
        let place = at(target, tag.map_or(Place::Child, Place::Tag), digest)?;
        match self.sink.head(&place).await? {
            None => return Ok(false),
            Some(there) if there.digest == *digest => {
                // Only the list under its subject's tag may lack it.
                return match (tag, attached.top()) {
                    (None, Some(referrer)) => self.sink.is_listed(target, referrer).await,
                    _ => Ok(true),
                };
            }
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

/// The name under which a manifest in its place is found.
fn at(target: &Reference, place: Place<'_>, digest: &Digest) -> Result<Reference, RegistryError> {
    match place {
        Place::Child => {
            let text = format!("{}@{digest}", target.repository());
            Reference::parse(&text).map_err(|e| RegistryError::manifest(&text, e))
        }
        Place::Root => Ok(target.clone()),
        Place::Tag(tag) => tagged(target, tag),
    }
}

/// Whether nothing is lost when a manifest takes the place of another one:
/// cosign adds a layer for each further signature. Signers of one image sign
/// the same text, so their layers differ in their annotations alone.
fn holds_all_of(new: &RawManifest, old: &RawManifest) -> bool {
    let layers = |raw: &RawManifest| -> Vec<Value> {
        let manifest: Option<Value> = serde_json::from_slice(raw.bytes()).ok();
        let layers = manifest.and_then(|manifest| manifest.get("layers")?.as_array().cloned());
        layers.unwrap_or_default()
    };
    let (mut new, old) = (layers(new), layers(old));
    let mut take = |layer: &Value| match new.iter().position(|other| other == layer) {
        Some(at) => {
            new.swap_remove(at);
            true
        }
        None => false,
    };
    !old.is_empty() && old.iter().all(&mut take)
}
