//! Contents of files, unpacked by as many threads as there are processors.
//!
//! No file is put together: what is asked for is a check sum, and those of
//! pieces can be combined. So each block is unpacked once and in any order,
//! also a fragment that hundreds of files share.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicUsize, Ordering};

use crc32fast::Hasher;
use edgectl_process::interrupted;

use super::inode::Regular;
use super::metadata::{Cursor, Tables};
use super::unpack::Unpacker;
use super::{Damage, Place, Squashfs, number};

/// Set in the length of a block that isn't packed.
const PLAIN: u32 = 1 << 24;
/// Blocks of a file that one thread takes at once.
const TAKEN: usize = 32;
/// Bytes of an entry in the list of fragments, and how many a block has.
const FRAGMENT: usize = 16;
const FRAGMENTS: u32 = 512;

/// A piece of a file, and its check sum.
struct Piece {
    file: usize,
    /// Of the pieces of that file, in their order.
    number: usize,
    sum: Hasher,
}

/// What a thread takes at once.
enum Work<'a> {
    Blocks {
        file: usize,
        number: usize,
        at: u64,
        blocks: &'a [u32],
        bytes: u64,
    },
    /// A fragment and its parts: file, offset and length.
    Fragment {
        index: u32,
        parts: Vec<(usize, u32, u32)>,
    },
}

/// The check sums of files' contents, in the same order.
pub(crate) fn crc32s(squashfs: &mut Squashfs, files: &[Regular]) -> Result<Vec<u32>, Damage> {
    let work = divide(files, squashfs.superblock.block);
    let fragments = squashfs.fragments()?;
    let reader = Reader {
        file: &squashfs.file,
        block: squashfs.superblock.block,
        compression: squashfs.superblock.compression,
        end: squashfs.superblock.bytes,
        fragments: &fragments,
    };
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let done = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..threads).map(|_| scope.spawn(|| reader.work_off(&work, &next))).collect();
        let joined = threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        joined.collect::<Result<Vec<_>, _>>()
    })?;
    let mut pieces: Vec<Piece> = done.into_iter().flatten().collect();
    pieces.sort_unstable_by_key(|piece| (piece.file, piece.number));
    let mut sums: Vec<Hasher> = files.iter().map(|_| Hasher::new()).collect();
    for piece in pieces {
        sums[piece.file].combine(&piece.sum);
    }
    Ok(sums.into_iter().map(Hasher::finalize).collect())
}

fn divide(files: &[Regular], block: u32) -> Vec<Work<'_>> {
    let mut work = Vec::new();
    let mut fragments: BTreeMap<u32, Vec<(usize, u32, u32)>> = BTreeMap::new();
    for (file, regular) in files.iter().enumerate() {
        let (mut at, mut left) = (regular.at, regular.bytes);
        for (number, blocks) in regular.blocks.chunks(TAKEN).enumerate() {
            let bytes = left.min(u64::from(block) * blocks.len() as u64);
            work.push(Work::Blocks { file, number, at, blocks, bytes });
            at += blocks.iter().map(|block| u64::from(block & !PLAIN)).sum::<u64>();
            left -= bytes;
        }
        if let Some(tail) = regular.tail {
            let part = (file, tail.offset, left as u32);
            fragments.entry(tail.fragment).or_default().push(part);
        }
    }
    work.extend(fragments.into_iter().map(|(index, parts)| Work::Fragment { index, parts }));
    work
}

impl Squashfs {
    /// Where each fragment is, and its length as that of a block.
    fn fragments(&mut self) -> Result<Vec<(u64, u32)>, Damage> {
        let Some((count, list)) = self.superblock.fragments else { return Ok(Vec::new()) };
        let mut fragments = Vec::new();
        let mut left = count;
        for index in 0_u64.. {
            if left == 0 {
                break;
            }
            let mut place = [0; 8];
            self.file.read_exact_at(&mut place, list.saturating_add(index * 8))?;
            let n = left.min(FRAGMENTS);
            fragments_of(&mut self.tables, u64::from_le_bytes(place), n, &mut fragments)?;
            left -= n;
        }
        Ok(fragments)
    }
}

/// The fragments of one block of their list.
fn fragments_of(
    tables: &mut Tables,
    at: u64,
    count: u32,
    fragments: &mut Vec<(u64, u32)>,
) -> Result<(), Damage> {
    let mut cursor = Cursor::new(tables, at, Place::FIRST)?;
    for _ in 0..count {
        let mut entry = [0; FRAGMENT];
        cursor.fill(&mut entry)?;
        let start = u64::from_le_bytes(number(&entry, 0));
        fragments.push((start, u32::from_le_bytes(number(&entry, 8))));
    }
    Ok(())
}

/// What all threads share.
struct Reader<'a> {
    file: &'a File,
    /// Bytes of a block.
    block: u32,
    compression: u16,
    /// Bytes of the squashfs.
    end: u64,
    fragments: &'a [(u64, u32)],
}

impl Reader<'_> {
    fn work_off(&self, work: &[Work<'_>], next: &AtomicUsize) -> Result<Vec<Piece>, Damage> {
        let mut blocks = Blocks {
            reader: self,
            unpacker: Unpacker::new(self.compression)?,
            packed: Vec::new(),
            unpacked: vec![0; self.block as usize],
        };
        let mut pieces = Vec::new();
        while let Some(work) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
            // Where one fails, the others have nothing left to do.
            let done =
                interrupted().map_err(Damage::from).and_then(|()| blocks.sum(work, &mut pieces));
            if let Err(damage) = done {
                next.store(usize::MAX / 2, Ordering::Relaxed);
                return Err(damage);
            }
        }
        Ok(pieces)
    }
}

/// Reads blocks, one after another.
struct Blocks<'a> {
    reader: &'a Reader<'a>,
    unpacker: Unpacker,
    packed: Vec<u8>,
    unpacked: Vec<u8>,
}

impl Blocks<'_> {
    fn sum(&mut self, work: &Work<'_>, pieces: &mut Vec<Piece>) -> Result<(), Damage> {
        match work {
            Work::Blocks { file, number, at, blocks, bytes } => {
                let sum = self.sum_blocks(*at, blocks, *bytes)?;
                pieces.push(Piece { file: *file, number: *number, sum });
            }
            Work::Fragment { index, parts } => self.sum_parts(*index, parts, pieces)?,
        }
        Ok(())
    }

    fn sum_blocks(&mut self, at: u64, blocks: &[u32], bytes: u64) -> Result<Hasher, Damage> {
        let mut sum = Hasher::new();
        let (mut at, mut left) = (at, bytes);
        for length in blocks {
            let expected = left.min(u64::from(self.reader.block)) as usize;
            let block = self.read(at, *length, expected)?;
            sum.update(block);
            at += u64::from(length & !PLAIN);
            left -= expected as u64;
        }
        Ok(sum)
    }

    fn sum_parts(
        &mut self,
        index: u32,
        parts: &[(usize, u32, u32)],
        pieces: &mut Vec<Piece>,
    ) -> Result<(), Damage> {
        let wrong = |at| Damage::Wrong { what: "the place of a fragment", at };
        let (at, length) =
            *self.reader.fragments.get(index as usize).ok_or_else(|| wrong(u64::from(index)))?;
        let fragment = self.unpack(at, length)?;
        for (file, offset, bytes) in parts {
            let from = *offset as usize;
            let part = fragment.get(from..from + *bytes as usize).ok_or_else(|| wrong(at))?;
            let mut sum = Hasher::new();
            sum.update(part);
            pieces.push(Piece { file: *file, number: usize::MAX, sum });
        }
        Ok(())
    }

    /// A block that has so many bytes; a hole has no place.
    fn read(&mut self, at: u64, length: u32, expected: usize) -> Result<&[u8], Damage> {
        if length & !PLAIN == 0 {
            self.unpacked.fill(0);
            return Ok(&self.unpacked[..expected]);
        }
        let block = self.unpack(at, length)?;
        match block.len() == expected {
            true => Ok(block),
            false => Err(Damage::Wrong { what: "the length of a block", at }),
        }
    }

    fn unpack(&mut self, at: u64, length: u32) -> Result<&[u8], Damage> {
        let (packed, wrong) =
            (length & !PLAIN, Damage::Wrong { what: "the length of a block", at });
        if packed == 0 || packed > self.reader.block {
            return Err(wrong);
        }
        if at.checked_add(u64::from(packed)).is_none_or(|end| end > self.reader.end) {
            return Err(wrong);
        }
        if length & PLAIN != 0 {
            let to = &mut self.unpacked[..packed as usize];
            self.reader.file.read_exact_at(to, at)?;
            return Ok(to);
        }
        self.packed.resize(packed as usize, 0);
        self.reader.file.read_exact_at(&mut self.packed, at)?;
        let n = self.unpacker.unpack(&self.packed, &mut self.unpacked, at)?;
        Ok(&self.unpacked[..n])
    }
}
