//! Changing an image in place so that a power cut leaves the old or the new
//! one: what stood there before is kept in a file beside it until the change
//! has reached the disk, and put back by whoever comes next.
//!
//! ```text
//! "edgectl undo 2\n"   15 bytes
//! size                 u64, of the image in bytes
//! front                64 bytes, the SHA-256 in hex of the image's first 64 KiB
//!                      with zeros where something is changed
//! patches              u64, then for each: offset u64, length u64, the bytes
//!                      before and the bytes after
//! digest               64 bytes, the SHA-256 of all of the above in hex
//! ```
//! Numbers are little endian.
//!
//! The image is known by what it holds: devices get other numbers when a
//! machine starts, and files others when they are restored. What a change that
//! was cut short leaves is, in each sector, what was there before or after;
//! anything else is another image that took the name.

use std::fs::{File, OpenOptions};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use edgectl_model::{Digest, Hasher};
use edgectl_process::{FileLock, file_error, write_file};

use crate::error::IsoError;
use crate::patch::{Patch, apply, before};
use crate::sidecar::{beside, remove_one};

const MAGIC: &[u8] = b"edgectl undo 2\n";
/// Bytes of the digest in hex, as it stands at the end.
const DIGEST: usize = 64;
/// Areas have some megabytes.
const LIMIT: u64 = 1 << 31;
/// Bytes in front that tell images from each other: the descriptors are there,
/// with labels and dates.
const FRONT: u64 = 64 << 10;
/// What a disk writes whole or not at all, in bytes.
const SECTOR: u64 = 512;

/// The file beside an image that undoes a change that was cut short.
pub(crate) fn undo_path(image: &Path) -> PathBuf {
    beside(image, ".undo")
}

/// An image that nobody else changes meanwhile.
#[derive(Debug)]
pub(crate) struct Exclusive {
    pub(crate) file: File,
    path: PathBuf,
    _lock: FileLock,
}

impl Exclusive {
    /// Takes the image, and finishes what a former change left undone.
    pub(crate) fn take(path: &Path) -> Result<Self, IsoError> {
        // Through links, so that the undo file stands beside the image itself.
        let path = path.canonicalize().map_err(file_error("opening", path))?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&path)
            .map_err(file_error("opening for writing", &path))?;
        let lock = FileLock::exclusive(&file).map_err(file_error("locking", &path))?;
        let Some(lock) = lock else { return Err(IsoError::Busy(path)) };
        let image = Self { file, path, _lock: lock };
        image.recover()?;
        Ok(image)
    }

    /// Replaces bytes.
    pub(crate) fn change(&self, patches: &[Patch]) -> Result<(), IsoError> {
        let old = before(&self.file, patches).map_err(file_error("reading", &self.path))?;
        let undo = undo_path(&self.path);
        write_file(&undo, 0o600, &self.encode(&old, patches)?)?;
        self.write(patches)?;
        self.forget(&undo)
    }

    /// Puts back what a change that was cut short has replaced.
    fn recover(&self) -> Result<(), IsoError> {
        let undo = undo_path(&self.path);
        let length = match std::fs::metadata(&undo) {
            Ok(data) => data.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(file_error("reading", undo)(error).into()),
        };
        let unusable = || IsoError::Undo(undo.clone());
        if length > LIMIT {
            return Err(unusable());
        }
        let bytes = std::fs::read(&undo).map_err(file_error("reading", &undo))?;
        let change = Undo::decode(&bytes).ok_or_else(unusable)?;
        if !self.is_between(&change).map_err(file_error("reading", &self.path))? {
            return Err(unusable());
        }
        tracing::info!(
            "`{}` was being changed when something stopped it; undoing",
            self.path.display()
        );
        self.write(&change.old)?;
        self.forget(&undo)
    }

    fn write(&self, patches: &[Patch]) -> Result<(), IsoError> {
        let writing = || file_error("writing", &self.path);
        apply(&self.file, patches).map_err(writing())?;
        Ok(self.file.sync_data().map_err(writing())?)
    }

    fn forget(&self, undo: &Path) -> Result<(), IsoError> {
        std::fs::remove_file(undo).map_err(file_error("removing", undo))?;
        // Else a power cut could bring it back, and the old bytes with it.
        let directory = undo.parent().unwrap_or(Path::new("."));
        let sync = || File::open(directory)?.sync_all();
        Ok(sync().map_err(file_error("syncing", directory))?)
    }

    fn bytes(&self) -> std::io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// The digest of the image's front without what is changed there.
    fn front(&self, patches: &[Patch]) -> std::io::Result<[u8; DIGEST]> {
        let mut front = vec![0; self.bytes()?.min(FRONT) as usize];
        self.file.read_exact_at(&mut front, 0)?;
        for patch in patches {
            let end = patch.offset.saturating_add(patch.bytes.len() as u64);
            let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(front.len());
            let (start, end) = (place(patch.offset), place(end));
            front[start..end].fill(0);
        }
        let mut hasher = Hasher::sha256();
        hasher.update(&front);
        let mut digest = [0; DIGEST];
        digest.copy_from_slice(hasher.finish().hex().as_bytes());
        Ok(digest)
    }

    /// Whether this is what a change leaves, wherever it was stopped.
    fn is_between(&self, change: &Undo) -> std::io::Result<bool> {
        if self.bytes()? != change.size || self.front(&change.old)? != change.front {
            return Ok(false);
        }
        let there = before(&self.file, &change.old)?;
        let mut all = there.iter().zip(change.old.iter().zip(&change.new));
        Ok(all.all(|(there, (old, new))| {
            sectors(there).all(|part| {
                let found = &there.bytes[part.clone()];
                found == &old.bytes[part.clone()] || found == &new.bytes[part]
            })
        }))
    }

    fn encode(&self, old: &[Patch], new: &[Patch]) -> Result<Vec<u8>, IsoError> {
        let reading = || file_error("reading", &self.path);
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.bytes().map_err(reading())?.to_le_bytes());
        bytes.extend(self.front(old).map_err(reading())?);
        bytes.extend((old.len() as u64).to_le_bytes());
        for (old, new) in old.iter().zip(new) {
            bytes.extend(old.offset.to_le_bytes());
            bytes.extend((old.bytes.len() as u64).to_le_bytes());
            bytes.extend(&old.bytes);
            bytes.extend(&new.bytes);
        }
        let digest = Digest::sha256(&bytes);
        bytes.extend(digest.hex().as_bytes());
        Ok(bytes)
    }
}

/// The parts of a patch that lie in one sector each.
fn sectors(patch: &Patch) -> impl Iterator<Item = Range<usize>> {
    let (start, length) = (patch.offset % SECTOR, patch.bytes.len() as u64);
    (0..(start + length).div_ceil(SECTOR)).map(move |sector| {
        let edge = |at: u64| at.clamp(start, start + length) - start;
        (edge(sector * SECTOR) as usize)..(edge((sector + 1) * SECTOR) as usize)
    })
}

/// What an undo file says.
#[derive(Debug, PartialEq, Eq)]
struct Undo {
    size: u64,
    front: [u8; DIGEST],
    old: Vec<Patch>,
    new: Vec<Patch>,
}

impl Undo {
    /// None where it isn't whole.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let (content, digest) = bytes.split_at_checked(bytes.len().checked_sub(DIGEST)?)?;
        if Digest::sha256(content).hex().as_bytes() != digest {
            return None;
        }
        let mut rest = content.strip_prefix(MAGIC)?;
        let size = number(&mut rest)?;
        let (front, more) = rest.split_first_chunk()?;
        rest = more;
        let (mut old, mut new) = (Vec::new(), Vec::new());
        for _ in 0..number(&mut rest)? {
            let (offset, length) = (number(&mut rest)?, number(&mut rest)?);
            if offset.checked_add(length)? > size {
                return None;
            }
            for to in [&mut old, &mut new] {
                let (bytes, more) = rest.split_at_checked(usize::try_from(length).ok()?)?;
                to.push(Patch { offset, bytes: bytes.to_vec() });
                rest = more;
            }
        }
        rest.is_empty().then_some(Self { size, front: *front, old, new })
    }
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    let (number, more) = rest.split_first_chunk()?;
    *rest = more;
    Some(u64::from_le_bytes(*number))
}

/// Takes away what would undo a change of an image that another one is about
/// to replace.
pub(crate) fn forget_undo(image: &Path) -> Result<(), IsoError> {
    // Should that fail, the image must be a whole one.
    match recover(image) {
        Ok(()) => Ok(()),
        Err(_) => remove_one(&undo_path(image)).map(drop),
    }
}

/// Whether a change of an image was cut short, or is under way.
pub(crate) fn is_undone(image: &Path) -> bool {
    undo_path(&image.canonicalize().unwrap_or_else(|_| image.to_owned())).exists()
}

/// Finishes what a change of an image left undone, if it did.
pub fn recover(image: &Path) -> Result<(), IsoError> {
    match is_undone(image) {
        true => Exclusive::take(image).map(drop),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(offset: u64, bytes: &[u8]) -> Patch {
        Patch { offset, bytes: bytes.to_vec() }
    }

    /// An image, and the undo file of a change that nobody has begun.
    fn begun(directory: &Path, content: &[u8], change: &[Patch]) -> (PathBuf, PathBuf) {
        let path = directory.join("image").canonicalize().unwrap_or(directory.join("image"));
        std::fs::write(&path, content).unwrap();
        let undo = undo_path(&path);
        let image = Exclusive::take(&path).unwrap();
        let old = before(&image.file, change).unwrap();
        write_file(&undo, 0o600, &image.encode(&old, change).unwrap()).unwrap();
        (path, undo)
    }

    #[test]
    fn a_change_that_is_cut_short_is_undone_by_the_next_one() {
        let directory = tempfile::tempdir().unwrap();
        let change = [patch(2, b"ab"), patch(6, b"cd")];
        let (path, undo) = begun(directory.path(), b"0123456789", &change);
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        apply(&file, &change[..1]).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"01ab456789");
        // Restored from elsewhere, with another number.
        let copy = path.with_extension("copy");
        std::fs::copy(&path, &copy).unwrap();
        std::fs::remove_file(&path).unwrap();
        std::fs::copy(&copy, &path).unwrap();
        recover(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"0123456789");
        assert!(!undo.exists());
        Exclusive::take(&path).unwrap().change(&[patch(8, b"ef")]).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"01234567ef");
        assert!(!undo.exists());
    }

    /// Each sector is the old or the new one, in any order.
    #[test]
    fn a_change_is_undone_wherever_it_was_stopped() {
        let directory = tempfile::tempdir().unwrap();
        let old = vec![b'o'; 100_000];
        let change = [patch(70_000, &[b'n'; 2000]), patch(300, &[b'n'; 700])];
        let (path, undo) = begun(directory.path(), &old, &change);
        let whole = std::fs::read(&undo).unwrap();
        let sector = 70_000_usize.next_multiple_of(512);
        for written in [0..0, 70_000..sector, sector..sector + 512, 512..1000, 300..1000] {
            let mut torn = old.clone();
            torn[written].fill(b'n');
            std::fs::write(&path, &torn).unwrap();
            std::fs::write(&undo, &whole).unwrap();
            recover(&path).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), old);
        }
    }

    #[test]
    fn another_image_that_took_the_name_stays_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let old = vec![b'o'; 100_000];
        let change = [patch(70_000, &[b'n'; 2000])];
        let (path, undo) = begun(directory.path(), &old, &change);
        for (at, byte) in [(10, b'n'), (70_100, b'x'), (71_999, b'n')] {
            let mut other = old.clone();
            other[at] = byte;
            std::fs::write(&path, &other).unwrap();
            assert!(matches!(recover(&path), Err(IsoError::Undo(_))), "{at}");
            assert_eq!(std::fs::read(&path).unwrap(), other);
        }
        std::fs::write(&path, &old[1..]).unwrap();
        assert!(matches!(recover(&path), Err(IsoError::Undo(_))));
        assert!(undo.exists());
    }

    #[test]
    fn an_undo_file_that_is_not_whole_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let (path, undo) = begun(directory.path(), b"0123456789", &[patch(2, b"ab")]);
        let whole = std::fs::read(&undo).unwrap();
        let decoded = Undo::decode(&whole).unwrap();
        assert_eq!((decoded.old, decoded.new), (vec![patch(2, b"23")], vec![patch(2, b"ab")]));
        for cut in 0..whole.len() {
            assert_eq!(Undo::decode(&whole[..cut]), None);
        }
        std::fs::write(&undo, &whole[..20]).unwrap();
        assert!(matches!(recover(&path), Err(IsoError::Undo(_))));
    }

    #[test]
    fn an_image_is_changed_by_one_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("image");
        std::fs::write(&path, b"0").unwrap();
        let first = Exclusive::take(&path).unwrap();
        assert!(matches!(Exclusive::take(&path), Err(IsoError::Busy(_))));
        drop(first);
        Exclusive::take(&path).unwrap();
    }
}
