//! The digest of a file that is read for something else anyway: gigabytes need
//! not come from the disk twice.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use edgectl_iso::{IsoError, digest_from, digest_of};
use edgectl_model::{Digest, Hasher};

/// A file, and what its readers have made of its digest.
#[derive(Debug)]
pub(crate) struct ReadDigest {
    path: PathBuf,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// A reader has ended.
    ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Readers that have not ended.
    open: usize,
    /// The file where the last one left it, and the digest of what comes
    /// before.
    left: Option<(File, Hasher)>,
}

impl ReadDigest {
    pub(crate) fn of(path: PathBuf) -> Self {
        Self { path, shared: Arc::default() }
    }

    /// The file's content, and its size.
    pub(crate) fn open(&self) -> io::Result<(Digested, u64)> {
        let file = File::open(&self.path)?;
        let size = file.metadata()?.len();
        self.shared.lock().open += 1;
        let shared = Arc::clone(&self.shared);
        Ok((Digested { at: Some((file, Hasher::sha256())), shared }, size))
    }

    /// The digest of the file; waits for its readers, which others must have
    /// let go of.
    pub(crate) fn digest(&self) -> Result<Digest, IsoError> {
        match self.shared.left() {
            // Readers may stop before the end: archives say where they end.
            Some((file, hasher)) => digest_from(&file, hasher, &self.path),
            None => digest_of(&self.path),
        }
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn left(&self) -> Option<(File, Hasher)> {
        let state = self.ended.wait_while(self.lock(), |state| state.open > 0);
        state.unwrap_or_else(PoisonError::into_inner).left.take()
    }
}

/// A reader of the file.
#[derive(Debug)]
pub(crate) struct Digested {
    /// Until it is dropped.
    at: Option<(File, Hasher)>,
    shared: Arc<Shared>,
}

impl Read for Digested {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some((file, hasher)) = &mut self.at else { return Ok(0) };
        let n = file.read(buffer)?;
        hasher.update(&buffer[..n]);
        Ok(n)
    }
}

impl Drop for Digested {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.open -= 1;
        state.left = self.at.take();
        self.shared.ended.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_not_read_again_and_the_rest_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tar");
        let content = vec![7; 3 << 20];
        for read in [0, 1, content.len() / 2, content.len()] {
            std::fs::write(&path, &content).unwrap();
            let digest = ReadDigest::of(path.clone());
            let (mut reader, size) = digest.open().unwrap();
            assert_eq!(size, content.len() as u64);
            reader.read_exact(&mut vec![0; read]).unwrap();
            // What has been read is gone: only the reader knows it.
            let other = vec![8; read];
            let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
            std::os::unix::fs::FileExt::write_all_at(&file, &other, 0).unwrap();
            let late = std::thread::spawn(move || drop(reader));
            assert_eq!(digest.digest().unwrap(), Digest::sha256(&content), "{read}");
            late.join().unwrap();
        }
    }

    #[test]
    fn what_nobody_read_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tar");
        std::fs::write(&path, b"x").unwrap();
        assert_eq!(ReadDigest::of(path).digest().unwrap(), Digest::sha256(b"x"));
    }
}
