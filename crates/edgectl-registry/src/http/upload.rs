//! A blob's way into an open upload: in one body where it is small, in chunks
//! where it isn't, and on from where it broke.

use std::sync::Arc;

use bytes::Bytes;
use edgectl_process::interrupted;
use futures_util::stream;
use reqwest::header::{
    CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION,
};
use reqwest::{Method, Response, Url};
use tokio::sync::Mutex;

use super::api::{push_scope, pushing};
use super::body::{body_of, watch};
use super::client::{Ask, Client};
use super::sessions::received;
use crate::content::{Checkpoint, Chunks, Content, Moved, Reader};
use crate::error::RegistryError;
use crate::journal::Note;
use crate::manifest::Blob;
use crate::retry::Backoff;
use crate::sink::UploadSession;

/// One blob on its way into one repository.
pub(crate) struct Upload<'a> {
    pub(crate) client: &'a Client,
    pub(crate) path: &'a str,
    pub(crate) blob: &'a Blob,
    pub(crate) content: &'a dyn Content,
    pub(crate) moved: &'a Moved,
    pub(crate) note: Note<'a>,
}

/// Why an upload ended without the blob being there.
pub(crate) enum Ended {
    /// The registry's limits are better known now: open another upload.
    Again,
    /// It failed.
    Failed(RegistryError),
}

impl<E: Into<RegistryError>> From<E> for Ended {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

type Shared = Arc<Mutex<Reader>>;

impl Upload<'_> {
    /// Sends the blob into a session and closes it.
    pub(crate) async fn run(&self, session: UploadSession) -> Result<(), Ended> {
        let chunk = self.client.chunking().size(session.least);
        match chunk {
            Some(chunk) if session.at > 0 || self.blob.size > chunk => {
                self.chunked(session, chunk).await
            }
            // A whole blob has no place behind the start of one.
            None if session.at > 0 => {
                self.abandon(session).await;
                Err(Ended::Again)
            }
            _ => self.whole(session).await,
        }
    }

    /// Everything in the body of the request that closes the upload.
    async fn whole(&self, session: UploadSession) -> Result<(), Ended> {
        let reader = match self.reader(Checkpoint::start(self.blob), 0).await {
            Err(error @ RegistryError::NotFound { .. }) => {
                return self.give_up(session, error).await;
            }
            reader => reader?,
        };
        let ask = self.closing(&session.url, self.blob.size);
        let sent = match self.send(&ask, reader, self.blob.size).await {
            // Whatever is in there is of no use.
            Err(Refusal::Source(error @ RegistryError::Digest { .. })) => {
                return self.give_up(session, error).await;
            }
            sent => sent?.0,
        };
        if sent.status() == 413 && self.client.chunking().lower(self.blob.size) {
            self.abandon(session).await;
            return Err(Ended::Again);
        }
        self.closed(sent, session).await
    }

    async fn chunked(&self, mut session: UploadSession, chunk: u64) -> Result<(), Ended> {
        let mut backoff = Backoff::new(self.client.patience());
        let mut reader: Option<Shared> = None;
        let mut chunk = chunk;
        let begun = session.at;
        loop {
            // What is there so far is kept for the next run.
            interrupted()?;
            if session.at >= self.blob.size {
                return self.close(session).await;
            }
            let length = chunk.min(self.blob.size - session.at);
            let shared = match reader.take() {
                Some(reader) => reader,
                None => match self.reader(self.checkpoint(&session), session.at).await {
                    Err(
                        error @ (RegistryError::Digest { .. } | RegistryError::NotFound { .. }),
                    ) => {
                        return self.give_up(session, error).await;
                    }
                    other => other?,
                },
            };
            let error = match self.patch(&session, shared, length).await {
                Ok((next, read)) => {
                    session = next;
                    reader = read;
                    backoff.progress();
                    self.note.session(&session);
                    continue;
                }
                // What was sent before may be what is wrong.
                Err(Refusal::Source(error @ RegistryError::Digest { .. })) => {
                    return self.give_up(session, error).await;
                }
                Err(Refusal::Source(error)) => return Err(error.into()),
                Err(Refusal::TooLarge(error)) => match self.client.chunking().lower(length) {
                    true => {
                        chunk = self.client.chunking().size(session.least).unwrap_or(chunk);
                        error
                    }
                    false => return self.give_up(session, error).await,
                },
                Err(Refusal::NoChunks(_)) if session.at == 0 => {
                    self.client.chunking().refuse();
                    self.abandon(session).await;
                    return Err(Ended::Again);
                }
                // It may be the rest of a body that broke, which is not gone
                // on with everywhere.
                Err(Refusal::NoChunks(error)) if session.at == begun && !is_out_of_step(&error) => {
                    self.abandon(session).await;
                    return Err(Ended::Again);
                }
                Err(Refusal::NoChunks(error) | Refusal::Other(error)) => error,
            };
            let is_passing = error.is_temporary() || matches!(&error, RegistryError::Http(_));
            let wait = is_passing.then(|| backoff.next(error.retry_after(), false)).flatten();
            let Some(wait) = wait else { return Err(error.into()) };
            tracing::debug!(digest = %self.blob.digest, at = session.at, %error, ?wait, "asking how far");
            tokio::time::sleep(wait).await;
            session = match self.client.upload_status(self.path, &session).await? {
                Some(known) => known,
                None => return self.give_up(session, error).await,
            };
        }
    }

    /// Closes an upload that holds everything.
    async fn close(&self, session: UploadSession) -> Result<(), Ended> {
        let ask = self.closing(&session.url, 0);
        let answer = self.client.send(&ask).await?;
        self.closed(answer, session).await
    }

    /// What a registry says of an upload that is to be closed.
    async fn closed(&self, answer: Response, session: UploadSession) -> Result<(), Ended> {
        let purpose = pushing(self.path, &self.blob.digest);
        match self.client.expect("PUT", answer, &[201, 204], &purpose).await {
            Ok(_) => {
                self.note.gone();
                Ok(())
            }
            // All of it is there; only the registry's mood is not.
            Err(error) if error.is_temporary() => Err(error.into()),
            // Whatever is in there is of no use: begin again.
            Err(error) => self.give_up(session, error).await,
        }
    }

    /// Leaves an upload that can't be gone on with.
    async fn give_up(&self, session: UploadSession, error: RegistryError) -> Result<(), Ended> {
        self.abandon(session).await;
        Err(Ended::Failed(error))
    }

    async fn abandon(&self, session: UploadSession) {
        self.note.gone();
        self.client.cancel_upload(self.path, session).await;
    }

    /// The last place before the session's end whose digest is known.
    fn checkpoint(&self, session: &UploadSession) -> Checkpoint {
        let read = session.read.clone().filter(|read| read.at <= session.at);
        read.unwrap_or_else(|| Checkpoint::start(self.blob))
    }

    async fn reader(&self, from: Checkpoint, at: u64) -> Result<Shared, RegistryError> {
        let chunks = self.content.open(from.at).await?;
        let mut reader = Reader::new(chunks, self.blob, self.content.place(), from);
        reader.skip_to(at).await?;
        Ok(Arc::new(Mutex::new(reader)))
    }

    /// Sends one chunk. The reader comes back only if it stands where the
    /// registry does.
    async fn patch(
        &self,
        session: &UploadSession,
        reader: Shared,
        length: u64,
    ) -> Result<(UploadSession, Option<Shared>), Refusal> {
        let mut ask = Ask::new(Method::PATCH, session.url.clone(), &[push_scope(self.path)]);
        ask.headers = body_headers(length);
        let end = session.at + length;
        let range = HeaderValue::try_from(format!("{}-{}", session.at, end - 1));
        ask.headers.extend(range.ok().map(|range| (CONTENT_RANGE, range)));
        let (answer, reader) = self.send(&ask, reader, length).await?;
        let status = answer.status().as_u16();
        let has_location = answer.headers().contains_key(LOCATION);
        let purpose = pushing(self.path, &self.blob.digest);
        let answer = self
            .client
            .expect("PATCH", answer, &[201, 202, 204], &purpose)
            .await
            .map_err(|error| Refusal::of(status, error))?;
        let url = match has_location {
            true => self.client.session(&answer).map_err(Refusal::Other)?.url,
            false => session.url.clone(),
        };
        // A registry that says nothing has taken everything.
        let at = received(&answer).filter(|at| *at > session.at && *at < end).unwrap_or(end);
        let read = reader.lock().await.checkpoint().clone();
        let is_in_step = read.at == at;
        let read = if is_in_step { Some(read) } else { session.read.clone() };
        let next = UploadSession { url, at, read, least: session.least };
        Ok((next, is_in_step.then_some(reader)))
    }

    /// Sends `length` bytes of the blob. An error of the source is told apart
    /// from one of the registry: it says more than that a body broke off.
    async fn send(
        &self,
        ask: &Ask,
        reader: Shared,
        length: u64,
    ) -> Result<(Response, Shared), Refusal> {
        let (body, failure) = body_of(pieces(Arc::clone(&reader), length, self.moved.clone()));
        self.moved.set_ended(false);
        let _pass = self.client.body_pass().await;
        let sent = tokio::select! {
            sent = self.client.send_body(ask, body) => sent,
            stalled = watch(self.client, self.moved) => Err(stalled),
        };
        if let Some(error) = failure.lock().ok().and_then(|mut slot| slot.take()) {
            return Err(Refusal::Source(error));
        }
        Ok((sent.map_err(Refusal::Other)?, reader))
    }

    fn closing(&self, url: &Url, length: u64) -> Ask {
        let mut ask = Ask::new(Method::PUT, url.clone(), &[push_scope(self.path)]);
        ask.url.query_pairs_mut().append_pair("digest", self.blob.digest.as_str());
        ask.headers = body_headers(length);
        ask
    }
}

/// Why a registry didn't take a body.
enum Refusal {
    /// The source failed.
    Source(RegistryError),
    /// Smaller ones may do.
    TooLarge(RegistryError),
    /// It may not know chunks.
    NoChunks(RegistryError),
    /// Anything else.
    Other(RegistryError),
}

impl Refusal {
    fn of(status: u16, error: RegistryError) -> Self {
        let is_lost = matches!(&error, RegistryError::Http(failure)
            if failure.code.as_deref().is_some_and(|code| code == "BLOB_UPLOAD_UNKNOWN"));
        match status {
            413 => Self::TooLarge(error),
            400 | 404 | 405 | 411 | 415 | 416 | 501 if !is_lost => Self::NoChunks(error),
            _ => Self::Other(error),
        }
    }
}

/// Whether a registry has another number of bytes than we thought.
fn is_out_of_step(error: &RegistryError) -> bool {
    matches!(error, RegistryError::Http(failure) if failure.status == 416)
}

impl From<Refusal> for Ended {
    fn from(refusal: Refusal) -> Self {
        let (Refusal::Source(error)
        | Refusal::TooLarge(error)
        | Refusal::NoChunks(error)
        | Refusal::Other(error)) = refusal;
        Self::Failed(error)
    }
}

/// The next `length` bytes of a reader.
fn pieces(reader: Shared, length: u64, moved: Moved) -> Chunks {
    Box::pin(stream::try_unfold((reader, length, moved), |(reader, left, moved)| async move {
        let piece = match left {
            0 => None,
            left => reader.lock().await.next(left).await?,
        };
        moved.add(piece.as_ref().map_or(0, Bytes::len));
        let left = left - piece.as_ref().map_or(0, |piece| piece.len() as u64);
        moved.set_ended(left == 0);
        Ok(piece.map(|piece| (piece, (reader, left, moved))))
    }))
}

fn body_headers(length: u64) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers
}
