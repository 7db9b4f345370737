//! One run of one tool, and what it cost.

use std::fs::File;
use std::time::{Duration, Instant};

use edgectl_process::{Running, file_error};

use super::tools::{Job, Tool};
use super::world::World;
use crate::Result;

/// How often a program's memory is looked at. The kernel keeps the peak, so
/// only what is new in the last moment can be missed.
const LOOK: Duration = Duration::from_millis(2);

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

/// Waits for a program's end; gives the peak of its memory.
fn watch(mut running: Running) -> Result<u64> {
    let status = format!("/proc/{}/status", running.id());
    let mut peak = 0;
    while running.ended()?.is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        peak = peak.max(now.unwrap_or(0));
        std::thread::sleep(LOOK);
    }
    running.wait()?;
    Ok(peak)
}
