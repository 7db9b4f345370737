//! Why archives don't have what they were asked for.

use std::collections::HashMap;
use std::sync::Arc;

use edgectl_model::{Digest, Platform, Reference};

use super::catalog::{ArchivedImage, Archives, RefusedName};
use crate::error::RegistryError;
use crate::manifest::{Entry, Parsed};

/// An image of which an archive has only a part.
#[derive(Debug)]
struct Gap {
    image: Digest,
    place: String,
    /// Platforms that its index names: those that aren't there, and those that
    /// are.
    lacking: Vec<Platform>,
    there: Vec<Platform>,
}

/// Images of which a part is missing, by what is missing of them.
#[derive(Debug, Default)]
pub(super) struct Gaps(HashMap<Digest, Vec<Arc<Gap>>>);

impl Gaps {
    /// Looks through all images once, however many turn out to be missing.
    fn of(archives: &Archives) -> Self {
        let mut gaps = Self::default();
        for image in &archives.images {
            let Ok(survey) = archives.survey(&image.digest) else { continue };
            if survey.missing.is_empty() {
                continue;
            }
            let gap = Arc::new(archives.gap_of(image));
            for digest in survey.missing {
                gaps.0.entry(digest).or_default().push(Arc::clone(&gap));
            }
        }
        gaps
    }
}

impl Archives {
    /// Names that archives give and that lead to no image, with the images
    /// that they are given to.
    pub fn refused(&self) -> impl Iterator<Item = (&ArchivedImage, &RefusedName)> {
        let all = self
            .images
            .iter()
            .flat_map(|image| image.refused.iter().map(move |refused| (image, refused)));
        all.filter(|(_, refused)| self.is_nowhere(&refused.name))
    }

    /// Whether no other archive has what one can't tell.
    fn is_nowhere(&self, refused: &Reference) -> bool {
        match refused.digest() {
            Some(digest) => !self.has(digest),
            None => self.find(refused).is_none(),
        }
    }

    /// The error for an image, or a manifest of one, that isn't here.
    pub(super) fn absent(&self, reference: &Reference, digest: Option<&Digest>) -> RegistryError {
        let mut refused = self.images.iter().flat_map(|image| &image.refused);
        if let Some(refused) = refused.find(|refused| refused.name == *reference)
            && self.is_nowhere(reference)
        {
            return RegistryError::manifest(reference, &refused.why);
        }
        let by_digest = digest.or(reference.digest()).and_then(|wanted| {
            self.without_manifest(reference, wanted)
                .or_else(|| self.lacking_of_index(reference, wanted))
                .or_else(|| self.other_digest(reference, wanted))
        });
        by_digest.unwrap_or_else(|| self.missing(reference))
    }

    /// An image that is named, and that is all.
    fn without_manifest(&self, reference: &Reference, wanted: &Digest) -> Option<RegistryError> {
        let image = self.images.iter().find(|image| image.digest == *wanted)?;
        let reason = format!("`{}` names it, but lacks its manifest `{wanted}`", image.place);
        Some(RegistryError::manifest(reference, reason))
    }

    /// `docker save` with the store of containerd keeps an index whole, and of
    /// its images only those that were pulled.
    fn lacking_of_index(&self, reference: &Reference, wanted: &Digest) -> Option<RegistryError> {
        let gaps = self.gaps.get_or_init(|| Gaps::of(self)).0.get(wanted)?;
        let named = self.find(reference).map(|image| &image.digest);
        let gap = gaps.iter().find(|gap| Some(&gap.image) == named).or(gaps.first())?;
        if gap.lacking.is_empty() {
            return Some(self.missing(wanted));
        }
        let (image, place) = (reference.to_string(), gap.place.clone());
        let (lacking, there) = (gap.lacking.clone(), gap.there.clone());
        Some(RegistryError::LackingPlatforms { image, place, lacking, there })
    }

    fn gap_of(&self, image: &ArchivedImage) -> Gap {
        let index = self.read_manifest(&image.digest).and_then(|raw| raw.parse());
        let entries = match index {
            Ok(Parsed::Index(entries)) => entries,
            Ok(Parsed::Image { .. }) | Err(_) => Vec::new(),
        };
        let platforms = |is_there: bool| -> Vec<Platform> {
            let fits = |entry: &&Entry| self.has(&entry.blob.digest) == is_there;
            let mut all: Vec<Platform> =
                entries.iter().filter(fits).filter_map(|entry| entry.platform.clone()).collect();
            all.sort();
            all.dedup();
            all
        };
        let (image, place) = (image.digest.clone(), image.place.clone());
        Gap { image, place, lacking: platforms(false), there: platforms(true) }
    }

    /// Why an image that is here under another digest isn't taken.
    fn other_digest(&self, reference: &Reference, wanted: &Digest) -> Option<RegistryError> {
        let image = self.find(reference)?;
        let why = match image.is_made {
            true => "; what `docker save` writes can't keep the digest that a registry knew",
            false => "",
        };
        let reason = format!(
            "`{}` has it as `{}`, and the lock as `{wanted}`{why}; `--update` takes what is there",
            image.place, image.digest
        );
        Some(RegistryError::manifest(reference, reason))
    }
}
