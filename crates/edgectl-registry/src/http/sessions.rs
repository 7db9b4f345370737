//! Upload sessions: opened, asked how far they are, given up.

use reqwest::header::{LOCATION, RANGE};
use reqwest::{Method, Response, Url};

use super::api::{pull_scope, push_scope, pushing};
use super::client::{Ask, Client};
use crate::error::{RegistryError, is_temporary_status};
use crate::manifest::Blob;
use crate::sink::UploadSession;

/// What came of a mount.
#[derive(Debug)]
pub(crate) enum Mounted {
    /// The blob is there.
    Done,
    /// It isn't, but an upload is open.
    Session(UploadSession),
}

impl Client {
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

    /// Asks once how far an upload is; none if the registry has forgotten it,
    /// or can't say. Registries may change its address with each answer, and
    /// have it on another host: one that doesn't answer any more has lost it.
    pub(crate) async fn upload_status(
        &self,
        path: &str,
        session: &UploadSession,
    ) -> Result<Option<UploadSession>, RegistryError> {
        let ask = Ask::new(Method::GET, session.url.clone(), &[push_scope(path)]);
        let Some(answer) = self.ask_of_session(&ask).await? else { return Ok(None) };
        let status = answer.status().as_u16();
        if is_temporary_status(status) {
            let purpose = pushing(path, "the upload's state");
            self.expect("GET", answer, &[], &purpose).await?;
            return Ok(None);
        }
        if !matches!(status, 200 | 202 | 204) {
            return Ok(None);
        }
        let Some(at) = received(&answer) else { return Ok(None) };
        let url = match answer.headers().contains_key(LOCATION) {
            true => self.session(&answer)?.url,
            false => session.url.clone(),
        };
        Ok(Some(UploadSession { url, at, ..session.clone() }))
    }

    /// Gives up an upload; a registry that can't do that forgets it later.
    pub(crate) async fn cancel_upload(&self, path: &str, session: UploadSession) {
        let ask = Ask::new(Method::DELETE, session.url, &[push_scope(path)]);
        let _ = self.ask_of_session(&ask).await;
    }

    /// Sends a question about an upload; none where its host, and that is not
    /// the registry's, can't be reached.
    async fn ask_of_session(&self, ask: &Ask) -> Result<Option<Response>, RegistryError> {
        if !self.is_own(&ask.url).await? {
            match self.send_once(ask).await {
                Ok(answer) if is_temporary_status(answer.status().as_u16()) => {}
                Ok(answer) => return Ok(Some(answer)),
                Err(error) => {
                    tracing::debug!(host = self.host(), %error, "an upload can't be asked about");
                    return Ok(None);
                }
            }
        }
        self.send(ask).await.map(Some)
    }

    /// The upload's address. Behind a proxy that ends TLS a registry may say
    /// `http`; that would send us, and the login, to the wrong door.
    pub(super) fn session(&self, answer: &Response) -> Result<UploadSession, RegistryError> {
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
        if asked.scheme() == "https" && url.scheme() == "http" {
            let host = self.host().to_owned();
            let reason = format!("it wants uploads sent to `{}` without TLS", place_of(&url));
            return Err(RegistryError::Configuration { host, reason });
        }
        Ok(UploadSession { url, at: 0, read: None, least: least(answer) })
    }
}

/// Host and port; the rest of an upload's address is secret.
fn place_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Bytes that a registry has of an upload; none where its `Range` can't be
/// read. `0-0` is what registries say of an upload without bytes.
pub(super) fn received(answer: &Response) -> Option<u64> {
    let Some(range) = answer.headers().get(RANGE) else { return Some(0) };
    let range = range.to_str().ok()?.trim();
    let range =
        range.strip_prefix("bytes").map_or(range, |rest| rest.trim_start_matches(['=', ' ']));
    let (first, last) = range.split_once('-')?;
    let last: u64 = last.trim().parse().ok()?;
    if first.trim() != "0" {
        return None;
    }
    if last == 0 { Some(0) } else { last.checked_add(1) }
}

/// The smallest chunk that the registry wants, the last one apart.
fn least(answer: &Response) -> u64 {
    let value = answer.headers().get("oci-chunk-min-length");
    value.and_then(|value| value.to_str().ok()?.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(range: Option<&str>) -> Response {
        let mut builder = http::Response::builder().status(204);
        if let Some(range) = range {
            builder = builder.header(RANGE, range);
        }
        builder.body(reqwest::Body::from("")).unwrap().into()
    }

    #[test]
    fn reads_every_form_of_range() {
        for (range, bytes) in [
            (None, Some(0)),
            (Some("0-0"), Some(0)),
            (Some("bytes=0-9"), Some(10)),
            (Some("bytes 0-9"), Some(10)),
            (Some("0-33554431"), Some(32 << 20)),
            (Some("5-9"), None),
            (Some("0-18446744073709551615"), None),
            (Some("soon"), None),
        ] {
            assert_eq!(received(&answer(range)), bytes, "{range:?}");
        }
    }
}
