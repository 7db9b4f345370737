//! Requests to one registry: scheme and login are found out once per run.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use reqwest::header::{HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Body, Method, RequestBuilder, Response, Url};
use tokio::sync::{Mutex as AsyncMutex, OnceCell};

use super::chunking::{CHUNK, Chunking};
use super::connect::Clients;
use super::gate::{Gate, Kind, Pass};
use super::login::LoginState;
use crate::access::{Access, Credentials};
use crate::challenge::Challenge;
use crate::error::{RegistryError, is_temporary_status};
use crate::retry::{Backoff, Patience, is_too_long, retry_after};

/// Redirects that are followed, one after another.
const REDIRECTS: usize = 5;

/// One registry.
#[derive(Debug)]
pub(crate) struct Client {
    host: String,
    access: Access,
    clients: Clients,
    base: OnceCell<Url>,
    /// What makes every further request useless.
    hopeless: Mutex<Option<RegistryError>>,
    login: LoginState,
    chunking: Chunking,
    patience: Patience,
    gate: Gate,
    /// Repositories without the referrers API.
    no_referrers: Mutex<HashSet<String>>,
    linking: AsyncMutex<()>,
    requests: AtomicU64,
}

/// A request that can be sent again.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) scopes: Vec<String>,
}

impl Ask {
    /// A request without headers and body.
    pub(crate) fn new(method: Method, url: Url, scopes: &[String]) -> Self {
        let (headers, body) = (HeaderMap::new(), Bytes::new());
        Self { method, url, headers, body, scopes: scopes.to_vec() }
    }
}

/// What holds for all registries of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// The largest body to send.
    pub(crate) chunk: u64,
    pub(crate) patience: Patience,
}

impl Default for Settings {
    fn default() -> Self {
        Self { chunk: CHUNK, patience: Patience::default() }
    }
}

impl Client {
    /// A client for `host[:port]`; nothing is sent yet.
    pub(crate) fn new(
        host: &str,
        access: &Access,
        settings: Settings,
    ) -> Result<Self, RegistryError> {
        Ok(Self {
            host: host.to_owned(),
            access: access.clone(),
            clients: Clients::new(host, access)?,
            base: OnceCell::new(),
            hopeless: Mutex::default(),
            login: LoginState::default(),
            chunking: Chunking::new(settings.chunk),
            patience: settings.patience,
            gate: Gate::default(),
            no_referrers: Mutex::default(),
            linking: AsyncMutex::default(),
            requests: AtomicU64::new(0),
        })
    }

    /// `host[:port]` as references name it.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Who logs in.
    pub(crate) fn user(&self) -> Option<String> {
        self.access.credentials.user()
    }

    /// How the registry is reached.
    pub(super) fn access(&self) -> &Access {
        &self.access
    }

    /// What is known about logging in.
    pub(super) fn login(&self) -> &LoginState {
        &self.login
    }

    /// How long to wait.
    pub(super) fn patience(&self) -> &Patience {
        &self.patience
    }

    /// Whether a repository has turned out not to know the referrers API. One
    /// host may stand before several registries.
    pub(crate) fn lacks_referrers(&self, path: &str) -> bool {
        self.no_referrers.lock().unwrap_or_else(PoisonError::into_inner).contains(path)
    }

    pub(super) fn note_no_referrers(&self, path: &str) {
        let mut known = self.no_referrers.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(path.to_owned());
    }

    /// Held while a list of referrers is changed.
    pub(crate) fn linking(&self) -> &AsyncMutex<()> {
        &self.linking
    }

    /// How large bodies may be.
    pub(super) fn chunking(&self) -> &Chunking {
        &self.chunking
    }

    /// The HTTP client for a token server: one on the registry's own host is
    /// reached the way the registry is.
    pub(super) fn http_for(&self, realm: &Url) -> &reqwest::Client {
        let place = |url: &Url| (url.host_str().map(str::to_owned), url.port_or_known_default());
        match self.base.get().is_some_and(|base| place(base) == place(realm)) {
            true => &self.clients.own,
            false => &self.clients.other,
        }
    }

    /// Requests sent so far.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Whether a 401 means missing rights, because the login itself was good.
    pub(crate) fn has_token_login(&self) -> bool {
        matches!(self.challenge(), Challenge::Bearer { .. })
            && self.access.credentials != Credentials::Anonymous
    }

    /// `scheme://host/`, found out by the first who asks.
    pub(crate) async fn base(&self) -> Result<&Url, RegistryError> {
        let first = async || {
            // Those who waited while another one failed don't try again.
            self.check_hope()?;
            self.ping().await.inspect_err(|error| self.remember(error))
        };
        let base = self.base.get_or_try_init(first).await?;
        self.check_hope()?;
        Ok(base)
    }

    /// Keeps an error that concerns the whole registry.
    pub(super) fn remember(&self, error: &RegistryError) {
        if let Some(error) = error.repeated() {
            *self.hopeless.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
    }

    fn check_hope(&self) -> Result<(), RegistryError> {
        let hopeless = self.hopeless.lock().unwrap_or_else(PoisonError::into_inner);
        hopeless.as_ref().and_then(RegistryError::repeated).map_or(Ok(()), Err)
    }

    /// Sends until there is an answer that isn't a passing failure.
    pub(crate) async fn send(&self, ask: &Ask) -> Result<Response, RegistryError> {
        let mut backoff = Backoff::new(&self.patience);
        loop {
            let result = self.send_once(ask).await;
            let after = match &result {
                Ok(answer) if is_temporary_status(answer.status().as_u16()) => wait_of(answer),
                Err(error) if error.is_temporary() => None,
                _ => return result,
            };
            let Some(wait) = backoff.next(after, false) else { return result };
            tracing::debug!(host = %self.host, ?wait, "trying again");
            tokio::time::sleep(wait).await;
        }
    }

    /// Sends once, or twice where the login turns out to be out of date, and
    /// follows redirects of reads.
    pub(super) async fn send_once(&self, ask: &Ask) -> Result<Response, RegistryError> {
        // When a login was refused that may have been out of date.
        let mut refused = None;
        let mut scopes = ask.scopes.clone();
        let mut url = ask.url.clone();
        let mut hops = 0;
        loop {
            let is_own = self.is_own(&url).await?;
            let began = Instant::now();
            let request = self.request(&ask.method, &url, is_own);
            let mut request = request.headers(ask.headers.clone()).body(ask.body.clone());
            if is_own {
                request = self.authorize(request, &url, &scopes, refused).await?;
            }
            let sent = Instant::now();
            let mut answer = self.transmit(request, &url).await?;
            if answer.status() == 401
                && is_own
                && refused.is_none()
                && let Some(better) = self.log_in_again(&answer, &scopes, began..=sent)
            {
                (refused, scopes) = (Some(sent), better);
                continue;
            }
            if is_own {
                self.note_missing_right(&mut answer, &scopes);
            }
            match self.redirect_target(ask, &answer, &url) {
                Some(next) if hops < REDIRECTS => {
                    hops += 1;
                    url = next;
                }
                _ => return Ok(answer),
            }
        }
    }

    /// Waits until the registry may be sent another body. The watchdog over the
    /// body must not run meanwhile.
    pub(super) async fn body_pass(&self) -> Pass<'_> {
        self.gate.enter(Kind::Body).await
    }

    /// Sends a body that can't be sent again; the caller has a
    /// [pass](Self::body_pass).
    pub(crate) async fn send_body(&self, ask: &Ask, body: Body) -> Result<Response, RegistryError> {
        let is_own = self.is_own(&ask.url).await?;
        let mut request = self.request(&ask.method, &ask.url, is_own);
        request = request.headers(ask.headers.clone()).body(body);
        let began = Instant::now();
        if is_own {
            request = self.authorize(request, &ask.url, &ask.scopes, None).await?;
        }
        let ready = began..=Instant::now();
        self.count();
        let sent = request.send().await;
        let sent = sent.map_err(|e| self.clients.classify(e, &ask.url));
        self.learn(Kind::Body, &sent)?;
        let mut answer = sent?;
        let may_try_again = || self.log_in_again(&answer, &ask.scopes, ready).is_some();
        if answer.status() == 401 && is_own && may_try_again() {
            *self.login.tokens.slot(&ask.scopes).lock().await = None;
            return Err(RegistryError::TokenEnded { host: self.host.clone() });
        }
        if is_own {
            self.note_missing_right(&mut answer, &ask.scopes);
        }
        Ok(answer)
    }

    /// A request through the client that leads to `url`.
    pub(super) fn request(&self, method: &Method, url: &Url, is_own: bool) -> RequestBuilder {
        let client = if is_own { &self.clients.own } else { &self.clients.other };
        client.request(method.clone(), url.clone())
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn transmit(
        &self,
        request: RequestBuilder,
        url: &Url,
    ) -> Result<Response, RegistryError> {
        let _pass = self.gate.enter(Kind::Question).await;
        self.count();
        let stall = self.patience.stall;
        let sent = match tokio::time::timeout(stall, request.send()).await {
            Ok(sent) => sent.map_err(|e| self.clients.classify(e, url)),
            Err(_) => {
                Err(RegistryError::Stalled { host: self.host.clone(), seconds: stall.as_secs() })
            }
        };
        self.learn(Kind::Question, &sent)?;
        sent
    }

    /// What an answer tells about how much the registry can bear. Fails where
    /// it wants to be left alone for so long that nobody waits.
    fn learn(
        &self,
        kind: Kind,
        sent: &Result<Response, RegistryError>,
    ) -> Result<(), RegistryError> {
        match sent {
            Ok(answer) if is_temporary_status(answer.status().as_u16()) => {
                let (host, wait) = (self.name_of(answer.url()), wait_of(answer));
                let seconds = wait.map(|wait| wait.as_secs()).unwrap_or_default();
                // A cache passes such wishes on, and may have other images.
                if wait.is_some_and(is_too_long) {
                    return Err(RegistryError::LeftAlone { host, seconds });
                }
                let is_much = wait.is_some() || matches!(answer.status().as_u16(), 429 | 503);
                if is_much && self.gate.slow_down(wait) {
                    tracing::warn!("`{host}` asks to be left alone for {seconds} s: waiting");
                }
            }
            Err(RegistryError::Stalled { .. }) => {
                self.gate.slow_down(None);
            }
            Ok(_) => self.gate.went_well(kind),
            Err(_) => {}
        }
        Ok(())
    }

    /// The registry, or another host that it sends us to.
    fn name_of(&self, url: &Url) -> String {
        match self.base.get().is_none_or(|base| base.origin() == url.origin()) {
            true => self.host.clone(),
            false => address(url),
        }
    }

    /// What broke while an answer's body was read.
    pub(crate) fn broken(&self, error: reqwest::Error) -> RegistryError {
        RegistryError::Transport { host: self.host.clone(), source: error.without_url() }
    }

    fn count(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether an address is the registry's own, and not of a place that it
    /// sends us to.
    pub(super) async fn is_own(&self, url: &Url) -> Result<bool, RegistryError> {
        Ok(self.base().await?.origin() == url.origin())
    }

    fn redirect_target(&self, ask: &Ask, answer: &Response, url: &Url) -> Option<Url> {
        let is_read = matches!(ask.method, Method::GET | Method::HEAD);
        if !is_read || !answer.status().is_redirection() {
            return None;
        }
        let next = url.join(answer.headers().get(LOCATION)?.to_str().ok()?).ok()?;
        let is_downgrade = url.scheme() == "https" && next.scheme() != "https";
        (!is_downgrade || self.access.insecure).then_some(next)
    }
}

/// `Retry-After`.
pub(super) fn wait_of(answer: &Response) -> Option<std::time::Duration> {
    let value = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    retry_after(value, SystemTime::now())
}

/// `host:port`.
pub(super) fn address(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    format!("{host}:{}", url.port_or_known_default().unwrap_or_default())
}
