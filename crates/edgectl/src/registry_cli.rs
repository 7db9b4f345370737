//! A registry named on the command line.

use std::path::{Path, PathBuf};

use clap::Args;
use edgectl_model::{Prefix, RegistryConfig};
use edgectl_registry::Registries;

use crate::access::{LoginArgs, Reach};
use crate::exit;
use crate::failure::Failure;
use crate::project::Place;

/// The registry, and how it is reached.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Registry")]
pub(crate) struct RegistryArgs {
    /// The registry, HOST[:PORT]/NAMESPACE, in place of edge.yaml's.
    #[arg(long, value_name = "PREFIX")]
    pub(crate) registry: Option<String>,
    #[command(flatten)]
    pub(crate) login: LoginArgs,
    /// PEM certificate of the authority of that registry.
    #[arg(long, value_name = "FILE", requires = "registry")]
    ca: Option<PathBuf>,
    /// PEM certificate to show to that registry.
    #[arg(long, value_name = "FILE", requires_all = ["registry", "key"])]
    cert: Option<PathBuf>,
    /// Key of --cert, PEM and not encrypted.
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// Directory of certificates as Docker's certs.d: *.crt, *.cert and *.key
    /// in it, or in HOST[:PORT] below it.
    #[arg(long, value_name = "DIR", requires = "registry")]
    certs_dir: Option<PathBuf>,
    /// Allow plain HTTP and unverified certificates at that registry.
    #[arg(long, requires = "registry")]
    insecure: bool,
    /// Make the project (Harbor) or the repositories (ECR) that are missing.
    #[arg(long)]
    pub(crate) create_project: bool,
}

impl RegistryArgs {
    /// The registry as edge.yaml would name it; none if it isn't named here.
    pub(crate) fn config(&self) -> Result<Option<RegistryConfig>, Failure> {
        let Some(prefix) = &self.registry else { return Ok(None) };
        let domain = Prefix::parse(prefix).map_err(|e| Failure::of(exit::USAGE, &e))?;
        let text = |path: &Option<PathBuf>| path.as_deref().map(utf8).transpose();
        Ok(Some(RegistryConfig {
            ca: text(&self.ca)?,
            cert: text(&self.cert)?,
            key: text(&self.key)?,
            certs_dir: text(&self.certs_dir)?,
            insecure: self.insecure,
            create_project: self.create_project,
            ..RegistryConfig::new(domain)
        }))
    }

    /// The client of the registry that [`config`](Self::config) gave.
    pub(crate) fn destination(&self, registry: &RegistryConfig) -> Result<Registries, Failure> {
        let host = registry.domain.domain();
        let login = self.login.login(host)?;
        let access = Place::here().access(&Reach::private(registry), login)?;
        Ok(Registries::single(host, access))
    }
}

fn utf8(path: &Path) -> Result<String, Failure> {
    let bad = || Failure::new(exit::USAGE, format!("`{}` is not UTF-8", path.display()));
    path.to_str().map(str::to_owned).ok_or_else(bad)
}
