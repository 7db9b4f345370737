//! Flattening: what the file system looks like once all layers are applied,
//! and a tar stream of exactly that.
//!
//! The layers are read twice and never stored: once for their headers, to
//! decide which entry wins each path, once for their content. Where a single
//! reading will do, [`Tree::read_and_write`] spares the first.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

use crate::entry::{Kind, Listed, Meta};
use crate::error::IsoError;
use crate::layers::{LayerSource, Origin, for_each_entry, wrong};
use crate::paths;
use crate::stream::{Capture, Stream, Sums};

const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";
/// As the kernel: more links than this on one path are a loop.
const MAX_LINKS: usize = 40;

/// What a whiteout hides of the layers below its own.
#[derive(Debug)]
pub(crate) enum Whiteout {
    /// This path and all below it.
    Path(Vec<u8>),
    /// Everything in this directory.
    Inside(Vec<u8>),
}

impl Whiteout {
    /// Whether a path is a whiteout's, even one that says nothing.
    pub(crate) fn is_one(path: &[u8]) -> bool {
        paths::split(path).1.starts_with(WHITEOUT)
    }

    /// What a path says as a whiteout, if it is one.
    pub(crate) fn read(path: &[u8]) -> Option<Self> {
        let (directory, name) = paths::split(path);
        if name == OPAQUE {
            return Some(Self::Inside(directory.to_vec()));
        }
        // Without a name behind it this would be the directory itself.
        let hidden = name.strip_prefix(WHITEOUT).filter(|h| !matches!(*h, b"" | b"." | b".."))?;
        Some(Self::Path(paths::join(directory, hidden)))
    }
}

/// A path of the flattened file system.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    /// A directory; none if no layer describes it. Kept from the first
    /// reading, because directories come first in the stream.
    Directory(Option<Box<Meta>>),
    /// A regular file: the entry with the content.
    File(Origin),
    /// A symbolic link and its target.
    Symlink(Origin, Vec<u8>),
    /// A device or a pipe.
    Special(Origin),
}

impl Node {
    /// The layer that a file, link or device is from.
    pub(crate) fn layer(&self) -> Option<usize> {
        match self {
            Self::Directory(_) => None,
            Self::File(origin) | Self::Symlink(origin, _) | Self::Special(origin) => {
                Some(origin.layer)
            }
        }
    }
}

/// The flattened file system: every path and the entry that wins it.
#[derive(Debug, Default)]
pub struct Tree {
    nodes: BTreeMap<Vec<u8>, Node>,
}

impl Tree {
    /// Reads the headers of all layers.
    pub fn read(layers: &dyn LayerSource) -> Result<Self, IsoError> {
        let mut tree = Self::default();
        for layer in 0..layers.count() {
            let mut listed = Vec::new();
            for_each_entry(layers, layer, |entry| {
                listed.push(Listed::read(&entry)?);
                Ok::<_, IsoError>(())
            })?;
            // Whiteouts hide what lower layers brought, wherever they stand.
            for entry in &listed {
                tree.apply_whiteout(entry)?;
            }
            for entry in listed {
                tree.apply(entry)?;
            }
        }
        tree.imply(layers.implied());
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
            at = self.resolve_parent(&at)?;
            match self.nodes.get(&at)? {
                Node::File(_) => return Some(at),
                Node::Symlink(_, target) if target.starts_with(b"/") => at = target.clone(),
                Node::Symlink(_, target) => at = paths::join(paths::split(&at).0, target),
                Node::Directory(_) | Node::Special(_) => return None,
            }
        }
        None
    }

    /// Writes the file system as one tar stream and hands the content of the
    /// files that `capture` names to it as well. Says what was written.
    pub fn write(
        &self,
        layers: &dyn LayerSource,
        out: impl Write,
        capture: Capture<'_>,
    ) -> Result<Sums, IsoError> {
        let mut stream = Stream::new(out);
        self.write_directories(&mut stream)?;
        let mut wanted = self.by_origin();
        for layer in 0..layers.count() {
            for_each_entry(layers, layer, |entry| match wanted.remove(&entry.origin) {
                Some(names) => stream.file(entry, &names, capture),
                None => Ok(()),
            })?;
        }
        match wanted.keys().next() {
            None => stream.finish(),
            Some(missing) => Err(wrong(missing.layer, io::ErrorKind::UnexpectedEof.into())),
        }
    }

    /// Copies the content of the regular file at `path` to `out`.
    pub fn extract(
        &self,
        layers: &dyn LayerSource,
        path: &[u8],
        mut out: impl Write,
    ) -> Result<(), IsoError> {
        let copying = |source| IsoError::Copy { path: paths::show(path), source };
        let Some(Node::File(origin)) = self.nodes.get(path) else {
            return Err(copying(io::ErrorKind::NotFound.into()));
        };
        for_each_entry(layers, origin.layer, |mut entry| {
            if entry.origin == *origin {
                io::copy(&mut entry.entry, &mut out).map_err(copying)?;
            }
            Ok::<_, IsoError>(())
        })?;
        out.flush().map_err(copying)
    }

    fn apply_whiteout(&mut self, entry: &Listed) -> Result<(), IsoError> {
        match Whiteout::read(&entry.path) {
            Some(Whiteout::Inside(_)) => {
                let inside = self.place(entry.origin, &entry.path)?;
                self.remove_below(paths::split(&inside).0);
            }
            Some(Whiteout::Path(hidden)) => {
                let path = self.place(entry.origin, &hidden)?;
                self.remove_below(&path);
                self.nodes.remove(&path);
            }
            None => {}
        }
        Ok(())
    }

    fn apply(&mut self, entry: Listed) -> Result<(), IsoError> {
        if entry.path.is_empty() || Whiteout::is_one(&entry.path) {
            return Ok(());
        }
        let path = self.place(entry.origin, &entry.path)?;
        let node = match entry.kind {
            Kind::Directory(meta) => Node::Directory(Some(meta)),
            Kind::File => Node::File(entry.origin),
            Kind::HardLink(target) => self.link_target(entry.origin, &entry.path, &target)?,
            Kind::Special => Node::Special(entry.origin),
            Kind::Symlink(target) => Node::Symlink(entry.origin, target),
        };
        self.imply_parents(&path);
        if !matches!(node, Node::Directory(_)) {
            self.remove_below(&path);
        }
        self.nodes.insert(path, node);
        Ok(())
    }

    /// A hard link names an entry that this or a lower layer has brought.
    fn link_target(&self, origin: Origin, path: &[u8], target: &[u8]) -> Result<Node, IsoError> {
        match self.nodes.get(&self.place(origin, target)?) {
            Some(node @ (Node::File(_) | Node::Symlink(..) | Node::Special(_))) => Ok(node.clone()),
            Some(Node::Directory(_)) | None => Err(IsoError::DanglingLink {
                layer: origin.layer + 1,
                path: paths::show(path),
                target: paths::show(target),
            }),
        }
    }

    /// Where an entry's path leads.
    fn place(&self, origin: Origin, path: &[u8]) -> Result<Vec<u8>, IsoError> {
        self.resolve_parent(path)
            .ok_or_else(|| IsoError::LinkLoop { layer: origin.layer + 1, path: paths::show(path) })
    }

    /// The path with symbolic links among its directories followed, as
    /// container runtimes do when they unpack: `lib/x` lands in `usr/lib/x`
    /// where `lib` is a link. `..` stops at the root, as in a chroot. None if
    /// the links never end.
    fn resolve_parent(&self, path: &[u8]) -> Option<Vec<u8>> {
        let mut done: Vec<u8> = Vec::new();
        let mut rest: Vec<&[u8]> = paths::parts(path).rev().collect();
        let mut links = 0;
        while let Some(part) = rest.pop() {
            if part == b".." {
                done = paths::split(&done).0.to_vec();
                continue;
            }
            let next = paths::join(&done, part);
            match self.nodes.get(&next) {
                Some(Node::Symlink(_, target)) if !rest.is_empty() => {
                    links += 1;
                    if links > MAX_LINKS {
                        return None;
                    }
                    if target.starts_with(b"/") {
                        done.clear();
                    }
                    rest.extend(paths::parts(target).rev());
                }
                _ => done = next,
            }
        }
        Some(done)
    }

    pub(crate) fn node(&self, path: &[u8]) -> Option<&Node> {
        self.nodes.get(path)
    }

    pub(crate) fn set_node(&mut self, path: Vec<u8>, node: Node) {
        self.nodes.insert(path, node);
    }

    /// Directories that exist only because something is in them.
    pub(crate) fn implied_directories(&self) -> impl Iterator<Item = &[u8]> {
        let implied = self.nodes.iter().filter(|(_, node)| matches!(node, Node::Directory(None)));
        implied.map(|(path, _)| path.as_slice())
    }

    /// Adds directories that nothing has spoken of.
    pub(crate) fn imply(&mut self, directories: &[&str]) {
        for path in directories {
            self.nodes.entry(path.as_bytes().to_vec()).or_insert(Node::Directory(None));
        }
    }

    pub(crate) fn imply_parents(&mut self, path: &[u8]) {
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
    fn write_directories<W: Write>(&self, stream: &mut Stream<W>) -> Result<(), IsoError> {
        let implied = Meta::implied();
        for (path, node) in &self.nodes {
            if let Node::Directory(meta) = node {
                stream.directory(path, meta.as_deref().unwrap_or(&implied))?;
            }
        }
        Ok(())
    }
}
