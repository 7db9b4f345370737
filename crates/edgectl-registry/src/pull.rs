//! One image into an OCI layout directory.

use std::path::{Path, PathBuf};
use std::time::Duration;

use edgectl_model::{Digest, Platform, Reference};

use crate::error::RegistryError;
use crate::layout::Layout;
use crate::manifest::{Parsed, Pinned, choose};
use crate::source::Source;
use crate::upload::{
    ImageOutcome, ImageRequest, Progress, UploadRequest, interruptible, upload_from,
};

/// How often a layout that is in use is asked for.
const AGAIN: Duration = Duration::from_millis(100);

/// What to pull, and where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// The image.
    pub source: Reference,
    /// The digest it must have; without it the tag decides now.
    pub digest: Option<Digest>,
    /// Only this platform of an index; all of them where absent. The digest
    /// in the layout then is that of the platform's own manifest.
    pub platform: Option<Platform>,
    /// The layout directory, made if it isn't there.
    pub directory: PathBuf,
    /// Blobs fetched at once.
    pub jobs: usize,
}

/// Pulls an image into a layout under its own name and opens the layout. What
/// the layout has already isn't fetched again.
pub async fn pull_to_layout<S: Source>(
    request: PullRequest,
    source: &S,
    progress: &dyn Progress,
) -> Result<(Layout, Pinned), RegistryError> {
    let layout = interruptible(when_free(&request.directory)).await?;
    let mut digest = request.digest.or(request.source.digest().cloned());
    if let Some(platform) = &request.platform {
        digest = Some(
            interruptible(narrowed(source, &request.source, digest.as_ref(), platform)).await?,
        );
    }
    // A digest in the name would win over that of the platform.
    let repository = request.source.repository();
    let name = match (request.source.tag_or_latest(), &digest) {
        (Some(tag), _) => format!("{repository}:{tag}"),
        (None, Some(digest)) => format!("{repository}@{digest}"),
        (None, None) => repository,
    };
    let name = Reference::parse(&name).map_err(|e| RegistryError::manifest(&request.source, e))?;
    let image = ImageRequest { source: name.clone(), digest, target: name };
    let upload =
        UploadRequest { attachments: false, ..UploadRequest::new(vec![image], request.jobs) };
    let outcome = upload_from(upload, source, &layout, progress).await;
    let report = outcome.images.into_iter().next();
    match report.map(|report| report.outcome) {
        Some(ImageOutcome::AlreadyThere(pinned) | ImageOutcome::Copied(pinned)) => {
            // Who reads it keeps nobody from writing.
            drop(layout);
            Ok((Layout::open(request.directory)?, pinned))
        }
        Some(ImageOutcome::Failed(error)) => Err(error),
        None => Err(RegistryError::manifest(&request.source, "nothing was pulled")),
    }
}

/// The layout as soon as nobody else writes to it: two runs that need the same
/// image fetch it once.
async fn when_free(directory: &Path) -> Result<Layout, RegistryError> {
    loop {
        match Layout::create(directory) {
            Err(RegistryError::LayoutInUse { .. }) => tokio::time::sleep(AGAIN).await,
            other => return other,
        }
    }
}

/// The digest of one platform's manifest, or that of the only image.
async fn narrowed<S: Source>(
    source: &S,
    reference: &Reference,
    digest: Option<&Digest>,
    platform: &Platform,
) -> Result<Digest, RegistryError> {
    let raw = source.manifest(reference, digest).await?;
    match raw.parse()? {
        Parsed::Image { .. } => Ok(raw.digest().clone()),
        Parsed::Index(entries) => match choose(&entries, platform) {
            Some(entry) => Ok(entry.blob.digest.clone()),
            None => Err(RegistryError::NotFound {
                what: format!("{reference} for {platform}"),
                place: reference.domain().to_owned(),
            }),
        },
    }
}
