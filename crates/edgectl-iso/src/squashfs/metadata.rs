//! Metadata blocks: two bytes with the length, then up to 8 KiB, packed or
//! not. A table is a row of them; what is in it goes on from one to the next.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::rc::Rc;

use super::Damage;
use super::inode::Place;
use super::unpack::Unpacker;

/// Of a block, unpacked.
const BLOCK: usize = 8 << 10;
/// Set where a block isn't packed.
const PLAIN: u16 = 1 << 15;
/// Blocks that are kept: 8 MiB.
const KEPT: usize = 1024;

#[derive(Debug)]
struct Block {
    bytes: Vec<u8>,
    /// Where the next one begins.
    next: u64,
}

/// All the tables; they share what unpacks them.
#[derive(Debug)]
pub(super) struct Tables {
    file: File,
    /// Bytes of the squashfs.
    bytes: u64,
    unpacker: Unpacker,
    /// By where they begin. Neighbours are asked for one after the other.
    blocks: HashMap<u64, Rc<Block>>,
}

impl Tables {
    pub(super) fn new(file: File, bytes: u64, unpacker: Unpacker) -> Self {
        Self { file, bytes, unpacker, blocks: HashMap::new() }
    }

    fn block(&mut self, at: u64) -> Result<Rc<Block>, Damage> {
        if let Some(block) = self.blocks.get(&at) {
            return Ok(Rc::clone(block));
        }
        let block = Rc::new(self.read(at)?);
        if self.blocks.len() >= KEPT {
            self.blocks.clear();
        }
        self.blocks.insert(at, Rc::clone(&block));
        Ok(block)
    }

    fn read(&mut self, at: u64) -> Result<Block, Damage> {
        if at >= self.bytes {
            return Err(Damage::Wrong { what: "the place of a table", at });
        }
        let mut head = [0; 2];
        self.file.read_exact_at(&mut head, at)?;
        let head = u16::from_le_bytes(head);
        let length = usize::from(head & !PLAIN);
        if length == 0 || length > BLOCK {
            return Err(Damage::Wrong { what: "the length of a table's block", at });
        }
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, at + 2)?;
        if head & PLAIN == 0 {
            let mut unpacked = vec![0; BLOCK];
            let n = self.unpacker.unpack(&bytes, &mut unpacked, at)?;
            unpacked.truncate(n);
            bytes = unpacked;
        }
        Ok(Block { bytes, next: at + 2 + length as u64 })
    }
}

/// Reads on in a table.
pub(super) struct Cursor<'a> {
    tables: &'a mut Tables,
    block: Rc<Block>,
    /// Where the block begins, for messages.
    at: u64,
    offset: usize,
}

impl<'a> Cursor<'a> {
    /// At a place in the table that begins at `table`.
    pub(super) fn new(tables: &'a mut Tables, table: u64, place: Place) -> Result<Self, Damage> {
        let at = table.saturating_add(u64::from(place.block));
        let block = tables.block(at)?;
        Ok(Self { tables, block, at, offset: usize::from(place.offset) })
    }

    pub(super) fn fill(&mut self, to: &mut [u8]) -> Result<(), Damage> {
        let mut filled = 0;
        while filled < to.len() {
            let left = self.block.bytes.get(self.offset..).unwrap_or_default();
            if left.is_empty() {
                self.go_on()?;
                continue;
            }
            let n = left.len().min(to.len() - filled);
            to[filled..filled + n].copy_from_slice(&left[..n]);
            self.offset += n;
            filled += n;
        }
        Ok(())
    }

    fn go_on(&mut self) -> Result<(), Damage> {
        // A place behind the end of its block leads nowhere.
        if self.offset > self.block.bytes.len() {
            return Err(self.wrong("a place in a table"));
        }
        self.at = self.block.next;
        self.block = self.tables.block(self.at)?;
        self.offset = 0;
        Ok(())
    }

    pub(super) fn u16(&mut self) -> Result<u16, Damage> {
        self.bytes().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Damage> {
        self.bytes().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Damage> {
        self.bytes().map(u64::from_le_bytes)
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// What is read here can't be right.
    pub(super) fn wrong(&self, what: &'static str) -> Damage {
        Damage::Wrong { what, at: self.at }
    }
}
