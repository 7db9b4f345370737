//! Flattening in a single reading, from the topmost layer down.
//!
//! Seen from above the first entry for a path wins it, so an entry can be
//! passed on the moment it is read. That fails where a layer below can change
//! what a layer above means: a directory that turns out to be a symbolic link,
//! a hard link to something hidden, an entry that comes twice. Such layers are
//! left to the two readings of [`Tree::read`] and [`Tree::write`], which are
//! the rule that this is a shortcut for.

use std::collections::{HashMap, HashSet};
use std::io::Write;

use crate::entry::{Kind, Listed, Meta};
use crate::error::IsoError;
use crate::layers::{LayerSource, for_each_entry};
use crate::paths;
use crate::stream::{Capture, Stream, Sums};
use crate::tree::{Node, Tree, Whiteout};

/// Why the single reading ended early.
enum Stop {
    /// Only two readings can tell.
    Unsure,
    Failed(IsoError),
}

impl From<IsoError> for Stop {
    fn from(error: IsoError) -> Self {
        Self::Failed(error)
    }
}

/// What becomes of an entry.
enum Verdict {
    /// A layer above has hidden or replaced it.
    Hidden,
    Directory,
    File,
    /// Another name for this path, which is in the stream already.
    Link(Vec<u8>),
}

/// Paths that lower layers can't show.
#[derive(Default)]
struct Veil {
    /// These and everything below them.
    whole: HashSet<Vec<u8>>,
    /// Everything below these.
    below: HashSet<Vec<u8>>,
}

impl Veil {
    fn hides(&self, path: &[u8]) -> bool {
        self.whole.contains(path)
            || ancestors(path).any(|at| self.whole.contains(at) || self.below.contains(at))
    }

    fn add(&mut self, whiteout: Whiteout) {
        match whiteout {
            Whiteout::Path(path) => self.whole.insert(path),
            Whiteout::Inside(directory) => self.below.insert(directory),
        };
    }
}

#[derive(Default)]
struct Descent {
    tree: Tree,
    veil: Veil,
    /// Directories of everything named so far, hidden or not.
    parents: HashSet<Vec<u8>>,
    /// The layer being read.
    layer: Layer,
}

#[derive(Default)]
struct Layer {
    /// What it hides of the layers below.
    whiteouts: Vec<Whiteout>,
    /// All paths it names; true for what isn't a directory.
    named: HashMap<Vec<u8>, bool>,
}

impl Tree {
    /// Reads all layers once and writes the file system as one tar stream at
    /// the same time; says what was written. None where a single reading can't
    /// tell what wins; what was written until then is worthless.
    pub fn read_and_write(
        layers: &dyn LayerSource,
        out: impl Write,
        capture: Capture<'_>,
    ) -> Result<Option<(Self, Sums)>, IsoError> {
        match Descent::default().run(layers, out, capture) {
            Ok(written) => Ok(Some(written)),
            Err(Stop::Unsure) => Ok(None),
            Err(Stop::Failed(error)) => Err(error),
        }
    }
}

impl Descent {
    fn run(
        mut self,
        layers: &dyn LayerSource,
        out: impl Write,
        capture: Capture<'_>,
    ) -> Result<(Tree, Sums), Stop> {
        let mut stream = Stream::new(out);
        for layer in (0..layers.count()).rev() {
            for_each_entry(layers, layer, |entry| {
                let listed = Listed::read(&entry)?;
                let verdict = self.admit(&listed)?;
                let Listed { path, kind, .. } = listed;
                match (verdict, kind) {
                    (Verdict::Hidden, _) => Ok(()),
                    (Verdict::Directory, Kind::Directory(meta)) => stream.directory(&path, &meta),
                    (Verdict::Link(target), _) => stream.link(&entry, &path, &target),
                    (_, _) => stream.file(entry, &[&path], capture),
                }
                .map_err(Stop::Failed)
            })?;
            let Layer { whiteouts, .. } = std::mem::take(&mut self.layer);
            whiteouts.into_iter().for_each(|whiteout| self.veil.add(whiteout));
        }
        self.tree.imply(layers.implied());
        self.tree.write_implied_directories(&mut stream)?;
        let sums = stream.finish()?;
        Ok((self.tree, sums))
    }

    /// Decides about an entry and notes it.
    fn admit(&mut self, entry: &Listed) -> Result<Verdict, Stop> {
        let path = &entry.path;
        if path.is_empty() {
            return Ok(Verdict::Hidden);
        }
        self.note(entry)?;
        if Whiteout::is_one(path) {
            self.layer.whiteouts.extend(Whiteout::read(path));
            return Ok(Verdict::Hidden);
        }
        if self.is_hidden(path) {
            return Ok(Verdict::Hidden);
        }
        let (node, verdict) = match &entry.kind {
            Kind::Directory(meta) => (Node::Directory(Some(meta.clone())), Verdict::Directory),
            Kind::File => (Node::File(entry.origin), Verdict::File),
            Kind::Special => (Node::Special(entry.origin), Verdict::File),
            Kind::Symlink(target) => (Node::Symlink(entry.origin, target.clone()), Verdict::File),
            Kind::HardLink(target) => {
                let node = self.link_target(entry.origin.layer, target)?;
                (node, Verdict::Link(target.clone()))
            }
        };
        match (self.tree.node(path), &node) {
            (None, _) | (Some(Node::Directory(None)), Node::Directory(_)) => {}
            (Some(Node::Directory(_)), Node::Directory(_)) => return Ok(Verdict::Hidden),
            // In place of the directory above, this hides what is inside
            // further down.
            (Some(Node::Directory(_)), _) => return Err(Stop::Unsure),
            (Some(_), _) => return Ok(Verdict::Hidden),
        }
        self.tree.imply_parents(path);
        self.tree.set_node(path.clone(), node);
        Ok(verdict)
    }

    /// Refuses what is more than a plain tree: a path that comes twice, and
    /// something inside what isn't a directory. The inside may be spoken of
    /// here or in a layer above: through a link it means another path.
    fn note(&mut self, entry: &Listed) -> Result<(), Stop> {
        let path = &entry.path;
        let is_leaf = !matches!(entry.kind, Kind::Directory(_));
        if is_leaf && self.parents.contains(path) {
            return Err(Stop::Unsure);
        }
        if ancestors(path).any(|directory| self.layer.named.get(directory) == Some(&true)) {
            return Err(Stop::Unsure);
        }
        if self.layer.named.insert(path.clone(), is_leaf).is_some() {
            return Err(Stop::Unsure);
        }
        for directory in ancestors(path) {
            if !self.parents.insert(directory.to_vec()) {
                break;
            }
        }
        Ok(())
    }

    /// Whether layers above hide a path, by whiteouts or by a file in place of
    /// one of its directories.
    fn is_hidden(&mut self, path: &[u8]) -> bool {
        let is_file = |at: &[u8]| !matches!(self.tree.node(at), None | Some(Node::Directory(_)));
        if ancestors(path).any(is_file) {
            return true;
        }
        let is_hidden = self.veil.hides(path);
        if is_hidden {
            self.imply_shown_parents(path);
        }
        is_hidden
    }

    /// What is hidden still had directories, and those need not be.
    fn imply_shown_parents(&mut self, path: &[u8]) {
        if let Some(shown) = ancestors(path).find(|directory| !self.veil.hides(directory)) {
            self.tree.imply_parents(&paths::join(shown, b"?"));
        }
    }

    /// The target of a hard link is in the stream only if this very layer has
    /// brought it.
    fn link_target(&self, layer: usize, target: &[u8]) -> Result<Node, Stop> {
        match self.tree.node(target) {
            Some(node) if node.layer() == Some(layer) => Ok(node.clone()),
            _ => Err(Stop::Unsure),
        }
    }
}

impl Tree {
    /// Directories that no layer describes come last, and late is early
    /// enough: until then the reader makes them up.
    fn write_implied_directories<W: Write>(&self, stream: &mut Stream<W>) -> Result<(), IsoError> {
        let implied = Meta::implied();
        for path in self.implied_directories() {
            stream.directory(path, &implied)?;
        }
        Ok(())
    }
}

/// The directories above a path, the nearest first, the root last.
fn ancestors(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut at = path;
    std::iter::from_fn(move || {
        if at.is_empty() {
            return None;
        }
        at = paths::split(at).0;
        Some(at)
    })
}
