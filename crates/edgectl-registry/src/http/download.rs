//! Blobs on their way in: a connection that breaks is taken up again where it
//! broke.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use reqwest::header::{CONTENT_RANGE, HeaderValue, RANGE};
use reqwest::{Method, Response, Url};

use super::api::{pull_scope, pulling};
use super::body::next_chunk;
use super::client::{Ask, Client};
use crate::content::Chunks;
use crate::error::RegistryError;
use crate::manifest::Blob;
use crate::retry::Backoff;

/// One blob being read.
struct Download {
    client: Arc<Client>,
    path: String,
    blob: Blob,
    url: Url,
    /// The byte that comes next.
    at: u64,
    /// Bytes of the answer that were read before: a server that doesn't do
    /// ranges begins again at the first byte.
    repeated: u64,
    answer: Option<Response>,
    backoff: Backoff,
}

impl Client {
    /// A blob's bytes from byte `from` on. The first request is made at once,
    /// so that an absent blob is an error here and not in the stream.
    pub(crate) async fn get_blob(
        self: Arc<Self>,
        path: &str,
        blob: &Blob,
        from: u64,
    ) -> Result<Chunks, RegistryError> {
        let url = self.url(&format!("{path}/blobs/{}", blob.digest)).await?;
        let backoff = Backoff::new(self.patience());
        let mut download = Download {
            client: self,
            path: path.to_owned(),
            blob: blob.clone(),
            url,
            at: from,
            repeated: 0,
            answer: None,
            backoff,
        };
        download.open().await?;
        Ok(Box::pin(stream::try_unfold(download, |mut download| async move {
            let chunk = download.next().await?;
            Ok(chunk.map(|chunk| (chunk, download)))
        })))
    }
}

impl Download {
    async fn next(&mut self) -> Result<Option<Bytes>, RegistryError> {
        loop {
            let result = match &mut self.answer {
                Some(answer) => next_chunk(&self.client, answer).await,
                None => self.open().await.map(|()| Some(Bytes::new())),
            };
            match result {
                Ok(Some(chunk)) => match self.news(chunk) {
                    Some(chunk) => return Ok(Some(chunk)),
                    None => continue,
                },
                // A connection that ends early need not be an HTTP error.
                Ok(None) if self.at >= self.blob.size => return Ok(None),
                Ok(None) => self.pause(None).await?,
                Err(error) if error.is_temporary() => self.pause(Some(error)).await?,
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits before the next attempt, or fails if there have been enough.
    async fn pause(&mut self, error: Option<RegistryError>) -> Result<(), RegistryError> {
        self.answer = None;
        let asked = error.as_ref().and_then(RegistryError::retry_after);
        let Some(wait) = self.backoff.next(asked, false) else {
            return Err(error.unwrap_or_else(|| self.short()));
        };
        let (digest, at) = (&self.blob.digest, self.at);
        tracing::debug!(%digest, at, ?wait, "taking up the download again");
        tokio::time::sleep(wait).await;
        Ok(())
    }

    fn short(&self) -> RegistryError {
        RegistryError::Digest {
            expected: self.blob.digest.clone(),
            place: format!("{}/{}", self.client.host(), self.path),
            found: crate::error::Mismatch::Shorter(self.at),
        }
    }

    /// What of a piece hasn't been read before.
    fn news(&mut self, mut chunk: Bytes) -> Option<Bytes> {
        let known = self.repeated.min(chunk.len() as u64);
        self.repeated -= known;
        let new = chunk.split_off(known as usize);
        if new.is_empty() {
            return None;
        }
        self.at += new.len() as u64;
        self.backoff.progress();
        Some(new)
    }

    async fn open(&mut self) -> Result<(), RegistryError> {
        let mut ask = Ask::new(Method::GET, self.url.clone(), &[pull_scope(&self.path)]);
        if self.at > 0 {
            let range = HeaderValue::try_from(format!("bytes={}-", self.at));
            ask.headers.extend(range.ok().map(|range| (RANGE, range)));
        }
        let answer = self.client.send(&ask).await?;
        let what = format!("{}@{}", self.path, self.blob.digest);
        let purpose = pulling(&self.path, what);
        let expected: &[u16] = if self.at > 0 { &[200, 206, 416] } else { &[200] };
        let answer = self.client.expect("GET", answer, expected, &purpose).await?;
        // Nothing comes behind what there was.
        if answer.status() == 416 {
            return Err(self.short());
        }
        self.repeated = self.at.saturating_sub(first_byte(&answer));
        self.answer = Some(answer);
        Ok(())
    }
}

/// The first byte that an answer holds. A range that begins later than asked
/// would leave a hole, which the digest shows.
fn first_byte(answer: &Response) -> u64 {
    if answer.status() != 206 {
        return 0;
    }
    let range = answer.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
    let start = range.and_then(|range| range.strip_prefix("bytes ")?.split('-').next());
    start.and_then(|start| start.trim().parse().ok()).unwrap_or(0)
}
