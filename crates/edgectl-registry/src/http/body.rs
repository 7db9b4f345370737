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

/// Where an answer of several pages goes on: `Link: <…>; rel="next"` (RFC
/// 8288). Pages are fetched where the first one was: behind front ends
/// registries name themselves with `http` or with an inner name. A list that
/// can't be followed is an error, and never a short list.
pub(super) fn next_page(answer: &Response) -> Result<Option<Url>, RegistryError> {
    let links = answer.headers().get_all(LINK).iter();
    let links = links.map(|value| String::from_utf8_lossy(value.as_bytes()));
    let Some(target) = links.into_iter().find_map(|link| next_target(&link)) else {
        return Ok(None);
    };
    let here = answer.url();
    let wrong = |reason| RegistryError::manifest(here.path(), reason);
    let next =
        here.join(&target).map_err(|e| wrong(format!("its next page is `{target}`: {e}")))?;
    let mut page = here.clone();
    page.set_path(next.path());
    page.set_query(next.query());
    match page == *here {
        true => Err(wrong("its next page is the page itself".to_owned())),
        false => Ok(Some(page)),
    }
}

/// The target of the link that is marked as the next page.
fn next_target(value: &str) -> Option<String> {
    let mut rest = value;
    loop {
        let (target, after) = rest.split_once('<')?.1.split_once('>')?;
        // Commas stand in quotes, too; a link begins with `<` behind one.
        let end = after.find(",<").or_else(|| after.find(", <")).unwrap_or(after.len());
        let (marks, others) = after.split_at(end);
        if marks.split(';').any(is_next) {
            return Some(target.to_owned());
        }
        rest = others;
    }
}

fn is_next(mark: &str) -> bool {
    let Some((name, value)) = mark.split_once('=') else { return false };
    let mut relations = value.trim().trim_matches('"').split_ascii_whitespace();
    name.trim().eq_ignore_ascii_case("rel") && relations.any(|r| r.eq_ignore_ascii_case("next"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_among_links() {
        for (value, expected) in [
            ("</v2/a/tags/list?last=x&n=2>; rel=\"next\"", Some("/v2/a/tags/list?last=x&n=2")),
            ("</a>; rel=next", Some("/a")),
            ("</a>; rel=\"first\", </b>;title=\"x, y\"; REL=\"last next\"", Some("/b")),
            ("</a>; rel=\"first\",</b>; rel=next", Some("/b")),
            ("</a>; rel=\"nextish\"", None),
            ("</a", None),
            ("", None),
        ] {
            assert_eq!(next_target(value).as_deref(), expected, "{value}");
        }
    }
}
