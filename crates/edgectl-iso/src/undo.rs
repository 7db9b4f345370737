//! Changing an image in place so that a power cut leaves the old or the new
//! one: what stood there before is kept in a file beside it until the change
//! has reached the disk, and put back by whoever comes next.
//!
//! ```text
//! "edgectl undo 1\n"   15 bytes
//! image                3 u64: its size in bytes, its device and its inode
//! patches              u64, then for each: offset u64, length u64, bytes
//! digest               64 bytes, the SHA-256 of all of the above in hex
//! ```
//! Numbers are little endian.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use edgectl_model::Digest;
use edgectl_process::{FileLock, file_error, write_file};

use crate::error::IsoError;
use crate::patch::{Patch, apply, before};
use crate::sidecar::{beside, remove_one};

const MAGIC: &[u8] = b"edgectl undo 1\n";
/// Bytes of the digest in hex, as it stands at the end.
const DIGEST: usize = 64;
/// Areas have some megabytes.
const LIMIT: u64 = 1 << 30;

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
        write_file(&undo, 0o600, &self.encode(&old)?)?;
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
        let old = decode(&bytes, self.identity()?).ok_or_else(unusable)?;
        tracing::info!(
            "`{}` was being changed when something stopped it; undoing",
            self.path.display()
        );
        self.write(&old)?;
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

    /// What tells this image from another one that took its name.
    fn identity(&self) -> Result<[u64; 3], IsoError> {
        let data = self.file.metadata().map_err(file_error("measuring", &self.path))?;
        Ok([data.len(), data.dev(), data.ino()])
    }

    fn encode(&self, patches: &[Patch]) -> Result<Vec<u8>, IsoError> {
        let mut bytes = MAGIC.to_vec();
        self.identity()?.iter().for_each(|number| bytes.extend(number.to_le_bytes()));
        bytes.extend((patches.len() as u64).to_le_bytes());
        for patch in patches {
            bytes.extend(patch.offset.to_le_bytes());
            bytes.extend((patch.bytes.len() as u64).to_le_bytes());
            bytes.extend(&patch.bytes);
        }
        let digest = Digest::sha256(&bytes);
        bytes.extend(digest.hex().as_bytes());
        Ok(bytes)
    }
}

/// None where it isn't whole, or of another image.
fn decode(bytes: &[u8], image: [u64; 3]) -> Option<Vec<Patch>> {
    let (content, digest) = bytes.split_at_checked(bytes.len().checked_sub(DIGEST)?)?;
    if Digest::sha256(content).hex().as_bytes() != digest {
        return None;
    }
    let mut rest = content.strip_prefix(MAGIC)?;
    let number = |rest: &mut &[u8]| {
        let (number, more) = rest.split_first_chunk()?;
        *rest = more;
        Some(u64::from_le_bytes(*number))
    };
    for expected in image {
        if number(&mut rest)? != expected {
            return None;
        }
    }
    let mut patches = Vec::new();
    for _ in 0..number(&mut rest)? {
        let (offset, length) = (number(&mut rest)?, number(&mut rest)?);
        let (bytes, more) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        if offset.checked_add(length)? > image[0] {
            return None;
        }
        patches.push(Patch { offset, bytes: bytes.to_vec() });
        rest = more;
    }
    rest.is_empty().then_some(patches)
}

/// Takes away what would undo a change of an image that another one is about
/// to replace.
pub(crate) fn forget_undo(image: &Path) -> Result<(), IsoError> {
    remove_one(&undo_path(image)).map(drop)
}

/// Finishes what a change of an image left undone, if it did.
pub fn recover(image: &Path) -> Result<(), IsoError> {
    match undo_path(&image.canonicalize().unwrap_or_else(|_| image.to_owned())).exists() {
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

    #[test]
    fn a_change_that_is_cut_short_is_undone_by_the_next_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("image");
        std::fs::write(&path, b"0123456789").unwrap();
        let undo = undo_path(&path.canonicalize().unwrap());
        {
            let image = Exclusive::take(&path).unwrap();
            let change = [patch(2, b"ab"), patch(6, b"cd")];
            let old = before(&image.file, &change).unwrap();
            write_file(&undo, 0o600, &image.encode(&old).unwrap()).unwrap();
            apply(&image.file, &change[..1]).unwrap();
        }
        assert_eq!(std::fs::read(&path).unwrap(), b"01ab456789");
        recover(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"0123456789");
        assert!(!undo.exists());
        Exclusive::take(&path).unwrap().change(&[patch(8, b"ef")]).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"01234567ef");
        assert!(!undo.exists());
    }

    #[test]
    fn an_undo_file_that_is_not_whole_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("image");
        std::fs::write(&path, b"0123456789").unwrap();
        let image = Exclusive::take(&path).unwrap();
        let whole = image.encode(&[patch(2, b"ab")]).unwrap();
        let identity = image.identity().unwrap();
        assert_eq!(decode(&whole, identity).unwrap(), [patch(2, b"ab")]);
        // An image that took the name has another inode, if not another size.
        assert_eq!(decode(&whole, [10, identity[1], identity[2] + 1]), None);
        for cut in 0..whole.len() {
            assert_eq!(decode(&whole[..cut], identity), None);
        }
        drop(image);
        std::fs::write(undo_path(&path.canonicalize().unwrap()), &whole[..20]).unwrap();
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
