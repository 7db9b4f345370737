//! The registries of a node, by host.

use std::collections::BTreeMap;

use edgectl_model::{HostRule, Prefix, Reference, Secret};

use crate::error::NodeError;
use crate::file::RuntimeFile;
use crate::proxy::NodeProxy;

const CA_DIR: &str = "/etc/edgectl";

/// The registries of a node and what comes from them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeRegistries {
    /// How each registry is reached.
    pub registries: Vec<NodeRegistry>,
    /// Which source prefixes are mirrored where.
    pub rules: Vec<HostRule>,
    /// The image of the pod sandbox, by its source name; the runtime's own
    /// choice where absent.
    pub sandbox_image: Option<Reference>,
    /// The site's proxy; none where it has none.
    pub proxy: Option<NodeProxy>,
}

/// How one registry is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRegistry {
    /// The registry; only its host and port matter here.
    pub domain: Prefix,
    /// User name; empty for nobody.
    pub username: String,
    /// Password.
    pub password: Secret,
    /// Plain HTTP or an unverified certificate is allowed.
    pub insecure: bool,
    /// Certificate authorities as PEM text.
    pub ca_pems: Vec<String>,
}

impl NodeRegistries {
    /// The proxy's variables; none without a proxy.
    pub(crate) fn proxy_variables(&self) -> Option<Vec<(&'static str, String)>> {
        let hosts: Vec<&str> = self.registries.iter().map(|r| r.domain.domain()).collect();
        Some(self.proxy.as_ref()?.variables(&hosts))
    }
}

/// A registry, and the file that its authorities go to.
pub(crate) struct Registry<'a> {
    pub(crate) given: &'a NodeRegistry,
    pub(crate) ca: Option<String>,
}

impl Registry<'_> {
    pub(crate) fn ca_file(&self) -> Option<RuntimeFile> {
        let pems = self.given.ca_pems.iter().map(|pem| format!("{}\n", pem.trim_end()));
        let content = pems.collect();
        Some(RuntimeFile { path: self.ca.clone()?, mode: 0o644, content, secret: false })
    }
}

pub(crate) fn by_host(given: &[NodeRegistry]) -> Result<BTreeMap<&str, Registry<'_>>, NodeError> {
    let mut found: BTreeMap<&str, Registry<'_>> = BTreeMap::new();
    let mut with_ca = 0;
    for registry in given {
        let host = registry.domain.domain();
        if let Some(first) = found.get(host) {
            if !is_same_access(first.given, registry) {
                return Err(NodeError::TwoLogins { host: host.to_owned() });
            }
            continue;
        }
        let has_ca = !registry.ca_pems.is_empty();
        with_ca += usize::from(has_ca);
        let ca = has_ca.then(|| ca_path(with_ca));
        found.insert(host, Registry { given: registry, ca });
    }
    Ok(found)
}

/// Whether two entries of one host say the same; their paths don't matter.
fn is_same_access(a: &NodeRegistry, b: &NodeRegistry) -> bool {
    a.username == b.username
        && a.password == b.password
        && a.insecure == b.insecure
        && a.ca_pems == b.ca_pems
}

fn ca_path(number: usize) -> String {
    match number {
        1 => format!("{CA_DIR}/registry-ca.pem"),
        _ => format!("{CA_DIR}/registry-ca-{number}.pem"),
    }
}
