//! The HTTP clients for one registry, and what their errors mean.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, ClientBuilder};

use super::forward::Forward;
use crate::access::Access;
use crate::error::RegistryError;

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
        let other = build(builder(host, access)?)?;
        let own = match &forward {
            Some(forward) => build(builder(host, access)?.unix_socket(forward.path()))?,
            None => other.clone(),
        };
        Ok(Self { host: host.to_owned(), own, other, forward })
    }

    /// Tells apart why there is no answer. `address` is `host:port`.
    pub(crate) fn classify(&self, error: reqwest::Error, address: &str) -> RegistryError {
        if let Some((address, kind)) = self.forward.as_ref().and_then(Forward::failure) {
            return RegistryError::Unreachable { address: address.to_owned(), source: kind.into() };
        }
        if let Some(tls) = find_tls(&error) {
            return RegistryError::Tls { host: address.to_owned(), reason: tls };
        }
        if error.is_connect() {
            let source = io_error(&error);
            return RegistryError::Unreachable { address: address.to_owned(), source };
        }
        // A URL can hold a session's secrets.
        RegistryError::Transport { host: self.host.clone(), source: error.without_url() }
    }
}

fn builder(host: &str, access: &Access) -> Result<ClientBuilder, RegistryError> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("edgectl/", env!("CARGO_PKG_VERSION")))
        // Followed by hand: a login may not go along to another host.
        .redirect(Policy::none())
        .connect_timeout(CONNECT)
        .tcp_nodelay(true);
    if let Some(pem) = &access.ca_pem {
        let certificates = Certificate::from_pem_bundle(pem.as_bytes())
            .map_err(|_| configuration(host, "its CA file holds no valid PEM certificate"))?;
        if certificates.is_empty() {
            return Err(configuration(host, "its CA file holds no PEM certificate"));
        }
        builder = builder.tls_certs_merge(certificates);
    }
    if access.insecure {
        builder = builder.tls_danger_accept_invalid_certs(true);
    }
    Ok(builder)
}

fn configuration(host: &str, reason: impl std::fmt::Display) -> RegistryError {
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

fn find_tls(error: &reqwest::Error) -> Option<String> {
    let tls = chain(error).find_map(|cause| cause.downcast_ref::<rustls::Error>())?;
    Some(match tls {
        rustls::Error::InvalidMessage(_) => "the other side does not speak TLS".to_owned(),
        other => other.to_string(),
    })
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
