//! Where built images are kept, so that they are built once.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use edgectl_model::Hasher;
use edgectl_process::{Staging, interrupted};

use super::error::{QuickstartError, file_error};
use super::{files, images, os};

/// Raised when the code that builds images changes what it builds.
const CODE_VERSION: &str = "1";
/// How often a waiting process looks whether the other one is done.
const TICK: Duration = Duration::from_millis(200);

/// `$XDG_CACHE_HOME/edgectl/quickstart`.
pub(super) fn directory() -> Result<PathBuf, QuickstartError> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let cache = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")));
    Ok(cache.ok_or(QuickstartError::Home)?.join("edgectl/quickstart"))
}

/// The layout that holds all images but the provider image.
pub(super) fn images(cache: &Path, say: &dyn Fn(&str)) -> Result<PathBuf, QuickstartError> {
    let mut hasher = Hasher::sha256();
    hasher.update(CODE_VERSION.as_bytes());
    hasher.update(include_bytes!("recipe.rs"));
    let target = cache.join(format!("images-{}", short(hasher)));
    once(cache, &target, say, "the images of the example", &|path| images::build(path, say))
}

/// The layout that holds the operating system of a description.
pub(super) fn os(
    cache: &Path,
    description: &Path,
    say: &dyn Fn(&str),
) -> Result<PathBuf, QuickstartError> {
    let description = files::read_all(description)?;
    let mut hasher = Hasher::sha256();
    hasher.update(CODE_VERSION.as_bytes());
    hasher.update(include_bytes!("os.rs"));
    files::hash(&mut hasher, &description);
    let target = cache.join(format!("os-{}", short(hasher)));
    let build = |path: &Path| os::build(path, &description, say);
    once(cache, &target, say, "an operating system image", &build)
}

fn short(hasher: Hasher) -> String {
    hasher.finish().hex().chars().take(16).collect()
}

/// Builds `target` unless it is there. It gets its name when it is whole.
fn once(
    cache: &Path,
    target: &Path,
    say: &dyn Fn(&str),
    what: &str,
    build: &dyn Fn(&Path) -> Result<(), QuickstartError>,
) -> Result<PathBuf, QuickstartError> {
    if target.exists() {
        return Ok(target.to_owned());
    }
    std::fs::create_dir_all(cache).map_err(file_error("creating", cache))?;
    let _alone = alone(cache, say)?;
    if !target.exists() {
        say(&format!("building {what}: `{}` is not there yet", target.display()));
        remove_leftovers(cache);
        let staging = Staging::new(target)?;
        build(staging.path())?;
        staging.finish()?;
    }
    Ok(target.to_owned())
}

/// One process builds at a time; the others wait and find it done.
fn alone(cache: &Path, say: &dyn Fn(&str)) -> Result<File, QuickstartError> {
    let path = cache.join("lock");
    let lock = File::create(&path).map_err(file_error("creating", &path))?;
    let mut said = false;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::Error(error)) => return Err(file_error("locking", &path)(error)),
            Err(TryLockError::WouldBlock) => {
                if !said {
                    say("another process is building images; waiting for it");
                }
                said = true;
                interrupted()?;
                std::thread::sleep(TICK);
            }
        }
    }
}

/// What a killed build left; only called by the one process that builds.
fn remove_leftovers(cache: &Path) {
    for entry in std::fs::read_dir(cache).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(".edgectl-") {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_once_and_leaves_nothing_of_a_failure() {
        let cache = tempfile::tempdir().unwrap();
        let target = cache.path().join("images-0");
        std::fs::create_dir(cache.path().join(".edgectl-left")).unwrap();
        let fails = |_: &Path| Err(QuickstartError::Home);
        once(cache.path(), &target, &|_| {}, "x", &fails).unwrap_err();
        let names = || {
            let entries = std::fs::read_dir(cache.path()).unwrap();
            let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name()).collect();
            names.sort();
            names
        };
        assert_eq!(names(), ["lock"]);
        let builds = |path: &Path| {
            std::fs::write(path.join("index.json"), "{}").map_err(file_error("writing", path))
        };
        once(cache.path(), &target, &|_| {}, "x", &builds).unwrap();
        assert_eq!(names(), ["images-0", "lock"]);
        once(cache.path(), &target, &|_| {}, "x", &fails).unwrap();
    }
}
