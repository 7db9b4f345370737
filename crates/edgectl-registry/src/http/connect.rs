//! The HTTP clients for one registry, and what their errors mean.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{ClientBuilder, Url};

use super::client::address;
use super::forward::Forward;
use super::tls::with_tls;
use crate::access::{Access, ClientCertificate};
use crate::error::RegistryError;
use crate::proxy::{Proxies, Proxy};

const CONNECT: Duration = Duration::from_secs(10);

/// The clients of one registry.
#[derive(Debug)]
pub(crate) struct Clients {
    host: String,
    /// For the registry itself.
    pub(crate) own: reqwest::Client,
    /// For token servers and stores elsewhere.
    pub(crate) other: reqwest::Client,
    forward: Option<Forward>,
    proxies: Proxies,
    /// Whether we show a certificate.
    shows: bool,
}

impl Clients {
    /// Clients for `host`.
    pub(crate) fn new(host: &str, access: &Access) -> Result<Self, RegistryError> {
        let build = |builder: ClientBuilder| {
            builder.build().map_err(|e| configuration(host, deepest(&e).to_string()))
        };
        let forward = match &access.connect_to {
            Some(address) => Some(Forward::open(address).map_err(|e| configuration(host, e))?),
            None => None,
        };
        let plain = builder(host, access, None)?;
        let other = build(through_proxies(plain, &access.proxies))?;
        let own = builder(host, access, access.client_certificate.as_ref())?;
        let own = own.default_headers(headers(host, access)?);
        let own = build(match &forward {
            Some(forward) => own.no_proxy().unix_socket(forward.path()),
            None => through_proxies(own, &access.proxies),
        })?;
        let proxies = access.proxies.clone();
        let shows = access.client_certificate.is_some();
        Ok(Self { host: host.to_owned(), own, other, forward, proxies, shows })
    }

    /// Tells apart why there is no answer.
    pub(crate) fn classify(&self, error: reqwest::Error, url: &Url) -> RegistryError {
        if let Some((address, kind)) = self.forward.as_ref().and_then(Forward::failure) {
            let address = address.to_owned();
            return RegistryError::Unreachable { address, proxy: None, source: kind.into() };
        }
        let address = address(url);
        match find_tls(&error) {
            Some(tls) if is_about_us(tls) => {
                return RegistryError::ClientCertificate { host: address, shown: self.shows };
            }
            Some(tls) => return RegistryError::Tls { host: address, reason: reason(tls) },
            None => {}
        }
        if error.is_connect() {
            let source = io_error(&error);
            let proxy = self.forward.is_none().then(|| self.proxies.for_url(url)).flatten();
            return RegistryError::Unreachable { address, proxy: proxy.map(Proxy::name), source };
        }
        // A URL can hold a session's secrets.
        RegistryError::Transport { host: self.host.clone(), source: error.without_url() }
    }
}

/// Sends requests through the proxies that are meant for them, and through no
/// others.
fn through_proxies(builder: ClientBuilder, proxies: &Proxies) -> ClientBuilder {
    let proxies = proxies.clone();
    let proxy = reqwest::Proxy::custom(move |url| proxies.for_url(url).map(|p| p.url().clone()));
    builder.no_proxy().proxy(proxy)
}

fn headers(host: &str, access: &Access) -> Result<HeaderMap, RegistryError> {
    let bad = |name: &str| configuration(host, format!("`{name}` is not an HTTP header"));
    let pairs = access.headers.iter().map(|(name, value)| {
        let header = HeaderName::try_from(name.as_str()).map_err(|_| bad(name))?;
        let mut value = HeaderValue::try_from(value.expose()).map_err(|_| bad(name))?;
        value.set_sensitive(true);
        Ok((header, value))
    });
    pairs.collect()
}

fn builder(
    host: &str,
    access: &Access,
    own: Option<&ClientCertificate>,
) -> Result<ClientBuilder, RegistryError> {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("edgectl/", env!("CARGO_PKG_VERSION")))
        // Followed by hand: a login may not go along to another host.
        .redirect(Policy::none())
        .connect_timeout(CONNECT)
        .tcp_nodelay(true);
    with_tls(builder, host, access, own)
}

pub(super) fn configuration(host: &str, reason: impl std::fmt::Display) -> RegistryError {
    RegistryError::Configuration { host: host.to_owned(), reason: reason.to_string() }
}

type Cause = dyn StdError + 'static;

fn chain(error: &Cause) -> impl Iterator<Item = &Cause> {
    std::iter::successors(Some(error), |error| next_cause(*error))
}

/// An I/O error passes over what it wraps when asked for its source, so it is
/// unwrapped here.
fn next_cause(error: &Cause) -> Option<&Cause> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

fn deepest(error: &Cause) -> &Cause {
    chain(error).last().unwrap_or(error)
}

fn find_tls(error: &reqwest::Error) -> Option<&rustls::Error> {
    chain(error).find_map(|cause| cause.downcast_ref())
}

fn reason(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidMessage(_) => "the other side does not speak TLS".to_owned(),
        other => other.to_string(),
    }
}

/// Whether the server ended the handshake because of our certificate.
fn is_about_us(error: &rustls::Error) -> bool {
    use rustls::AlertDescription as A;
    let rustls::Error::AlertReceived(alert) = error else { return false };
    matches!(
        alert,
        A::BadCertificate
            | A::CertificateExpired
            | A::CertificateRequired
            | A::CertificateRevoked
            | A::CertificateUnknown
            | A::UnknownCA
            | A::UnsupportedCertificate
    )
}

fn io_error(error: &reqwest::Error) -> io::Error {
    let found = chain(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).last();
    let kind = match found {
        Some(found) => found.kind(),
        None if error.is_timeout() => io::ErrorKind::TimedOut,
        None => io::ErrorKind::Other,
    };
    io::Error::new(kind, deepest(error).to_string())
}
