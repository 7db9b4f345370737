//! `userData` of `edge.yaml`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which program reads the user data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UserDataFlavor {
    /// Palette's agent: the `stylus:` section.
    #[default]
    Palette,
    /// Kairos: the agent's own `edgectl:` section, or files in `stages`.
    Kairos,
    /// cloud-init: the agent's own `edgectl:` section, or `write_files`.
    CloudInit,
    /// By the header and the top-level keys of the file.
    Detect,
}

/// What configures the container runtime of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HostRuntime {
    /// `edge-agent`, or Palette's: the user data says what, they write the
    /// files.
    #[default]
    Agent,
    /// Nothing: the user data writes containerd's files.
    Containerd,
    /// Nothing: the user data writes the files of K3s.
    K3s,
    /// Nothing: the user data writes the files of RKE2.
    Rke2,
    /// By what the user data says of the host.
    Detect,
}

/// Where Palette's agent finds the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PaletteSection {
    /// `stylus.registryCredentials`: one registry for everything.
    #[default]
    RegistryCredentials,
    /// An entry of `stylus.externalRegistries.registries`, of newer agents.
    ExternalRegistries,
}

/// What else a site needs to be told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SiteConfig {
    /// Files with certificate authorities that the whole host trusts.
    #[serde(default)]
    pub ca: Vec<String>,
    /// Proxy for HTTP: `http://host:port`, without a login.
    pub http_proxy: Option<String>,
    /// Proxy for HTTPS: `http://host:port`, without a login.
    pub https_proxy: Option<String>,
    /// Hosts and networks that are asked without it, separated by commas.
    pub no_proxy: Option<String>,
}

/// The user data.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserDataConfig {
    /// The file to start from; it is never written to.
    #[serde(default = "default_file")]
    pub file: String,
    /// Which program reads it.
    #[serde(default)]
    pub flavor: UserDataFlavor,
    /// What configures the host's container runtime.
    #[serde(default)]
    pub runtime: HostRuntime,
    /// Where Palette's agent finds the registry.
    #[serde(default)]
    pub palette_section: PaletteSection,
    /// What else the site needs.
    #[serde(default)]
    pub site: SiteConfig,
    /// Where the finished user data is put (mode 0600).
    #[serde(default = "default_out")]
    pub out: String,
}

impl Default for UserDataConfig {
    fn default() -> Self {
        Self {
            file: default_file(),
            flavor: UserDataFlavor::default(),
            runtime: HostRuntime::default(),
            palette_section: PaletteSection::default(),
            site: SiteConfig::default(),
            out: default_out(),
        }
    }
}

fn default_file() -> String {
    "user-data".to_owned()
}

fn default_out() -> String {
    "build/user-data".to_owned()
}
