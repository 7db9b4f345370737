//! Root file systems of some size, from a tar: the reference system with as
//! much of this machine's `/usr` as it takes.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use edgectl_process::file_error;

use super::{COMPRESSION, Site, write_iso};
use crate::bench::compare::{Side, compare, timed};
use crate::bench::peak::watch;
use crate::{Result, say};

/// In MiB.
pub(super) const SIZES: [u64; 2] = [1024, 5000];

/// Bakes such a system, changes the image, and compares both.
pub(super) fn bench(site: &Site, mib: u64, rounds: u32) -> Result {
    let tar = tar_of(site, mib)?;
    let bytes = fs::metadata(&tar).map_err(file_error("measuring", &tar))?.len();
    say(&format!("baking a root file system of {} MiB in a tar", bytes >> 20));
    site.configure(&tar)?;
    let ours = Side { name: "edgectl iso build", run: &timed(|| site.bake()) };
    let by_hand = timed(|| pack(site, &tar).and_then(|_| write_iso(site)));
    compare(rounds, &ours, &Side { name: "mksquashfs and xorriso by hand", run: &by_hand })?;
    say("the squashfs of it");
    let ours = Side { name: "edgectl iso build, its squashfs", run: &|| squashfs_of_ours(site) };
    let theirs = Side { name: "mksquashfs -tar by hand", run: &|| pack(site, &tar) };
    compare(rounds, &ours, &theirs)?;
    let log = site.directory.join("edgectl.log");
    let log = File::create(&log).map_err(file_error("creating", &log))?;
    let peak = watch(site.baking().start_logging(&log)?)?;
    say(&format!("peak memory of edgectl: {} MiB", peak / 1024));
    say("changing its user data");
    site.compare_changes(rounds)?;
    fs::remove_file(&tar).map_err(file_error("removing", &tar))?;
    Ok(())
}

fn pack(site: &Site, tar: &Path) -> Result<Duration> {
    let started = Instant::now();
    let words = "mksquashfs - by-hand.squashfs -tar -noappend -no-progress -quiet \"$@\" < ";
    let cmd = site.cmd("sh").arg("-c").arg(format!("{words}'{}'", tar.display())).arg("sh");
    cmd.args(COMPRESSION).ensure_success()?;
    Ok(started.elapsed())
}

/// What edgectl says of that step.
fn squashfs_of_ours(site: &Site) -> Result<Duration> {
    let json = site.baking().args(["-o", "json"]).read_stdout()?;
    let value: serde_json::Value = serde_json::from_slice(&json)?;
    let seconds = value["squashfsSeconds"].as_f64().ok_or("the output has no `squashfsSeconds`")?;
    Ok(Duration::from_secs_f64(seconds))
}

/// The tar, without compression, so that both sides only read it.
fn tar_of(site: &Site, mib: u64) -> Result<PathBuf> {
    let tar = site.directory.join(format!("root-{mib}.tar"));
    let list = site.directory.join("root.list");
    let mut names = Vec::new();
    let mut left = mib << 20;
    collect(Path::new("/usr"), &mut left, &mut names)?;
    let text: Vec<u8> =
        names.iter().flat_map(|name| [name.as_encoded_bytes(), b"\0"].concat()).collect();
    fs::write(&list, text).map_err(file_error("writing", &list))?;
    let cmd = site.cmd("tar").arg("-cf").arg(&tar).args(["-C", "tree", "."]);
    cmd.ensure_success()?;
    let more =
        site.cmd("tar").args(["-rf"]).arg(&tar).args(["--null", "--no-recursion", "-C", "/"]);
    let more = more.args(["--transform", "s,^usr,srv/usr,", "-T"]).arg(&list);
    more.ensure_success()?;
    Ok(tar)
}

/// Regular files, in the order of their paths, up to so many bytes.
fn collect(directory: &Path, left: &mut u64, names: &mut Vec<OsString>) -> Result {
    let reading = || file_error("reading", directory);
    let entries = fs::read_dir(directory).map_err(reading())?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(reading())?.path());
    }
    paths.sort();
    for path in paths {
        let metadata = fs::symlink_metadata(&path).map_err(file_error("measuring", &path))?;
        if metadata.is_dir() {
            collect(&path, left, names)?;
        } else if metadata.is_file() && metadata.nlink() == 1 && File::open(&path).is_ok() {
            if metadata.len() > *left {
                return Ok(());
            }
            *left -= metadata.len();
            names.push(path.strip_prefix("/").unwrap_or(&path).as_os_str().to_owned());
        }
    }
    Ok(())
}
