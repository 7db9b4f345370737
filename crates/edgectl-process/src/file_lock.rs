//! Locks on files, which end with those who have them.

use std::fs::{File, TryLockError};
use std::io;

/// A lock on an open file (`flock(2)`), for other processes and other openings
/// of it. It ends when this is dropped: closing the file would not be enough,
/// because a program that is being started meanwhile has it open, too, for an
/// instant.
#[derive(Debug)]
pub struct FileLock(File);

impl FileLock {
    /// Takes a file for itself; none if somebody else has it.
    pub fn exclusive(file: &File) -> io::Result<Option<Self>> {
        Self::of(file, File::try_lock)
    }

    /// Takes a file that others may have, too, as long as nobody has it for
    /// himself.
    pub fn shared(file: &File) -> io::Result<Option<Self>> {
        Self::of(file, File::try_lock_shared)
    }

    fn of(file: &File, take: fn(&File) -> Result<(), TryLockError>) -> io::Result<Option<Self>> {
        let file = file.try_clone()?;
        match take(&file) {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_ends_with_its_owner() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, "").unwrap();
        let open = || File::open(&path).unwrap();
        let (one, two) = (open(), open());
        let first = FileLock::exclusive(&one).unwrap().unwrap();
        assert!(FileLock::exclusive(&two).unwrap().is_none());
        assert!(FileLock::shared(&two).unwrap().is_none());
        // Somebody still has the file open.
        let inherited = one.try_clone().unwrap();
        drop(first);
        let shared = FileLock::shared(&two).unwrap().unwrap();
        assert!(FileLock::shared(&one).unwrap().is_some());
        drop((shared, inherited));
        assert!(FileLock::exclusive(&one).unwrap().is_some());
    }
}
