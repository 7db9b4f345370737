//! The tar as it is written: entries in, packed and hashed bytes out, on a
//! thread of its own so that packing and downloading go on side by side.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use edgectl_model::{Digest, Hasher};
use edgectl_process::Replacement;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::compress::Packing;
use crate::error::RegistryError;

const BLOCK: u64 = 512;
/// Pieces on their way to the thread.
const QUEUE: usize = 8;
/// Written at once.
const PIECE: usize = 128 * 1024;

/// The file that came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedFile {
    /// Its size in bytes.
    pub size: u64,
    /// The digest of the file itself.
    pub digest: Digest,
}

/// A tar in the making. Dropping it leaves nothing behind.
#[derive(Debug)]
pub(super) struct TarStream {
    path: PathBuf,
    file: Replacement,
    pieces: mpsc::Sender<Bytes>,
    thread: JoinHandle<io::Result<SavedFile>>,
}

impl TarStream {
    /// Starts the file beside `path`.
    pub(super) fn create(path: &Path, packing: Packing) -> Result<Self, RegistryError> {
        let mut file = Replacement::new(path, 0o644)?;
        let copy = file.file().try_clone().map_err(|e| RegistryError::local(path, e))?;
        let (pieces, incoming) = mpsc::channel(QUEUE);
        let thread = tokio::task::spawn_blocking(move || pack(incoming, packing, copy));
        Ok(Self { path: path.to_owned(), file, pieces, thread })
    }

    /// An entry with a small content.
    pub(super) async fn small(&mut self, name: &str, content: Bytes) -> Result<(), RegistryError> {
        let size = content.len() as u64;
        self.begin(name, size).await?;
        self.piece(content).await?;
        self.end(size).await
    }

    /// A directory.
    pub(super) async fn directory(&mut self, name: &str) -> Result<(), RegistryError> {
        self.header(name, 0, tar::EntryType::Directory).await
    }

    /// The header of an entry of `size` bytes, which follow in pieces.
    pub(super) async fn begin(&mut self, name: &str, size: u64) -> Result<(), RegistryError> {
        self.header(name, size, tar::EntryType::Regular).await
    }

    /// A piece of the entry that has begun.
    pub(super) async fn piece(&mut self, piece: Bytes) -> Result<(), RegistryError> {
        match self.pieces.send(piece).await {
            Ok(()) => Ok(()),
            // The thread ends early only if it can't write.
            Err(_) => Err(self.failure().await),
        }
    }

    /// Fills up the last block of an entry.
    pub(super) async fn end(&mut self, size: u64) -> Result<(), RegistryError> {
        let padding = size.next_multiple_of(BLOCK) - size;
        self.piece(vec![0; usize::try_from(padding).unwrap_or(0)].into()).await
    }

    /// Ends the tar and puts the file into its place.
    pub(super) async fn finish(mut self) -> Result<SavedFile, RegistryError> {
        self.piece(Bytes::from_static(&[0; 2 * BLOCK as usize])).await?;
        let Self { path, file, pieces, thread } = self;
        drop(pieces);
        let saved = thread.await.map_err(io::Error::other).and_then(|saved| saved);
        let saved = saved.map_err(|e| RegistryError::local(&path, e))?;
        file.finish()?;
        Ok(saved)
    }

    async fn header(
        &mut self,
        name: &str,
        size: u64,
        kind: tar::EntryType,
    ) -> Result<(), RegistryError> {
        let bytes = header(name, size, kind).map_err(|e| RegistryError::local(&self.path, e))?;
        self.piece(bytes.into()).await
    }

    async fn failure(&mut self) -> RegistryError {
        let ended = (&mut self.thread).await.map_err(io::Error::other).and_then(|saved| saved);
        let gone = || io::Error::other("the archive was given up");
        RegistryError::local(&self.path, ended.err().unwrap_or_else(gone))
    }
}

/// The blocks before an entry: nobody's, of no time, so that the same images
/// give the same bytes.
fn header(name: &str, size: u64, kind: tar::EntryType) -> io::Result<Vec<u8>> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(if kind.is_dir() { 0o755 } else { 0o644 });
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    // Long names take an entry of their own before it.
    let mut builder = tar::Builder::new(Vec::new());
    builder.append_data(&mut header, name, io::empty())?;
    Ok(builder.get_ref().clone())
}

/// What compressors make of bytes depends on the pieces that they get, and a
/// network's pieces are never twice the same: all have the same size here.
fn pack(mut pieces: mpsc::Receiver<Bytes>, packing: Packing, file: File) -> io::Result<SavedFile> {
    let mut encoder = packing.encoder(Hashed { file, size: 0, hasher: Hasher::sha256() })?;
    let mut even = Vec::with_capacity(PIECE);
    while let Some(mut piece) = pieces.blocking_recv() {
        while !piece.is_empty() {
            let fits = piece.len().min(PIECE - even.len());
            even.extend_from_slice(&piece.split_to(fits));
            if even.len() == PIECE {
                encoder.write_all(&even)?;
                even.clear();
            }
        }
    }
    encoder.write_all(&even)?;
    let Hashed { size, hasher, .. } = encoder.finish()?;
    Ok(SavedFile { size, digest: hasher.finish() })
}

struct Hashed {
    file: File,
    size: u64,
    hasher: Hasher,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        let done = bytes.get(..written).unwrap_or(bytes);
        self.hasher.update(done);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
