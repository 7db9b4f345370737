//! What a run will do, known before it does anything: which images differ,
//! and every blob they need, once, in the order it is best sent in.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use edgectl_model::{Digest, Reference};
use tokio::sync::SetOnce;

use crate::error::RegistryError;
use crate::manifest::{Blob, Entry, Pinned};
use crate::sink::Sink;
use crate::source::Source;
use crate::tree::Tree;
use crate::upload::ImageRequest;

/// Blobs from this size on share the lanes; smaller ones pass them by.
pub(crate) const LARGE: u64 = 1 << 20;

/// An image that has to be copied.
#[derive(Debug)]
pub(crate) struct Planned {
    /// Its place in the request.
    pub(crate) index: usize,
    pub(crate) source: Reference,
    pub(crate) target: Reference,
    pub(crate) pinned: Pinned,
    pub(crate) tree: Tree,
    /// Whether anything of it was sent, or mounted.
    pub(crate) sent: AtomicBool,
}

impl Planned {
    /// Nothing of it has been sent so far.
    pub(crate) fn new(index: usize, image: &ImageRequest, pinned: Pinned, tree: Tree) -> Self {
        let (source, target) = (image.source.clone(), image.target.clone());
        Self { index, source, target, pinned, tree, sent: AtomicBool::new(false) }
    }
}

/// Store and digest.
type Key = (String, Digest);

/// A blob with the first image that needs it.
#[derive(Debug)]
pub(crate) struct Owned {
    /// Its place in [`Plan::images`].
    pub(crate) image: usize,
    pub(crate) entry: Entry,
    key: Key,
}

/// The images to copy, and their blobs.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) images: Vec<Planned>,
    /// Those that take time, the longest first where it decides when the run
    /// ends, else as the images need them.
    pub(crate) large: Vec<Owned>,
    /// Those that are hardly more than a request.
    pub(crate) small: Vec<Owned>,
    /// Those of a source that is read from front to back, in its order, and
    /// all for a sink that is written so.
    pub(crate) in_sequence: Vec<Owned>,
    /// Set once a blob's first use has been tried.
    tried: HashMap<Key, SetOnce<()>>,
    /// With the image that the use was for.
    failed: Mutex<HashMap<Key, (usize, RegistryError)>>,
    has_failed: AtomicBool,
}

impl Plan {
    /// Orders the blobs of `images` for a run that sends `jobs` at once.
    pub(crate) fn new<S: Source, K: Sink>(
        images: Vec<Planned>,
        source: &S,
        sink: &K,
        jobs: usize,
    ) -> Self {
        let mut plan = Self::default();
        let (mut one_stream, mut positions) = (Vec::new(), Vec::new());
        for (image, planned) in images.iter().enumerate() {
            let store = sink.store(&planned.target);
            for entry in &planned.tree.blobs {
                let key = (store.clone(), entry.blob.digest.clone());
                if plan.tried.contains_key(&key) {
                    continue;
                }
                plan.tried.insert(key.clone(), SetOnce::new());
                let owned = Owned { image, entry: entry.clone(), key };
                match source.sequence(&entry.blob.digest) {
                    position if sink.is_one_stream() => one_stream.push((position, owned)),
                    Some(position) => positions.push((position, owned)),
                    None if entry.blob.size < LARGE => plan.small.push(owned),
                    None => plan.large.push(owned),
                }
            }
        }
        positions.sort_by_key(|(position, _)| *position);
        let one_stream = in_rising_order(one_stream);
        plan.in_sequence =
            one_stream.into_iter().chain(positions.into_iter().map(|(_, owned)| owned)).collect();
        sort_long_ones_first(&mut plan.large, jobs);
        plan.images = images;
        plan
    }

    /// Every blob once.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = &Owned> {
        self.large.iter().chain(&self.small).chain(&self.in_sequence)
    }

    /// Uses of blobs beyond the first one of each: these are mounted.
    pub(crate) fn repeats<K: Sink>(&self, sink: &K) -> Vec<&Blob> {
        let mut places: HashSet<(String, &Digest)> = HashSet::new();
        let mut repeats = Vec::new();
        let mut owners: HashSet<Key> = HashSet::new();
        for image in &self.images {
            for entry in &image.tree.blobs {
                let digest = &entry.blob.digest;
                if !places.insert((image.target.repository(), digest)) {
                    continue;
                }
                if !owners.insert((sink.store(&image.target), digest.clone())) {
                    repeats.push(&entry.blob);
                }
            }
        }
        repeats
    }

    /// The first use of a blob has been tried. Its error goes to the image
    /// that it was for; others that need the blob try for themselves.
    pub(crate) fn set_tried(&self, owned: &Owned, result: Result<(), RegistryError>) {
        if let (Err(error), Ok(mut failed)) = (result, self.failed.lock()) {
            self.has_failed.store(true, Ordering::Relaxed);
            failed.insert(owned.key.clone(), (owned.image, error));
        }
        if let Some(tried) = self.tried.get(&owned.key) {
            let _ = tried.set(());
        }
    }

    /// Whether the first use of any blob has failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed)
    }

    /// Why an image can't be completed once [`has_failed`](Self::has_failed)
    /// is true: what went wrong with one of its own blobs, if anything did.
    pub(crate) fn failure_of(&self, image: usize) -> RegistryError {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut own = failed.iter().filter(|(_, (owner, _))| *owner == image);
        let key = own.find(|(_, (_, error))| !matches!(error, RegistryError::LeftOut));
        let key = key.map(|(key, _)| key.clone());
        let error = key.and_then(|key| failed.remove(&key));
        error.map_or(RegistryError::LeftOut, |(_, error)| error)
    }

    /// Waits until the first use of a blob has been tried. `image` is the place
    /// in [`Plan::images`] of the one that waits.
    pub(crate) async fn wait_for(
        &self,
        store: String,
        digest: &Digest,
        image: usize,
    ) -> Result<(), RegistryError> {
        let key = (store, digest.clone());
        if let Some(tried) = self.tried.get(&key) {
            tried.wait().await;
        }
        let Ok(mut failed) = self.failed.lock() else { return Ok(()) };
        if failed.get(&key).is_some_and(|(own, _)| *own == image)
            && let Some((_, error)) = failed.remove(&key)
        {
            return Err(error);
        }
        Ok(())
    }
}

/// The blobs in the order of the images, but for those that have a position:
/// they share their places in rising order.
fn in_rising_order<T>(blobs: Vec<(Option<u64>, T)>) -> Vec<T> {
    let has_position: Vec<bool> = blobs.iter().map(|(position, _)| position.is_some()).collect();
    let (mut placed, others): (Vec<_>, Vec<_>) =
        blobs.into_iter().partition(|(position, _)| position.is_some());
    placed.sort_by_key(|(position, _)| *position);
    let (mut placed, mut others) = (placed.into_iter(), others.into_iter());
    let next = |is_placed| if is_placed { placed.next() } else { others.next() };
    has_position.into_iter().filter_map(next).map(|(_, blob)| blob).collect()
}

/// A blob that takes longer than its share of the whole must not be the last
/// to begin. The rest stays in the order of the images, so that images are
/// complete one after another.
fn sort_long_ones_first(blobs: &mut [Owned], jobs: usize) {
    let total: u64 = blobs.iter().map(|owned| owned.entry.blob.size).sum();
    let share = total / (2 * jobs.max(1) as u64);
    blobs.sort_by_key(|owned| {
        let size = owned.entry.blob.size;
        std::cmp::Reverse(if size > share { size } else { 0 })
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_rise_and_the_others_stay() {
        let blobs = vec![(Some(9), 'd'), (None, 'x'), (Some(1), 'a'), (None, 'y'), (Some(5), 'b')];
        assert_eq!(in_rising_order(blobs), ['a', 'x', 'b', 'y', 'd']);
    }
}
