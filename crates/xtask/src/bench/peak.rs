//! The memory that a program takes at most.

use std::time::Duration;

use edgectl_process::Running;

use crate::Result;

/// How often a program's memory is looked at. The kernel keeps the peak, so
/// only what is new in the last moment can be missed.
const LOOK: Duration = Duration::from_millis(2);

/// Waits for a program's end; gives the peak of its
/// memory in KiB.
pub(super) fn watch(mut running: Running) -> Result<u64> {
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
