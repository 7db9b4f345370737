//! The distribution API: manifests, blobs and uploads of one registry.

use edgectl_model::Digest;
use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Method, Url};

use super::answer::Purpose;
use super::client::{Ask, Client};
use crate::error::{Mismatch, RegistryError};
use crate::manifest::{self, Pinned, RawManifest};
use crate::retry::Backoff;

const DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// What a HEAD of a manifest tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) digest: Digest,
    pub(crate) media_type: String,
    pub(crate) size: u64,
}

/// What a HEAD of a blob tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlobHead {
    /// Bytes; not every registry says.
    pub(crate) size: Option<u64>,
}

impl Head {
    /// As an outcome; a HEAD tells no platforms.
    pub(crate) fn into_pinned(self) -> Pinned {
        let Self { digest, media_type, size } = self;
        Pinned { digest, media_type, size, platforms: Vec::new(), origin: None }
    }
}

pub(super) fn pull_scope(path: &str) -> String {
    format!("repository:{path}:pull")
}

pub(super) fn push_scope(path: &str) -> String {
    format!("repository:{path}:pull,push")
}

pub(super) fn pulling(path: &str, what: impl ToString) -> Purpose {
    Purpose { what: what.to_string(), action: format!("pull from `{path}`") }
}

pub(super) fn pushing(path: &str, what: impl ToString) -> Purpose {
    Purpose { what: what.to_string(), action: format!("push to `{path}`") }
}

impl Client {
    pub(super) async fn url(&self, rest: &str) -> Result<Url, RegistryError> {
        self.base().await?.join("v2/").and_then(|url| url.join(rest)).map_err(|e| {
            RegistryError::Configuration { host: self.host().to_owned(), reason: e.to_string() }
        })
    }

    /// What a tag or digest stands for; none if it isn't there.
    pub(crate) async fn head_manifest(
        &self,
        path: &str,
        name: &str,
        push: bool,
    ) -> Result<Option<Head>, RegistryError> {
        let what = format!("{}/{path}:{name}", self.host());
        let scope = if push { push_scope(path) } else { pull_scope(path) };
        let url = self.url(&format!("{path}/manifests/{name}")).await?;
        let mut ask = Ask::new(Method::HEAD, url, &[scope]);
        ask.headers.insert(ACCEPT, HeaderValue::from_static(manifest::ACCEPT));
        let answer = self.send(&ask).await?;
        let answer = match self.expect("HEAD", answer, &[200], &pulling(path, what)).await {
            Err(RegistryError::NotFound { .. }) => return Ok(None),
            other => other?,
        };
        let text = |name| answer.headers().get(name).and_then(|v: &HeaderValue| v.to_str().ok());
        if let Some(digest) = text(DIGEST).and_then(|text| Digest::parse(text).ok()) {
            let media_type = text(CONTENT_TYPE).unwrap_or_default().to_owned();
            let size = text(CONTENT_LENGTH).and_then(|size| size.parse().ok()).unwrap_or(0);
            return Ok(Some(Head { digest, media_type, size }));
        }
        // Some registries don't say the digest.
        let raw = self.get_manifest(path, name, None).await?;
        Ok(Some(Head {
            digest: raw.digest().clone(),
            media_type: raw.media_type().to_owned(),
            size: raw.bytes().len() as u64,
        }))
    }

    /// A manifest by tag or digest; the bytes have the digest.
    pub(crate) async fn get_manifest(
        &self,
        path: &str,
        name: &str,
        digest: Option<&Digest>,
    ) -> Result<RawManifest, RegistryError> {
        let separator = if digest.is_some() { '@' } else { ':' };
        let what = format!("{}/{path}{separator}{name}", self.host());
        let url = self.url(&format!("{path}/manifests/{name}")).await?;
        let mut ask = Ask::new(Method::GET, url, &[pull_scope(path)]);
        ask.headers.insert(ACCEPT, HeaderValue::from_static(manifest::ACCEPT));
        let mut backoff = Backoff::new(self.patience());
        loop {
            let answer = self.send(&ask).await?;
            let mut answer = self.expect("GET", answer, &[200], &pulling(path, &what)).await?;
            let media_type = answer.headers().get(CONTENT_TYPE).cloned();
            let error = match self.read_small(&mut answer, &what).await {
                Ok(bytes) => {
                    let media_type = media_type.as_ref().and_then(|value| value.to_str().ok());
                    return RawManifest::new(bytes, media_type, digest, self.host());
                }
                Err(error) => error,
            };
            let wait = error.is_temporary().then(|| backoff.next(None, false)).flatten();
            let Some(wait) = wait else { return Err(error) };
            tokio::time::sleep(wait).await;
        }
    }

    /// What a repository has of a blob; none if it doesn't.
    pub(crate) async fn head_blob(
        &self,
        path: &str,
        digest: &Digest,
    ) -> Result<Option<BlobHead>, RegistryError> {
        let url = self.url(&format!("{path}/blobs/{digest}")).await?;
        let answer = self.send(&Ask::new(Method::HEAD, url, &[push_scope(path)])).await?;
        let purpose = pulling(path, digest);
        match self.expect("HEAD", answer, &[200], &purpose).await {
            Err(RegistryError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
            Ok(answer) => {
                let size = answer.headers().get(CONTENT_LENGTH);
                let size = size.and_then(|size| size.to_str().ok()?.parse().ok());
                Ok(Some(BlobHead { size }))
            }
        }
    }

    /// Stores a manifest under a tag or its digest. Says whether the registry
    /// has taken note of the manifest's subject, if it has one.
    pub(crate) async fn put_manifest(
        &self,
        path: &str,
        name: &str,
        manifest: &RawManifest,
    ) -> Result<bool, RegistryError> {
        let url = self.url(&format!("{path}/manifests/{name}")).await?;
        let mut ask = Ask::new(Method::PUT, url, &[push_scope(path)]);
        let media_type = HeaderValue::try_from(manifest.media_type())
            .map_err(|e| RegistryError::manifest(manifest.digest(), e))?;
        ask.headers.insert(CONTENT_TYPE, media_type);
        ask.body = manifest.bytes().clone();
        let answer = self.send(&ask).await?;
        let answer = self.expect("PUT", answer, &[200, 201, 202], &pushing(path, name)).await?;
        let said = answer.headers().get(DIGEST).and_then(|value| value.to_str().ok());
        if let Some(stored) = said.and_then(|text| Digest::parse(text).ok())
            && stored.algorithm() == manifest.digest().algorithm()
            && stored != *manifest.digest()
        {
            return Err(RegistryError::Digest {
                expected: manifest.digest().clone(),
                place: format!("{}/{path}", self.host()),
                found: Mismatch::Digest(stored),
            });
        }
        Ok(answer.headers().contains_key("oci-subject"))
    }
}
