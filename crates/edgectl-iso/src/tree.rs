//! Flattening: what the file system looks like once all layers are applied,
//! and a tar stream of exactly that.
//!
//! The layers are read twice and never stored: once for their headers, to
//! decide which entry wins each path, once for their content.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

use crate::entry::{Kind, Listed, Meta};
use crate::error::IsoError;
use crate::layers::{LayerSource, Origin, for_each_entry, wrong};
use crate::paths;
use crate::stream::{Capture, Stream};

const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";
/// As the kernel: more links than this on one path are a loop.
const MAX_LINKS: usize = 40;

#[derive(Debug, Clone)]
enum Node {
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
                Ok(())
            })?;
            // Whiteouts hide what lower layers brought, wherever they stand.
            for entry in &listed {
                tree.apply_whiteout(entry)?;
            }
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
    /// files that `capture` names to it as well.
    pub fn write(
        &self,
        layers: &dyn LayerSource,
        out: impl Write,
        capture: Capture<'_>,
    ) -> Result<(), IsoError> {
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

    fn apply_whiteout(&mut self, entry: &Listed) -> Result<(), IsoError> {
        let (directory, name) = paths::split(&entry.path);
        if name == OPAQUE {
            let inside = self.place(entry.origin, &entry.path)?;
            self.remove_below(paths::split(&inside).0);
            return Ok(());
        }
        // Without a name behind it this would be the directory itself.
        if let Some(hidden) = name.strip_prefix(WHITEOUT)
            && !matches!(hidden, b"" | b"." | b"..")
        {
            let path = self.place(entry.origin, &paths::join(directory, hidden))?;
            self.remove_below(&path);
            self.nodes.remove(&path);
        }
        Ok(())
    }

    fn apply(&mut self, entry: Listed) -> Result<(), IsoError> {
        if entry.path.is_empty() || paths::split(&entry.path).1.starts_with(WHITEOUT) {
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
