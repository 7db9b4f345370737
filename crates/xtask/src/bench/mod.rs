//! Benchmarks: ours and what others do, from one run.

mod compare;
mod discover;
mod iso;
mod peak;
mod transfer;

use std::path::PathBuf;
use std::process::ExitCode;

use crate::Result;

/// What is measured.
#[derive(Debug, Clone, clap::Subcommand)]
pub(crate) enum Bench {
    /// Baking an installer, against mksquashfs and xorriso run by hand.
    Iso {
        /// Runs of each side, taken in turns.
        #[arg(long, default_value_t = 5)]
        rounds: u32,
    },
    /// Mirroring images, against skopeo, crane, regctl and oras, as far as
    /// they are on the PATH.
    Transfer {
        /// Runs of each side, taken in turns.
        #[arg(long, default_value_t = 5)]
        rounds: u32,
    },
    /// Finding the images of 220 packs, against grep in the same files.
    Discover {
        /// Runs of each side, taken in turns.
        #[arg(long, default_value_t = 5)]
        rounds: u32,
        /// Directory of packs to copy; the corpus beside the checkout where
        /// absent.
        #[arg(long)]
        packs: Option<PathBuf>,
    },
}

/// Runs a benchmark and prints its figures.
pub(crate) fn bench(what: Bench) -> Result<ExitCode> {
    match what {
        Bench::Iso { rounds } => iso::bench(rounds)?,
        Bench::Transfer { rounds } => transfer::bench(rounds)?,
        Bench::Discover { rounds, packs } => discover::bench(rounds, packs.as_deref())?,
    }
    Ok(ExitCode::SUCCESS)
}
