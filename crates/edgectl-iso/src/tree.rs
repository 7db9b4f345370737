//! Flattening: what the file system looks like once all layers are applied,
//! and a tar stream of exactly that.
//!
//! The layers are read twice and never stored: once for their headers, to
//! decide which entry wins each path, once for their content.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read, Write};

use edgectl_process::interrupted;
use tar::{Archive, Builder, Entry, EntryType, Header};

use crate::error::IsoError;
use crate::paths;

const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";
/// As the kernel: more links than this on one path are a loop.
const MAX_LINKS: usize = 40;

/// Gives the layers of an image, lowest first, as uncompressed tar streams.
pub trait LayerSource {
    /// Number of layers.
    fn count(&self) -> usize;
    /// Opens a layer; called twice for each.
    fn open(&self, index: usize) -> io::Result<Box<dyn Read + '_>>;
}

/// Says for a path where a copy of the file's content should go, if anywhere.
pub type Capture<'a> = &'a mut dyn FnMut(&[u8]) -> Option<Box<dyn Write>>;

/// Where an entry stands: layer and position in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Origin {
    layer: usize,
    position: usize,
}

#[derive(Debug, Clone)]
enum Node {
    /// A directory; none if no layer describes it.
    Directory(Option<Box<DirectoryHeader>>),
    /// A regular file, or a hard link to one: the entry with the content.
    File(Origin),
    /// A symbolic link and its target.
    Symlink(Origin, Vec<u8>),
    /// A device or a pipe.
    Special(Origin),
}

/// What is written for a directory: kept from the first reading, because
/// directories come first in the stream.
#[derive(Debug, Clone)]
struct DirectoryHeader {
    header: Header,
    attributes: Extensions,
}

/// The flattened file system: every path and the entry that wins it.
#[derive(Debug, Default)]
pub struct Tree {
    nodes: BTreeMap<Vec<u8>, Node>,
}

/// One entry of a layer, without its content.
struct Listed {
    path: Vec<u8>,
    kind: EntryType,
    link: Vec<u8>,
    origin: Origin,
    directory: Option<Box<DirectoryHeader>>,
}

impl Tree {
    /// Reads the headers of all layers.
    pub fn read(layers: &dyn LayerSource) -> Result<Self, IsoError> {
        let mut tree = Self::default();
        for layer in 0..layers.count() {
            let listed = list_layer(layers, layer)?;
            tree.apply_whiteouts(&listed);
            for entry in listed {
                tree.apply(entry)?;
            }
        }
        Ok(tree)
    }

    /// All paths, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &[u8]> {
        self.nodes.keys().map(Vec::as_slice)
    }

    /// The path of the regular file that `path` names, through symbolic links.
    pub fn resolve_file(&self, path: &[u8]) -> Option<Vec<u8>> {
        let mut at = path.to_vec();
        for _ in 0..MAX_LINKS {
            at = self.resolve_parent(&at);
            match self.nodes.get(&at)? {
                Node::File(_) => return Some(at),
                Node::Symlink(_, target) => at = paths::follow(paths::split(&at).0, target),
                Node::Directory(_) | Node::Special(_) => return None,
            }
        }
        None
    }

    /// Writes the file system as one tar stream and hands the content of the
    /// files that `capture` names to it as well.
    pub fn write(
        &self,
        layers: &dyn LayerSource,
        out: impl Write,
        capture: Capture<'_>,
    ) -> Result<(), IsoError> {
        let mut builder = Builder::new(out);
        self.write_directories(&mut builder)?;
        let wanted = self.by_origin();
        for layer in 0..layers.count() {
            for_each_entry(layers, layer, |origin, entry| match wanted.get(&origin) {
                Some(names) => write_entry(&mut builder, entry, names, capture),
                None => Ok(()),
            })?;
        }
        let mut out = builder.into_inner().map_err(IsoError::Squashfs)?;
        out.flush().map_err(IsoError::Squashfs)
    }

    fn apply_whiteouts(&mut self, listed: &[Listed]) {
        for entry in listed {
            let (directory, name) = paths::split(&entry.path);
            if name == OPAQUE {
                let directory = self.resolve_parent(&paths::join(directory, b"x"));
                let (directory, _) = paths::split(&directory);
                let directory = directory.to_vec();
                self.remove_below(&directory);
            } else if let Some(hidden) = name.strip_prefix(WHITEOUT) {
                let path = self.resolve_parent(&paths::join(directory, hidden));
                self.remove_below(&path);
                self.nodes.remove(&path);
            }
        }
    }

    fn apply(&mut self, entry: Listed) -> Result<(), IsoError> {
        if paths::split(&entry.path).1.starts_with(WHITEOUT) {
            return Ok(());
        }
        let path = self.resolve_parent(&entry.path);
        let node = match entry.kind {
            EntryType::Directory => {
                self.put_directory(path, entry.directory);
                return Ok(());
            }
            EntryType::Link => Node::File(self.link_target(&entry)?),
            EntryType::Symlink => Node::Symlink(entry.origin, entry.link),
            EntryType::Char | EntryType::Block | EntryType::Fifo => Node::Special(entry.origin),
            _ => Node::File(entry.origin),
        };
        self.imply_parents(&path);
        self.remove_below(&path);
        self.nodes.insert(path, node);
        Ok(())
    }

    fn put_directory(&mut self, path: Vec<u8>, header: Option<Box<DirectoryHeader>>) {
        self.imply_parents(&path);
        self.nodes.insert(path, Node::Directory(header));
    }

    /// A hard link names an entry that this or a lower layer has brought.
    fn link_target(&self, entry: &Listed) -> Result<Origin, IsoError> {
        let target = self.resolve_parent(&entry.link);
        match self.nodes.get(&target) {
            Some(Node::File(origin) | Node::Symlink(origin, _) | Node::Special(origin)) => {
                Ok(*origin)
            }
            Some(Node::Directory(_)) | None => Err(IsoError::DanglingLink {
                layer: entry.origin.layer + 1,
                path: paths::show(&entry.path),
                target: paths::show(&entry.link),
            }),
        }
    }

    /// The path with symbolic links among its directories followed, as
    /// container runtimes do when they unpack: `lib/x` lands in `usr/lib/x`
    /// where `lib` is a link.
    fn resolve_parent(&self, path: &[u8]) -> Vec<u8> {
        let mut done: Vec<u8> = Vec::new();
        let mut rest: Vec<Vec<u8>> = path.split(|c| *c == b'/').rev().map(<[u8]>::to_vec).collect();
        let mut links = 0;
        while let Some(part) = rest.pop() {
            let next = paths::join(&done, &part);
            match self.nodes.get(&next) {
                Some(Node::Symlink(_, target)) if !rest.is_empty() && links < MAX_LINKS => {
                    links += 1;
                    let followed = paths::follow(&done, target);
                    rest.extend(followed.split(|c| *c == b'/').rev().map(<[u8]>::to_vec));
                    rest.retain(|p| !p.is_empty());
                    done = Vec::new();
                }
                _ => done = next,
            }
        }
        done
    }

    fn imply_parents(&mut self, path: &[u8]) {
        let mut at = paths::split(path).0;
        while !at.is_empty() {
            if !matches!(self.nodes.get(at), Some(Node::Directory(_))) {
                self.nodes.insert(at.to_vec(), Node::Directory(None));
            }
            at = paths::split(at).0;
        }
    }

    fn remove_below(&mut self, directory: &[u8]) {
        let prefix = paths::join(directory, b"");
        let below: Vec<Vec<u8>> = self
            .nodes
            .range(prefix.clone()..)
            .take_while(|(path, _)| path.starts_with(&prefix))
            .map(|(path, _)| path.clone())
            .collect();
        for path in below {
            self.nodes.remove(&path);
        }
    }

    /// The names that each entry has in the end; several for hard links.
    fn by_origin(&self) -> HashMap<Origin, Vec<&[u8]>> {
        let mut wanted: HashMap<Origin, Vec<&[u8]>> = HashMap::new();
        for (path, node) in &self.nodes {
            match node {
                Node::File(origin) | Node::Symlink(origin, _) | Node::Special(origin) => {
                    wanted.entry(*origin).or_default().push(path);
                }
                Node::Directory(_) => {}
            }
        }
        wanted
    }

    /// Directories come first, so that every file finds its parent whatever
    /// layer that came from.
    fn write_directories<W: Write>(&self, builder: &mut Builder<W>) -> Result<(), IsoError> {
        for (path, node) in &self.nodes {
            match node {
                Node::Directory(Some(known)) => {
                    append_extensions(builder, &known.attributes)?;
                    append(builder, known.header.clone(), path, &mut io::empty())?;
                }
                Node::Directory(None) => {
                    append(builder, implied_directory(), path, &mut io::empty())?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Extended attributes, as PAX records.
type Extensions = Vec<(String, Vec<u8>)>;

fn list_layer(layers: &dyn LayerSource, layer: usize) -> Result<Vec<Listed>, IsoError> {
    let mut listed = Vec::new();
    for_each_entry(layers, layer, |origin, entry| {
        let raw = entry.path_bytes().into_owned();
        let escape =
            |raw: &[u8]| IsoError::Escape { layer: origin.layer + 1, path: paths::show(raw) };
        let path = paths::plain(&raw).ok_or_else(|| escape(&raw))?;
        let kind = entry.header().entry_type();
        let link = entry.link_name_bytes().map(|l| l.into_owned()).unwrap_or_default();
        let link = match kind {
            EntryType::Link => paths::plain(&link).ok_or_else(|| escape(&link))?,
            _ => link,
        };
        let directory = match kind {
            EntryType::Directory => Some(Box::new(DirectoryHeader {
                header: entry.header().clone(),
                attributes: attributes(entry).map_err(IsoError::Squashfs)?,
            })),
            _ => None,
        };
        if !path.is_empty() {
            listed.push(Listed { path, kind, link, origin, directory });
        }
        Ok(())
    })?;
    Ok(listed)
}

/// Calls `visit` for every entry that describes a file.
fn for_each_entry(
    layers: &dyn LayerSource,
    layer: usize,
    mut visit: impl FnMut(Origin, &mut Entry<'_, Box<dyn Read + '_>>) -> Result<(), IsoError>,
) -> Result<(), IsoError> {
    let wrong = |source| IsoError::Layer { layer: layer + 1, source };
    let mut archive = Archive::new(layers.open(layer).map_err(wrong)?);
    for (position, entry) in archive.entries().map_err(wrong)?.enumerate() {
        interrupted()?;
        let mut entry = entry.map_err(wrong)?;
        if !entry.header().entry_type().is_pax_global_extensions() {
            visit(Origin { layer, position }, &mut entry)?;
        }
    }
    // What follows the end marker must be read too: a digest is checked at
    // the end of the stream.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(wrong)?;
    Ok(())
}

fn write_entry<W: Write>(
    builder: &mut Builder<W>,
    entry: &mut Entry<'_, Box<dyn Read + '_>>,
    names: &[&[u8]],
    capture: Capture<'_>,
) -> Result<(), IsoError> {
    let Some((first, others)) = names.split_first() else { return Ok(()) };
    let extensions = attributes(entry).map_err(IsoError::Squashfs)?;
    append_extensions(builder, &extensions)?;
    let mut header = entry.header().clone();
    match header.entry_type() {
        EntryType::Symlink => {
            let target = entry.link_name_bytes().map(|l| l.into_owned()).unwrap_or_default();
            append_link(builder, header, first, &target)?;
        }
        EntryType::Char | EntryType::Block | EntryType::Fifo => {
            append(builder, header, first, &mut io::empty())?;
        }
        _ => {
            header.set_entry_type(EntryType::Regular);
            header.set_size(entry.size());
            match names.iter().find_map(|name| capture(name)) {
                Some(mut copy) => {
                    let mut tee = Tee { from: entry, to: &mut copy };
                    append(builder, header, first, &mut tee)?;
                    copy.flush().map_err(IsoError::Squashfs)?;
                }
                None => append(builder, header, first, entry)?,
            }
        }
    }
    for other in others {
        let mut link = Header::new_gnu();
        link.set_entry_type(EntryType::Link);
        link.set_size(0);
        append_link(builder, link, other, first)?;
    }
    Ok(())
}

/// Hands on what it reads.
struct Tee<'a, R: ?Sized> {
    from: &'a mut R,
    to: &'a mut dyn Write,
}

impl<R: Read + ?Sized> Read for Tee<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.from.read(buffer)?;
        self.to.write_all(&buffer[..n])?;
        Ok(n)
    }
}

/// Extended attributes (file capabilities among them) travel as PAX records.
fn attributes(entry: &mut Entry<'_, Box<dyn Read + '_>>) -> io::Result<Extensions> {
    let Some(records) = entry.pax_extensions()? else { return Ok(Vec::new()) };
    let mut kept = Vec::new();
    for record in records {
        let record = record?;
        let key = record.key().unwrap_or_default();
        if key.starts_with("SCHILY.xattr.") {
            kept.push((key.to_owned(), record.value_bytes().to_vec()));
        }
    }
    Ok(kept)
}

fn append_extensions<W: Write>(
    builder: &mut Builder<W>,
    extensions: &Extensions,
) -> Result<(), IsoError> {
    if extensions.is_empty() {
        return Ok(());
    }
    let pairs = extensions.iter().map(|(key, value)| (key.as_str(), value.as_slice()));
    builder.append_pax_extensions(pairs).map_err(IsoError::Squashfs)
}

fn append<W: Write>(
    builder: &mut Builder<W>,
    mut header: Header,
    path: &[u8],
    content: &mut dyn Read,
) -> Result<(), IsoError> {
    builder.append_data(&mut header, os_path(path), content).map_err(IsoError::Squashfs)
}

fn append_link<W: Write>(
    builder: &mut Builder<W>,
    mut header: Header,
    path: &[u8],
    target: &[u8],
) -> Result<(), IsoError> {
    builder.append_link(&mut header, os_path(path), os_path(target)).map_err(IsoError::Squashfs)
}

fn os_path(path: &[u8]) -> &std::path::Path {
    use std::os::unix::ffi::OsStrExt;
    std::path::Path::new(std::ffi::OsStr::from_bytes(path))
}

fn implied_directory() -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Directory);
    header.set_mode(0o755);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(0);
    header
}
