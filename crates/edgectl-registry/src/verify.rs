//! Is everything there, and is it what it was?

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use edgectl_model::{Digest, Reference};
use futures_util::stream::{self, StreamExt};
use tokio::sync::OnceCell;

use crate::content::ensure_whole;
use crate::error::RegistryError;
use crate::manifest::{Blob, DEPTH, Entry, Parsed, RawManifest};
use crate::registries::Registries;
use crate::source::Source;
use crate::upload::interruptible;

/// One image to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyRequest {
    /// Its name in the registry.
    pub target: Reference,
    /// The digest it must have.
    pub digest: Digest,
}

/// How far to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// One HEAD an image: the name stands for the digest.
    Names,
    /// Every manifest and every blob is read and hashed; each blob once.
    Contents,
}

/// What was found of one image.
#[derive(Debug)]
pub enum Verdict {
    /// All as it should be.
    Same,
    /// The registry doesn't have the name.
    Missing,
    /// The name stands for something else now.
    Moved(Digest),
    /// Something of its content is missing or damaged.
    Damaged(RegistryError),
    /// The registry didn't say.
    Unknown(RegistryError),
}

/// An image and what was found of it.
#[derive(Debug)]
pub struct Verified {
    /// The image.
    pub request: VerifyRequest,
    /// What was found.
    pub verdict: Verdict,
}

/// Looks at all images, `jobs` at once. Fails only when interrupted.
pub async fn verify(
    requests: Vec<VerifyRequest>,
    registries: &Registries,
    depth: Depth,
    jobs: usize,
) -> Result<Vec<Verified>, RegistryError> {
    let seen = Seen::default();
    let looks = requests.into_iter().map(|request| {
        let seen = &seen;
        async move {
            let verdict = look(&request, registries, depth, seen).await;
            Verified { request, verdict }
        }
    });
    interruptible(async { Ok(stream::iter(looks).buffered(jobs.max(1)).collect().await) }).await
}

/// Blobs that were found whole, with their repositories: a registry may have a
/// blob in one repository and not in another, and a manifest may be wrong about
/// a size that another one has right.
#[derive(Default)]
struct Seen(Mutex<HashMap<(String, Blob), Looked>>);

/// Set once a blob was found whole.
type Looked = Arc<OnceCell<()>>;

impl Seen {
    /// Reads a blob, unless it was found whole; others that need it wait. Where
    /// it isn't whole each of them finds out for itself.
    async fn ensure_whole(
        &self,
        target: &Reference,
        blob: &Blob,
        registries: &Registries,
    ) -> Result<(), RegistryError> {
        let key = (target.repository(), blob.clone());
        let slot = {
            let mut seen = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            Arc::clone(seen.entry(key).or_default())
        };
        slot.get_or_try_init(|| read_blob(target, blob, registries)).await.copied()
    }
}

async fn look(
    request: &VerifyRequest,
    registries: &Registries,
    depth: Depth,
    seen: &Seen,
) -> Verdict {
    match registries.look(&request.target).await {
        Err(error) => return Verdict::Unknown(error),
        Ok(None) => return Verdict::Missing,
        Ok(Some(found)) if found.digest != request.digest => return Verdict::Moved(found.digest),
        Ok(Some(_)) => {}
    }
    if depth == Depth::Names {
        return Verdict::Same;
    }
    match read_all(request, registries, seen).await {
        Ok(()) => Verdict::Same,
        Err(error) if is_damage(&error) => Verdict::Damaged(error),
        Err(error) => Verdict::Unknown(error),
    }
}

/// Whether an error says something about the content, and not about the way
/// to it.
fn is_damage(error: &RegistryError) -> bool {
    match error {
        RegistryError::Digest { .. }
        | RegistryError::Manifest { .. }
        | RegistryError::NotFound { .. }
        | RegistryError::Sparse { .. } => true,
        // What isn't there, by registries that say it with other words.
        RegistryError::Http(failure) => matches!(failure.status, 404 | 410),
        _ => false,
    }
}

/// Reads the manifest, all that it names, and their blobs.
async fn read_all(
    request: &VerifyRequest,
    registries: &Registries,
    seen: &Seen,
) -> Result<(), RegistryError> {
    let target = &request.target;
    let mut open = vec![(request.digest.clone(), None, 0)];
    while let Some((digest, size, depth)) = open.pop() {
        let raw: RawManifest = registries.manifest(target, Some(&digest)).await?;
        raw.ensure_size(size)?;
        match raw.parse()? {
            Parsed::Index(_) if depth >= DEPTH => {
                return Err(RegistryError::manifest(&digest, "indexes are nested too deeply"));
            }
            Parsed::Index(entries) => {
                let below = entries.into_iter().map(|entry| entry.blob);
                open.extend(below.map(|blob| (blob.digest, Some(blob.size), depth + 1)));
            }
            Parsed::Image { config, layers } => {
                let here = |entry: &Entry| !entry.is_foreign;
                for entry in config.into_iter().chain(layers).filter(here) {
                    seen.ensure_whole(target, &entry.blob, registries).await?;
                }
            }
        }
    }
    Ok(())
}

/// Reads a blob to its end, which fails unless its digest is right.
async fn read_blob(
    target: &Reference,
    blob: &Blob,
    registries: &Registries,
) -> Result<(), RegistryError> {
    let chunks = registries.blob(target, blob, 0).await?;
    ensure_whole(chunks, blob, &target.repository()).await
}
