//! Pins: asking the sources what the names in a lock stand for.

use edgectl_model::{ImageLock, LockedImage, Role};
use edgectl_registry::{Pinned, Registries, RegistryError, Source, interruptible};
use futures_util::stream::{self, StreamExt};

use crate::failure::{Doing, Failure};

/// Questions in flight at once.
const AT_ONCE: usize = 8;

/// Whether an image is uploaded.
pub(crate) fn is_uploaded(image: &LockedImage) -> bool {
    image.role != Role::Embedded
}

/// Fills in digest, media type and platforms of the images that lack them.
/// All are asked before the first failure is told.
pub(crate) async fn pin(lock: &mut ImageLock, sources: &Registries) -> Result<(), Failure> {
    let open: Vec<usize> = (0..lock.images.len())
        .filter(|i| is_uploaded(&lock.images[*i]) && !is_complete(&lock.images[*i]))
        .collect();
    let questions = open.iter().map(|i| {
        let source = lock.images[*i].source.clone();
        async move { (*i, sources.resolve(&source).await) }
    });
    let answers: Vec<(usize, Result<Pinned, RegistryError>)> =
        interruptible(async { Ok(stream::iter(questions).buffered(AT_ONCE).collect().await) })
            .await?;
    let mut first = None;
    for (i, answer) in answers {
        match answer {
            Ok(pinned) => take(&mut lock.images[i], pinned),
            Err(error) if first.is_none() => first = Some((i, error)),
            Err(_) => {}
        }
    }
    match first {
        None => Ok(()),
        Some((i, error)) => Err(error).doing(asking(&lock.images[i])),
    }
}

fn is_complete(image: &LockedImage) -> bool {
    image.digest.is_some() && image.media_type.is_some()
}

/// Keeps what an upload or a question found out.
pub(crate) fn take(image: &mut LockedImage, pinned: Pinned) {
    if !pinned.platforms.is_empty() {
        image.platforms.clone_from(&pinned.platforms);
    }
    image.mirrored = pinned.origin.is_some().then(|| pinned.digest.clone());
    let source = match pinned.origin {
        Some(origin) => *origin,
        None => pinned,
    };
    image.digest = Some(source.digest);
    image.media_type = Some(source.media_type);
}

/// Which image, and who named it.
pub(crate) fn asking(image: &LockedImage) -> String {
    format!("asking the source for `{}`{}", image.source, named_by(image))
}

/// `, named by pack web (profile.json:12)`.
pub(crate) fn named_by(image: &LockedImage) -> String {
    match image.found.first() {
        Some(found) => format!(", named by {} ({}:{})", found.object, found.file, found.line),
        None => String::new(),
    }
}
