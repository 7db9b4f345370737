//! A run: look at all images, plan, send blobs, then each image's manifests,
//! its tag last.

use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use edgectl_model::{Platform, Reference};
use edgectl_process::interrupted;
use futures_util::future::join4;
use futures_util::stream::{self, StreamExt};

use crate::blobs::{Book, SMALL, Transfer};
use crate::error::RegistryError;
use crate::manifest::{Pinned, RawManifest};
use crate::narrow::narrowed;
use crate::plan::{Owned, Plan, Planned};
use crate::sink::{Place, Sink};
use crate::source::Source;
use crate::together::all_of;
use crate::tree::{Tree, platforms_of};
use crate::upload::{
    Again, ImageOutcome, ImageReport, ImageRequest, Progress, Totals, UploadRequest,
};

/// Images looked at or finished at once: this is waiting, not work.
const LOOKS: usize = 16;

/// What all images of a run share.
pub(crate) struct Run<'a, S, K> {
    pub(crate) source: &'a S,
    pub(crate) sink: &'a K,
    pub(crate) request: &'a UploadRequest,
    pub(crate) book: &'a Book,
    pub(crate) totals: &'a Totals,
    pub(crate) progress: &'a dyn Progress,
    /// One per image, filled as they end.
    pub(crate) reports: &'a [Mutex<Option<ImageReport>>],
}

/// What a look at source and target told.
enum Look {
    There(Pinned),
    Differs(Box<Wanted>),
}

/// What the target should have.
pub(crate) struct Wanted {
    pub(crate) root: RawManifest,
    /// What the source has, if that is more.
    origin: Option<Box<Pinned>>,
    /// The platforms that its configuration says, where that was read.
    platforms: Option<Vec<Platform>>,
}

impl Wanted {
    /// All that the source has.
    fn whole(root: RawManifest) -> Self {
        Self { root, origin: None, platforms: None }
    }
}

impl<S: Source, K: Sink> Run<'_, S, K> {
    /// Copies all images that the target doesn't have.
    pub(crate) async fn run(&self) {
        let plan = self.plan().await;
        if self.sink.is_one_stream() && self.has_failed() {
            plan.images.iter().for_each(|image| self.leave_out(image.index));
            return;
        }
        self.progress.planned(plan.blobs().map(|owned| owned.entry.blob.size).sum());
        let jobs = self.request.jobs.max(1);
        let pass = |blobs, width| {
            stream::iter(blobs).for_each_concurrent(width, |owned| self.first_use(&plan, owned))
        };
        let images = stream::iter(0..plan.images.len());
        join4(
            pass(&plan.large, jobs),
            pass(&plan.small, SMALL),
            pass(&plan.in_sequence, 1),
            images.for_each_concurrent(LOOKS, |place| self.finish(&plan, place)),
        )
        .await;
    }

    /// Looks at every image and fetches the manifests of those that differ.
    pub(crate) async fn plan(&self) -> Plan {
        let looks = self.request.images.iter().enumerate();
        let looks = looks.map(|(index, image)| self.look_at(index, image));
        let planned: Vec<Option<Planned>> = stream::iter(looks).buffered(LOOKS).collect().await;
        let planned = planned.into_iter().flatten().collect();
        Plan::new(planned, self.source, self.sink, self.request.jobs)
    }

    async fn look_at(&self, index: usize, image: &ImageRequest) -> Option<Planned> {
        let looked = async {
            match self.look(image).await? {
                Look::There(pinned) if self.request.again == Again::Attachments => {
                    self.look_again(index, image, pinned).await
                }
                Look::There(pinned) => Ok(Err(pinned)),
                Look::Differs(wanted) => self.gather(index, image, *wanted).await.map(Ok),
            }
        };
        match looked.await {
            Ok(Ok(planned)) => {
                self.progress.pinned(image, &planned.pinned);
                return Some(planned);
            }
            Ok(Err(pinned)) => {
                self.progress.pinned(image, &pinned);
                self.report(index, ImageOutcome::AlreadyThere(pinned));
            }
            Err(error) => self.report(index, ImageOutcome::Failed(error)),
        }
        None
    }

    async fn look(&self, image: &ImageRequest) -> Result<Look, RegistryError> {
        interrupted()?;
        let wanted = self.request.platforms.as_slice();
        if let Some(digest) = &image.digest
            && wanted.is_empty()
        {
            // With a pin one question decides; the source isn't asked.
            if self.request.again != Again::All
                && let Some(there) = self.sink.head(&image.target).await?
                && there.digest == *digest
            {
                return Ok(Look::There(there));
            }
            let root = self.source.manifest(&image.source, Some(digest)).await?;
            return Ok(Look::Differs(Box::new(Wanted::whole(root))));
        }
        let there = self.sink.head(&image.target);
        let (there, wanted) = tokio::try_join!(there, self.wanted(image, wanted))?;
        let is_new = there.is_none_or(|there| there.digest != *wanted.root.digest());
        if is_new || self.request.again == Again::All {
            return Ok(Look::Differs(Box::new(wanted)));
        }
        self.pinned(image, &wanted).await.map(Look::There)
    }

    /// What the target should have.
    pub(crate) async fn wanted(
        &self,
        image: &ImageRequest,
        platforms: &[Platform],
    ) -> Result<Wanted, RegistryError> {
        let pin = image.digest.as_ref().or(image.source.digest());
        let whole = self.source.manifest(&image.source, pin).await?;
        if platforms.is_empty() {
            return Ok(Wanted::whole(whole));
        }
        let origin = whole.pinned()?;
        let (root, platforms) = narrowed(self.source, &image.source, whole, platforms).await?;
        let is_other = *root.digest() != origin.digest;
        Ok(Wanted { root, origin: is_other.then(|| Box::new(origin)), platforms })
    }

    /// What an image is pinned to, with its platforms.
    async fn pinned(&self, image: &ImageRequest, wanted: &Wanted) -> Result<Pinned, RegistryError> {
        let pinned = wanted.root.pinned()?;
        let platforms = match &wanted.platforms {
            _ if !pinned.platforms.is_empty() => pinned.platforms,
            Some(known) => known.clone(),
            None => platforms_of(self.source, &image.source, &wanted.root).await?,
        };
        Ok(Pinned { platforms, origin: wanted.origin.clone(), ..pinned })
    }

    async fn gather(
        &self,
        index: usize,
        image: &ImageRequest,
        wanted: Wanted,
    ) -> Result<Planned, RegistryError> {
        let pinned = self.pinned(image, &wanted).await?;
        let root = wanted.root;
        ensure_named(&image.target, &root)?;
        self.sink.ensure_takes(&image.target, &root)?;
        let mut tree = Tree::fetch(self.source, &image.source, root).await?;
        if self.request.attachments {
            tree.attach(self.source, &image.source).await?;
            self.leave_what_others_attached(&image.target, &mut tree).await?;
        }
        Ok(Planned::new(index, image, pinned, tree))
    }

    /// Brings a blob to the first repository that needs it.
    async fn first_use(&self, plan: &Plan, owned: &Owned) {
        let result = match plan.images.get(owned.image) {
            Some(_) if self.is_vain(plan) => Err(RegistryError::LeftOut),
            Some(image) => {
                let entry = &owned.entry;
                self.transfer(image).ensure(&entry.blob, entry.is_foreign).await
            }
            None => Ok(()),
        };
        plan.set_tried(owned, result);
    }

    /// Completes one image as soon as its blobs can be had.
    async fn finish(&self, plan: &Plan, place: usize) {
        let Some(image) = plan.images.get(place) else { return };
        let outcome = match self.copy(plan, place, image).await {
            Ok(()) if !image.sent.load(Ordering::Relaxed) => {
                ImageOutcome::AlreadyThere(image.pinned.clone())
            }
            Ok(()) => ImageOutcome::Copied(image.pinned.clone()),
            Err(error) => ImageOutcome::Failed(error),
        };
        self.report(image.index, outcome);
    }

    async fn copy(&self, plan: &Plan, place: usize, image: &Planned) -> Result<(), RegistryError> {
        let transfer = self.transfer(image);
        let store = self.sink.store(&image.target);
        let placing = image.tree.blobs.iter().map(async |entry| {
            match plan.wait_for(store.clone(), &entry.blob.digest, place).await {
                Ok(()) | Err(RegistryError::LeftOut) if self.is_vain(plan) => {
                    return Err(plan.failure_of(place));
                }
                waited => waited?,
            }
            transfer.ensure(&entry.blob, entry.is_foreign).await
        });
        all_of(placing).await?;
        interrupted()?;
        match self.put_manifests(image).await {
            Err(RegistryError::Http(failure)) if failure.is_blob_unknown() => {
                let again = image.tree.blobs.iter();
                let again = again.map(|entry| transfer.ensure_again(&entry.blob, entry.is_foreign));
                all_of(again).await?;
                self.put_manifests(image).await
            }
            other => other,
        }
    }

    /// Children before their index, so that no index ever names what isn't
    /// there; then what is attached; the image's own tag last of all.
    async fn put_manifests(&self, image: &Planned) -> Result<(), RegistryError> {
        let (target, tree) = (&image.target, &image.tree);
        self.put_children(image, tree).await?;
        for (tag, attached) in &tree.attached {
            self.put_children(image, attached).await?;
            let place = tag.as_deref().map_or(Place::Child, Place::Tag);
            self.put_level(image, place, attached.levels.first()).await?;
        }
        let place = match self.has_root(target, tree).await? {
            // A tag that may not be moved need not be.
            true => Place::Child,
            false => Place::Root,
        };
        self.put_level(image, place, tree.levels.first()).await
    }

    /// Whether the target's name stands for the image already: asked only where
    /// an image is looked into that was there.
    async fn has_root(&self, target: &Reference, tree: &Tree) -> Result<bool, RegistryError> {
        if self.request.again != Again::All {
            return Ok(false);
        }
        let there = self.sink.head(target).await?;
        Ok(there.is_some_and(|there| Some(&there.digest) == tree.root()))
    }

    async fn put_children(&self, image: &Planned, tree: &Tree) -> Result<(), RegistryError> {
        for level in tree.levels.iter().skip(1).rev() {
            self.put_level(image, Place::Child, Some(level)).await?;
        }
        Ok(())
    }

    async fn put_level(
        &self,
        image: &Planned,
        place: Place<'_>,
        level: Option<&Vec<RawManifest>>,
    ) -> Result<(), RegistryError> {
        let putting = level.into_iter().flatten().map(async |raw| {
            if self.request.again == Again::All
                && self.has_manifest(&image.target, place, raw).await?
            {
                return Ok(());
            }
            image.sent.store(true, Ordering::Relaxed);
            self.sink.put_manifest(&image.target, place, raw).await
        });
        all_of(putting).await
    }

    pub(crate) fn transfer<'b>(&'b self, image: &'b Planned) -> Transfer<'b, S, K> {
        Transfer {
            source: self.source,
            sink: self.sink,
            from: &image.source,
            to: &image.target,
            book: self.book,
            totals: self.totals,
            progress: self.progress,
            sent: &image.sent,
            looks_first: self.request.again == Again::All,
        }
    }

    /// Whether what is sent from now on would be thrown away.
    fn is_vain(&self, plan: &Plan) -> bool {
        self.sink.is_one_stream() && plan.has_failed()
    }

    fn has_failed(&self) -> bool {
        let is_failed = |slot: &Mutex<Option<ImageReport>>| {
            let slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
            matches!(&*slot, Some(ImageReport { outcome: ImageOutcome::Failed(_), .. }))
        };
        self.reports.iter().any(is_failed)
    }

    fn leave_out(&self, index: usize) {
        self.report(index, ImageOutcome::Failed(RegistryError::LeftOut));
    }

    fn report(&self, index: usize, outcome: ImageOutcome) {
        let (Some(request), Some(slot)) = (self.request.images.get(index), self.reports.get(index))
        else {
            return;
        };
        let report = ImageReport { request: request.clone(), outcome };
        self.progress.image_done(&report);
        if let Ok(mut slot) = slot.lock() {
            *slot = Some(report);
        }
    }
}

/// Fails for what would stand under the digest of something else: a digest
/// alone names all platforms of an image, and never some of them.
fn ensure_named(target: &Reference, root: &RawManifest) -> Result<(), RegistryError> {
    match target.digest() {
        Some(digest) if digest != root.digest() && target.tag().is_none() => {
            let reason = "its digest names all of its platforms, and some of them have \
                          another one; give the image a tag, or take it whole";
            Err(RegistryError::manifest(target, reason))
        }
        _ => Ok(()),
    }
}
