//! A lock in parts, for several machines that upload at once: images that
//! share blobs stay together, so that no blob is sent by two of them.

use std::collections::HashMap;

use edgectl_model::Digest;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::error::{ErrorKind, RegistryError};
use crate::source::Source;
use crate::tree::Tree;
use crate::upload::{ImageRequest, interruptible};

/// Images looked at at once.
const LOOKS: usize = 16;

/// One part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shard {
    /// Its images, in the order they were given in.
    pub images: Vec<ImageRequest>,
    /// Bytes of its blobs, each once.
    pub bytes: u64,
}

/// Splits images into `count` parts by what the sources say of them; the
/// destination isn't asked, so that machines that begin at different times
/// split alike. An image that its source doesn't have, or whose manifests can't
/// be used, goes somewhere too: its error is told there. What a source says to
/// one machine only (that it is busy, or that it doesn't know the login) is an
/// error here: the others would split otherwise, and an image could be nobody's.
pub async fn shards<S: Source>(
    images: &[ImageRequest],
    source: &S,
    count: usize,
) -> Result<Vec<Shard>, RegistryError> {
    let looks = images.iter().map(|image| blobs_of(image, source));
    let looks = stream::iter(looks).buffered(LOOKS).try_collect::<Vec<Blobs>>();
    let blobs = interruptible(looks).await?;
    let parts = split(&blobs, count);
    let part = |part: &Part| Shard {
        images: part.images.iter().filter_map(|at| images.get(*at).cloned()).collect(),
        bytes: part.bytes,
    };
    Ok(parts.iter().map(part).collect())
}

type Blobs = Vec<(Digest, u64)>;

async fn blobs_of<S: Source>(image: &ImageRequest, source: &S) -> Result<Blobs, RegistryError> {
    let pin = image.digest.as_ref().or(image.source.digest());
    let tree = async {
        let root = source.manifest(&image.source, pin).await?;
        Tree::fetch(source, &image.source, root).await
    };
    let blobs = match tree.await {
        Ok(tree) => tree.blobs,
        Err(error) if is_of_the_image(&error) => Vec::new(),
        Err(error) => return Err(error),
    };
    Ok(blobs.into_iter().map(|entry| (entry.blob.digest, entry.blob.size)).collect())
}

/// Whether every machine is told the same.
fn is_of_the_image(error: &RegistryError) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Manifest)
}

#[derive(Debug, Clone, Default)]
struct Part {
    images: Vec<usize>,
    bytes: u64,
}

/// Groups images that share blobs, and gives the largest group that is left to
/// the part that has least.
fn split(images: &[Blobs], count: usize) -> Vec<Part> {
    let mut groups = groups(images);
    // Among equals the one whose first image comes first.
    groups.sort_by_key(|group| std::cmp::Reverse(group.bytes));
    let mut parts = vec![Part::default(); count.max(1)];
    for group in groups {
        let least = parts.iter_mut().min_by_key(|part| (part.bytes, part.images.len()));
        if let Some(part) = least {
            part.bytes += group.bytes;
            part.images.extend(group.images);
        }
    }
    for part in &mut parts {
        part.images.sort_unstable();
    }
    parts
}

fn groups(images: &[Blobs]) -> Vec<Part> {
    let mut parents: Vec<usize> = (0..images.len()).collect();
    let mut owners: HashMap<&Digest, usize> = HashMap::new();
    for (image, blobs) in images.iter().enumerate() {
        for (digest, _) in blobs {
            let owner = *owners.entry(digest).or_insert(image);
            let (a, b) = (root(&mut parents, owner), root(&mut parents, image));
            // The earlier image stands for the group.
            if let Some(parent) = parents.get_mut(a.max(b)) {
                *parent = a.min(b);
            }
        }
    }
    let mut found: Vec<Part> = vec![Part::default(); images.len()];
    for image in 0..images.len() {
        let root = root(&mut parents, image);
        if let Some(group) = found.get_mut(root) {
            group.images.push(image);
        }
    }
    for (digest, size) in images.iter().flatten() {
        // Each blob counts where it was first seen.
        if let Some(owner) = owners.remove(digest) {
            let root = root(&mut parents, owner);
            if let Some(group) = found.get_mut(root) {
                group.bytes += size;
            }
        }
    }
    found.retain(|group| !group.images.is_empty());
    found
}

/// Who stands for an image's group; shortens the way for the next question.
fn root(parents: &mut [usize], image: usize) -> usize {
    let mut at = image;
    while let Some(parent) = parents.get(at).copied().filter(|parent| *parent != at) {
        if let Some(above) = parents.get(parent).copied()
            && let Some(slot) = parents.get_mut(at)
        {
            *slot = above;
        }
        at = parent;
    }
    at
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashSet};

    use edgectl_model::Reference;
    use proptest::prelude::*;

    use super::*;
    use crate::content::Chunks;
    use crate::manifest::{Blob, RawManifest};

    fn images(wanted: &[Vec<u8>]) -> Vec<Blobs> {
        let blob = |n: &u8| (Digest::sha256(&[*n]), u64::from(*n) * 10);
        wanted.iter().map(|blobs| blobs.iter().map(blob).collect()).collect()
    }

    #[test]
    fn sharing_images_stay_together_and_sizes_are_even() {
        let parts = split(&images(&[vec![1, 2], vec![9], vec![2, 3], vec![4], vec![]]), 2);
        let of = |part: &Part| (part.images.clone(), part.bytes);
        assert_eq!(of(&parts[0]), (vec![1, 4], 90));
        assert_eq!(of(&parts[1]), (vec![0, 2, 3], 100));
    }

    /// A source that has nothing to tell.
    struct Mute(fn() -> RegistryError);

    impl Source for Mute {
        async fn manifest(
            &self,
            _: &Reference,
            _: Option<&Digest>,
        ) -> Result<RawManifest, RegistryError> {
            Err((self.0)())
        }

        async fn blob(&self, _: &Reference, _: &Blob, _: u64) -> Result<Chunks, RegistryError> {
            Err((self.0)())
        }
    }

    #[tokio::test]
    async fn what_one_machine_alone_is_told_ends_the_run() {
        let name = Reference::parse("quay.io/a/web:1").unwrap();
        let image = ImageRequest { source: name.clone(), digest: None, target: name };
        let busy = Mute(|| RegistryError::Stalled { host: "quay.io".to_owned(), seconds: 1 });
        assert!(shards(std::slice::from_ref(&image), &busy, 2).await.is_err());
        let denied = Mute(|| RegistryError::Denied {
            host: "quay.io".to_owned(),
            user: None,
            action: "pull".to_owned(),
            message: String::new(),
        });
        assert!(shards(std::slice::from_ref(&image), &denied, 2).await.is_err());
        let gone = Mute(|| RegistryError::NotFound { what: "x".to_owned(), place: "y".to_owned() });
        let parts = shards(&[image], &gone, 2).await.unwrap();
        assert_eq!(parts.iter().map(|part| part.images.len()).sum::<usize>(), 1);
    }

    proptest! {
        #[test]
        fn every_image_is_in_one_part_and_every_blob_too(
            wanted in prop::collection::vec(prop::collection::vec(0_u8..40, 0..4), 0..30),
            count in 1_usize..6,
        ) {
            let images = images(&wanted);
            let parts = split(&images, count);
            prop_assert_eq!(parts.len(), count);
            let mut all: Vec<usize> = parts.iter().flat_map(|part| part.images.clone()).collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..images.len()).collect::<Vec<_>>());
            let mut seen: HashSet<u8> = HashSet::new();
            for part in &parts {
                let own: BTreeSet<u8> =
                    part.images.iter().flat_map(|at| wanted[*at].clone()).collect();
                prop_assert_eq!(own.iter().map(|n| u64::from(*n) * 10).sum::<u64>(), part.bytes);
                prop_assert!(own.iter().all(|blob| seen.insert(*blob)));
            }
        }
    }
}
