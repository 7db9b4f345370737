//! Files for a tree of directories. Those that change stay where they are as long as
//! they fit there: programs that read an image from its front to its end (libarchive)
//! skip what a directory behind it leads back to. Others are written anew elsewhere.

mod path_table;

use std::collections::{BTreeMap, HashSet};

use edgectl_process::interrupted;

use super::names::identifier;
use crate::disc::bytes::part;
use crate::disc::raw::{RawRecord, RawTree};
use crate::disc::{BLOCK, Disc, Extent};
use crate::error::IsoError;
use crate::patch::Patch;
use crate::seed::{both32, mode, record};

/// Path tables number directories with 16 bits.
const DIRECTORIES: usize = 65_535;
/// The longest directory that is changed where it is: the manifest keeps what stood there.
const IN_PLACE: u64 = 64 * 1024;
/// Mode of directories that are made.
const DIRECTORY_MODE: u32 = 0o040_755;

/// A file for the tree, in place of one that is there or beside others.
#[derive(Debug, Clone)]
pub(super) struct NewFile {
    /// From the root, without a slash in front.
    pub(super) path: String,
    /// Where its bytes will be.
    pub(super) at: Extent,
    /// Its permissions.
    pub(super) mode: u32,
}

/// Room behind everything that is there.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) next: u64,
}

impl Layout {
    /// The next place for so many bytes.
    pub(super) fn take(&mut self, bytes: u64) -> Extent {
        let extent = Extent { offset: self.next, bytes };
        self.next += bytes.next_multiple_of(BLOCK);
        extent
    }
}

/// A directory that changes.
struct Node {
    parent: usize,
    records: Vec<RawRecord>,
    /// Those below it that change, too, by the names in their records.
    children: BTreeMap<Vec<u8>, usize>,
    at: Extent,
    /// Whether it can stay where it is: nothing else is there.
    stays: bool,
}

impl Node {
    fn new(parent: usize, records: Vec<RawRecord>, at: Extent) -> Self {
        Self { parent, records, children: BTreeMap::new(), at, stays: false }
    }

    /// One that is there.
    fn of(disc: &Disc, tree: &RawTree, parent: usize, at: Extent) -> Result<Self, IsoError> {
        let mut node = Self::new(parent, tree.records(disc, at)?, at);
        node.stays = at.bytes <= IN_PLACE && disc.bytes_at(at.offset, at.bytes)? == node.packed();
        Ok(node)
    }

    fn fits(&self) -> bool {
        self.stays && self.packed().len() as u64 <= self.at.bytes
    }

    /// Its bytes, as far as its place goes.
    fn content(&self) -> Vec<u8> {
        let mut bytes = self.packed();
        bytes.resize(bytes.len().max(self.at.bytes as usize), 0);
        bytes
    }

    /// Whole blocks: a record lies in one of them.
    fn packed(&self) -> Vec<u8> {
        let block = BLOCK as usize;
        let mut bytes: Vec<u8> = Vec::new();
        for record in &self.records {
            if bytes.len() % block + record.0.len() > block {
                bytes.resize(bytes.len().next_multiple_of(block), 0);
            }
            bytes.extend(&record.0);
        }
        bytes.resize(bytes.len().next_multiple_of(block).max(block), 0);
        bytes
    }
}

/// A tree while it changes.
struct Editor<'a> {
    disc: &'a Disc,
    tree: &'a RawTree,
    epoch: u64,
    nodes: Vec<Node>,
}

/// Where everything ends that a tree leads to.
pub(super) fn end_of(disc: &Disc, tree: &RawTree) -> Result<u64, IsoError> {
    let mut end = tree.root.offset + tree.root.bytes;
    let (mut waiting, mut seen) = (vec![tree.root], HashSet::new());
    while let Some(at) = waiting.pop() {
        if !seen.insert(at.offset) || seen.len() > DIRECTORIES {
            return Err(disc.damaged("its directories have no end").into());
        }
        interrupted()?;
        for record in tree.records(disc, at)?.iter().skip(2) {
            let place = tree.place_of(disc, record)?;
            end = end.max(place.offset + place.bytes);
            if record.is_directory() {
                waiting.push(place);
            }
        }
    }
    Ok(end)
}

/// Whether a tree leads to a path by directories; those that Rock Ridge has
/// relocated stand there as files. What a tree lacks is made.
pub(super) fn leads_to(disc: &Disc, tree: &RawTree, path: &str) -> Result<bool, IsoError> {
    let directories = path.rsplit_once('/').map_or("", |(directories, _)| directories);
    let mut at = tree.root;
    for part in directories.split('/').filter(|part| !part.is_empty()) {
        interrupted()?;
        match find(disc, tree, &tree.records(disc, at)?, part)? {
            Some((_, record)) if record.is_directory() => at = tree.place_of(disc, record)?,
            found => return Ok(found.is_none()),
        }
    }
    Ok(true)
}

/// The record of a name, and its number.
fn find<'a>(
    disc: &Disc,
    tree: &RawTree,
    records: &'a [RawRecord],
    name: &str,
) -> Result<Option<(usize, &'a RawRecord)>, IsoError> {
    for (number, record) in records.iter().enumerate().skip(2) {
        if tree.are_equal(&tree.name(disc, record)?, name) {
            return Ok(Some((number, record)));
        }
    }
    Ok(None)
}

/// What puts files into a tree.
pub(super) struct Written {
    /// Bytes for places that are there already, and for new ones.
    pub(super) patches: Vec<Patch>,
    /// What descriptors say of it: bytes for places in them.
    pub(super) head: [(u64, Vec<u8>); 2],
}

/// Puts files into a tree.
pub(super) fn put(
    disc: &Disc,
    tree: &RawTree,
    files: &[NewFile],
    epoch: u64,
    layout: &mut Layout,
) -> Result<Written, IsoError> {
    let root = Node::of(disc, tree, 0, tree.root)?;
    let mut editor = Editor { disc, tree, epoch, nodes: vec![root] };
    files.iter().try_for_each(|file| editor.put(file))?;
    editor.finish(layout)
}

impl Editor<'_> {
    fn put(&mut self, file: &NewFile) -> Result<(), IsoError> {
        let (directories, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
        let mut at = 0;
        for part in directories.split('/').filter(|part| !part.is_empty()) {
            at = self.directory(at, part, &file.path)?;
        }
        let id = match self.find(at, name)? {
            Some(number) if self.nodes[at].records[number].is_directory() => {
                return Err(IsoError::Occupied(file.path.clone()));
            }
            Some(number) => self.take_away(at, number),
            None => identifier(self.tree, &self.nodes[at].records, name, false),
        };
        let place = (self.block(file.at), bytes32(file.at));
        let record = self.record(&id, Some(name), place, 0o100_000 | file.mode, false);
        insert(&mut self.nodes[at].records, record);
        Ok(())
    }

    /// The directory `name` below another one; made if need be.
    fn directory(&mut self, at: usize, name: &str, path: &str) -> Result<usize, IsoError> {
        let node = match self.find(at, name)? {
            Some(number) => {
                let record = &self.nodes[at].records[number];
                let id = record.id().to_vec();
                if let Some(child) = self.nodes[at].children.get(&id) {
                    return Ok(*child);
                }
                if !record.is_directory() {
                    return Err(IsoError::Occupied(path.to_owned()));
                }
                let place = self.tree.place_of(self.disc, record)?;
                (id, Node::of(self.disc, self.tree, at, place)?)
            }
            None => self.new_directory(at, name),
        };
        let number = self.nodes.len();
        self.nodes.push(node.1);
        self.nodes[at].children.insert(node.0, number);
        Ok(number)
    }

    fn new_directory(&mut self, at: usize, name: &str) -> (Vec<u8>, Node) {
        let id = identifier(self.tree, &self.nodes[at].records, name, true);
        let record = self.record(&id, Some(name), (0, 0), DIRECTORY_MODE, true);
        insert(&mut self.nodes[at].records, record);
        let dot = |id: u8| self.record(&[id], None, (0, 0), DIRECTORY_MODE, true);
        let nothing = Extent { offset: 0, bytes: 0 };
        (id, Node::new(at, vec![dot(0), dot(1)], nothing))
    }

    fn find(&self, at: usize, name: &str) -> Result<Option<usize>, IsoError> {
        let found = find(self.disc, self.tree, &self.nodes[at].records, name)?;
        Ok(found.map(|(number, _)| number))
    }

    /// Removes a file's records; gives its name as it stands in them.
    fn take_away(&mut self, at: usize, number: usize) -> Vec<u8> {
        let records = &mut self.nodes[at].records;
        loop {
            let record = records.remove(number);
            if !record.goes_on() || number >= records.len() {
                return record.id().to_vec();
            }
        }
    }

    fn record(
        &self,
        id: &[u8],
        name: Option<&str>,
        (block, bytes): (u32, u32),
        posix: u32,
        is_directory: bool,
    ) -> RawRecord {
        let mut system_use = Vec::new();
        if let Some(skip) = self.tree.rock_ridge() {
            system_use.resize(usize::from(skip), 0);
            system_use.extend(mode(posix, if is_directory { 2 } else { 1 }));
            if let Some(name) = name {
                system_use.extend([b'N', b'M', 5 + name.len() as u8, 1, 0]);
                system_use.extend(name.as_bytes());
            }
        }
        RawRecord(record(block, bytes, is_directory, id, &system_use, self.epoch))
    }

    fn block(&self, at: Extent) -> u32 {
        u32::try_from(at.offset.saturating_sub(self.tree.base) / BLOCK).unwrap_or(u32::MAX)
    }

    fn finish(mut self, layout: &mut Layout) -> Result<Written, IsoError> {
        for node in self.nodes.iter_mut().filter(|node| !node.fits()) {
            node.stays = false;
            node.at = layout.take(node.packed().len() as u64);
        }
        self.point();
        let mut patches = self.parents_of_others()?;
        let table = self.path_table()?;
        let tables = [layout.take(table[0].len() as u64), layout.take(table[1].len() as u64)];
        let head = self.head(tables);
        for (place, bytes) in tables.iter().zip(table) {
            patches.push(Patch { offset: place.offset, bytes });
        }
        for node in &self.nodes {
            patches.push(Patch { offset: node.at.offset, bytes: node.content() });
        }
        Ok(Written { patches, head })
    }

    /// Lets directories that change know each other's places.
    fn point(&mut self) {
        let places: Vec<(u32, u32)> =
            self.nodes.iter().map(|node| (self.block(node.at), bytes32(node.at))).collect();
        for (node, own) in self.nodes.iter_mut().zip(&places) {
            let parent = places.get(node.parent).unwrap_or(own);
            node.records[0].point(own.0, own.1);
            node.records[1].point(parent.0, parent.1);
            for record in node.records.iter_mut().skip(2).filter(|record| record.is_directory()) {
                if let Some(child) = node.children.get(record.id()) {
                    let (block, bytes) = places[*child];
                    record.point(block, bytes);
                }
            }
        }
    }

    /// Directories that don't change learn where their parent went.
    fn parents_of_others(&self) -> Result<Vec<Patch>, IsoError> {
        let mut patches = Vec::new();
        for node in self.nodes.iter().filter(|node| !node.stays) {
            for record in node.records.iter().skip(2) {
                if !record.is_directory() || node.children.contains_key(record.id()) {
                    continue;
                }
                interrupted()?;
                let place = self.tree.place_of(self.disc, record)?;
                let records = self.tree.records(self.disc, place)?;
                let mut parent = records[1].clone();
                parent.point(self.block(node.at), bytes32(node.at));
                let offset = place.offset + records[0].0.len() as u64;
                patches.push(Patch { offset, bytes: parent.0 });
            }
        }
        Ok(patches)
    }

    /// What a volume descriptor says of the root and the path tables. What it
    /// says of the volume's size is changed elsewhere.
    fn head(&self, tables: [Extent; 2]) -> [(u64, Vec<u8>); 2] {
        let mut root = RawRecord(part(&self.tree.descriptor, 156, 190).to_vec());
        root.point(self.block(self.nodes[0].at), bytes32(self.nodes[0].at));
        let [little, big] = tables.map(|table| self.block(table));
        let places = [little.to_le_bytes(), [0; 4], big.to_be_bytes(), [0; 4]].concat();
        [(132, [both32(bytes32(tables[0])).to_vec(), places].concat()), (156, root.0)]
    }
}

fn bytes32(at: Extent) -> u32 {
    u32::try_from(at.bytes).unwrap_or(u32::MAX)
}

/// Records are in the order of their names.
fn insert(records: &mut Vec<RawRecord>, record: RawRecord) {
    let behind = records.iter().skip(2).position(|other| other.id() > record.id());
    let at = behind.map_or(records.len(), |at| at + 2);
    records.insert(at, record);
}
