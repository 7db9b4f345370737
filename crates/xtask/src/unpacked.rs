//! Files for tests, taken out of Debian's packages: installing them would
//! start services, or fill the disk.

use std::fs;
use std::path::{Path, PathBuf};

use edgectl_process::Cmd;
use edgectl_testkit::{CONTAINERD_PROGRAMS, MEDIA, containerd_directory, media_directory};

use crate::setup::as_root;
use crate::{Result, say};

/// Puts containerd below the cache directory unless it is there.
pub(crate) fn containerd() -> Result {
    let directory = containerd_directory().ok_or("neither XDG_CACHE_HOME nor HOME is set")?;
    put("containerd", &[("containerd", "usr/bin", &CONTAINERD_PROGRAMS)], &directory)
}

/// Puts what foreign images are made of below the cache directory unless it
/// is there.
pub(crate) fn media() -> Result {
    let directory = media_directory().ok_or("neither XDG_CACHE_HOME nor HOME is set")?;
    put("images of others", &MEDIA, &directory)
}

/// Puts files of packages, each with the directory they are in, into one.
fn put(what: &str, packages: &[(&str, &str, &[&str])], directory: &Path) -> Result {
    let target = |file: &str| directory.join(file.rsplit('/').next().unwrap_or(file));
    let is_there = |files: &[&str]| files.iter().all(|file| target(file).is_file());
    if packages.iter().all(|(_, _, files)| is_there(files)) {
        say(&format!("set-up: {what} for tests: there"));
        return Ok(());
    }
    say(&format!("set-up puts {what} for tests into {}", directory.display()));
    for (package, inside, files) in packages.iter().filter(|(_, _, files)| !is_there(files)) {
        let download = tempfile::tempdir()?;
        let root = unpack(package, download.path())?;
        for file in *files {
            let bytes = fs::read(root.join(inside).join(file))?;
            edgectl_process::write_file(&target(file), 0o755, &bytes)?;
        }
    }
    Ok(())
}

/// Downloads a package; gives the root of its files.
fn unpack(package: &str, into: &Path) -> Result<PathBuf> {
    let fetch = Cmd::new("apt-get").args(["download", package]);
    let fetch = fetch.current_dir(into);
    if !fetch.succeeds() {
        as_root(&["apt-get", "update"])?;
        fetch.ensure_success()?;
    }
    let file = fs::read_dir(into)?.next().ok_or("apt-get downloaded nothing")??.path();
    let root = into.join("root");
    Cmd::new("dpkg-deb").arg("--extract").arg(&file).arg(&root).ensure_success()?;
    Ok(root)
}
