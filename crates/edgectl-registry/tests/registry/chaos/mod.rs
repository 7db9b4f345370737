//! A registry in the process that behaves as badly as registries, proxies and
//! networks do: every trap that was met for real, and faults at any request.

mod serve;
mod store;
mod wire;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use edgectl_registry::Access;
use tokio::net::TcpListener;

pub(crate) use store::Inner;

/// What becomes of an upload whose request broke off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Partial {
    /// The bytes that came stay.
    Keeps,
    /// The upload can't be used any more, and says 404.
    Poisons,
    /// The upload is deleted after an answer of 500.
    Deletes,
}

/// How chunks are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chunked {
    Taken,
    /// With 201 in place of 202.
    Says201,
    Refused(u16),
}

/// What becomes of a mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mounts {
    Done,
    /// 202 and an upload.
    Opens,
    /// The same, but all repositories have every blob.
    Shared,
    Refused,
    /// 201, and nothing done.
    Lies,
}

/// How upload addresses look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Absolute,
    Relative,
    /// With a query of their own that changes with every answer; the old one
    /// is refused then.
    Moving,
}

/// What kind of registry it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flavor {
    pub(crate) partial: Partial,
    pub(crate) chunked: Chunked,
    pub(crate) mounts: Mounts,
    pub(crate) form: Form,
    pub(crate) least: u64,
    pub(crate) most: u64,
    pub(crate) says_digest: bool,
    pub(crate) bytes_range: bool,
    pub(crate) ranges: bool,
    pub(crate) referrers: bool,
    /// A token is good for this many requests.
    pub(crate) tokens: Option<usize>,
}

impl Default for Flavor {
    fn default() -> Self {
        Self {
            partial: Partial::Keeps,
            chunked: Chunked::Taken,
            mounts: Mounts::Done,
            form: Form::Absolute,
            least: 0,
            most: u64::MAX,
            says_digest: true,
            bytes_range: false,
            ranges: true,
            referrers: true,
            tokens: None,
        }
    }
}

/// What happens at one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// This answer, and nothing done; 429 and 503 say when to come back.
    Status(u16),
    /// It is done, and the connection ends before the answer.
    LostAnswer,
    /// The connection ends after so many bytes of the body, in or out.
    Cut(usize),
    /// A byte of the body that goes out is another one.
    Corrupt,
    /// Nothing more comes.
    Stall,
    /// The same request is done twice.
    Repeat,
}

/// The registry.
pub(crate) struct Chaos {
    pub(crate) address: String,
    inner: Arc<Mutex<Inner>>,
}

impl Chaos {
    pub(crate) async fn start(flavor: Flavor) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let inner = Arc::new(Mutex::new(Inner::new(flavor, &address)));
        let shared = Arc::clone(&inner);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve::serve(stream, Arc::clone(&shared)));
            }
        });
        Self { address, inner }
    }

    /// Faults by the number of the request, from now on.
    pub(crate) fn plan(&self, faults: impl IntoIterator<Item = (usize, Fault)>) {
        let mut inner = self.inner();
        let now = inner.requests.len();
        inner.faults = faults.into_iter().map(|(at, fault)| (now + at, fault)).collect();
    }

    pub(crate) fn heal(&self) {
        self.inner().faults = BTreeMap::new();
    }

    pub(crate) fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// Plain HTTP.
    pub(crate) fn access(&self) -> Access {
        Access { insecure: true, ..Access::default() }
    }
}
