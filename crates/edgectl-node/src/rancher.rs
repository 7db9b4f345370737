//! All files of K3s and RKE2 for one node.

use crate::access::{NodeRegistries, Registry, by_host};
use crate::error::NodeError;
use crate::file::RuntimeFile;
use crate::mirrors;
use crate::proxy::environment_file;
use crate::registries::registries_file;

/// Written beside the user's own `config.yaml`, which stays what it is.
const NO_FALLBACK: &str = "# Written by edgectl.\ndisable-default-registry-endpoint: true\n";

/// A Kubernetes distribution that brings its own containerd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rancher {
    /// K3s.
    K3s,
    /// RKE2.
    Rke2,
}

impl Rancher {
    /// The directory that its configuration is in.
    fn directory(self) -> &'static str {
        match self {
            Self::K3s => "/etc/rancher/k3s",
            Self::Rke2 => "/etc/rancher/rke2",
        }
    }

    /// Its services: of a server and of an agent.
    fn services(self) -> [&'static str; 2] {
        match self {
            Self::K3s => ["k3s", "k3s-agent"],
            Self::Rke2 => ["rke2-server", "rke2-agent"],
        }
    }
}

/// The files that make K3s or RKE2 take every image from the mirrors alone,
/// sorted by path. As with [`containerd_files`](crate::containerd_files), a
/// rule for part of a host closes the whole host. The pod sandbox's image is
/// the distribution's own.
pub fn rancher_files(
    distribution: Rancher,
    settings: &NodeRegistries,
) -> Result<Vec<RuntimeFile>, NodeError> {
    let registries = by_host(&settings.registries)?;
    let mirrors = mirrors::by_host(&settings.rules)?;
    let directory = distribution.directory();
    let mut files: Vec<RuntimeFile> = registries.values().filter_map(Registry::ca_file).collect();
    files.push(RuntimeFile {
        path: format!("{directory}/registries.yaml"),
        mode: 0o600,
        content: registries_file(&mirrors, &registries),
        secret: registries.values().any(|registry| !registry.given.username.is_empty()),
    });
    files.push(RuntimeFile {
        path: format!("{directory}/config.yaml.d/50-edgectl.yaml"),
        mode: 0o644,
        content: NO_FALLBACK.to_owned(),
        secret: false,
    });
    if let Some(variables) = settings.proxy_variables() {
        let services = distribution.services();
        files.extend(services.map(|service| environment_file(service, &variables)));
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}
