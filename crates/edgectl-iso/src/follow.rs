//! The digest of a file that a program is still writing, front to back.
//!
//! Taking it afterwards would be another reading of gigabytes with one core
//! busy. What is written into the finished file later is taken again: the
//! digest goes on from the last mark before it.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use edgectl_model::{Digest, Hasher};
use edgectl_process::file_error;

use crate::digest::digest_from;
use crate::error::IsoError;

const BUFFER: usize = 1 << 20;
/// Bytes between marks.
const STEP: u64 = 16 << 20;
/// How long to wait for more.
const TICK: Duration = Duration::from_millis(5);

/// Says when it is dropped that nothing is written any more, however the
/// writing ended.
pub(crate) struct Writing<'a>(pub(crate) &'a AtomicBool);

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// How far a file has been read, with what its digest was in between.
#[derive(Debug)]
pub(crate) struct Followed {
    marks: Vec<(u64, Hasher)>,
}

impl Followed {
    /// Reads a file until it is not being written any more. It must grow at
    /// its end alone.
    pub(crate) fn of(path: &Path, is_written: &AtomicBool) -> io::Result<Self> {
        let file = File::open(path)?;
        let (mut at, mut hasher) = (0, Hasher::sha256());
        let mut followed = Self { marks: Vec::new() };
        let mut buffer = vec![0; BUFFER];
        loop {
            // Asked first: what is written between the two is read yet.
            let goes_on = is_written.load(Ordering::Acquire);
            match file.read_at(&mut buffer, at)? {
                0 if goes_on => sleep(TICK),
                0 => return Ok(followed),
                n => {
                    hasher.update(&buffer[..n]);
                    at += n as u64;
                    followed.mark(at, &hasher);
                }
            }
        }
    }

    fn mark(&mut self, at: u64, hasher: &Hasher) {
        if self.marks.last().is_none_or(|(last, _)| at >= last + STEP) {
            self.marks.push((at, hasher.clone()));
        }
    }

    /// The digest of the file as it is now, which differs from what was read
    /// in nothing before `changed`.
    pub(crate) fn digest(mut self, path: &Path, changed: u64) -> Result<Digest, IsoError> {
        self.marks.retain(|(at, _)| *at <= changed);
        let (at, hasher) = self.marks.pop().unwrap_or_else(|| (0, Hasher::sha256()));
        let mut file = File::open(path).map_err(file_error("opening", path))?;
        file.seek(SeekFrom::Start(at)).map_err(file_error("reading", path))?;
        digest_from(&file, hasher, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// More than two marks of bytes that are nowhere the same.
    fn content() -> Vec<u8> {
        (0..(STEP as u32 * 5 / 2) / 4).flat_map(u32::to_le_bytes).collect()
    }

    #[test]
    fn a_growing_file_is_followed_and_what_changes_later_counts() {
        let dir = tempfile::tempdir().unwrap();
        let (path, mut content) = (dir.path().join("image"), content());
        let mut file = File::create(&path).unwrap();
        let is_written = AtomicBool::new(true);
        let followed = std::thread::scope(|scope| {
            let reading = scope.spawn(|| Followed::of(&path, &is_written));
            let writing = Writing(&is_written);
            for piece in content.chunks(3_000_001) {
                file.write_all(piece).unwrap();
            }
            drop(writing);
            reading.join().unwrap().unwrap()
        });
        assert_eq!(followed.marks.len(), 3);
        for changed in [content.len() - 1, 2 * STEP as usize, STEP as usize + 1, 0] {
            content[changed] ^= 1;
            file.write_all_at(&content[changed..=changed], changed as u64).unwrap();
            let followed = Followed { marks: followed.marks.clone() };
            let digest = followed.digest(&path, changed as u64).unwrap();
            assert_eq!(digest, Digest::sha256(&content), "{changed}");
        }
    }

    #[test]
    fn nothing_written_is_read_to_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("image");
        std::fs::write(&path, b"short").unwrap();
        let followed = Followed::of(&path, &AtomicBool::new(false)).unwrap();
        assert_eq!(followed.digest(&path, 5).unwrap(), Digest::sha256(b"short"));
    }
}
