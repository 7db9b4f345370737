//! Mirroring images: what is asked for, what came of it, and the run itself.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use edgectl_model::{Digest, Platform, Reference};
use edgectl_process::{Interrupted, interrupted};

use crate::blobs::Book;
use crate::copy::Run;
use crate::error::{ErrorKind, RegistryError};
use crate::manifest::Pinned;
use crate::registries::Registries;
use crate::sink::Sink;
use crate::source::Source;

/// The longest that a run goes on for after the user wants to stop.
const GRACE: Duration = Duration::from_secs(20);
/// A body whose answer hasn't come after this long is given up then.
const STILL: Duration = Duration::from_secs(1);
/// How often a run looks whether the user wants to stop.
const TICK: Duration = Duration::from_millis(100);

/// One image to mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRequest {
    /// Where it comes from.
    pub source: Reference,
    /// The digest it must have, from the lock: one question to the target then
    /// decides. Without it the source is asked.
    pub digest: Option<Digest>,
    /// Where it goes.
    pub target: Reference,
}

/// What is looked at again of images that the target has; more than nothing
/// takes more than the one request for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Again {
    /// Nothing: the digest stands for all.
    #[default]
    Nothing,
    /// What was attached to them since.
    Attachments,
    /// Every manifest and blob; what is missing is sent.
    All,
}

/// What to mirror, and how.
#[derive(Debug, Clone)]
pub struct UploadRequest {
    /// The images.
    pub images: Vec<ImageRequest>,
    /// Blobs sent at once.
    pub jobs: usize,
    /// Only these platforms of each index; all where it is empty. The digest
    /// of what is copied then is another one than the source's.
    pub platforms: Vec<Platform>,
    /// Whether signatures and whatever else was attached to an image later
    /// come along.
    pub attachments: bool,
    /// What is looked at again of images that the target has.
    pub again: Again,
}

impl UploadRequest {
    /// Whole images, with what was attached to them.
    pub fn new(images: Vec<ImageRequest>, jobs: usize) -> Self {
        Self { images, jobs, platforms: Vec::new(), attachments: true, again: Again::Nothing }
    }
}

/// What came of one image.
#[derive(Debug)]
pub enum ImageOutcome {
    /// The target already had it.
    AlreadyThere(Pinned),
    /// It was copied.
    Copied(Pinned),
    /// It wasn't.
    Failed(RegistryError),
}

impl ImageOutcome {
    /// What the image is pinned to, unless it failed.
    pub fn pinned(&self) -> Option<&Pinned> {
        match self {
            Self::AlreadyThere(pinned) | Self::Copied(pinned) => Some(pinned),
            Self::Failed(_) => None,
        }
    }
}

/// One image with what came of it.
#[derive(Debug)]
pub struct ImageReport {
    /// What was asked for.
    pub request: ImageRequest,
    /// What came of it.
    pub outcome: ImageOutcome,
}

impl ImageReport {
    /// Whether the image was left out because the user stopped the run.
    fn interrupted(&self) -> bool {
        let kind = |error: &RegistryError| error.kind() == ErrorKind::Interrupted;
        matches!(&self.outcome, ImageOutcome::Failed(error) if kind(error))
    }
}

/// What came of a run.
#[derive(Debug)]
pub struct UploadOutcome {
    /// One report per image, in the order of the request.
    pub images: Vec<ImageReport>,
    /// Bytes of blobs that were sent, failed attempts included.
    pub bytes_sent: u64,
    /// Blobs that were sent.
    pub blobs_sent: u64,
    /// Blobs that the destination took over from another repository.
    pub blobs_mounted: u64,
    /// Bytes of those blobs.
    pub bytes_mounted: u64,
    /// HTTP requests to the destination, logins included.
    pub requests: u64,
    /// HTTP requests to the sources, logins included.
    pub source_requests: u64,
    /// Whether the user stopped the run.
    pub interrupted: bool,
}

impl UploadOutcome {
    /// The images that failed.
    pub fn failed(&self) -> impl Iterator<Item = (&ImageRequest, &RegistryError)> {
        self.images.iter().filter_map(|report| match &report.outcome {
            ImageOutcome::Failed(error) => Some((&report.request, error)),
            _ => None,
        })
    }

    /// What was copied isn't there after all.
    pub(crate) fn leave_out_all(&mut self) {
        for report in &mut self.images {
            if !matches!(report.outcome, ImageOutcome::Failed(_)) {
                report.outcome = ImageOutcome::Failed(RegistryError::LeftOut);
            }
        }
    }
}

/// Who is told how a run goes. Called from one task, but between threads.
pub trait Progress: Send + Sync {
    /// This many more bytes have been sent.
    fn bytes(&self, _more: u64) {}

    /// This many bytes were sent in vain and will be sent again.
    fn bytes_lost(&self, _lost: u64) {}

    /// What an image is pinned to is known; nothing of it has been sent yet.
    fn pinned(&self, _request: &ImageRequest, _pinned: &Pinned) {}

    /// All images have been looked at: bytes of all blobs of those that differ, each once.
    fn planned(&self, _bytes: u64) {}

    /// The destination turned out to have this many of them.
    fn there(&self, _bytes: u64) {}

    /// The user wants to stop; only what is on its way goes on.
    fn stopping(&self) {}

    /// An image is done, or has failed.
    fn image_done(&self, _report: &ImageReport) {}
}

/// Tells nobody.
impl Progress for () {}

/// Counters of a run.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    bytes: AtomicU64,
    sent: AtomicU64,
    mounted: AtomicU64,
    mounted_bytes: AtomicU64,
    moving: AtomicU64,
}

impl Totals {
    pub(crate) fn bytes(&self, more: u64) {
        self.bytes.fetch_add(more, Ordering::Relaxed);
    }

    /// This many bytes have just left; they may be sent again.
    pub(crate) fn moving(&self, bytes: u64) {
        self.moving.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Ends once nothing has moved for a moment.
    async fn until_still(&self) {
        loop {
            let before = self.moving.load(Ordering::Relaxed);
            tokio::time::sleep(STILL).await;
            if self.moving.load(Ordering::Relaxed) == before {
                return;
            }
        }
    }

    pub(crate) fn sent(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn mounted(&self, bytes: u64) {
        self.mounted.fetch_add(1, Ordering::Relaxed);
        self.mounted_bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Mirrors images into a registry. An image that fails doesn't stop the
/// others; running again goes on where this run stopped.
pub async fn upload<S: Source>(
    request: UploadRequest,
    sources: &S,
    destination: &Registries,
    progress: &dyn Progress,
) -> UploadOutcome {
    let before = (destination.requests(), sources.requests());
    // Only a courtesy: the run's own requests say what is wrong.
    let _ = destination.cancel_given_up().await;
    let mut outcome = upload_from(request, sources, destination, progress).await;
    outcome.requests = destination.requests() - before.0;
    outcome.source_requests = sources.requests() - before.1;
    outcome
}

/// Mirrors images from any source into any sink; counts no requests.
pub async fn upload_from<S: Source, K: Sink>(
    request: UploadRequest,
    source: &S,
    sink: &K,
    progress: &dyn Progress,
) -> UploadOutcome {
    let (book, totals) = (Book::new(request.jobs), Totals::default());
    let reports: Vec<_> = request.images.iter().map(|_| Mutex::new(None)).collect();
    let run = Run {
        source,
        sink,
        request: &request,
        book: &book,
        totals: &totals,
        progress,
        reports: &reports,
    };
    let stopped = stoppable(run.run(), &totals, progress).await;
    let reports = reports.into_iter().map(|slot| slot.into_inner().ok().flatten());
    let images = reports.zip(request.images).map(|(report, request)| {
        let outcome = ImageOutcome::Failed(Interrupted.into());
        report.unwrap_or(ImageReport { request, outcome })
    });
    let images: Vec<ImageReport> = images.collect();
    // A run can also see the wish by itself, between two chunks, and end first.
    let stopped = stopped || images.iter().any(ImageReport::interrupted);
    UploadOutcome {
        images,
        bytes_sent: totals.bytes.into_inner(),
        blobs_sent: totals.sent.into_inner(),
        blobs_mounted: totals.mounted.into_inner(),
        bytes_mounted: totals.mounted_bytes.into_inner(),
        requests: 0,
        source_requests: 0,
        interrupted: stopped,
    }
}

/// Works until done, or until the user wants to stop; says which. A chunk that
/// is on its way may arrive: registries throw the whole upload away when a
/// request breaks off, so that everything before it would have to be sent
/// again.
async fn stoppable(
    work: impl Future<Output = ()>,
    totals: &Totals,
    progress: &dyn Progress,
) -> bool {
    let mut work = std::pin::pin!(work);
    tokio::select! {
        () = &mut work => return false,
        _ = until_interrupted() => progress.stopping(),
    }
    let _ = tokio::time::timeout(GRACE, async {
        tokio::select! {
            () = work => {}
            () = totals.until_still() => {}
        }
    })
    .await;
    true
}

/// Ends when the user wants to stop. What runs beside it is dropped then: open
/// uploads are never committed, files in the making are removed.
async fn until_interrupted() -> Interrupted {
    loop {
        if let Err(stop) = interrupted() {
            return stop;
        }
        tokio::time::sleep(TICK).await;
    }
}

/// Gives up what it waits for as soon as the user wants to stop.
pub async fn interruptible<T>(
    work: impl Future<Output = Result<T, RegistryError>>,
) -> Result<T, RegistryError> {
    tokio::select! {
        result = work => result,
        stop = until_interrupted() => Err(stop.into()),
    }
}
