//! Two sides, timed in turns, so that both see the same machine.

use std::time::{Duration, Instant};

use edgectl_process::interrupted;

use crate::{Result, say};

/// One side of a comparison.
pub(super) struct Side<'a> {
    /// Its name in the table.
    pub(super) name: &'a str,
    /// Does the work once; gives what it took.
    pub(super) run: &'a dyn Fn() -> Result<Duration>,
}

/// Times both sides and prints minimum, median and maximum of each, and the
/// ratio of the medians.
pub(super) fn compare(rounds: u32, ours: &Side<'_>, theirs: &Side<'_>) -> Result {
    let mut times = [Vec::new(), Vec::new()];
    // The first round fills the caches and doesn't count.
    for round in 0..=rounds {
        for (times, side) in times.iter_mut().zip([ours, theirs]) {
            interrupted()?;
            let took = (side.run)()?;
            if round > 0 {
                times.push(took);
            }
        }
    }
    let medians = [ours, theirs].map(|side| side.name).into_iter().zip(times);
    let medians: Vec<f64> = medians.map(|(name, times)| row(name, times)).collect();
    if let [ours, theirs] = medians[..] {
        say(&format!("ratio of the medians: {:.2}", ours / theirs));
    }
    Ok(())
}

/// What a whole piece of work takes.
pub(super) fn timed(work: impl Fn() -> Result) -> impl Fn() -> Result<Duration> {
    move || {
        let started = Instant::now();
        work()?;
        Ok(started.elapsed())
    }
}

/// Prints a side's figures; gives its median in seconds.
fn row(name: &str, mut times: Vec<Duration>) -> f64 {
    times.sort();
    let seconds = |at: usize| times.get(at).map_or(f64::NAN, Duration::as_secs_f64);
    let (first, middle, last) =
        (seconds(0), seconds(times.len() / 2), seconds(times.len().saturating_sub(1)));
    say(&format!("{name:<32} min {first:6.2} s   median {middle:6.2} s   max {last:6.2} s"));
    middle
}
