//! A directory as a layer: the base itself, or files that are laid over it.

use std::collections::{BTreeMap, HashMap};
use std::ffi::{CString, OsString};
use std::fs::{self, File, Metadata};
use std::io::{self, PipeReader, PipeWriter, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use edgectl_model::{Digest, Hasher};
use edgectl_process::interrupted;
use rustix::io::Errno;
use tar::{Builder, EntryType, Header};

use crate::error::IsoError;
use crate::manifest::Input;

const BUFFER: usize = 1 << 20;
/// Attributes of one file, in bytes; file systems have less.
const ATTRIBUTES: usize = 64 << 10;

/// Whose the files are in the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owners {
    /// As in the directory: a whole system.
    Kept,
    /// All root's, with this date (seconds since 1970): a checkout of some
    /// files, whoever has it.
    Root(u64),
}

/// A directory as a layer. The same files give the same stream.
#[derive(Debug, Clone)]
pub struct DirectoryLayer {
    root: PathBuf,
    owners: Owners,
}

impl DirectoryLayer {
    /// The directory at `root`.
    pub fn new(root: impl Into<PathBuf>, owners: Owners) -> Self {
        Self { root: root.into(), owners }
    }

    /// The directory's content as a tar.
    pub fn open(&self) -> io::Result<Box<dyn Read>> {
        let (reader, writer) = io::pipe()?;
        let layer = self.clone();
        let writing = std::thread::spawn(move || layer.write(writer));
        Ok(Box::new(Stream { reader, writing: Some(writing) }))
    }

    /// The directory as an input of an image; its digest is that of the tar.
    pub fn input(&self, name: &str) -> Result<Input, IsoError> {
        let digest = self.digest();
        let failed = |source| IsoError::Input { name: self.root.display().to_string(), source };
        Ok(Input { name: name.to_owned(), digest: digest.map_err(failed)? })
    }

    fn digest(&self) -> io::Result<Digest> {
        let mut stream = self.open()?;
        let mut hasher = Hasher::sha256();
        let mut buffer = vec![0; BUFFER];
        loop {
            match stream.read(&mut buffer)? {
                0 => return Ok(hasher.finish()),
                n => hasher.update(&buffer[..n]),
            }
        }
    }

    fn write(&self, writer: PipeWriter) -> io::Result<()> {
        let mut writing = Writing {
            tar: Builder::new(io::BufWriter::with_capacity(BUFFER, writer)),
            owners: self.owners,
            links: HashMap::new(),
        };
        writing.directory(&self.root, Path::new(""))?;
        writing.tar.into_inner()?.into_inner().map(drop).map_err(io::IntoInnerError::into_error)
    }
}

/// The reading end; what went wrong at the other one comes last.
struct Stream {
    reader: PipeReader,
    writing: Option<JoinHandle<io::Result<()>>>,
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buffer)?;
        if n == 0
            && !buffer.is_empty()
            && let Some(writing) = self.writing.take()
        {
            writing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        }
        Ok(n)
    }
}

struct Writing {
    tar: Builder<io::BufWriter<PipeWriter>>,
    owners: Owners,
    /// Names of what has several, by device and number.
    links: HashMap<(u64, u64), PathBuf>,
}

impl Writing {
    fn directory(&mut self, from: &Path, name: &Path) -> io::Result<()> {
        interrupted().map_err(io::Error::other)?;
        let mut entries = BTreeMap::<OsString, PathBuf>::new();
        for entry in fs::read_dir(from).map_err(at(from))? {
            let entry = entry.map_err(at(from))?;
            entries.insert(entry.file_name(), entry.path());
        }
        for (file, path) in entries {
            self.entry(&path, &name.join(file))?;
        }
        Ok(())
    }

    fn entry(&mut self, from: &Path, name: &Path) -> io::Result<()> {
        let metadata = fs::symlink_metadata(from).map_err(at(from))?;
        let kind = metadata.file_type();
        // A socket is nothing without its process.
        if kind.is_socket() {
            return Ok(());
        }
        let mut header = self.header(&metadata);
        if !kind.is_dir() && metadata.nlink() > 1 {
            let id = (metadata.dev(), metadata.ino());
            if let Some(first) = self.links.get(&id).cloned() {
                header.set_entry_type(EntryType::Link);
                return self.tar.append_link(&mut header, name, first);
            }
            self.links.insert(id, name.to_owned());
        }
        self.attributes(from)?;
        if kind.is_symlink() {
            header.set_entry_type(EntryType::Symlink);
            let target = fs::read_link(from).map_err(at(from))?;
            return self.tar.append_link(&mut header, name, target);
        }
        if kind.is_file() {
            header.set_entry_type(EntryType::Regular);
            return self.file(from, name, header, metadata.len());
        }
        header.set_entry_type(match () {
            () if kind.is_dir() => EntryType::Directory,
            () if kind.is_fifo() => EntryType::Fifo,
            () if kind.is_char_device() => EntryType::Char,
            () => EntryType::Block,
        });
        if kind.is_char_device() || kind.is_block_device() {
            header.set_device_major(rustix::fs::major(metadata.rdev()))?;
            header.set_device_minor(rustix::fs::minor(metadata.rdev()))?;
        }
        self.tar.append_data(&mut header, name, io::empty())?;
        if kind.is_dir() { self.directory(from, name) } else { Ok(()) }
    }

    fn header(&self, metadata: &Metadata) -> Header {
        let mut header = Header::new_gnu();
        let kept = (u64::from(metadata.uid()), u64::from(metadata.gid()), metadata.mtime());
        let (uid, gid, date) = match self.owners {
            Owners::Kept => (kept.0, kept.1, u64::try_from(kept.2).unwrap_or(0)),
            Owners::Root(date) => (0, 0, date),
        };
        header.set_size(0);
        header.set_mode(metadata.mode() & 0o7777);
        header.set_uid(uid);
        header.set_gid(gid);
        header.set_mtime(date);
        header
    }

    fn file(&mut self, from: &Path, name: &Path, mut header: Header, size: u64) -> io::Result<()> {
        let file = File::open(from).map_err(at(from))?;
        header.set_size(size);
        let mut content = Exactly { file: file.take(size), left: size };
        self.tar.append_data(&mut header, name, &mut content).map_err(at(from))
    }

    /// Extended attributes, as tar has them: capabilities are among them.
    fn attributes(&mut self, from: &Path) -> io::Result<()> {
        if self.owners != Owners::Kept {
            return Ok(());
        }
        let found = attributes(from).map_err(at(from))?;
        let found = found.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        self.tar.append_pax_extensions(found)
    }
}

/// A file that has exactly the length that the header says, whatever happens
/// to it meanwhile.
struct Exactly {
    file: io::Take<File>,
    left: u64,
}

impl Read for Exactly {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buffer)?;
        self.left -= n as u64;
        if n == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::Error::other("it has become shorter while it was read"));
        }
        Ok(n)
    }
}

fn attributes(path: &Path) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut names = vec![0; ATTRIBUTES];
    let length = match rustix::fs::llistxattr(path, &mut names) {
        Ok(length) => length,
        Err(Errno::NOTSUP) => 0,
        Err(error) => return Err(error.into()),
    };
    let mut found = Vec::new();
    for name in names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let mut value = vec![0; ATTRIBUTES];
        let length = rustix::fs::lgetxattr(path, CString::new(name)?, &mut value)?;
        value.truncate(length);
        // A tar has no place for names that are no text.
        let name = String::from_utf8(name.to_vec()).map_err(io::Error::other)?;
        found.push((format!("SCHILY.xattr.{name}"), value));
    }
    found.sort();
    Ok(found)
}

/// An error with the file that it is about.
fn at(path: &Path) -> impl FnOnce(io::Error) -> io::Error + '_ {
    move |error| {
        let path = String::from_utf8_lossy(path.as_os_str().as_bytes());
        io::Error::new(error.kind(), format!("`{path}`: {error}"))
    }
}
