//! What refers to a manifest: the referrers API of the distribution
//! specification, and the tag that stands in for it where there is no API.

use bytes::Bytes;
use edgectl_model::Digest;
use reqwest::header::{ACCEPT, HeaderValue};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::api::{pull_scope, pulling};
use super::body::{next_page, read_limited};
use super::client::{Ask, Client};
use crate::error::RegistryError;
use crate::manifest::{MANIFEST_LIMIT, Parsed, RawManifest};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// Referrers of one manifest; real images have a handful.
const MOST: usize = 1000;
/// Pages of one answer; there are registries that put one on each.
const PAGES: usize = MOST;

/// The tag under which clients keep referrers themselves.
pub(crate) fn fallback_tag(subject: &Digest) -> String {
    // The specification cuts both parts so that the whole fits a tag.
    let hex: String = subject.hex().chars().take(64).collect();
    format!("{}-{hex}", subject.algorithm())
}

impl Client {
    /// Digests of the manifests that say they refer to `subject`. What a
    /// registry lists need not be true; the manifests themselves tell.
    pub(crate) async fn referrers(
        &self,
        path: &str,
        subject: &Digest,
    ) -> Result<Vec<Digest>, RegistryError> {
        if !self.lacks_referrers(path) {
            if let Some(found) = self.ask_referrers(path, subject).await? {
                return Ok(found);
            }
            self.note_no_referrers(path);
        }
        match self.get_manifest(path, &fallback_tag(subject), None).await {
            Ok(raw) => Ok(listed(&raw).unwrap_or_default()),
            Err(RegistryError::NotFound { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// None where the registry doesn't know the API.
    async fn ask_referrers(
        &self,
        path: &str,
        subject: &Digest,
    ) -> Result<Option<Vec<Digest>>, RegistryError> {
        let mut url = self.url(&format!("{path}/referrers/{subject}")).await?;
        let mut found = Vec::new();
        for _ in 0..PAGES {
            let mut ask = Ask::new(Method::GET, url.clone(), &[pull_scope(path)]);
            ask.headers.insert(ACCEPT, HeaderValue::from_static(INDEX));
            let mut answer = self.send(&ask).await?;
            match answer.status().as_u16() {
                200 => {}
                400 | 404 | 405 | 501 => return Ok(None),
                _ => {
                    let purpose = pulling(path, subject);
                    self.expect("GET", answer, &[200], &purpose).await?;
                    return Ok(None);
                }
            }
            let next = next_page(&answer)?;
            let bytes = self.read_small(&mut answer, subject).await?;
            let place = self.host();
            let Some(more) =
                RawManifest::new(bytes, Some(INDEX), None, place).ok().and_then(|raw| listed(&raw))
            else {
                // A page for people with status 200.
                return Ok(None);
            };
            found.extend(more);
            match next {
                Some(next) => url = next,
                None if found.len() <= MOST => return Ok(Some(found)),
                None => break,
            }
        }
        let reason = format!(
            "more than {MOST} manifests refer to it; `--no-attachments` copies it without them"
        );
        Err(RegistryError::manifest(subject, reason))
    }

    /// A body that must be small.
    pub(super) async fn read_small(
        &self,
        answer: &mut Response,
        what: impl std::fmt::Display,
    ) -> Result<Bytes, RegistryError> {
        match read_limited(self, answer, MANIFEST_LIMIT).await? {
            Some(bytes) => Ok(bytes.into()),
            None => Err(RegistryError::manifest(what, "it is larger than 8 MiB")),
        }
    }
}

/// What an index lists; none if it isn't one.
fn listed(raw: &RawManifest) -> Option<Vec<Digest>> {
    match raw.parse().ok()? {
        Parsed::Index(entries) => Some(entries.into_iter().map(|e| e.blob.digest).collect()),
        Parsed::Image { .. } => None,
    }
}

/// The index under the fallback tag with one more referrer in it; none if it
/// is in there already.
pub(crate) fn with_referrer(
    old: Option<&RawManifest>,
    referrer: &RawManifest,
) -> Result<Option<RawManifest>, RegistryError> {
    let empty = || json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": []});
    let old = old.filter(|old| matches!(old.parse(), Ok(Parsed::Index(_))));
    let mut index: Value =
        old.and_then(|old| serde_json::from_slice(old.bytes()).ok()).unwrap_or_else(empty);
    let entry = referrer.descriptor();
    let Some(list) = index.get_mut("manifests").and_then(Value::as_array_mut) else {
        return Err(RegistryError::manifest(referrer.digest(), "its index has no `manifests`"));
    };
    if list.iter().any(|known| known.get("digest") == entry.get("digest")) {
        return Ok(None);
    }
    list.push(entry);
    RawManifest::new(index.to_string().into(), Some(INDEX), None, "").map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &Value) -> RawManifest {
        RawManifest::new(json.to_string().into(), None, None, "test").unwrap()
    }

    #[test]
    fn adds_a_referrer_once_and_replaces_what_is_no_index() {
        let referrer = raw(&json!({
            "schemaVersion": 2, "artifactType": "application/spdx+json", "layers": [],
            "annotations": {"a": "b"},
        }));
        let first = with_referrer(None, &referrer).unwrap().unwrap();
        let text = std::str::from_utf8(first.bytes()).unwrap();
        assert!(text.contains("application/spdx+json") && text.contains(r#"{"a":"b"}"#), "{text}");
        assert!(with_referrer(Some(&first), &referrer).unwrap().is_none());
        let again = with_referrer(Some(&referrer), &referrer).unwrap().unwrap();
        assert_eq!(again.digest(), first.digest());
    }

    #[test]
    fn the_tag_of_a_long_digest_fits() {
        let digest = Digest::parse(&format!("sha512:{}", "ab".repeat(64))).unwrap();
        assert_eq!(fallback_tag(&digest).len(), 7 + 64);
    }
}
