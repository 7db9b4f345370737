//! Layers made by hand.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Cursor, Read};

use edgectl_iso::{IsoError, LayerSource, Tree};
use tar::{Archive, Builder, EntryType, Header};

/// Layers in memory.
#[derive(Debug, Clone)]
pub(crate) struct Layers(pub(crate) Vec<Vec<u8>>);

impl LayerSource for Layers {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn open(&self, index: usize) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(Cursor::new(&self.0[index])))
    }
}

/// One layer. Names are written as they are, so that bad ones can be.
pub(crate) struct Layer(Builder<Vec<u8>>);

impl Layer {
    pub(crate) fn new() -> Self {
        Self(Builder::new(Vec::new()))
    }

    pub(crate) fn dir(self, path: &str, mode: u32) -> Self {
        let mut header = header(EntryType::Directory);
        header.set_mode(mode);
        self.entry(header, path.as_bytes(), b"", b"")
    }

    pub(crate) fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.entry(header(EntryType::Regular), path.as_bytes(), b"", content.as_ref())
    }

    pub(crate) fn symlink(self, path: &str, target: &str) -> Self {
        self.entry(header(EntryType::Symlink), path.as_bytes(), target.as_bytes(), b"")
    }

    pub(crate) fn link(self, path: &str, target: &str) -> Self {
        self.entry(header(EntryType::Link), path.as_bytes(), target.as_bytes(), b"")
    }

    pub(crate) fn device(self, path: &str, kind: EntryType, major: u32, minor: u32) -> Self {
        let mut header = header(kind);
        if kind != EntryType::Fifo {
            header.set_device_major(major).unwrap();
            header.set_device_minor(minor).unwrap();
        }
        self.entry(header, path.as_bytes(), b"", b"")
    }

    /// Attributes of the next entry.
    pub(crate) fn attribute(mut self, key: &str, value: &[u8]) -> Self {
        self.0.append_pax_extensions([(key, value)]).unwrap();
        self
    }

    pub(crate) fn hide(self, path: &str) -> Self {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        self.file(&format!("{directory}/.wh.{name}"), "")
    }

    pub(crate) fn opaque(self, directory: &str) -> Self {
        self.file(&format!("{directory}/.wh..wh..opq"), "")
    }

    /// Long names go into GNU's extra entries.
    pub(crate) fn entry(
        mut self,
        mut header: Header,
        path: &[u8],
        link: &[u8],
        content: &[u8],
    ) -> Self {
        for (kind, name) in [(EntryType::GNULongName, path), (EntryType::GNULongLink, link)] {
            if name.len() > 100 {
                let mut long = header.clone();
                long.set_entry_type(kind);
                long.set_size(name.len() as u64);
                long.set_cksum();
                self.0.append(&long, name).unwrap();
            }
        }
        let raw = header.as_old_mut();
        fill(&mut raw.name, path);
        fill(&mut raw.linkname, link);
        header.set_size(content.len() as u64);
        header.set_cksum();
        self.0.append(&header, content).unwrap();
        self
    }

    pub(crate) fn bytes(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }
}

fn fill(field: &mut [u8], name: &[u8]) {
    let n = name.len().min(field.len());
    field[..n].copy_from_slice(&name[..n]);
}

/// A header with a mode and an owner.
pub(crate) fn header(kind: EntryType) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(1_000_000_000);
    header
}

/// What stands at a path of the flattened file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    Device(EntryType, u32, u32),
    Directory(u32),
    File(Vec<u8>),
    Symlink(String),
}

pub(crate) type Listing = BTreeMap<String, Found>;

/// Flattens and reads back.
pub(crate) fn flatten(layers: &Layers) -> Result<Listing, IsoError> {
    Ok(listing(&stream(layers)?))
}

/// Flattens into a tar stream.
pub(crate) fn stream(layers: &Layers) -> Result<Vec<u8>, IsoError> {
    // What two readings refuse, a single one may not even see: an upper layer
    // can hide a broken link.
    let tree = Tree::read(layers)?;
    let mut out = Vec::new();
    tree.write(layers, &mut out, &mut |_| None)?;
    let found = listing(&out);
    assert_parents_come_first(&out);
    assert_eq!(found.keys().cloned().collect::<Vec<_>>(), paths(&tree));
    if let Some((same, stream)) = stream_at_once(layers)? {
        assert_eq!(listing(&stream), found);
        assert_eq!(paths(&same), paths(&tree));
    }
    Ok(out)
}

/// The same in a single reading, where that can tell.
pub(crate) fn stream_at_once(layers: &Layers) -> Result<Option<(Tree, Vec<u8>)>, IsoError> {
    let mut out = Vec::new();
    let written = Tree::read_and_write(layers, &mut out, &mut |_| None)?;
    Ok(written.map(|(tree, _)| (tree, out)))
}

fn paths(tree: &Tree) -> Vec<String> {
    tree.paths().map(|path| String::from_utf8_lossy(path).into_owned()).collect()
}

fn assert_parents_come_first(stream: &[u8]) {
    let mut directories = BTreeSet::new();
    for entry in Archive::new(stream).entries().unwrap() {
        let entry = entry.unwrap();
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if let Some((parent, _)) = path.rsplit_once('/') {
            assert!(directories.contains(parent), "{path}");
        }
        if entry.header().entry_type().is_dir() {
            directories.insert(path);
        }
    }
}

/// Unpacks a tar stream; hard links become what they are linked to.
pub(crate) fn listing(stream: &[u8]) -> Listing {
    let mut found = Listing::new();
    for entry in Archive::new(stream).entries().unwrap() {
        let mut entry = entry.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let path = text(&entry.path_bytes());
        let link = entry.link_name_bytes().map(|l| text(&l)).unwrap_or_default();
        let header = entry.header().clone();
        let what = match header.entry_type() {
            EntryType::Directory => Found::Directory(header.mode().unwrap()),
            EntryType::Link => found[&link].clone(),
            EntryType::Symlink => Found::Symlink(link),
            EntryType::Regular => {
                let mut content = Vec::new();
                entry.read_to_end(&mut content).unwrap();
                Found::File(content)
            }
            EntryType::Fifo => Found::Device(EntryType::Fifo, 0, 0),
            kind => Found::Device(
                kind,
                header.device_major().unwrap().unwrap_or_default(),
                header.device_minor().unwrap().unwrap_or_default(),
            ),
        };
        assert_eq!(found.insert(path.clone(), what), None, "{path} comes twice");
    }
    found
}
