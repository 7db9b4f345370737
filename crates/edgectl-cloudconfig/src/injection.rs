//! What goes into user data.

use std::fmt;

use edgectl_model::{HostRule, Prefix, Secret};

use crate::check::Flavor;

/// What goes into the user data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Injection {
    /// Which sections it goes into: `stylus:` for Palette, else the agent's own
    /// `edgectl:` or the files of [`runtime`](Self::runtime).
    pub flavor: Flavor,
    /// The private registry, `host[:port][/namespace]`.
    pub registry: Prefix,
    /// User name.
    pub username: String,
    /// Password.
    pub password: Secret,
    /// Plain HTTP or an untrusted certificate is allowed.
    pub insecure: bool,
    /// Certificate authority of the registry, as PEM text.
    pub ca_pem: Option<String>,
    /// Mirror rules; others that the user has are kept.
    pub rules: Vec<HostRule>,
    /// Palette only: the registry becomes an entry of
    /// `stylus.externalRegistries.registries` in place of
    /// `stylus.registryCredentials`.
    pub listed: bool,
    /// What else a site needs to be told.
    pub site: SiteSettings,
    /// Files that configure the host's own container runtime: without Palette in
    /// place of the agent's section, with Palette beside its own sections.
    pub runtime: Option<RuntimeSetup>,
}

/// A site's own authorities and proxy. Where the user data has no keys for a
/// proxy, the files of the runtime bring it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SiteSettings {
    /// Certificate authorities that the whole host trusts, as PEM text.
    pub ca_pems: Vec<String>,
    /// Proxy for HTTP, as a URL without a login.
    pub http_proxy: Option<String>,
    /// Proxy for HTTPS, as a URL without a login.
    pub https_proxy: Option<String>,
    /// Hosts and networks that are asked without it, separated by commas.
    pub no_proxy: Option<String>,
}

impl SiteSettings {
    /// Palette's keys of the proxy settings that are given.
    pub(crate) fn proxies(&self) -> Vec<(&'static str, &str)> {
        let all = [
            ("httpProxy", &self.http_proxy),
            ("httpsProxy", &self.https_proxy),
            ("noProxy", &self.no_proxy),
        ];
        all.into_iter().filter_map(|(key, value)| Some((key, value.as_deref()?))).collect()
    }
}

/// How a host's own container runtime is set up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuntimeSetup {
    /// The files that it reads.
    pub files: Vec<HostFile>,
    /// Commands that make it read them, for hosts where it may have started
    /// before they were written.
    pub restart: Vec<String>,
}

/// A file that user data writes on the host.
#[derive(Clone, PartialEq, Eq)]
pub struct HostFile {
    /// Absolute path.
    pub path: String,
    /// Permission bits.
    pub mode: u32,
    /// The whole content, which may hold a password.
    pub content: Secret,
}

impl fmt::Debug for HostFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostFile")
            .field("path", &self.path)
            .field("mode", &format_args!("{:#o}", self.mode))
            .field("content", &self.content)
            .finish()
    }
}
