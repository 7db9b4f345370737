//! Directories as their bytes stand, for whoever writes them anew.

use std::rc::Rc;

use super::budget::Budget;
use super::bytes::{le32, part};
use super::record::Record;
use super::volume::{Names, is_joliet, name};
use super::{BLOCK, Disc, DiscError, Extent, rock_ridge};

/// Where descriptors begin, in blocks.
const FIRST: u64 = 16;
/// Copies of the descriptors of a first session are in front of this block.
pub(crate) const FRONT: u64 = 160;
/// Real images have four.
const MOST: u64 = 64;
/// Bytes of the root's record in a descriptor.
const ROOT_RECORD: std::ops::Range<usize> = 156..190;
/// No directory has more bytes than this.
const DIRECTORY_LIMIT: u64 = 64 << 20;

/// A tree of directories, and the descriptor that leads to it.
#[derive(Debug, Clone)]
pub(crate) struct RawTree {
    /// The descriptor: bytes from the start of the image.
    pub(crate) at: u64,
    /// Blocks are counted from this byte on.
    pub(crate) base: u64,
    /// The descriptor's bytes.
    pub(crate) descriptor: Vec<u8>,
    /// Where its root is.
    pub(crate) root: Extent,
    names: Names,
    /// What may still be read of all trees.
    budget: Rc<Budget>,
}

/// One record of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawRecord(pub(crate) Vec<u8>);

/// The trees of a volume whose blocks are counted from the byte `base` on:
/// ISO 9660, Joliet and whatever else has records of this form. What is read of
/// them, and by them, is taken from the budget.
pub(crate) fn trees(
    disc: &Disc,
    base: u64,
    budget: &Rc<Budget>,
) -> Result<Vec<RawTree>, DiscError> {
    let mut trees = Vec::new();
    for block in FIRST..FIRST + MOST {
        let at = base + block * BLOCK;
        if at + BLOCK > disc.bytes() {
            break;
        }
        budget.take(disc, BLOCK)?;
        let descriptor = disc.bytes_at(at, BLOCK)?;
        if part(&descriptor, 1, 6) != b"CD001" || descriptor.first() == Some(&255) {
            break;
        }
        if matches!(descriptor.first(), Some(1 | 2)) {
            trees.push(tree(disc, base, at, descriptor, budget)?);
        }
    }
    let copies = copies(disc, &trees)?;
    trees.extend(copies);
    Ok(trees)
}

/// xorriso keeps descriptors twice, so that it can tell sessions apart: the
/// same roots and path tables, elsewhere at the front.
fn copies(disc: &Disc, trees: &[RawTree]) -> Result<Vec<RawTree>, DiscError> {
    let mut copies = Vec::new();
    for at in (FIRST..FRONT).map(|block| block * BLOCK) {
        if at + BLOCK > disc.bytes() || trees.iter().any(|tree| tree.at == at) {
            continue;
        }
        let descriptor = disc.bytes_at(at, BLOCK)?;
        let is_of = |tree: &&RawTree| {
            let same = |from, to| part(&tree.descriptor, from, to) == part(&descriptor, from, to);
            same(0, 8) && same(132, ROOT_RECORD.end)
        };
        copies.extend(trees.iter().find(is_of).map(|tree| RawTree {
            at,
            descriptor,
            ..tree.clone()
        }));
    }
    Ok(copies)
}

/// Whether the same files are listed in UDF, too.
pub(crate) fn has_udf(disc: &Disc) -> Result<bool, DiscError> {
    for block in FIRST..FIRST + MOST {
        let at = block * BLOCK;
        if at + BLOCK > disc.bytes() {
            break;
        }
        match part(&disc.bytes_at(at, BLOCK)?, 1, 6) {
            b"NSR02" | b"NSR03" => return Ok(true),
            b"CD001" | b"BEA01" | b"BOOT2" | b"TEA01" => {}
            _ => break,
        }
    }
    Ok(false)
}

fn tree(
    disc: &Disc,
    base: u64,
    at: u64,
    descriptor: Vec<u8>,
    budget: &Rc<Budget>,
) -> Result<RawTree, DiscError> {
    let bytes = part(&descriptor, ROOT_RECORD.start, ROOT_RECORD.end);
    let record = Record::parse(bytes).filter(|record| record.is_directory);
    let record = record.ok_or_else(|| disc.damaged("a descriptor leads to no root directory"))?;
    let root = place(disc, base, record.block, record.bytes)?;
    let first = disc.bytes_at(root.offset, BLOCK)?;
    let names = match rock_ridge::skip_of(&first) {
        _ if is_joliet(&descriptor) => Names::Joliet,
        Some(skip) => Names::RockRidge(skip),
        None => Names::Plain,
    };
    Ok(RawTree { at, base, descriptor, root, names, budget: Rc::clone(budget) })
}

fn place(disc: &Disc, base: u64, block: u32, bytes: u32) -> Result<Extent, DiscError> {
    let extent = Extent { offset: base + u64::from(block) * BLOCK, bytes: u64::from(bytes) };
    disc.ensure_inside(extent, "a directory")?;
    Ok(extent)
}

impl RawTree {
    /// Bytes to skip in each record before Rock Ridge begins, where it has it.
    pub(crate) fn rock_ridge(&self) -> Option<u8> {
        match self.names {
            Names::RockRidge(skip) => Some(skip),
            _ => None,
        }
    }

    /// Whether names are UCS-2.
    pub(crate) fn is_joliet(&self) -> bool {
        self.names == Names::Joliet
    }

    /// The records of a directory, `.` and `..` first.
    pub(crate) fn records(&self, disc: &Disc, at: Extent) -> Result<Vec<RawRecord>, DiscError> {
        if at.bytes > DIRECTORY_LIMIT {
            return Err(disc.damaged("a directory has more bytes than any can have"));
        }
        self.budget.take(disc, at.bytes)?;
        let bytes = disc.bytes_at(at.offset, at.bytes)?;
        let mut records = Vec::new();
        for block in bytes.chunks(BLOCK as usize) {
            let mut rest = block;
            while rest.first().is_some_and(|length| *length > 0) {
                let broken = || disc.damaged("a directory record doesn't fit in its block");
                Record::parse(rest).ok_or_else(broken)?;
                let (record, more) =
                    rest.split_at_checked(usize::from(rest[0])).ok_or_else(broken)?;
                records.push(RawRecord(record.to_vec()));
                rest = more;
            }
        }
        let is_dot = |at: usize, id: u8| {
            records.get(at).is_some_and(|record: &RawRecord| record.id() == [id])
        };
        match is_dot(0, 0) && is_dot(1, 1) {
            true => Ok(records),
            false => Err(disc.damaged("a directory doesn't begin with itself and its parent")),
        }
    }

    /// The name of a record, as the tree's readers see it.
    pub(crate) fn name(&self, disc: &Disc, record: &RawRecord) -> Result<String, DiscError> {
        if let Names::RockRidge(skip) = self.names {
            let parsed = Record::parse(&record.0);
            let system_use = parsed.map(|record| record.system_use).unwrap_or_default();
            let posix = rock_ridge::read(disc, system_use, skip, self.base, &self.budget)?;
            if let Some(name) = posix.name {
                return Ok(String::from_utf8_lossy(&name).into_owned());
            }
        }
        let names = if self.is_joliet() { Names::Joliet } else { Names::Plain };
        Ok(name(record.id(), names))
    }

    /// Whether the tree's readers see two names as one.
    pub(crate) fn are_equal(&self, found: &str, wanted: &str) -> bool {
        self.names.are_equal(found, wanted)
    }

    /// Where the bytes of a record are. Empty files point anywhere.
    pub(crate) fn place_of(&self, disc: &Disc, record: &RawRecord) -> Result<Extent, DiscError> {
        match le32(&record.0, 10) {
            0 if !record.is_directory() => Ok(Extent { offset: 0, bytes: 0 }),
            bytes => place(disc, self.base, record.block(), bytes),
        }
    }
}

impl RawRecord {
    /// The name as it stands.
    pub(crate) fn id(&self) -> &[u8] {
        let length = usize::from(self.0.get(32).copied().unwrap_or(0));
        part(&self.0, 33, 33 + length)
    }

    pub(crate) fn is_directory(&self) -> bool {
        self.0.get(25).is_some_and(|flags| flags & 2 != 0)
    }

    /// Whether more of the file is in the next record.
    pub(crate) fn goes_on(&self) -> bool {
        !self.is_directory() && self.0.get(25).is_some_and(|flags| flags & 0x80 != 0)
    }

    fn block(&self) -> u32 {
        let extended = u32::from(self.0.get(1).copied().unwrap_or(0));
        le32(&self.0, 2).saturating_add(extended)
    }

    /// Points the record to other bytes, all of them in one place.
    pub(crate) fn point(&mut self, block: u32, bytes: u32) {
        if let Some(place) = self.0.get_mut(1..18) {
            place[0] = 0;
            place[1..5].copy_from_slice(&block.to_le_bytes());
            place[5..9].copy_from_slice(&block.to_be_bytes());
            place[9..13].copy_from_slice(&bytes.to_le_bytes());
            place[13..17].copy_from_slice(&bytes.to_be_bytes());
        }
        if let Some(flags) = self.0.get_mut(25) {
            *flags &= !0x80;
        }
    }
}
