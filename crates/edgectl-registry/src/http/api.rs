//! The distribution API: manifests, blobs and uploads of one registry.

use edgectl_model::Digest;
use reqwest::header::{
    ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION,
};
use reqwest::{Method, Response, Url};

use super::answer::Purpose;
use super::body::{body_of, next_chunk, watch};
use super::client::{Ask, Client};
use crate::content::{Chunks, Moved};
use crate::error::RegistryError;
use crate::manifest::{self, Blob, MANIFEST_LIMIT, Pinned, RawManifest};
use crate::sink::UploadSession;

const DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// What a HEAD of a manifest tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) digest: Digest,
    pub(crate) media_type: String,
    pub(crate) size: u64,
}

impl Head {
    /// As an outcome; a HEAD tells no platforms.
    pub(crate) fn into_pinned(self) -> Pinned {
        let Self { digest, media_type, size } = self;
        Pinned { digest, media_type, size, platforms: Vec::new() }
    }
}

/// What came of a mount.
#[derive(Debug)]
pub(crate) enum Mounted {
    /// The blob is there.
    Done,
    /// It isn't, but an upload is open.
    Session(UploadSession),
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
        let answer = self.send(&ask).await?;
        let mut answer = self.expect("GET", answer, &[200], &pulling(path, &what)).await?;
        let media_type = answer.headers().get(CONTENT_TYPE).cloned();
        let mut bytes = Vec::new();
        while let Some(chunk) = next_chunk(self, &mut answer).await? {
            if bytes.len() + chunk.len() > MANIFEST_LIMIT {
                return Err(RegistryError::manifest(what, "it is larger than 8 MiB"));
            }
            bytes.extend_from_slice(&chunk);
        }
        let media_type = media_type.as_ref().and_then(|value| value.to_str().ok());
        RawManifest::new(bytes.into(), media_type, digest, self.host())
    }

    /// Whether a repository has a blob.
    pub(crate) async fn has_blob(&self, path: &str, blob: &Blob) -> Result<bool, RegistryError> {
        let url = self.url(&format!("{path}/blobs/{}", blob.digest)).await?;
        let answer = self.send(&Ask::new(Method::HEAD, url, &[push_scope(path)])).await?;
        let purpose = pulling(path, &blob.digest);
        match self.expect("HEAD", answer, &[200], &purpose).await {
            Err(RegistryError::NotFound { .. }) => Ok(false),
            other => other.map(|_| true),
        }
    }

    /// Asks the registry to take a blob over from another repository.
    pub(crate) async fn mount(
        &self,
        path: &str,
        blob: &Blob,
        from: &str,
    ) -> Result<Mounted, RegistryError> {
        let mut url = self.url(&format!("{path}/blobs/uploads/")).await?;
        url.query_pairs_mut().append_pair("mount", blob.digest.as_str()).append_pair("from", from);
        let ask = Ask::new(Method::POST, url, &[push_scope(path), pull_scope(from)]);
        let answer = self.send(&ask).await?;
        let purpose = pushing(path, &blob.digest);
        let answer = self.expect("POST", answer, &[201, 202], &purpose).await?;
        match answer.status().as_u16() {
            201 => Ok(Mounted::Done),
            _ => self.session(&answer).map(Mounted::Session),
        }
    }

    /// Opens an upload.
    pub(crate) async fn start_upload(&self, path: &str) -> Result<UploadSession, RegistryError> {
        let url = self.url(&format!("{path}/blobs/uploads/")).await?;
        let answer = self.send(&Ask::new(Method::POST, url, &[push_scope(path)])).await?;
        let answer = self.expect("POST", answer, &[202], &pushing(path, path)).await?;
        self.session(&answer)
    }

    /// Gives up an upload; a registry that can't do that forgets it later.
    pub(crate) async fn cancel_upload(&self, path: &str, session: UploadSession) {
        let ask = Ask::new(Method::DELETE, session.url, &[push_scope(path)]);
        let _ = self.send(&ask).await;
    }

    /// The upload's address. Behind a proxy that ends TLS a registry may say
    /// `http`; that would send us, and the login, to the wrong door.
    fn session(&self, answer: &Response) -> Result<UploadSession, RegistryError> {
        let asked = answer.url();
        let location = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let url = location.and_then(|location| asked.join(location).ok());
        let Some(mut url) = url else {
            let host = self.host().to_owned();
            let reason = "it opens uploads without saying where".to_owned();
            return Err(RegistryError::Configuration { host, reason });
        };
        if asked.scheme() == "https" && url.scheme() == "http" && url.host() == asked.host() {
            let _ = url.set_scheme("https");
            let _ = url.set_port(asked.port());
        }
        Ok(UploadSession { url })
    }

    /// Sends a blob into an upload and closes it. The stream must be verified.
    pub(crate) async fn put_blob(
        &self,
        path: &str,
        blob: &Blob,
        session: UploadSession,
        chunks: Chunks,
        moved: &Moved,
    ) -> Result<(), RegistryError> {
        let mut ask = Ask::new(Method::PUT, session.url, &[push_scope(path)]);
        ask.url.query_pairs_mut().append_pair("digest", blob.digest.as_str());
        ask.headers = blob_headers(blob.size);
        let (body, failure) = body_of(chunks);
        let sending = self.send_body(&ask, body);
        let sent = tokio::select! {
            sent = sending => sent,
            stalled = watch(self.host(), moved) => Err(stalled),
        };
        // What stopped the stream says more than that it stopped.
        if let Some(failure) = failure.lock().ok().and_then(|mut slot| slot.take()) {
            return Err(failure);
        }
        self.expect("PUT", sent?, &[201, 204], &pushing(path, &blob.digest)).await.map(drop)
    }

    /// Stores a manifest under a tag or its digest.
    pub(crate) async fn put_manifest(
        &self,
        path: &str,
        name: &str,
        manifest: &RawManifest,
    ) -> Result<(), RegistryError> {
        let url = self.url(&format!("{path}/manifests/{name}")).await?;
        let mut ask = Ask::new(Method::PUT, url, &[push_scope(path)]);
        let media_type = HeaderValue::try_from(manifest.media_type())
            .map_err(|e| RegistryError::manifest(manifest.digest(), e))?;
        ask.headers.insert(CONTENT_TYPE, media_type);
        ask.body = manifest.bytes().clone();
        let answer = self.send(&ask).await?;
        self.expect("PUT", answer, &[200, 201, 202], &pushing(path, name)).await.map(drop)
    }
}

fn blob_headers(size: u64) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_LENGTH, HeaderValue::from(size));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers
}
