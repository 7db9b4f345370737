//! The command line of archives: types only.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::{OutputArgs, ProjectArgs};
use crate::registry_cli::RegistryArgs;
use crate::transfer_cli::TransferArgs;

/// Archives in the place of the internet.
#[derive(Debug, Clone, Args)]
pub(crate) struct FromArgs {
    /// Take the images from this archive, or directory of archives, as
    /// `edgectl push` does; an image that none of them has is an error.
    #[arg(long, value_name = "ARCHIVE")]
    pub(crate) from: Vec<PathBuf>,
    /// Ask the source registries for the images that the archives lack.
    #[arg(long, requires = "from")]
    pub(crate) or_upstream: bool,
    /// What an image without a name in its archive is called.
    #[arg(long = "name", value_name = "[DIGEST=]IMAGE", requires = "from")]
    pub(crate) names: Vec<String>,
}

/// How names are laid out below the registry's prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LayoutArg {
    /// The whole name, host included.
    Full,
    /// The name without its host.
    DropHost,
    /// The last part of the name alone.
    Flatten,
}

#[derive(Debug, Args)]
pub(crate) struct PushArgs {
    /// Archives of images, compressed or not, or directories of them: OCI
    /// layouts, `docker save`, KOTS bundles, packages of such archives.
    #[arg(value_name = "ARCHIVE", required = true)]
    pub(crate) archives: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    /// How names are laid out there [default: edge.yaml's, else full].
    #[arg(long, value_name = "LAYOUT")]
    pub(crate) layout: Option<LayoutArg>,
    /// What an image without a name in its archive is called.
    #[arg(long = "name", value_name = "[DIGEST=]IMAGE")]
    pub(crate) names: Vec<String>,
    /// Only list what the archives hold.
    #[arg(long, conflicts_with_all = ["registry", "layout", "dry_run"])]
    pub(crate) list: bool,
    /// Ask the registry, print the plan, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
    #[command(flatten)]
    pub(crate) transfer: TransferArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
