//! What a killed process leaves beside the file that it was writing: the next
//! one that writes there takes it away.
//!
//! A name in the making has the id of its process, and whoever makes it holds
//! a lock on it: the id alone says nothing of processes in other containers.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::OFlags;

use crate::file_lock::FileLock;

/// Prefix of all temporary names, so that leftovers can be told.
const PREFIX: &str = ".edgectl-";

/// And their suffix: who gives names of his own doesn't begin and end them like this.
pub(crate) const SUFFIX: &str = ".part";
/// Random characters between process and suffix.
const RANDOM: usize = 6;

/// File systems of this machine alone (btrfs, ext, f2fs, overlayfs, tmpfs, xfs,
/// zfs): whoever else sees a file there sees locks on it, too.
const LOCAL: [u64; 7] =
    [0x9123_683e, 0xef53, 0xf2f5_2010, 0x794c_7630, 0x0102_1994, 0x5846_5342, 0x2fc1_2fc1];

/// Directories that this process has looked through.
static SEEN: Mutex<Option<HashSet<PathBuf>>> = Mutex::new(None);

/// Whether a name is that of something in the making, which may be of a
/// process that was killed and stay so.
pub fn is_temporary(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(PREFIX.as_bytes())
}

/// How names of this process's things in the making start.
pub(crate) fn prefix() -> String {
    format!("{PREFIX}{}-", std::process::id())
}

/// Says that something in the making is in use. Not every file system can, and
/// on those nothing is taken away.
pub(crate) fn in_use(path: &Path) -> Option<FileLock> {
    FileLock::exclusive(&File::open(path).ok()?).ok().flatten()
}

/// Takes away what processes that no longer run have left in a directory. What
/// can't be told, or taken away, stays.
pub(crate) fn remove_leftovers(directory: &Path) {
    let Ok(directory) = directory.canonicalize() else { return };
    // Held until the end: nobody here starts anything there before.
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    if !seen.get_or_insert_default().insert(directory.clone()) || !is_local(&directory) {
        return;
    }
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if maker(&entry.file_name()).is_some_and(is_gone) {
            remove(&entry.path());
        }
    }
}

fn is_local(directory: &Path) -> bool {
    let found = rustix::fs::statfs(directory);
    found.is_ok_and(|found| LOCAL.contains(&(found.f_type as u64 & 0xffff_ffff)))
}

/// The process that a name in the making is of. Names that others give may begin in
/// the same way: all of it must be as ours are.
fn maker(name: &OsStr) -> Option<u32> {
    let (pid, random) = name.to_str()?.strip_prefix(PREFIX)?.split_once('-')?;
    let is_ours = random.strip_suffix(SUFFIX)?.len() == RANDOM && !pid.starts_with(['0', '+']);
    let is_random = |c: char| c.is_ascii_alphanumeric();
    pid.parse().ok().filter(|_| is_ours && random[..RANDOM].chars().all(is_random))
}

/// Whether no process has this id, or this one, which has just begun: in a
/// container it is often the same as the last time.
fn is_gone(pid: u32) -> bool {
    let proc = Path::new("/proc");
    let is_running = !proc.join("self").exists() || proc.join(pid.to_string()).exists();
    pid == std::process::id() || !is_running
}

/// Takes away a file or directory of ours that nobody has a lock on.
fn remove(path: &Path) {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path);
    let Ok(file) = opened else { return };
    let Ok(metadata) = file.metadata() else { return };
    let is_ours = metadata.uid() == rustix::process::geteuid().as_raw();
    let lock = FileLock::exclusive(&file).ok().flatten().filter(|_| is_ours);
    let removed = match lock.is_some() {
        true if metadata.is_file() => std::fs::remove_file(path),
        true if metadata.is_dir() => std::fs::remove_dir_all(path),
        _ => return,
    };
    if let Err(error) = removed {
        tracing::debug!(path = %path.display(), %error, "a leftover stays");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::persist::{Staging, write_file};

    /// No process has such an id.
    const NOBODY: u32 = 4_000_000_000;

    #[test]
    fn what_the_dead_have_left_goes_and_all_else_stays() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let dead = format!(".edgectl-{NOBODY}");
        let file = |name: &str| std::fs::write(at(name), "x").unwrap();
        file(&format!("{dead}-aFile1.part"));
        file(&format!(".edgectl-{}-sameId.part", std::process::id()));
        std::fs::create_dir_all(at(&format!("{dead}-a1Tree.part/deep"))).unwrap();
        file(&format!("{dead}-a1Tree.part/deep/secret"));

        let locked = format!("{dead}-locked.part");
        let living = ".edgectl-1-living.part".to_owned();
        let link = format!("{dead}-a1Link.part");
        let of_users = [
            ".edgectl-sites",
            ".edgectl-Ab12Cd",
            ".edgectl-7",
            ".edgectl-4000000000-backup",
            ".edgectl-4000000000-ours.part",
            ".edgectl-4000000000-our-on.part",
            ".edgectl-04000000000-backup.part",
            "user",
        ];
        for name in [locked.as_str(), &living].into_iter().chain(of_users) {
            file(name);
        }
        std::os::unix::fs::symlink("user", at(&link)).unwrap();
        let lock = in_use(&at(&locked)).unwrap();

        write_file(&at("out"), 0o644, b"x").unwrap();
        let mut left: Vec<String> = std::fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        let mut expected = vec![locked.clone(), living, link, "out".to_owned()];
        expected.extend(of_users.map(str::to_owned));
        expected.sort();
        assert_eq!(left, expected);
        drop(lock);
    }

    #[test]
    fn what_is_in_the_making_is_locked_and_named() {
        let dir = tempfile::tempdir().unwrap();
        let staging = Staging::new(&dir.path().join("out")).unwrap();
        assert_eq!(maker(staging.path().file_name().unwrap()), Some(std::process::id()));
        assert!(in_use(staging.path()).is_none(), "somebody has it");
        staging.finish().unwrap();
        assert!(in_use(&dir.path().join("out")).is_some());
    }
}
