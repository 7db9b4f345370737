//! The command line of `edgectl iso key`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::OutputArgs;

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  edgectl iso key --out site.key > site.pub
  edgectl iso build --recipient $(cat site.pub)
  edgectl iso boot --key-disc site.key")]
pub(crate) struct IsoKeyArgs {
    /// Where the secret key goes; the public one goes to stdout.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Replace a file that stands there.
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
