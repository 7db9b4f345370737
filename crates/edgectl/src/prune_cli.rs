//! The command line of `edgectl prune`: types only.

use std::path::PathBuf;

use clap::Args;

use crate::cli::{OutputArgs, ProjectArgs};
use crate::registry_cli::RegistryArgs;

#[derive(Debug, Args)]
pub(crate) struct PruneArgs {
    /// The former lock: only what it put into the registry can go.
    #[arg(long, value_name = "LOCK", required = true)]
    pub(crate) old: PathBuf,
    /// A lock whose images stay; for each profile that shares the registry
    /// [default: edge.yaml's].
    #[arg(long = "lock", value_name = "LOCK")]
    pub(crate) locks: Vec<PathBuf>,
    /// Keep nothing of the former lock.
    #[arg(long, conflicts_with = "locks")]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    /// Delete; without it only the plan is printed.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Print the plan and change nothing (so it is without --yes, too).
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
    /// Repositories looked at at once.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) jobs: u16,
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
