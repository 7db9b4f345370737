//! What an upload would do, found out by asking and changing nothing.

use std::sync::Mutex;

use futures_util::stream::{self, StreamExt};

use crate::blobs::Book;
use crate::copy::Run;
use crate::error::RegistryError;
use crate::plan::{Owned, Plan};
use crate::registries::Registries;
use crate::sink::Sink;
use crate::source::Source;
use crate::upload::{ImageOutcome, ImageReport, Totals, UploadRequest, interruptible};

/// Questions at once.
const WIDTH: usize = 16;

/// What an upload would do.
#[derive(Debug)]
pub struct Forecast {
    /// What would come of each image, in the order of the request.
    pub images: Vec<ImageReport>,
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
    interruptible(look(request, source, destination)).await
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
    forecast.requests += plan.images.iter().map(|i| i.tree.manifests() as u64).sum::<u64>();
    forecast.images = expected(request, reports, &plan);
    let failed = |report: &&ImageReport| matches!(report.outcome, ImageOutcome::Failed(_));
    let asked = forecast.images.len() - forecast.images.iter().filter(failed).count();
    forecast.requests += asked as u64;
    Ok(forecast)
}

/// What the look has reported, and a copy for what is planned.
fn expected(
    request: &UploadRequest,
    reports: Vec<Mutex<Option<ImageReport>>>,
    plan: &Plan,
) -> Vec<ImageReport> {
    let mut reports: Vec<Option<ImageReport>> =
        reports.into_iter().map(|slot| slot.into_inner().ok().flatten()).collect();
    for image in &plan.images {
        let (slot, asked) = (reports.get_mut(image.index), request.images.get(image.index));
        if let (Some(slot), Some(asked)) = (slot, asked) {
            let outcome = ImageOutcome::Copied(image.pinned.clone());
            *slot = Some(ImageReport { request: asked.clone(), outcome });
        }
    }
    reports.into_iter().flatten().collect()
}
