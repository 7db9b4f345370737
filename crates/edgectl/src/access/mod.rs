//! How registries are reached: logins, certificates, proxies.

mod certificates;
mod cloud;
mod credentials;
mod docker_login;
mod password;
mod prompt;

use edgectl_model::{CredentialsConfig, RegistryConfig, SourceRegistry};
use edgectl_registry::{Access, Credentials, Proxies};

use crate::exit;
use crate::failure::Failure;
use crate::project::Place;

pub(crate) use password::{LoginArgs, PullLoginArgs};

/// What is said of one registry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reach<'a> {
    /// `host[:port]`.
    pub(crate) host: &'a str,
    /// The namespace, where it is known.
    pub(crate) path: &'a str,
    credentials: Option<&'a CredentialsConfig>,
    ca: Option<&'a str>,
    cert: Option<&'a str>,
    key: Option<&'a str>,
    certs_dir: Option<&'a str>,
    insecure: bool,
    connect_to: Option<&'a str>,
}

impl<'a> Reach<'a> {
    /// A registry of which nothing is said.
    pub(crate) fn unsaid(host: &'a str) -> Self {
        Self {
            host,
            path: "",
            credentials: None,
            ca: None,
            cert: None,
            key: None,
            certs_dir: None,
            insecure: false,
            connect_to: None,
        }
    }

    /// The private registry.
    pub(crate) fn private(registry: &'a RegistryConfig) -> Self {
        Self {
            host: registry.domain.domain(),
            path: registry.domain.path(),
            credentials: registry.credentials.as_ref(),
            ca: registry.ca.as_deref(),
            cert: registry.cert.as_deref(),
            key: registry.key.as_deref(),
            certs_dir: registry.certs_dir.as_deref(),
            insecure: registry.insecure,
            connect_to: registry.connect_to.as_deref(),
        }
    }

    /// A source registry.
    pub(crate) fn source(host: &'a str, source: &'a SourceRegistry) -> Self {
        Self {
            host,
            path: "",
            credentials: source.credentials.as_ref(),
            ca: source.ca.as_deref(),
            cert: source.cert.as_deref(),
            key: source.key.as_deref(),
            certs_dir: source.certs_dir.as_deref(),
            insecure: source.insecure,
            connect_to: source.connect_to.as_deref(),
        }
    }

    /// Says what to be careful about.
    pub(crate) fn warning(&self) -> Option<String> {
        self.insecure.then(|| {
            format!(
                "warning: `insecure` is set: `{}` is not verified, and the credentials may travel in clear",
                self.host
            )
        })
    }
}

impl Place {
    /// How a registry is reached; `login` takes the place of what is said of
    /// its credentials.
    pub(crate) fn access(
        &self,
        reach: &Reach<'_>,
        login: Option<Credentials>,
    ) -> Result<Access, Failure> {
        let looked_up = match (login, reach.credentials) {
            (Some(credentials), _) => docker_login::Found { credentials, ..Default::default() },
            (None, None) => docker_login::by_environment(reach.host, reach.path)?,
            (None, Some(config)) => self.configured_login(config, reach)?,
        };
        let certificates = self.certificates(reach)?;
        Ok(Access {
            credentials: looked_up.credentials,
            scoped: looked_up.scoped,
            ca_pem: certificates.ca_pem,
            client_certificate: certificates.client_certificate,
            insecure: reach.insecure,
            connect_to: reach.connect_to.map(str::to_owned),
            proxies: proxies()?,
            headers: looked_up.headers,
        })
    }

    /// The login that a `credentials` section refers to; the user's own where
    /// there is no such section.
    pub(crate) fn credentials(
        &self,
        config: Option<&CredentialsConfig>,
        host: &str,
        path: &str,
    ) -> Result<Credentials, Failure> {
        let reach = Reach { path, ..Reach::unsaid(host) };
        let found = match config {
            None => docker_login::by_environment(host, path)?,
            Some(config) => self.configured_login(config, &reach)?,
        };
        Ok(found.credentials)
    }
}

/// The proxies that the environment names.
fn proxies() -> Result<Proxies, Failure> {
    Proxies::from_variables(|name| std::env::var(name).ok())
        .map_err(|error| Failure::of(exit::USAGE, &error))
}
