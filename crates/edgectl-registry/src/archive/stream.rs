//! Bytes that can be read from any place: a file, a part of another stream, or
//! what either of them was before it was compressed.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use edgectl_process::interrupted;

use super::content::START;
use super::decoder::Compression;

/// Decoded at once.
const PIECE: usize = 64 * 1024;
/// Kept of what was decoded before: whoever has looked how a file begins may
/// still read it from its beginning.
const KEPT: usize = 1024;

/// A stream. What is compressed can only be read from front to back: going
/// back starts again at the front, which is right, but slow.
pub(super) struct Stream {
    below: Below,
    form: Option<Compression>,
    cursor: Mutex<Option<Cursor>>,
}

/// What a stream is made of.
#[derive(Clone)]
enum Below {
    File(PathBuf),
    Part { stream: Arc<Stream>, at: u64, size: u64 },
}

/// A decoder, and what came out of it last.
struct Cursor {
    decoder: Box<dyn Read + Send>,
    window: Vec<u8>,
    /// Where the window begins in what is decoded.
    start: u64,
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("path", &self.path()).field("form", &self.form).finish()
    }
}

impl Stream {
    /// A file as it is.
    pub(super) fn file(path: &Path) -> Arc<Self> {
        Self::new(Below::File(path.to_owned()), None)
    }

    /// What a part of this stream was before it was compressed.
    pub(super) fn inflated(self: &Arc<Self>, at: u64, size: u64, form: Compression) -> Arc<Self> {
        Self::new(Below::Part { stream: Arc::clone(self), at, size }, Some(form))
    }

    fn new(below: Below, form: Option<Compression>) -> Arc<Self> {
        Arc::new(Self { below, form, cursor: Mutex::default() })
    }

    /// The file that all of it comes from.
    pub(super) fn path(&self) -> &Path {
        match &self.below {
            Below::File(path) => path,
            Below::Part { stream, .. } => stream.path(),
        }
    }

    /// Whether it can only be read from front to back.
    pub(super) fn is_sequential(&self) -> bool {
        let is_below = match &self.below {
            Below::File(_) => false,
            Below::Part { stream, .. } => stream.is_sequential(),
        };
        self.form.is_some() || is_below
    }

    /// Bytes from a place on; none at the end.
    pub(super) fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        match self.form {
            None => self.below.read_at(at, buffer),
            Some(form) => self.read_inflated(form, at, buffer),
        }
    }

    /// As many bytes as there are, up to the size of the buffer.
    pub(super) fn fill_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read_at(at + filled as u64, &mut buffer[filled..])? {
                0 => break,
                read => filled += read,
            }
        }
        Ok(filled)
    }

    /// Decodes what is left. It is of no use itself, but checksums stand at the
    /// end: only there it shows whether all before it is what was packed.
    pub(super) fn read_to_end(&self) -> io::Result<()> {
        let Some(form) = self.form else { return Ok(()) };
        let mut slot = self.cursor.lock().unwrap_or_else(PoisonError::into_inner);
        let mut cursor = match slot.take() {
            Some(cursor) => cursor,
            None => Cursor::new(form.decoder(self.below.reader()?)?),
        };
        while cursor.decode()? > 0 {
            interrupted().map_err(io::Error::other)?;
        }
        *slot = Some(cursor);
        Ok(())
    }

    /// Forgets how far it was read, and the memory that this takes.
    pub(super) fn release(&self) {
        *self.cursor.lock().unwrap_or_else(PoisonError::into_inner) = None;
        if let Below::Part { stream, .. } = &self.below {
            stream.release();
        }
    }

    /// The same, but not for the streams that `other` reads, too.
    pub(super) fn release_up_to(self: &Arc<Self>, other: &Arc<Self>) {
        if other.is_made_of(self) {
            return;
        }
        self.release_itself();
        if let Below::Part { stream, .. } = &self.below {
            stream.release_up_to(other);
        }
    }

    fn is_made_of(self: &Arc<Self>, other: &Arc<Self>) -> bool {
        Arc::ptr_eq(self, other)
            || matches!(&self.below, Below::Part { stream, .. } if stream.is_made_of(other))
    }

    /// The same for this stream alone, not for those below it.
    pub(super) fn release_itself(&self) {
        *self.cursor.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn read_inflated(&self, form: Compression, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut slot = self.cursor.lock().unwrap_or_else(PoisonError::into_inner);
        let mut cursor = match slot.take() {
            Some(cursor) if cursor.start <= at => cursor,
            _ => Cursor::new(form.decoder(self.below.reader()?)?),
        };
        // After an error the decoder is of no more use.
        let read = cursor.read_at(at, buffer)?;
        *slot = Some(cursor);
        Ok(read)
    }
}

impl Cursor {
    fn new(decoder: Box<dyn Read + Send>) -> Self {
        Self { decoder, window: Vec::with_capacity(KEPT + PIECE), start: 0 }
    }

    fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        while at >= self.end() {
            // What is skipped is on its way to nobody. What isn't may be: whoever
            // sends it says where it may end.
            if at > self.end() {
                interrupted().map_err(io::Error::other)?;
            }
            if self.decode()? == 0 {
                return match at == self.end() {
                    true => Ok(0),
                    false => Err(io::ErrorKind::UnexpectedEof.into()),
                };
            }
        }
        let from = usize::try_from(at - self.start).unwrap_or(usize::MAX);
        let ready = self.window.get(from..).unwrap_or_default();
        let length = ready.len().min(buffer.len());
        buffer[..length].copy_from_slice(&ready[..length]);
        Ok(length)
    }

    fn end(&self) -> u64 {
        self.start + self.window.len() as u64
    }

    /// Goes on, and forgets what is too far back.
    fn decode(&mut self) -> io::Result<usize> {
        let forgotten = self.window.len().saturating_sub(KEPT);
        self.window.drain(..forgotten);
        self.start += forgotten as u64;
        let kept = self.window.len();
        // Damage that follows must not hide what it is that is damaged.
        let piece = if self.end() == 0 { START } else { PIECE };
        self.window.resize(kept + piece, 0);
        let read = self.decoder.read(&mut self.window[kept..])?;
        self.window.truncate(kept + read);
        Ok(read)
    }
}

impl Below {
    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            // Opened each time: a directory may have more files than may be
            // open at once.
            Self::File(path) => File::open(path)?.read_at(buffer, at),
            Self::Part { stream, at: start, size } => {
                let left = usize::try_from(size.saturating_sub(at)).unwrap_or(usize::MAX);
                let wanted = buffer.len().min(left);
                stream.read_at(start + at, &mut buffer[..wanted])
            }
        }
    }

    fn reader(&self) -> io::Result<Feed> {
        Ok(match self {
            Self::File(path) => Feed::File(File::open(path)?),
            Self::Part { stream, at, size } => {
                Feed::Part { stream: Arc::clone(stream), at: *at, end: at.saturating_add(*size) }
            }
        })
    }
}

/// What a decoder reads.
enum Feed {
    File(File),
    Part { stream: Arc<Stream>, at: u64, end: u64 },
}

impl Read for Feed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Part { stream, at, end } => {
                let left = usize::try_from(*end - *at).unwrap_or(usize::MAX);
                let wanted = buffer.len().min(left);
                let read = stream.read_at(*at, &mut buffer[..wanted])?;
                *at += read as u64;
                Ok(read)
            }
        }
    }
}
