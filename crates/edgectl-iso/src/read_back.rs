//! The squashfs read back and compared with what was streamed into it.
//!
//! Nobody looks at the system again before it starts at a site: its digest is
//! taken of whatever the packing has left, right or wrong. mksquashfs works
//! with many threads on shared data, and has been seen to leave a block that
//! nothing can unpack. So names, types, links and contents have to be those
//! that went in.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use edgectl_process::interrupted;
use thiserror::Error;

use crate::error::IsoError;
use crate::layers::Origin;
use crate::paths;
use crate::squashfs::{Damage, Inode, Kind, Regular, Squashfs, crc32s};
use crate::stream::{Sum, Sums};
use crate::tree::{Node, Tree};

/// How the squashfs differs from what went in.
#[derive(Debug, Error)]
enum Wrong {
    #[error("`{0}` has another content")]
    Content(String),
    #[error("`{0}` has {1} bytes, not {2}")]
    Size(String, u64, u64),
    #[error("`{0}` is something else")]
    Kind(String),
    #[error("`{0}` is missing")]
    Missing(String),
    #[error("`{0}` should not be there")]
    Unknown(String),
    #[error(transparent)]
    Damage(#[from] Damage),
}

/// Fails unless the squashfs holds `tree` with contents as `sums` has them.
pub(crate) fn read_back(squashfs: &Path, tree: &Tree, sums: &Sums) -> Result<(), IsoError> {
    match compare(squashfs, tree, sums) {
        Ok(()) => Ok(()),
        Err(Wrong::Damage(Damage::Interrupted(interrupted))) => Err(interrupted.into()),
        Err(why) => Err(IsoError::ReadBack(why.to_string())),
    }
}

fn compare(squashfs: &Path, tree: &Tree, sums: &Sums) -> Result<(), Wrong> {
    let mut squashfs = Squashfs::open(squashfs)?;
    let files = Walk::new(&mut squashfs, tree, sums).all()?;
    let found = crc32s(&mut squashfs, &files.contents)?;
    for ((path, expected), found) in files.expected.into_iter().zip(found) {
        if found != expected.crc32 {
            return Err(Wrong::Content(paths::show(path)));
        }
    }
    Ok(())
}

/// Goes through all directories, comparing what they name with the tree.
struct Walk<'s, 'a> {
    squashfs: &'s mut Squashfs,
    tree: &'a Tree,
    sums: &'a Sums,
    /// What hasn't been found yet.
    left: HashSet<&'a [u8]>,
    /// The number of each entry's inode: its later names are links to that.
    numbers: HashMap<Origin, u32>,
    /// Numbers of inodes that are some entry's.
    taken: HashSet<u32>,
    files: Files<'a>,
}

/// The regular files.
#[derive(Default)]
struct Files<'a> {
    /// What their contents have to be.
    expected: Vec<(&'a [u8], Sum)>,
    /// Where those are, in the same order.
    contents: Vec<Regular>,
}

impl<'s, 'a> Walk<'s, 'a> {
    fn new(squashfs: &'s mut Squashfs, tree: &'a Tree, sums: &'a Sums) -> Self {
        let left = tree.paths().collect();
        let (numbers, taken) = (HashMap::new(), HashSet::new());
        Self { squashfs, tree, sums, left, numbers, taken, files: Files::default() }
    }

    fn all(mut self) -> Result<Files<'a>, Wrong> {
        let root = self.squashfs.root()?;
        let mut directories = vec![(Vec::new(), root)];
        while let Some((path, inode)) = directories.pop() {
            interrupted().map_err(Damage::from)?;
            let Kind::Directory(directory) = &inode.kind else {
                return Err(Wrong::Kind(paths::show(&path)));
            };
            for entry in self.squashfs.list(directory)? {
                let path = paths::join(&path, &entry.name);
                let inode = self.squashfs.inode(entry.place)?;
                if let Some(directory) = self.see(path, inode)? {
                    directories.push(directory);
                }
            }
        }
        match self.left.iter().min() {
            Some(path) => Err(Wrong::Missing(paths::show(path))),
            None => Ok(self.files),
        }
    }

    /// Compares a name with the tree; gives a directory back.
    fn see(&mut self, path: Vec<u8>, inode: Inode) -> Result<Option<(Vec<u8>, Inode)>, Wrong> {
        let known = self.left.take(path.as_slice());
        let node = known.and_then(|path| Some((path, self.tree.node(path)?)));
        let (known, node) = node.ok_or_else(|| Wrong::Unknown(paths::show(&path)))?;
        let origin = match (node, &inode.kind) {
            (Node::Directory(_), Kind::Directory(_)) => return Ok(Some((path, inode))),
            (Node::File(origin), Kind::File(_)) | (Node::Special(origin), Kind::Special) => *origin,
            (Node::Symlink(origin, target), Kind::Symlink(found)) if target == found => *origin,
            _ => return Err(Wrong::Kind(paths::show(&path))),
        };
        if let Some(number) = self.numbers.get(&origin) {
            return match *number == inode.number {
                true => Ok(None),
                false => Err(Wrong::Kind(paths::show(&path))),
            };
        }
        self.numbers.insert(origin, inode.number);
        if !self.taken.insert(inode.number) {
            return Err(Wrong::Kind(paths::show(&path)));
        }
        if let Kind::File(regular) = inode.kind {
            self.file(known, origin, regular)?;
        }
        Ok(None)
    }

    fn file(&mut self, path: &'a [u8], origin: Origin, regular: Regular) -> Result<(), Wrong> {
        let shown = || paths::show(path);
        let sum = self.sums.get(origin).ok_or_else(|| Wrong::Content(shown()))?;
        if regular.bytes != sum.bytes {
            return Err(Wrong::Size(shown(), regular.bytes, sum.bytes));
        }
        self.files.expected.push((path, sum));
        self.files.contents.push(regular);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
