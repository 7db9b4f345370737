//! Files that appear whole or not at all.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags};
use tempfile::{NamedTempFile, TempDir};
use thiserror::Error;

use crate::file_lock::FileLock;
use crate::leftovers::{SUFFIX, in_use, prefix, remove_leftovers};

/// Why a file couldn't be written.
#[derive(Debug, Error)]
pub enum PersistError {
    /// The directory can't be made.
    #[error("creating the directory `{}`", .0.display())]
    Directory(PathBuf, #[source] io::Error),
    /// No temporary file beside the target.
    #[error("creating a temporary file in `{}`", .0.display())]
    Temporary(PathBuf, #[source] io::Error),
    /// Writing failed, for example because the disk is full.
    #[error("writing `{}`", .0.display())]
    Write(PathBuf, #[source] io::Error),
    /// The last step failed.
    #[error("renaming into `{}`", .0.display())]
    Rename(PathBuf, #[source] io::Error),
    /// A special file stands there.
    #[error("`{}` exists and is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// A symbolic link that leads nowhere.
    #[error("`{}` is a symbolic link that leads to no file; remove it, or name another file", .0.display())]
    DanglingLink(PathBuf, #[source] io::Error),
}

/// A file being written beside its final place. Dropping it removes it.
#[derive(Debug)]
pub struct Replacement {
    target: PathBuf,
    file: NamedTempFile,
    /// Says that somebody is at it.
    lock: Option<FileLock>,
}

impl Replacement {
    /// Starts a file that will become `target`, with `mode` from the start.
    ///
    /// A symbolic link stays one: what it leads to is replaced, as any other
    /// program would write it.
    pub fn new(target: &Path, mode: u32) -> Result<Self, PersistError> {
        let target = &behind_links(target)?;
        let parent = parent_of(target);
        make_directory(&parent)?;
        // A device would be replaced by a file.
        if std::fs::symlink_metadata(target).is_ok_and(|m| !m.is_file()) {
            return Err(PersistError::NotAFile(target.to_owned()));
        }
        remove_leftovers(&parent);
        let file = tempfile::Builder::new()
            .prefix(&prefix())
            .suffix(SUFFIX)
            .permissions(std::fs::Permissions::from_mode(mode))
            .tempfile_in(&parent)
            .map_err(|e| PersistError::Temporary(parent.clone(), e))?;
        // The umask took bits away from the mode that was asked for.
        file.as_file()
            .set_permissions(std::fs::Permissions::from_mode(mode))
            .map_err(|e| PersistError::Temporary(parent, e))?;
        let lock = FileLock::exclusive(file.as_file()).ok().flatten();
        Ok(Self { target: target.to_owned(), file, lock })
    }

    /// Where the file is until it is done: for programs that write by name.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// The open file.
    pub fn file(&mut self) -> &mut File {
        self.file.as_file_mut()
    }

    /// Makes the file durable and puts it in its place.
    pub fn finish(self) -> Result<(), PersistError> {
        let Self { target, file, lock } = self;
        file.as_file().sync_all().map_err(|e| PersistError::Write(target.clone(), e))?;
        // Others may want one as soon as it is in its place.
        drop(lock);
        file.persist(&target).map_err(|e| PersistError::Rename(target.clone(), e.error))?;
        sync_directory(&parent_of(&target));
        Ok(())
    }
}

/// Writes `content` to `target` with `mode`, whole or not at all.
pub fn write_file(target: &Path, mode: u32, content: &[u8]) -> Result<(), PersistError> {
    let mut replacement = Replacement::new(target, mode)?;
    replacement.file().write_all(content).map_err(|e| PersistError::Write(target.to_owned(), e))?;
    replacement.finish()
}

/// Writes a new file that nobody else may read. For directories that are put
/// into place as a whole: nothing is synced here.
pub fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)
}

/// A directory being filled beside its final place. Dropping it removes it.
#[derive(Debug)]
pub struct Staging {
    target: PathBuf,
    directory: TempDir,
    /// Says that somebody is at it.
    lock: Option<FileLock>,
}

impl Staging {
    /// Starts a directory that may become `target`.
    pub fn new(target: &Path) -> Result<Self, PersistError> {
        let parent = parent_of(target);
        make_directory(&parent)?;
        remove_leftovers(&parent);
        let directory = tempfile::Builder::new()
            .prefix(&prefix())
            .suffix(SUFFIX)
            .tempdir_in(&parent)
            .map_err(|e| PersistError::Temporary(parent, e))?;
        let lock = in_use(directory.path());
        Ok(Self { target: target.to_owned(), directory, lock })
    }

    /// Where the directory is until it is done.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Makes what is in the directory durable and puts it in its place, in place of
    /// an older one: that goes when the new one is there to stay.
    pub fn finish(self) -> Result<(), PersistError> {
        let Self { target, directory, lock } = self;
        let path = directory.path();
        let rename = |e| PersistError::Rename(target.clone(), e);
        sync_all(path).map_err(|e| PersistError::Write(target.clone(), e))?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).map_err(rename)?;
        let old = target.with_extension("edgectl-old");
        let is_exchanged = target.exists() && exchange(path, &target);
        if !is_exchanged {
            let _ = std::fs::remove_dir_all(&old);
            if target.exists() {
                rename_path(&target, &old).map_err(rename)?;
            }
            rename_path(path, &target).map_err(rename)?;
        }
        drop(lock);
        sync_directory(&parent_of(&target));
        match is_exchanged {
            // Under its name is the older one now.
            true => drop(directory),
            false => {
                let _ = directory.keep();
                let _ = std::fs::remove_dir_all(&old);
            }
        }
        Ok(())
    }
}

/// Lets two names change places, where the file system can.
fn exchange(one: &Path, other: &Path) -> bool {
    rustix::fs::renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).is_ok()
}

/// Makes all that a directory holds durable: one by one, many small files would take
/// their time.
fn sync_all(directory: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(directory)?)?)
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that renames")]
fn rename_path(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)
}

/// The file that a symbolic link leads to; any other path as it is.
fn behind_links(path: &Path) -> Result<PathBuf, PersistError> {
    let is_link = std::fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_symlink());
    match is_link {
        true => path.canonicalize().map_err(|e| PersistError::DanglingLink(path.to_owned(), e)),
        false => Ok(path.to_owned()),
    }
}

fn parent_of(target: &Path) -> PathBuf {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn make_directory(path: &Path) -> Result<(), PersistError> {
    std::fs::create_dir_all(path).map_err(|e| PersistError::Directory(path.to_owned(), e))
}

/// The rename itself must survive a power cut; where a file system can't sync
/// a directory there is nothing better to do.
fn sync_directory(path: &Path) {
    if let Ok(directory) = File::open(path) {
        let _ = directory.sync_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(dir).unwrap();
        entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn writes_whole_files_with_their_mode() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("deep/secret");
        write_file(&target, 0o600, b"one").unwrap();
        write_file(&target, 0o600, b"two").unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"two");
        assert_eq!(std::fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(names(&dir.path().join("deep")), ["secret"]);
    }

    #[test]
    fn a_dropped_replacement_leaves_the_old_file_alone() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("file");
        write_file(&target, 0o644, b"old").unwrap();
        let mut replacement = Replacement::new(&target, 0o644).unwrap();
        replacement.file().write_all(b"new").unwrap();
        drop(replacement);
        assert_eq!(std::fs::read(&target).unwrap(), b"old");
        assert_eq!(names(dir.path()), ["file"]);
    }

    #[test]
    fn a_directory_is_not_replaced_by_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let error = write_file(dir.path(), 0o644, b"x").unwrap_err();
        assert!(matches!(error, PersistError::NotAFile(_)), "{error}");
    }

    #[test]
    fn links_stay_and_what_they_lead_to_is_written() {
        use std::os::unix::fs::symlink;
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::create_dir(at("deep")).unwrap();
        write_file(&at("deep/file"), 0o644, b"old").unwrap();
        symlink("deep/file", at("one")).unwrap();
        symlink("one", at("two")).unwrap();
        write_file(&at("two"), 0o600, b"new").unwrap();
        assert_eq!(std::fs::read(at("deep/file")).unwrap(), b"new");
        assert_eq!(std::fs::metadata(at("deep/file")).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_link(at("two")).unwrap(), Path::new("one"));
        assert_eq!(names(&at("deep")), ["file"]);
        symlink("nowhere", at("dangling")).unwrap();
        symlink("loop", at("loop")).unwrap();
        for name in ["dangling", "loop"] {
            let error = write_file(&at(name), 0o600, b"x").unwrap_err();
            assert!(matches!(error, PersistError::DanglingLink(..)), "{error}");
            assert!(std::fs::symlink_metadata(at(name)).unwrap().file_type().is_symlink());
        }
        symlink("deep", at("directory")).unwrap();
        let error = write_file(&at("directory"), 0o600, b"x").unwrap_err();
        assert!(matches!(error, PersistError::NotAFile(_)), "{error}");
        symlink("/dev/null", at("null")).unwrap();
        let error = write_file(&at("null"), 0o600, b"x").unwrap_err();
        assert!(matches!(error, PersistError::NotAFile(_)), "{error}");
    }

    #[test]
    fn staging_replaces_a_directory() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("out");
        for content in ["one", "two"] {
            let staging = Staging::new(&target).unwrap();
            std::fs::write(staging.path().join(content), content).unwrap();
            staging.finish().unwrap();
            assert_eq!(names(&target), [content]);
        }
        drop(Staging::new(&target).unwrap());
        assert_eq!(names(dir.path()), ["out"]);
    }
}
