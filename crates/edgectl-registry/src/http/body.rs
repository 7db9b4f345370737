//! Bodies on their way in and out, and the watchdog over them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::StreamExt;
use reqwest::header::LINK;
use reqwest::{Body, Response, Url};

use super::client::Client;
use crate::content::{Chunks, Moved};
use crate::error::RegistryError;
use crate::retry::Patience;

/// The next piece of a body; a connection that stands still is an error.
pub(super) async fn next_chunk(
    client: &Client,
    answer: &mut Response,
) -> Result<Option<Bytes>, RegistryError> {
    let stall = client.patience().stall;
    match tokio::time::timeout(stall, answer.chunk()).await {
        Ok(chunk) => chunk.map_err(|e| client.broken(e)),
        Err(_) => Err(stalled(client.host(), stall)),
    }
}

/// A body that must be small, or `None` where it has more than `limit` bytes.
pub(super) async fn read_limited(
    client: &Client,
    answer: &mut Response,
    limit: usize,
) -> Result<Option<Vec<u8>>, RegistryError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = next_chunk(client, answer).await? {
        if bytes.len() + chunk.len() > limit {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Some(bytes))
}

/// Where an answer of several pages goes on: `Link: <…>; rel="next"`. Pages
/// are fetched where the first one was.
pub(super) fn next_page(answer: &Response) -> Option<Url> {
    let link = answer.headers().get(LINK)?.to_str().ok()?;
    let (target, rest) = link.trim().strip_prefix('<')?.split_once('>')?;
    let is_next = rest.contains("rel=\"next\"") || rest.contains("rel=next");
    let next = answer.url().join(target).ok()?;
    (is_next && next.origin() == answer.url().origin()).then_some(next)
}

/// Where the error that stopped a body is put.
pub(super) type Failure = Arc<Mutex<Option<RegistryError>>>;

/// A body, and the place where the error that stopped it is found: on its way
/// through the HTTP client it would lose its type.
pub(super) fn body_of(chunks: Chunks) -> (Body, Failure) {
    let failure = Failure::default();
    let slot = Arc::clone(&failure);
    let stream = chunks.map(move |chunk| {
        chunk.map_err(|error| {
            let text = error.to_string();
            if let Ok(mut slot) = slot.lock() {
                *slot = Some(error);
            }
            std::io::Error::other(text)
        })
    });
    (Body::wrap_stream(stream), failure)
}

/// Ends once no byte has moved for too long. A timeout over the whole would
/// end slow uploads of large blobs, and the HTTP client's own read timeout
/// ends uploads that move.
pub(super) async fn watch(client: &Client, moved: &Moved) -> RegistryError {
    let Patience { stall, store, .. } = *client.patience();
    loop {
        let (before, is_over) = (moved.bytes(), moved.has_ended());
        let patience = if is_over { store } else { stall };
        tokio::time::sleep(patience).await;
        if moved.bytes() == before && (is_over || !moved.has_ended()) {
            return stalled(client.host(), patience);
        }
    }
}

fn stalled(host: &str, patience: Duration) -> RegistryError {
    RegistryError::Stalled { host: host.to_owned(), seconds: patience.as_secs() }
}
