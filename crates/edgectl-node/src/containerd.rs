//! All files of containerd for one node.

use std::collections::BTreeMap;

use edgectl_model::{HostRule, Prefix, Reference, Secret};

use crate::config::{Login, config_file};
use crate::error::NodeError;
use crate::file::RuntimeFile;
use crate::hosts::{Mirror, folder, mirror_file, own_file};
use crate::mirrors;

const CONFIG: &str = "/etc/containerd/config.toml";
const HOSTS_DIR: &str = "/etc/containerd/certs.d";
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

/// The files that make containerd take every image from the mirrors alone,
/// sorted by path.
///
/// A rule for part of a host closes the whole host: containerd knows one
/// mirror path per source host.
pub fn containerd_files(settings: &NodeRegistries) -> Result<Vec<RuntimeFile>, NodeError> {
    let registries = by_host(&settings.registries)?;
    let mut files = Vec::new();
    files.extend(registries.values().filter_map(Registry::ca_file));
    files.extend(hosts_files(settings, &registries)?);
    files.push(config(settings, &registries));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// A registry, and the file that its authorities go to.
struct Registry<'a> {
    given: &'a NodeRegistry,
    ca: Option<String>,
}

impl Registry<'_> {
    fn ca_file(&self) -> Option<RuntimeFile> {
        let pems = self.given.ca_pems.iter().map(|pem| format!("{}\n", pem.trim_end()));
        let content = pems.collect();
        Some(RuntimeFile { path: self.ca.clone()?, mode: 0o644, content, secret: false })
    }

    fn mirror<'a>(&'a self, target: &'a Prefix) -> Mirror<'a> {
        Mirror { target, insecure: self.given.insecure, ca: self.ca.as_deref() }
    }

    fn login(&self) -> Option<Login<'_>> {
        let NodeRegistry { domain, username, password, .. } = self.given;
        let login = Login { host: domain.domain(), username, password };
        (!username.is_empty()).then_some(login)
    }
}

fn by_host(given: &[NodeRegistry]) -> Result<BTreeMap<&str, Registry<'_>>, NodeError> {
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

fn hosts_files(
    settings: &NodeRegistries,
    registries: &BTreeMap<&str, Registry<'_>>,
) -> Result<Vec<RuntimeFile>, NodeError> {
    let mirrors = mirrors::by_host(&settings.rules)?;
    let mut files = Vec::new();
    for (source, target) in &mirrors {
        let open = Mirror { target, insecure: false, ca: None };
        let registry = registries.get(target.domain());
        let mirror = registry.map_or(open, |registry| registry.mirror(target));
        files.push(hosts_file(source, mirror_file(source, &mirror)));
    }
    // Images that are named by their place in the registry need its
    // certificate as well.
    for (host, registry) in registries.iter().filter(|(host, _)| !mirrors.contains_key(**host)) {
        files.push(hosts_file(host, own_file(&registry.mirror(&registry.given.domain))));
    }
    Ok(files)
}

fn hosts_file(host: &str, content: String) -> RuntimeFile {
    let path = format!("{HOSTS_DIR}/{}/hosts.toml", folder(host));
    RuntimeFile { path, mode: 0o644, content, secret: false }
}

fn config(settings: &NodeRegistries, registries: &BTreeMap<&str, Registry<'_>>) -> RuntimeFile {
    let logins: Vec<Login<'_>> = registries.values().filter_map(Registry::login).collect();
    let content = config_file(HOSTS_DIR, settings.sandbox_image.as_ref(), &logins);
    RuntimeFile { path: CONFIG.to_owned(), mode: 0o600, content, secret: !logins.is_empty() }
}
