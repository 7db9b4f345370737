//! All files of containerd for one node.

use std::collections::BTreeMap;

use edgectl_model::Prefix;

use crate::access::{NodeRegistries, NodeRegistry, Registry, by_host};
use crate::config::{Login, config_file};
use crate::error::NodeError;
use crate::file::RuntimeFile;
use crate::hosts::{Mirror, folder, mirror_file, own_file};
use crate::mirrors;
use crate::proxy::drop_in;

const CONFIG: &str = "/etc/containerd/config.toml";
const HOSTS_DIR: &str = "/etc/containerd/certs.d";

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
    files.extend(settings.proxy_variables().map(|variables| drop_in("containerd", &variables)));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn mirror<'a>(registry: &'a Registry<'_>, target: &'a Prefix) -> Mirror<'a> {
    Mirror { target, insecure: registry.given.insecure, ca: registry.ca.as_deref() }
}

fn login<'a>(registry: &Registry<'a>) -> Option<Login<'a>> {
    let NodeRegistry { domain, username, password, .. } = registry.given;
    let login = Login { host: domain.domain(), username, password };
    (!username.is_empty()).then_some(login)
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
        let way = registry.map_or(open, |registry| mirror(registry, target));
        files.push(hosts_file(source, mirror_file(source, &way)));
    }
    // Images that are named by their place in the registry need its
    // certificate as well.
    for (host, registry) in registries.iter().filter(|(host, _)| !mirrors.contains_key(**host)) {
        files.push(hosts_file(host, own_file(&mirror(registry, &registry.given.domain))));
    }
    Ok(files)
}

fn hosts_file(host: &str, content: String) -> RuntimeFile {
    let path = format!("{HOSTS_DIR}/{}/hosts.toml", folder(host));
    RuntimeFile { path, mode: 0o644, content, secret: false }
}

fn config(settings: &NodeRegistries, registries: &BTreeMap<&str, Registry<'_>>) -> RuntimeFile {
    let logins: Vec<Login<'_>> = registries.values().filter_map(login).collect();
    let content = config_file(HOSTS_DIR, settings.sandbox_image.as_ref(), &logins);
    RuntimeFile { path: CONFIG.to_owned(), mode: 0o600, content, secret: !logins.is_empty() }
}
