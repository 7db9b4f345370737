//! What archives hold, put together: images with their names, and blobs.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use edgectl_model::{Digest, Reference};

use super::absent::Gaps;
use super::content::Content;
use super::files::Files;
use super::scan::Scan;
use super::stream::Stream;
use super::{broken, docker, oci, storage};
use crate::error::RegistryError;
use crate::manifest::{Parsed, RawManifest};

/// One image of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedImage {
    /// Digest of its manifest or index.
    pub digest: Digest,
    /// The names that the archive gives it; there may be none.
    pub names: Vec<Reference>,
    /// Names that it has in its archive, and by which it can't be had.
    pub refused: Vec<RefusedName>,
    /// A tag without a repository, which is no name.
    pub tag: Option<String>,
    /// The archive.
    pub place: String,
    /// Whether its manifest was made here, because `docker save` keeps none.
    pub is_made: bool,
}

/// A name that an archive has for an image, and by which it can't be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedName {
    /// The name.
    pub name: Reference,
    /// Why not, and what to do.
    pub why: String,
}

impl RefusedName {
    /// A digest that was lost comes back by no name; a tag in its repository
    /// is what it is called instead.
    fn is_settled_by(&self, name: &Reference) -> bool {
        let is_lost = self.name.digest().is_some();
        self.name == *name || is_lost && self.name.repository() == name.repository()
    }
}

/// Archives of images, looked through; a [`Source`](crate::Source).
#[derive(Debug, Default)]
pub struct Archives {
    pub(super) images: Vec<ArchivedImage>,
    pub(super) blobs: HashMap<Digest, Content>,
    pub(super) made: HashMap<Digest, RawManifest>,
    /// What names its subject itself, such as signatures, by the subject.
    pub(super) referrers: HashMap<Digest, Vec<Digest>>,
    pub(super) place: String,
    /// Who reads a stream that goes from front to back reads it alone; the
    /// stream that was read last.
    pub(super) reader: Arc<tokio::sync::Mutex<Option<Arc<Stream>>>>,
    /// What is missing of the images, once somebody asks.
    pub(super) gaps: OnceLock<Gaps>,
}

/// What the forms of archives put together.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    images: Vec<ArchivedImage>,
    blobs: HashMap<Digest, Content>,
    pub(super) made: HashMap<Digest, RawManifest>,
    /// Directories of the archive at hand that are layouts.
    pub(super) layouts: BTreeSet<String>,
    /// Names by configuration, of the archive at hand.
    pub(super) named_configs: Vec<(Digest, Vec<Reference>)>,
}

impl Gathered {
    /// Takes an image in; one that is there already gets further names.
    pub(super) fn image(
        &mut self,
        digest: Digest,
        names: Vec<Reference>,
        tag: Option<String>,
        place: &str,
    ) {
        let there = self.images.iter_mut().find(|image| image.digest == digest);
        match there {
            Some(image) => {
                image.names.extend(names);
                image.names.sort();
                image.names.dedup();
            }
            None => {
                let place = place.to_owned();
                let refused = Vec::new();
                let image = ArchivedImage { digest, names, refused, tag, place, is_made: false };
                self.images.push(image);
            }
        }
    }

    /// Keeps a name from an image that was taken in.
    pub(super) fn refuse(&mut self, digest: &Digest, name: Reference, why: String) {
        if let Some(image) = self.images.iter_mut().find(|image| image.digest == *digest)
            && image.refused.iter().all(|refused| refused.name != name)
        {
            image.refused.push(RefusedName { name, why });
        }
    }

    /// Takes a blob in; of several, one that can be read at any time.
    pub(super) fn blob(&mut self, digest: Digest, content: Content) {
        let is_better = |there: &Content| there.order.is_some() && content.order.is_none();
        if self.blobs.get(&digest).is_none_or(is_better) {
            self.blobs.insert(digest, content);
        }
    }

    fn files(&mut self, files: &Files, used: &mut BTreeSet<String>) -> std::io::Result<()> {
        self.layouts.clear();
        let first = self.images.len();
        oci::gather(files, self)?;
        docker::gather(files, used, self)?;
        storage::gather(files, self)?;
        for (config, names) in std::mem::take(&mut self.named_configs) {
            self.name_by_config(first, &config, &names);
        }
        Ok(())
    }

    /// Layouts that name their images only for `docker load`.
    fn name_by_config(&mut self, first: usize, config: &Digest, names: &[Reference]) {
        let blobs = &self.blobs;
        let is_it = |image: &&mut ArchivedImage| {
            let text = blobs.get(&image.digest).and_then(|c| c.whole(super::TEXT_LIMIT).ok());
            let raw = text.and_then(|text| {
                RawManifest::new(text, None, Some(&image.digest), &image.place).ok()
            });
            matches!(
                raw.and_then(|raw| raw.parse().ok()),
                Some(Parsed::Image { config: Some(own), .. }) if own.blob.digest == *config
            )
        };
        let nameless = self.images[first..].iter_mut().filter(|image| image.names.is_empty());
        if let Some(image) = nameless.into_iter().find(is_it) {
            image.names.extend_from_slice(names);
        }
    }
}

impl Archives {
    /// Looks through archives and directories of archives: one pass over what
    /// is compressed, a look at the names of what isn't.
    pub fn open(paths: &[PathBuf]) -> Result<Self, RegistryError> {
        let (mut gathered, mut scan) = (Gathered::default(), Scan::default());
        for path in paths {
            let before = gathered.images.len();
            open(path, &mut scan, &mut gathered)?;
            if gathered.images.len() == before && paths.len() == 1 {
                let reason = "no image was found in it: neither an OCI layout, nor what \
                              `docker save` writes, nor a registry's storage";
                return Err(RegistryError::manifest(path.display(), reason));
            }
        }
        let Gathered { mut images, blobs, made, .. } = gathered;
        for image in &mut images {
            image.is_made = made.contains_key(&image.digest);
        }
        for content in blobs.values().filter(|content| content.order.is_some()) {
            content.stream.release();
        }
        let place = match paths {
            [path] => path.display().to_string(),
            _ => "the archives".to_owned(),
        };
        let referrers = HashMap::new();
        let (reader, gaps) = (Arc::default(), OnceLock::new());
        let mut all = Self { images, blobs, made, referrers, place, reader, gaps };
        all.find_referrers();
        Ok(all)
    }

    /// Signatures and the like have no names of their own, and need none.
    fn find_referrers(&mut self) {
        let images = std::mem::take(&mut self.images);
        for image in images {
            let nameless = image.names.is_empty().then_some(&image.digest);
            let raw = nameless.and_then(|digest| self.read_manifest(digest).ok());
            match raw.and_then(|raw| raw.subject()).filter(|subject| self.has(subject)) {
                Some(subject) => self.referrers.entry(subject).or_default().push(image.digest),
                None => self.images.push(image),
            }
        }
    }

    /// The images, in the order in which they were found.
    pub fn images(&self) -> &[ArchivedImage] {
        &self.images
    }

    /// Gives an image a name: whoever does so knows which one it is. What was
    /// refused for the same name is settled by it, other names aren't.
    pub fn name(&mut self, digest: &Digest, name: Reference) {
        if let Some(image) = self.images.iter_mut().find(|image| image.digest == *digest) {
            image.refused.retain(|refused| !refused.is_settled_by(&name));
            image.names.push(name);
        }
    }

    /// The image of a name.
    pub fn find(&self, name: &Reference) -> Option<&ArchivedImage> {
        self.images.iter().find(|image| image.names.contains(name))
    }

    /// Whether a manifest or index with this digest is here.
    pub fn has(&self, digest: &Digest) -> bool {
        self.made.contains_key(digest) || self.blobs.contains_key(digest)
    }

    /// A manifest by its digest.
    pub(super) fn read_manifest(&self, digest: &Digest) -> Result<RawManifest, RegistryError> {
        if let Some(made) = self.made.get(digest) {
            return Ok(made.clone());
        }
        let content = self.blobs.get(digest).ok_or_else(|| self.missing(digest))?;
        let text = content.whole(super::TEXT_LIMIT);
        let text = text.map_err(|e| broken(content.stream.path(), digest.as_str(), e))?;
        let place = content.stream.path().display().to_string();
        RawManifest::new(text, None, Some(digest), &place)
    }

    pub(super) fn missing(&self, what: impl ToString) -> RegistryError {
        RegistryError::NotFound { what: what.to_string(), place: self.place.clone() }
    }
}

/// Looks through one archive, and what is in it. What turns out to be a layer
/// isn't looked at as an archive of its own.
fn open(path: &Path, scan: &mut Scan, gathered: &mut Gathered) -> Result<(), RegistryError> {
    scan.path(path)?;
    let mut layers: Vec<BTreeSet<String>> = Vec::new();
    let mut is_layer = Vec::new();
    for files in std::mem::take(&mut scan.found) {
        let inside = files.inside.as_ref();
        let is_one =
            inside.is_some_and(|(outer, name)| is_layer[*outer] || layers[*outer].contains(name));
        is_layer.push(is_one);
        layers.push(BTreeSet::new());
        if let Some(used) = layers.last_mut().filter(|_| !is_one) {
            gathered.files(&files, used).map_err(|e| broken(path, &files.place, e))?;
        }
    }
    Ok(())
}
