//! The lock during an upload: what images are pinned to is written down as
//! soon as all have been looked at, so that an upload that is cut short goes
//! on with the same ones.

use std::sync::{Mutex, PoisonError};

use edgectl_model::ImageLock;
use edgectl_registry::{ImageReport, ImageRequest, Pinned, Progress};

use crate::discovery::write_lock;
use crate::failure::Failure;
use crate::pinning::take;
use crate::progress::UploadProgress;
use crate::project::Scope;

/// Shows an upload and keeps the pins.
pub(crate) struct PinKeeper<'a> {
    scope: &'a Scope,
    shown: UploadProgress,
    kept: Mutex<Kept>,
    /// Whether what is pinned is what the registry gets.
    is_upload: bool,
}

struct Kept {
    lock: ImageLock,
    /// Unwritten until all images have been looked at.
    written: Option<Result<(), Failure>>,
}

impl<'a> PinKeeper<'a> {
    pub(crate) fn new(scope: &'a Scope, lock: ImageLock, shown: UploadProgress) -> Self {
        Self { scope, shown, kept: Mutex::new(Kept { lock, written: None }), is_upload: true }
    }

    /// The same where nothing goes into the registry: what the lock says of it
    /// stays.
    pub(crate) fn of_save(self) -> Self {
        Self { is_upload: false, ..self }
    }

    /// The lock with all pins, written.
    pub(crate) fn finish(self) -> Result<ImageLock, Failure> {
        self.shown.finish();
        let Kept { lock, written } = self.kept.into_inner().unwrap_or_else(PoisonError::into_inner);
        written.unwrap_or_else(|| write_lock(self.scope, &lock)).map(|()| lock)
    }

    fn with_kept(&self, work: impl FnOnce(&mut Kept)) {
        work(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Progress for PinKeeper<'_> {
    fn pinned(&self, request: &ImageRequest, pinned: &Pinned) {
        self.with_kept(|kept| {
            let mut images = kept.lock.images.iter_mut();
            let Some(image) = images.find(|image| image.source == request.source) else { return };
            let mirrored = image.mirrored.clone();
            // One question to the target tells no more than its digest.
            if pinned.origin.is_some() || image.digest.is_none() || image.media_type.is_none() {
                take(image, pinned.clone());
            } else {
                image.mirrored = None;
            }
            if !self.is_upload {
                image.mirrored = mirrored;
            }
        });
    }

    fn planned(&self, bytes: u64) {
        self.shown.planned(bytes);
        self.with_kept(|kept| kept.written = Some(write_lock(self.scope, &kept.lock)));
    }

    fn bytes(&self, more: u64) {
        self.shown.bytes(more);
    }

    fn bytes_lost(&self, lost: u64) {
        self.shown.bytes_lost(lost);
    }

    fn there(&self, bytes: u64) {
        self.shown.there(bytes);
    }

    fn stopping(&self) {
        self.shown.stopping();
    }

    fn image_done(&self, report: &ImageReport) {
        self.shown.image_done(report);
    }
}
