//! Why archives don't have what they were asked for.

use edgectl_model::{Digest, Platform, Reference};

use super::catalog::{ArchivedImage, Archives, RefusedName};
use crate::error::RegistryError;
use crate::manifest::{Entry, Parsed};

impl Archives {
    /// Names that archives give and that lead to no image, with the images
    /// that they are given to.
    pub fn refused(&self) -> impl Iterator<Item = (&ArchivedImage, &RefusedName)> {
        let all = self
            .images
            .iter()
            .flat_map(|image| image.refused.iter().map(move |refused| (image, refused)));
        // Another archive may have what this one can't tell.
        all.filter(|(_, refused)| match refused.name.digest() {
            Some(digest) => !self.has(digest),
            None => self.find(&refused.name).is_none(),
        })
    }

    /// The error for an image, or a manifest of one, that isn't here.
    pub(super) fn absent(&self, reference: &Reference, digest: Option<&Digest>) -> RegistryError {
        let refused = self.refused().find(|(_, refused)| refused.name == *reference);
        if let Some((_, refused)) = refused {
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
        let lacks = |image: &&ArchivedImage| {
            self.survey(&image.digest).is_ok_and(|survey| survey.missing.contains(wanted))
        };
        let image = self.find(reference).into_iter().chain(&self.images).find(lacks)?;
        let entries = match self.read_manifest(&image.digest).ok()?.parse().ok()? {
            Parsed::Index(entries) => entries,
            Parsed::Image { .. } => Vec::new(),
        };
        let platforms = |is_there: bool| -> Vec<Platform> {
            let fits = |entry: &&Entry| self.has(&entry.blob.digest) == is_there;
            let mut all: Vec<Platform> =
                entries.iter().filter(fits).filter_map(|entry| entry.platform.clone()).collect();
            all.sort();
            all.dedup();
            all
        };
        let (lacking, there) = (platforms(false), platforms(true));
        if lacking.is_empty() {
            return Some(self.missing(wanted));
        }
        let (image, place) = (reference.to_string(), image.place.clone());
        Some(RegistryError::LackingPlatforms { image, place, lacking, there })
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
