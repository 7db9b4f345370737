//! Runs mmdebstrap, and lets it tidy up when the user wants to stop.

use std::path::Path;
use std::time::Duration;

use edgectl_process::{Cmd, Tool, interrupted};

use super::error::{QuickstartError, file_error};
use super::recipe::{EPOCH, SUITE};

/// Downloads and unpacks Debian packages.
const MMDEBSTRAP: Tool = Tool {
    name: "mmdebstrap",
    package: "mmdebstrap",
    purpose: "making the quickstart's images from Debian packages",
    version: &["--version"],
};
/// How long it may take to unmount and remove what it was working on.
const GRACE: Duration = Duration::from_secs(30);
const TICK: Duration = Duration::from_millis(50);

/// mmdebstrap with what every call needs.
pub(super) fn mmdebstrap(architecture: &str, packages: &[&str]) -> Result<Cmd, QuickstartError> {
    let cmd = MMDEBSTRAP.cmd()?.env("SOURCE_DATE_EPOCH", EPOCH.to_string());
    let cmd = cmd.arg(format!("--architectures={architecture}"));
    let cmd = cmd.arg(r#"--aptopt=Apt::Install-Recommends "false""#);
    Ok(cmd.arg(format!("--include={}", packages.join(","))))
}

/// Runs it to the end. Unlike other programs it is never just killed: it has
/// file systems mounted, which somebody has to unmount.
pub(super) fn run(cmd: Cmd, tar: &Path) -> Result<(), QuickstartError> {
    let path = tar.with_extension("log");
    let log = std::fs::File::create(&path).map_err(file_error("creating", &path))?;
    let mut running = cmd.arg(SUITE).arg(tar).start_logging(&log)?;
    while running.ended()?.is_none() {
        if let Err(stop) = interrupted() {
            running.stop(GRACE)?;
            return Err(stop.into());
        }
        std::thread::sleep(TICK);
    }
    running.wait()?;
    std::fs::remove_file(&path).map_err(file_error("removing", &path))
}
