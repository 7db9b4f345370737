//! What an upload would do, found out by asking and changing nothing.

use std::collections::HashSet;
use std::sync::Mutex;

use futures_util::stream::{self, StreamExt, TryStreamExt};

use edgectl_model::Reference;

use crate::blobs::Book;
use crate::copy::Run;
use crate::error::RegistryError;
use crate::manifest::Blob;
use crate::plan::{LARGE, Owned, Plan, Planned};
use crate::registries::Registries;
use crate::sink::Sink;
use crate::source::Source;
use crate::upload::{Again, ImageOutcome, ImageReport, Totals, UploadRequest, interruptible};

/// Questions at once.
const WIDTH: usize = 16;
/// Requests for a blob that the source turns out to lack: a question, an
/// upload, and its end.
const LOOK_IN_VAIN: u64 = 3;

/// What an upload would do.
#[derive(Debug)]
pub struct Forecast {
    /// What would come of each image, in the order of the request.
    pub images: Vec<ImageReport>,
    /// Blobs to send, and their bytes.
    pub to_send: (u64, u64),
    /// Blobs that the destination has already, and their bytes.
    pub there: (u64, u64),
    /// Blobs to take over from another repository, and their bytes; a registry
    /// that mounts nothing gets them sent.
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
    // The upload looks in the same way.
    let before = destination.requests();
    let plan = run.plan().await;
    let looked = destination.requests() - before;
    let mut forecast = Forecast {
        images: Vec::new(),
        to_send: (0, 0),
        there: (0, 0),
        to_mount: (0, 0),
        requests: looked,
    };
    let whole = match request.again {
        Again::All => look_inside(&run, destination, &plan, &mut forecast).await?,
        Again::Nothing | Again::Attachments => {
            look_at_all(&run, destination, &plan, &mut forecast).await?;
            HashSet::new()
        }
    };
    forecast.images = expected(request, reports, &plan, &whole);
    Ok(forecast)
}

/// What every image needs, which is copied.
async fn look_at_all<S: Source>(
    run: &Run<'_, S, Registries>,
    destination: &Registries,
    plan: &Plan,
    forecast: &mut Forecast,
) -> Result<(), RegistryError> {
    let asking = plan.blobs().map(async |owned| {
        let used = first_use(run, destination, plan, owned).await?;
        Ok::<_, RegistryError>((&owned.entry.blob.digest, used))
    });
    let mut answers = stream::iter(asking.collect::<Vec<_>>()).buffer_unordered(WIDTH);
    let mut nowhere = HashSet::new();
    while let Some(answer) = answers.next().await {
        let (digest, used) = answer?;
        if matches!(used, Use::Nowhere(_)) {
            nowhere.insert(digest);
        }
        forecast.add(used);
    }
    drop(answers);
    for blob in plan.repeats(destination) {
        forecast.add(match nowhere.contains(&blob.digest) {
            true => Use::Nowhere(LOOK_IN_VAIN),
            false => Use::Mounted(blob.size, 1),
        });
    }
    forecast.requests += plan.images.iter().map(|i| i.tree.manifests() as u64).sum::<u64>();
    forecast.requests += for_lists(destination, plan).await?;
    Ok(())
}

/// What images lack that are looked into, blob by blob and manifest by
/// manifest; the places in the plan of those that lack nothing.
async fn look_inside<S: Source>(
    run: &Run<'_, S, Registries>,
    destination: &Registries,
    plan: &Plan,
    forecast: &mut Forecast,
) -> Result<HashSet<usize>, RegistryError> {
    let before = destination.requests();
    let looking = plan.images.iter().map(|image| inside(run, destination, image));
    let looks = stream::iter(looking.collect::<Vec<_>>()).buffered(WIDTH);
    let looks: Vec<Inside<'_>> = looks.try_collect().await?;
    // The upload asks the same, and whether the name stands for the image.
    forecast.requests += destination.requests() - before + plan.images.len() as u64;
    let (mut whole, mut seen) = (HashSet::new(), HashSet::new());
    for (place, (image, inside)) in plan.images.iter().zip(&looks).enumerate() {
        forecast.requests += inside.manifests;
        for (blob, is_held) in &inside.blobs {
            let is_first = seen.insert((destination.store(&image.target), *blob));
            match (is_held, is_first) {
                (true, true) => {
                    forecast.there.0 += 1;
                    forecast.there.1 += blob.size;
                }
                (true, false) => {}
                // What was sent is asked for.
                (false, true) => {
                    let requests = 2 + destination.bodies(0, blob.size);
                    forecast.add(Use::Sent(0, blob.size, requests));
                }
                (false, false) => forecast.add(Use::Mounted(blob.size, 1)),
            }
        }
        if inside.manifests == 0 && inside.blobs.iter().all(|(_, is_held)| *is_held) {
            whole.insert(place);
        }
    }
    Ok(whole)
}

/// What the destination has of an image.
struct Inside<'a> {
    /// Manifests that it lacks.
    manifests: u64,
    /// Blobs, and whether it holds them.
    blobs: Vec<(&'a Blob, bool)>,
}

async fn inside<'a, S: Source>(
    run: &Run<'_, S, Registries>,
    destination: &Registries,
    image: &'a Planned,
) -> Result<Inside<'a>, RegistryError> {
    let manifests = run.lacking_manifests(image).await?;
    let mut blobs = Vec::new();
    for entry in &image.tree.blobs {
        let is_held = holds(destination, &image.target, &entry.blob).await?;
        if is_held || !entry.is_foreign || !is_nowhere(run, destination, image, &entry.blob).await?
        {
            blobs.push((&entry.blob, is_held));
        }
    }
    Ok(Inside { manifests, blobs })
}

/// Requests that keep the lists of what refers to images, where a registry
/// doesn't: each list is read and written for each referrer.
async fn for_lists(destination: &Registries, plan: &Plan) -> Result<u64, RegistryError> {
    let mut requests = 0;
    for image in &plan.images {
        for (_, attached) in image.tree.attached.iter().filter(|(tag, _)| tag.is_none()) {
            let Some(referrer) = attached.top() else { continue };
            if !destination.lists_referrers(&image.target, referrer).await? {
                requests += 2;
            }
        }
    }
    Ok(requests)
}

/// What a blob's use is going to be.
enum Use {
    /// It is there: its bytes.
    There(u64),
    /// Its bytes, and the requests for it.
    Mounted(u64, u64),
    /// Bytes that are there, those to send, and the requests for all.
    Sent(u64, u64, u64),
    /// Nobody has it, and nobody needs to. The requests that find out.
    Nowhere(u64),
}

impl Forecast {
    fn add(&mut self, used: Use) {
        let (sum, bytes, requests) = match used {
            Use::There(bytes) => (&mut self.there, bytes, 1),
            Use::Mounted(bytes, requests) => (&mut self.to_mount, bytes, requests),
            Use::Sent(kept, bytes, requests) => {
                self.there.1 += kept;
                (&mut self.to_send, bytes, requests)
            }
            Use::Nowhere(requests) => return self.requests += requests,
        };
        *sum = (sum.0 + 1, sum.1 + bytes);
        self.requests += requests;
    }
}

/// What [`Transfer`](crate::blobs::Transfer) would do for the first use of a
/// blob, in the same order.
async fn first_use<S: Source>(
    run: &Run<'_, S, Registries>,
    destination: &Registries,
    plan: &Plan,
    owned: &Owned,
) -> Result<Use, RegistryError> {
    let blob = &owned.entry.blob;
    let size = blob.size;
    let Some(image) = plan.images.get(owned.image) else { return Ok(Use::There(size)) };
    if let Some(session) = destination.resume(&image.target, blob).await? {
        let requests = 1 + destination.bodies(session.at, size);
        return Ok(Use::Sent(session.at, size - session.at.min(size), requests));
    }
    if owned.entry.is_foreign && is_nowhere(run, destination, image, blob).await? {
        return Ok(Use::Nowhere(LOOK_IN_VAIN));
    }
    if let Some(from) = run.transfer(image).elsewhere(blob) {
        return Ok(match holds(destination, &from, blob).await? {
            // The mount, and a look at what came of it.
            true => Use::Mounted(size, 2),
            // The mount, and a question before a large one is sent in vain.
            false => Use::Sent(0, size, 1 + u64::from(size >= LARGE) + destination.bodies(0, size)),
        });
    }
    Ok(match holds(destination, &image.target, blob).await? {
        true => Use::There(size),
        false => Use::Sent(0, size, 2 + destination.bodies(0, size)),
    })
}

/// Whether a layer that may not be redistributed is neither at the source nor
/// at the destination.
async fn is_nowhere<S: Source>(
    run: &Run<'_, S, Registries>,
    destination: &Registries,
    image: &Planned,
    blob: &Blob,
) -> Result<bool, RegistryError> {
    // Nothing is read of it.
    match run.source.blob(&image.source, blob, 0).await {
        Err(RegistryError::NotFound { .. }) => {}
        found => return found.map(|_| false),
    }
    Ok(!holds(destination, &image.target, blob).await?)
}

/// Whether a repository has a blob; one that is damaged there is sent again.
async fn holds(
    destination: &Registries,
    place: &Reference,
    blob: &Blob,
) -> Result<bool, RegistryError> {
    match destination.has_blob(place, blob).await {
        Err(RegistryError::Digest { .. }) => Ok(false),
        there => there,
    }
}

/// What the look has reported, and a copy for what is planned and not whole.
fn expected(
    request: &UploadRequest,
    reports: Vec<Mutex<Option<ImageReport>>>,
    plan: &Plan,
    whole: &HashSet<usize>,
) -> Vec<ImageReport> {
    let mut reports: Vec<Option<ImageReport>> =
        reports.into_iter().map(|slot| slot.into_inner().ok().flatten()).collect();
    for (place, image) in plan.images.iter().enumerate() {
        let (slot, asked) = (reports.get_mut(image.index), request.images.get(image.index));
        if let (Some(slot), Some(asked)) = (slot, asked) {
            let outcome = match whole.contains(&place) {
                true => ImageOutcome::AlreadyThere(image.pinned.clone()),
                false => ImageOutcome::Copied(image.pinned.clone()),
            };
            *slot = Some(ImageReport { request: asked.clone(), outcome });
        }
    }
    reports.into_iter().flatten().collect()
}
