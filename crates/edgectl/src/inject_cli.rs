//! The command line of `edgectl user-data inject`: types only.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::access::PullLoginArgs;
use crate::cli::ProjectArgs;

/// Which agent reads the user data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FlavorArg {
    /// Palette Edge: `stylus:`.
    Palette,
    /// Kairos: the agent's own `edgectl:` section, or files in `stages`.
    Kairos,
    /// cloud-init: the agent's own `edgectl:` section, or `write_files`.
    CloudInit,
    /// By the file's header and keys.
    Detect,
}

/// What configures the host's container runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RuntimeArg {
    /// edge-agent or Palette's agent.
    Agent,
    /// The user data writes containerd's files.
    Containerd,
    /// The user data writes the files of K3s.
    K3s,
    /// The user data writes the files of RKE2.
    Rke2,
    /// By what the user data says of the host.
    Detect,
}

/// Where Palette's agent finds the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "camelCase")]
pub(crate) enum PaletteSectionArg {
    /// `stylus.registryCredentials`.
    RegistryCredentials,
    /// An entry of `stylus.externalRegistries.registries`.
    ExternalRegistries,
}

#[derive(Debug, Args)]
pub(crate) struct InjectArgs {
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    /// User data to start from in place of edge.yaml's; `-` for stdin.
    #[arg(long = "in", value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,
    /// Where to write it in place of edge.yaml's; `-` for stdout. With
    /// `--sites` a directory, which gets SITE.yaml for each.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// One user data per site: the user data is a Jinja template, and the
    /// sites with their values come from a CSV file (a `name` column and one
    /// for each value), a YAML file, or a directory with a YAML file each.
    #[arg(long, value_name = "SITES", requires = "out", conflicts_with_all = ["remove", "diff"])]
    pub(crate) sites: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) what: InjectionArgs,
    /// Take the registry out again: what was added goes, to the byte, by the
    /// line that injecting has left; no login is asked for.
    #[arg(long)]
    pub(crate) remove: bool,
    /// With --remove: also where injecting has replaced values, which can't
    /// be brought back, or where nothing tells what was added.
    #[arg(long, requires = "remove")]
    pub(crate) force: bool,
    /// Only print the change, with its secrets hidden.
    #[arg(long)]
    pub(crate) diff: bool,
}

/// What goes into the user data, in place of what edge.yaml says.
#[derive(Debug, Default, Args)]
pub(crate) struct InjectionArgs {
    /// Which agent reads it, in place of edge.yaml's.
    #[arg(long, value_name = "FLAVOR")]
    pub(crate) flavor: Option<FlavorArg>,
    /// What configures the host's container runtime, in place of edge.yaml's.
    #[arg(long, value_name = "RUNTIME")]
    pub(crate) runtime: Option<RuntimeArg>,
    /// Where Palette's agent finds the registry, in place of edge.yaml's.
    #[arg(long, value_name = "SECTION")]
    pub(crate) palette_section: Option<PaletteSectionArg>,
    /// One more certificate authority that the whole host trusts.
    #[arg(long, value_name = "FILE")]
    pub(crate) site_ca: Vec<PathBuf>,
    /// The site's proxy for HTTP, `http://host:port`.
    #[arg(long, value_name = "URL")]
    pub(crate) http_proxy: Option<String>,
    /// The site's proxy for HTTPS, `http://host:port`.
    #[arg(long, value_name = "URL")]
    pub(crate) https_proxy: Option<String>,
    /// Hosts and networks that are asked without a proxy, with commas.
    #[arg(long, value_name = "LIST")]
    pub(crate) no_proxy: Option<String>,
    #[command(flatten)]
    pub(crate) login: PullLoginArgs,
}
