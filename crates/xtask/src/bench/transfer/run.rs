//! One run of one tool, and what it cost.

use std::fs::File;
use std::time::{Duration, Instant};

use edgectl_process::file_error;

use super::tools::{Job, Tool};
use super::world::World;
use crate::Result;
use crate::bench::peak::watch;

/// What a run cost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Figures {
    pub(super) seconds: f64,
    /// Requests to the destination.
    pub(super) requests: u64,
    /// Bytes to the destination.
    pub(super) sent: u64,
    /// Peak of the largest process.
    pub(super) peak_kib: u64,
}

impl Figures {
    /// Each figure's median.
    pub(super) fn median(runs: &[Self]) -> Option<Self> {
        let middle = |key: fn(&Self) -> f64| {
            let mut values: Vec<f64> = runs.iter().map(key).collect();
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied()
        };
        Some(Self {
            seconds: middle(|run| run.seconds)?,
            requests: middle(|run| run.requests as f64)? as u64,
            sent: middle(|run| run.sent as f64)? as u64,
            peak_kib: middle(|run| run.peak_kib as f64)? as u64,
        })
    }
}

/// Runs a tool on the images.
pub(super) fn run(world: &World, tool: &Tool, jobs: &[Job]) -> Result<Figures> {
    let commands = (tool.commands)(world, jobs)?;
    let before = world.counted()?;
    let log = world.path("tool.log");
    let mut peak_kib = 0;
    let started = Instant::now();
    for command in commands {
        let file = File::create(&log).map_err(file_error("creating", &log))?;
        peak_kib = peak_kib.max(watch(command.start_logging(&file)?)?);
    }
    let seconds = started.elapsed().as_secs_f64();
    // The registry writes its log behind its answers.
    std::thread::sleep(Duration::from_millis(100));
    let after = world.counted()?;
    Ok(Figures { seconds, requests: after.0 - before.0, sent: after.1 - before.1, peak_kib })
}
