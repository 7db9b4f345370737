//! Disks, as qcow2 files.

use std::path::Path;

use crate::error::QemuError;
use crate::tools::QEMU_IMG;

/// A blank disk.
pub(crate) fn blank(path: &Path, gib: u32) -> Result<(), QemuError> {
    let size = format!("{gib}G");
    Ok(QEMU_IMG
        .cmd()?
        .args(["create", "-q", "-f", "qcow2"])
        .arg(path)
        .arg(size)
        .ensure_success()?)
}

/// A disk that shows `base` and keeps its own changes, so that one installed
/// disk serves many runs.
pub(crate) fn overlay(path: &Path, base: &Path) -> Result<(), QemuError> {
    let base =
        std::fs::canonicalize(base).map_err(edgectl_process::file_error("looking for", base))?;
    let cmd = QEMU_IMG.cmd()?.args(["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b"]);
    Ok(cmd.arg(base).arg(path).ensure_success()?)
}
