//! What was attached to an image later and has to come along: signatures,
//! attestations and lists of contents, by the referrers API or by cosign's
//! tags.

use std::sync::Arc;

use edgectl_model::{Digest, Reference};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::error::RegistryError;
use crate::http::{Client, fallback_tag};
use crate::manifest::RawManifest;

/// What cosign puts behind the name of a digest.
pub(crate) const SUFFIXES: [&str; 3] = [".sig", ".att", ".sbom"];
/// Requests at once.
const WIDTH: usize = 4;

/// The tags under which cosign keeps what it attaches to a manifest.
pub(crate) fn cosign_tags(subject: &Digest) -> [String; 3] {
    SUFFIXES.map(|suffix| format!("{}{suffix}", fallback_tag(subject)))
}

/// Whether a tag says that something is attached to a digest, by cosign's
/// naming or by that of the referrers' fallback.
pub fn is_attachment_tag(tag: &str) -> bool {
    subject_part(tag).is_some()
}

/// The part of a tag that names what it is about: the referrers' fallback tag
/// of that digest.
pub(crate) fn subject_part(tag: &str) -> Option<&str> {
    let stem = SUFFIXES.iter().find_map(|suffix| tag.strip_suffix(suffix)).unwrap_or(tag);
    let hex = stem.strip_prefix("sha256-").or_else(|| stem.strip_prefix("sha512-"))?;
    // The specification cuts what is longer.
    let is_digest = hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_digest.then_some(stem)
}

/// Something attached to a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// Its manifest or index.
    pub manifest: RawManifest,
    /// The tag it is found by; without one it names its subject itself.
    pub tag: Option<String>,
}

impl Client {
    /// Everything attached to a manifest.
    pub(crate) async fn attached(
        self: Arc<Self>,
        path: &str,
        subject: &Digest,
    ) -> Result<Vec<Attached>, RegistryError> {
        let mut found: Vec<Attached> = Vec::new();
        let listed = self.referrers(path, subject).await?;
        let listed = listed.into_iter().map(|digest| self.one_attached(path, Some(digest), None));
        let listed = stream::iter(listed).buffered(WIDTH).try_collect::<Vec<_>>().await?;
        // Some registries answer the tag's name with the subject itself.
        let is_own = |one: &Attached| one.manifest.subject().as_ref() == Some(subject);
        found.extend(listed.into_iter().flatten().filter(is_own));
        let tagged =
            cosign_tags(subject).into_iter().map(|tag| self.one_attached(path, None, Some(tag)));
        let tagged = stream::iter(tagged).buffered(WIDTH).try_collect::<Vec<_>>().await?;
        found.extend(tagged.into_iter().flatten());
        Ok(found)
    }

    /// None if it isn't there: a list may be older than what it lists.
    async fn one_attached(
        &self,
        path: &str,
        digest: Option<Digest>,
        tag: Option<String>,
    ) -> Result<Option<Attached>, RegistryError> {
        let name = digest.as_ref().map(Digest::as_str).or(tag.as_deref()).unwrap_or_default();
        // Asking for what isn't there counts against the limits of some
        // registries, unless it is asked for by its head.
        if tag.is_some() && self.head_manifest(path, name, false).await?.is_none() {
            return Ok(None);
        }
        match self.get_manifest(path, name, digest.as_ref()).await {
            Ok(manifest) => Ok(Some(Attached { manifest, tag })),
            Err(RegistryError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Lists a referrer under its subject's tag. One at a time: the tag's
    /// index is read and written back.
    pub(crate) async fn link(
        &self,
        path: &str,
        subject: &Digest,
        referrer: &RawManifest,
    ) -> Result<(), RegistryError> {
        let _alone = self.linking().lock().await;
        let tag = fallback_tag(subject);
        let old = match self.get_manifest(path, &tag, None).await {
            Ok(old) => Some(old),
            Err(RegistryError::NotFound { .. }) => None,
            Err(error) => return Err(error),
        };
        match crate::http::with_referrer(old.as_ref(), referrer)? {
            Some(index) => self.put_manifest(path, &tag, &index).await.map(drop),
            None => Ok(()),
        }
    }
}

/// A reference's repository with another tag.
pub(crate) fn tagged(reference: &Reference, tag: &str) -> Result<Reference, RegistryError> {
    let text = format!("{}:{tag}", reference.repository());
    Reference::parse(&text).map_err(|e| RegistryError::manifest(&text, e))
}
