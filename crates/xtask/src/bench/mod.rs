//! Benchmarks: ours and what others do, from one run.

mod compare;
mod iso;

use std::process::ExitCode;

use crate::Result;

/// What is measured.
#[derive(Debug, Clone, Copy, clap::Subcommand)]
pub(crate) enum Bench {
    /// Baking an installer, against mksquashfs and xorriso run by hand.
    Iso {
        /// Runs of each side, taken in turns.
        #[arg(long, default_value_t = 5)]
        rounds: u32,
    },
}

/// Runs a benchmark and prints its figures.
pub(crate) fn bench(what: Bench) -> Result<ExitCode> {
    match what {
        Bench::Iso { rounds } => iso::bench(rounds)?,
    }
    Ok(ExitCode::SUCCESS)
}
