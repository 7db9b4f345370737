//! Flattening random layers, against a model that is simple in place of fast.

#![allow(clippy::unwrap_used, reason = "tests")]

mod layers;

use std::collections::BTreeMap;
use std::io;

use edgectl_iso::{IsoError, Tree};
use layers::{Found, Layer, Layers, Listing, flatten, header};
use proptest::prelude::*;
use tar::EntryType;

#[derive(Debug, Clone)]
enum Op {
    Directory(String, u32),
    File(String, u8),
    HardLink(String, String),
    Hide(String),
    Opaque(String),
    Symlink(String, String),
}

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec("[abc]", 1..4).prop_map(|parts| parts.join("/"))
}

fn target() -> impl Strategy<Value = String> {
    let part = prop_oneof![4 => "[abc]", 1 => Just("..".to_owned()), 1 => Just(".".to_owned())];
    (prop::bool::ANY, prop::collection::vec(part, 1..4))
        .prop_map(|(absolute, parts)| if absolute { "/" } else { "" }.to_owned() + &parts.join("/"))
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        (path(), prop::sample::select(vec![0o700, 0o755])).prop_map(|(p, m)| Op::Directory(p, m)),
        (path(), any::<u8>()).prop_map(|(p, n)| Op::File(p, n)),
        (path(), path()).prop_map(|(p, t)| Op::HardLink(p, t)),
        path().prop_map(Op::Hide),
        path().prop_map(Op::Opaque),
        (path(), target()).prop_map(|(p, t)| Op::Symlink(p, t)),
    ]
}

fn layer(ops: &[Op]) -> Vec<u8> {
    let layer = ops.iter().fold(Layer::new(), |layer, op| match op {
        Op::Directory(path, mode) => layer.dir(path, *mode),
        Op::File(path, n) => layer.file(path, [*n]),
        Op::HardLink(path, target) => layer.link(path, target),
        Op::Hide(path) => layer.hide(path),
        Op::Opaque(path) => layer.opaque(path),
        Op::Symlink(path, target) => layer.symlink(path, target),
    });
    layer.bytes()
}

/// A file system as it is: directories hold their children.
#[derive(Debug, Clone)]
enum Model {
    Directory(u32, BTreeMap<String, Model>),
    File(u8),
    Symlink(String),
}

type Names = Vec<String>;

#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    Dangling,
    Loop,
}

impl Model {
    fn get(&self, names: &[String]) -> Option<&Model> {
        match (names, self) {
            ([], _) => Some(self),
            ([first, rest @ ..], Model::Directory(_, children)) => children.get(first)?.get(rest),
            _ => None,
        }
    }

    fn children(&mut self) -> &mut BTreeMap<String, Model> {
        if !matches!(self, Model::Directory(..)) {
            *self = Model::Directory(0o755, BTreeMap::new());
        }
        match self {
            Model::Directory(_, children) => children,
            _ => unreachable!("it was just made one"),
        }
    }

    fn put(&mut self, names: &[String], new: Model) {
        let (last, parents) = names.split_last().unwrap();
        let parent = parents.iter().fold(self, |at, name| {
            at.children().entry(name.clone()).or_insert(Model::Directory(0o755, BTreeMap::new()))
        });
        let place = parent.children().entry(last.clone());
        match (place, new) {
            // A directory that is described anew keeps its children.
            (std::collections::btree_map::Entry::Occupied(mut old), Model::Directory(mode, _)) => {
                old.get_mut().children();
                if let Model::Directory(old_mode, _) = old.get_mut() {
                    *old_mode = mode;
                }
            }
            (place, new) => drop(place.insert_entry(new)),
        }
    }

    fn remove(&mut self, names: &[String]) {
        match (names, self) {
            ([last], Model::Directory(_, children)) => drop(children.remove(last)),
            ([first, rest @ ..], Model::Directory(_, children)) => {
                if let Some(child) = children.get_mut(first) {
                    child.remove(rest);
                }
            }
            _ => {}
        }
    }

    /// Walks on from the directory `at`; the last name is not followed.
    fn walk(&self, mut at: Names, path: &str, is_last: bool, links: &mut u32) -> Option<Names> {
        let parts: Vec<&str> = path.split('/').filter(|p| !matches!(*p, "" | ".")).collect();
        for (i, part) in parts.iter().enumerate() {
            if *part == ".." {
                at.pop();
                continue;
            }
            let mut next = at.clone();
            next.push((*part).to_owned());
            let ends = is_last && i + 1 == parts.len();
            at = match self.get(&next) {
                Some(Model::Symlink(_)) if !ends && *links == 40 => return None,
                Some(Model::Symlink(target)) if !ends => {
                    *links += 1;
                    let from = if target.starts_with('/') { Names::new() } else { at };
                    self.walk(from, target, false, links)?
                }
                _ => next,
            };
        }
        Some(at)
    }

    fn locate(&self, path: &str) -> Result<Names, Refusal> {
        self.walk(Names::new(), path, true, &mut 0).ok_or(Refusal::Loop)
    }

    fn apply(&mut self, ops: &[Op]) -> Result<(), Refusal> {
        for op in ops {
            match op {
                Op::Hide(path) => {
                    let place = self.locate(path)?;
                    self.remove(&place);
                }
                Op::Opaque(path) => {
                    let mut inside = self.locate(&format!("{path}/inside"))?;
                    inside.pop();
                    let below: Names = match self.get(&inside) {
                        Some(Model::Directory(_, children)) => children.keys().cloned().collect(),
                        _ => continue,
                    };
                    for name in below {
                        self.remove(&[inside.clone(), vec![name]].concat());
                    }
                }
                _ => {}
            }
        }
        ops.iter().try_for_each(|op| self.add(op))
    }

    fn add(&mut self, op: &Op) -> Result<(), Refusal> {
        let place = match op {
            Op::Directory(path, _) | Op::File(path, _) | Op::HardLink(path, _) => path,
            Op::Symlink(path, _) => path,
            Op::Hide(_) | Op::Opaque(_) => return Ok(()),
        };
        let place = self.locate(place)?;
        let node = match op {
            Op::Directory(_, mode) => Model::Directory(*mode, BTreeMap::new()),
            Op::File(_, n) => Model::File(*n),
            Op::HardLink(_, target) => match self.get(&self.locate(target)?) {
                None | Some(Model::Directory(..)) => return Err(Refusal::Dangling),
                Some(node) => node.clone(),
            },
            Op::Symlink(_, target) => Model::Symlink(target.clone()),
            Op::Hide(_) | Op::Opaque(_) => return Ok(()),
        };
        self.put(&place, node);
        Ok(())
    }

    fn list(&self, path: &str, into: &mut Listing) {
        let found = match self {
            Model::Directory(mode, children) => {
                for (name, child) in children {
                    child.list(
                        &if path.is_empty() { name.clone() } else { format!("{path}/{name}") },
                        into,
                    );
                }
                Found::Directory(*mode)
            }
            Model::File(n) => Found::File(vec![*n]),
            Model::Symlink(target) => Found::Symlink(target.clone()),
        };
        if !path.is_empty() {
            into.insert(path.to_owned(), found);
        }
    }
}

/// Takes only so much: a damaged size may claim exabytes of zeros.
struct Sink(u64);

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len() as u64).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads and writes without caring for the result.
fn survive(bytes: Vec<u8>) {
    let layers = Layers(vec![Layer::new().file("a", "").bytes(), bytes]);
    let _ = Tree::read_and_write(&layers, Sink(8 << 20), &mut |_| None);
    if let Ok(tree) = Tree::read(&layers) {
        let _ = tree.write(&layers, Sink(8 << 20), &mut |_| None);
    }
}

fn everything() -> Vec<u8> {
    let mut sparse = header(EntryType::GNUSparse);
    sparse.as_gnu_mut().unwrap().set_real_size(4096);
    Layer::new()
        .dir("d", 0o755)
        .file("d/f", vec![7; 700])
        .link("h", "d/f")
        .symlink("s", "d")
        .device("c", EntryType::Char, 1, 3)
        .attribute("SCHILY.xattr.user.x", b"v")
        .file(&"n".repeat(200), "x")
        .entry(sparse, b"sparse", b"", b"")
        .hide("a")
        .bytes()
}

/// Headers whose checksum is right again are read further.
fn mend(bytes: &mut [u8]) {
    for block in bytes.chunks_exact_mut(512).filter(|b| b[257..262] == *b"ustar") {
        let sum: u32 = block
            .iter()
            .enumerate()
            .map(|(i, b)| if (148..156).contains(&i) { 32 } else { u32::from(*b) })
            .sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn flattening_is_unpacking_one_after_the_other(
        stack in prop::collection::vec(prop::collection::vec(op(), 0..8), 1..5)
    ) {
        let layers = Layers(stack.iter().map(|ops| layer(ops)).collect());
        let mut model = Model::Directory(0o755, BTreeMap::new());
        let applied = stack.iter().try_for_each(|ops| model.apply(ops));
        match flatten(&layers) {
            Ok(found) => {
                prop_assert_eq!(applied, Ok(()));
                let mut expected = Listing::new();
                model.list("", &mut expected);
                prop_assert_eq!(found, expected);
            }
            Err(IsoError::DanglingLink { .. }) => {
                prop_assert_eq!(applied, Err(Refusal::Dangling));
            }
            Err(IsoError::LinkLoop { .. }) => prop_assert_eq!(applied, Err(Refusal::Loop)),
            Err(error) => prop_assert!(false, "{}", error),
        }
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
        survive(bytes);
    }

    #[test]
    fn damaged_layers_are_survived(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        end in any::<prop::sample::Index>(),
        cut in prop::bool::weighted(0.2),
    ) {
        let mut bytes = everything();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        mend(&mut bytes);
        if cut {
            bytes.truncate(end.index(bytes.len()));
        }
        survive(bytes);
    }
}
