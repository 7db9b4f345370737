//! What an upload would do, found out by asking and changing nothing.

use std::sync::Mutex;

use futures_util::stream::{self, StreamExt};

use crate::blobs::Book;
use crate::copy::Run;
use crate::error::RegistryError;
use crate::manifest::Pinned;
use crate::plan::Owned;
use crate::registries::Registries;
use crate::sink::Sink;
use crate::source::Source;
use crate::upload::{ImageOutcome, ImageRequest, Totals, UploadRequest, interruptible};

/// Questions at once.
const WIDTH: usize = 16;

/// What would become of one image.
#[derive(Debug)]
pub enum Expected {
    /// Nothing: the target has it.
    AlreadyThere(Pinned),
    /// It would be copied.
    Copied(Pinned),
    /// It can't be.
    Failed(RegistryError),
}

/// What an upload would do.
#[derive(Debug)]
pub struct Forecast {
    /// The images, in the order of the request.
    pub images: Vec<(ImageRequest, Expected)>,
    /// Blobs to send, and their bytes.
    pub to_send: (u64, u64),
    /// Blobs that the destination has already, and their bytes.
    pub there: (u64, u64),
    /// Blobs to take over from another repository, and their bytes.
    pub to_mount: (u64, u64),
    /// Requests to the destination that the upload would need, without those
    /// for tokens, as long as nothing has to be tried again.
    pub requests: u64,
}

/// Looks at sources and destination as [`upload`](crate::upload) would.
pub async fn forecast<S: Source>(
    request: &UploadRequest,
    source: &S,
    destination: &Registries,
) -> Result<Forecast, RegistryError> {
    interruptible(async { Ok(look(request, source, destination).await) }).await?
}

async fn look<S: Source>(
    request: &UploadRequest,
    source: &S,
    destination: &Registries,
) -> Result<Forecast, RegistryError> {
    let (book, totals) = (Book::new(request.jobs), Totals::default());
    let reports: Vec<_> = request.images.iter().map(|_| Mutex::new(None)).collect();
    let run = Run {
        source,
        sink: destination,
        request,
        book: &book,
        totals: &totals,
        progress: &(),
        reports: &reports,
    };
    let plan = run.plan().await;
    let mut forecast = Forecast {
        images: Vec::new(),
        to_send: (0, 0),
        there: (0, 0),
        to_mount: (0, 0),
        requests: 1,
    };
    let ask = |owned: &Owned| {
        let target = plan.images.get(owned.image).map(|image| image.target.clone());
        let blob = owned.entry.blob.clone();
        async move {
            let has = match &target {
                Some(target) => destination.has_blob(target, &blob).await?,
                None => false,
            };
            Ok::<_, RegistryError>((has, blob.size))
        }
    };
    let mut answers = stream::iter(plan.blobs().map(ask)).buffer_unordered(WIDTH);
    while let Some(answer) = answers.next().await {
        let (has, size) = answer?;
        let sum = if has { &mut forecast.there } else { &mut forecast.to_send };
        *sum = (sum.0 + 1, sum.1 + size);
        forecast.requests += if has { 1 } else { 2 + destination.bodies(size) };
    }
    drop(answers);
    for size in plan.repeats(destination) {
        forecast.to_mount = (forecast.to_mount.0 + 1, forecast.to_mount.1 + size);
        forecast.requests += 1;
    }
    let asked = reports.iter().filter(|slot| !has_failed(slot)).count();
    forecast.requests += asked as u64;
    forecast.requests += plan.images.iter().map(|i| i.tree.manifests() as u64).sum::<u64>();
    let mut expected: Vec<Option<Expected>> =
        reports.into_iter().map(|slot| slot.into_inner().ok().flatten()).map(known).collect();
    for image in &plan.images {
        if let Some(slot) = expected.get_mut(image.index) {
            *slot = Some(Expected::Copied(image.pinned.clone()));
        }
    }
    let images = request.images.iter().cloned().zip(expected);
    forecast.images = images.filter_map(|(request, expected)| Some((request, expected?))).collect();
    Ok(forecast)
}

/// Whether an image failed while it was looked at.
fn has_failed(slot: &Mutex<Option<crate::upload::ImageReport>>) -> bool {
    slot.lock().is_ok_and(|slot| {
        slot.as_ref().is_some_and(|report| matches!(report.outcome, ImageOutcome::Failed(_)))
    })
}

fn known(report: Option<crate::upload::ImageReport>) -> Option<Expected> {
    Some(match report?.outcome {
        ImageOutcome::AlreadyThere(pinned) => Expected::AlreadyThere(pinned),
        ImageOutcome::Copied(pinned) => Expected::Copied(pinned),
        ImageOutcome::Failed(error) => Expected::Failed(error),
    })
}
