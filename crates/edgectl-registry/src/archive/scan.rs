//! The one pass that learns what is in archives, and in archives inside them.

use std::io;
use std::path::Path;
use std::sync::Arc;

use edgectl_process::{interrupted, is_temporary};

use super::content::{Content, Packed, START};
use super::files::{Files, Node, link, normal};
use super::names::{is_archive, is_blob, is_expected, is_layer, is_text};
use super::stream::Stream;
use super::tar::{Entries, Entry, Kind};
use super::{TEXT_LIMIT, broken, malformed};
use crate::error::RegistryError;

/// Archives in archives; packages of image archives need two.
const DEPTH: usize = 4;
/// Memory for texts that stand in streams which are better not read twice.
const HELD: usize = 16 << 20;
/// Texts of other shapes that are held: links of a registry's storage.
const SHORT: u64 = 256;
/// Files of all archives together; each takes some memory.
const FILES: usize = 200_000;
/// Files that no image archive has, after which an inner archive is taken for
/// something else.
const STRANGE: usize = 256;

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) found: Vec<Files>,
    next_turn: u64,
    held: usize,
    files: usize,
}

/// Where in the scan an archive stands.
struct Spot {
    place: String,
    inside: Option<(usize, String)>,
    depth: usize,
}

impl Spot {
    /// Whether the user, or its own name, says that it is an archive.
    fn is_named_as_archive(&self) -> bool {
        self.inside.as_ref().is_none_or(|(_, name)| is_archive(name))
    }

    fn below(&self, index: usize, name: &str) -> Self {
        Self {
            place: format!("{}: {name}", self.place),
            inside: Some((index, name.to_owned())),
            depth: self.depth + 1,
        }
    }
}

/// Whether a decoder would need more memory than it gets.
fn wants_memory(error: &io::Error) -> bool {
    let text = error.to_string();
    text.contains("too much memory") || text.contains("memory too big")
}

impl Scan {
    /// Looks through a file or directory that the user named.
    pub(super) fn path(&mut self, path: &Path) -> Result<(), RegistryError> {
        let spot = Spot { place: path.display().to_string(), inside: None, depth: 0 };
        let metadata = std::fs::metadata(path).map_err(|e| RegistryError::local(path, e))?;
        if metadata.is_dir() {
            return self.directory(path, spot);
        }
        let stream = Stream::file(path);
        let content = self.content(&stream, 0, metadata.len());
        let place = spot.place.clone();
        match self.archive(&content, spot) {
            Ok(true) => Ok(()),
            Ok(false) => {
                let reason = "it is neither a tar, compressed or not, nor a directory";
                Err(RegistryError::manifest(place, reason))
            }
            Err(error) => Err(error),
        }
    }

    fn directory(&mut self, root: &Path, spot: Spot) -> Result<(), RegistryError> {
        let index = self.start(&spot);
        let mut open = vec![(root.to_owned(), String::new())];
        while let Some((directory, prefix)) = open.pop() {
            interrupted()?;
            let failed = |e| RegistryError::local(&directory, e);
            for entry in std::fs::read_dir(&directory).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                if is_temporary(&entry.file_name()) {
                    continue;
                }
                let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
                let path = entry.path();
                // Links to files are followed, links to directories may be circles.
                let Ok(metadata) = std::fs::metadata(&path) else { continue };
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    open.push((path, format!("{name}/")));
                } else if metadata.is_file() {
                    let content = self.content(&Stream::file(&path), 0, metadata.len());
                    self.file(index, name, content, &spot)?;
                }
            }
        }
        Ok(())
    }

    /// Looks through a content if it is an archive, compressed or not.
    fn archive(&mut self, content: &Content, spot: Spot) -> Result<bool, RegistryError> {
        let stream = Arc::clone(&content.stream);
        let failed = |e| broken(stream.path(), &spot.place, e);
        match content.packed().map_err(failed)? {
            Packed::No => Ok(false),
            Packed::Tar => {
                let end = content.at.saturating_add(content.size);
                self.tar(&stream, content.at, end, spot).map(|()| true)
            }
            Packed::Compressed(form) => {
                let inner = stream.inflated(content.at, content.size, form);
                let mut start = [0; START];
                let is_tar = match inner.fill_at(0, &mut start) {
                    Ok(length) => Packed::of(&start[..length]) == Packed::Tar,
                    // Inside others it may be anything that begins like this,
                    // and what takes more memory than any image's is none.
                    Err(_) if !spot.is_named_as_archive() => false,
                    Err(error) if spot.inside.is_some() && wants_memory(&error) => false,
                    Err(error) => return Err(broken(stream.path(), &spot.place, error)),
                };
                let done = if is_tar { self.inflated_tar(&inner, spot) } else { Ok(()) };
                inner.release_itself();
                done.map(|()| is_tar)
            }
        }
    }

    /// Nothing is taken from a compressed tar that isn't whole.
    fn inflated_tar(&mut self, stream: &Arc<Stream>, spot: Spot) -> Result<(), RegistryError> {
        let place = spot.place.clone();
        self.tar(stream, 0, u64::MAX, spot)?;
        stream.read_to_end().map_err(|e| broken(stream.path(), &place, e))
    }

    fn tar(
        &mut self,
        stream: &Arc<Stream>,
        at: u64,
        end: u64,
        spot: Spot,
    ) -> Result<(), RegistryError> {
        let index = self.start(&spot);
        let mut entries = Entries::new(stream, at, end);
        let mut strange = 0;
        loop {
            interrupted()?;
            let entry = entries.next().map_err(|e| broken(stream.path(), &spot.place, e))?;
            let Some(entry) = entry else { return Ok(()) };
            let Some(name) = normal(&entry.name) else { continue };
            let is_strange = entry.kind != Kind::Other && !is_expected(&name);
            strange += usize::from(is_strange && spot.inside.is_some());
            if strange > STRANGE {
                return Ok(());
            }
            self.entry(index, name, &entry, stream, &spot)?;
        }
    }

    fn entry(
        &mut self,
        index: usize,
        name: String,
        entry: &Entry,
        stream: &Arc<Stream>,
        spot: &Spot,
    ) -> Result<(), RegistryError> {
        match entry.kind {
            Kind::File => {
                let content = self.content(stream, entry.at, entry.size);
                self.file(index, name, content, spot)
            }
            Kind::Sparse => {
                let why = "is stored as a sparse file, with holes; pack the archive without";
                self.put(index, name, Node::Unusable(why), spot)
            }
            Kind::Other => Ok(()),
            Kind::Symlink(_) | Kind::HardLink(_) => {
                let leads_out = Node::Unusable("is a link that leads out of the archive");
                self.put(index, name, link(entry).unwrap_or(leads_out), spot)
            }
        }
    }

    /// Takes a file in, with what is inside it.
    fn file(
        &mut self,
        index: usize,
        name: String,
        mut content: Content,
        spot: &Spot,
    ) -> Result<(), RegistryError> {
        let path = content.stream.path().to_owned();
        let failed = |e| broken(&path, &format!("{}: {name}", spot.place), e);
        if content.stream.is_sequential() {
            self.read_in_passing(&name, &mut content).map_err(failed)?;
        }
        if !is_blob(&name) && !is_layer(&name) && spot.depth < DEPTH {
            self.archive(&content, spot.below(index, &name))?;
        }
        self.put(index, name, Node::File(content), spot)
    }

    /// Whoever reads a compressed archive again must inflate all of it again:
    /// what will be asked for is kept now.
    fn read_in_passing(&mut self, name: &str, content: &mut Content) -> io::Result<()> {
        let start = content.start()?;
        content.packed = Some(Packed::of(&start));
        let is_short = content.size <= SHORT;
        if is_short || (content.size <= TEXT_LIMIT && is_text(name, &start)) {
            let text = content.whole(TEXT_LIMIT)?;
            content.digest = Some(edgectl_model::Digest::sha256(&text));
            // Beyond that they are read again, which is only slow.
            if self.held + text.len() <= HELD {
                self.held += text.len();
                content.held = Some(text);
            }
        } else if is_layer(name) {
            content.digest = Some(content.hashed()?);
        }
        Ok(())
    }

    fn content(&mut self, stream: &Arc<Stream>, at: u64, size: u64) -> Content {
        let order = stream.is_sequential().then_some(self.next_turn);
        self.next_turn += 1;
        Content {
            stream: Arc::clone(stream),
            at,
            size,
            order,
            digest: None,
            held: None,
            packed: None,
        }
    }

    fn start(&mut self, spot: &Spot) -> usize {
        self.found.push(Files::new(spot.place.clone(), spot.inside.clone()));
        self.found.len() - 1
    }

    fn put(
        &mut self,
        index: usize,
        name: String,
        node: Node,
        spot: &Spot,
    ) -> Result<(), RegistryError> {
        self.files += 1;
        if self.files > FILES {
            let error = malformed(format!("it holds more than {FILES} files"));
            return Err(RegistryError::manifest(&spot.place, error));
        }
        self.found[index].put(name, node);
        Ok(())
    }
}
