//! containerd for tests, taken out of Debian's package: installing it would
//! start a service.

use std::fs;
use std::path::PathBuf;

use edgectl_process::Cmd;
use edgectl_testkit::{CONTAINERD_PROGRAMS, containerd_directory};

use crate::setup::as_root;
use crate::{Result, say};

/// Puts it below the cache directory unless it is there.
pub(crate) fn install() -> Result {
    let directory = containerd_directory().ok_or("neither XDG_CACHE_HOME nor HOME is set")?;
    if CONTAINERD_PROGRAMS.iter().all(|program| directory.join(program).is_file()) {
        say("set-up: containerd for tests is there");
        return Ok(());
    }
    say(&format!("set-up puts containerd for tests into {}", directory.display()));
    let download = tempfile::tempdir()?;
    let fetch = Cmd::new("apt-get").args(["download", "containerd"]);
    let fetch = fetch.current_dir(download.path());
    if !fetch.succeeds() {
        as_root(&["apt-get", "update"])?;
        fetch.ensure_success()?;
    }
    let mut files =
        fs::read_dir(download.path())?.map(|entry| Ok::<PathBuf, std::io::Error>(entry?.path()));
    let package = files.next().ok_or("apt-get downloaded nothing")??;
    let root = download.path().join("root");
    Cmd::new("dpkg-deb").arg("--extract").arg(&package).arg(&root).ensure_success()?;
    for program in CONTAINERD_PROGRAMS {
        let bytes = fs::read(root.join("usr/bin").join(program))?;
        edgectl_process::write_file(&directory.join(program), 0o755, &bytes)?;
    }
    Ok(())
}
