//! Partition tables of hybrid images: MBR and GPT (UEFI 2.10, 5).

use super::bytes::{le16, le32, le64, part};
use super::{Disc, DiscError};

/// Disks are counted in these.
const SECTOR: u64 = 512;
/// Writers make 128 entries, some 248.
const ENTRIES: u32 = 1024;
const TABLE_LIMIT: u64 = 1 << 20;

/// One partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Its type: a GUID as text, or `0x` with two digits.
    pub kind: String,
    /// Its name, in a GPT.
    pub name: String,
    /// Bytes from the start of the disk.
    pub offset: u64,
    /// Its length in bytes.
    pub bytes: u64,
}

/// The partitions of an image that is also a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionTable {
    /// `GPT` or `MBR`.
    pub kind: &'static str,
    /// What isn't as the specification has it, as strict firmware would see.
    pub faults: Vec<String>,
    /// The partitions that are used.
    pub partitions: Vec<Partition>,
    end: u64,
}

impl PartitionTable {
    /// Bytes that the disk must have.
    pub(super) fn end(&self) -> u64 {
        self.end
    }
}

/// None where there is no boot record.
pub(super) fn read(disc: &Disc) -> Result<Option<PartitionTable>, DiscError> {
    let front = disc.bytes_at(0, (2 * SECTOR).min(disc.bytes()))?;
    if part(&front, 510, 512) != [0x55, 0xaa] {
        return Ok(None);
    }
    let header = part(&front, 512, 1024);
    match header.starts_with(b"EFI PART") {
        true => gpt(disc, header).map(Some),
        false => Ok(Some(mbr(&front))),
    }
}

fn mbr(front: &[u8]) -> PartitionTable {
    let entries = part(front, 446, 510).chunks_exact(16);
    let used = entries.filter(|entry| entry[4] != 0 && le32(entry, 12) != 0);
    let partitions = used.map(|entry| Partition {
        kind: format!("{:#04x}", entry[4]),
        name: String::new(),
        offset: u64::from(le32(entry, 8)) * SECTOR,
        bytes: u64::from(le32(entry, 12)) * SECTOR,
    });
    // Old hybrid tables count to the end of a cylinder, which need not be there.
    PartitionTable { kind: "MBR", faults: Vec::new(), partitions: partitions.collect(), end: 0 }
}

fn gpt(disc: &Disc, header: &[u8]) -> Result<PartitionTable, DiscError> {
    let (count, size) = (le32(header, 80), le32(header, 84));
    let length = u64::from(count) * u64::from(size);
    if count > ENTRIES || !(128..=4096).contains(&size) || length > TABLE_LIMIT {
        return Err(disc.damaged("its partition table has no sensible size"));
    }
    let end = le64(header, 32).saturating_add(1).saturating_mul(SECTOR);
    let start = le64(header, 72).saturating_mul(SECTOR);
    let table = disc.bytes_at(start, length)?;
    let mut faults = Vec::new();
    if header_sum(header) != Some(le32(header, 16)) {
        faults.push("the checksum of the GPT's header is wrong".to_owned());
    }
    if crc32fast::hash(&table) != le32(header, 88) {
        faults.push("the checksum of the GPT's entries is wrong".to_owned());
    }
    if !disc.bytes_at(end.saturating_sub(SECTOR), SECTOR).is_ok_and(|b| b.starts_with(b"EFI PART"))
    {
        faults.push("the GPT has no copy in the last sector that it names".to_owned());
    }
    let used = table.chunks_exact(size as usize).filter(|entry| part(entry, 0, 16) != [0; 16]);
    let partitions = used.map(gpt_entry).collect();
    Ok(PartitionTable { kind: "GPT", faults, partitions, end })
}

/// The checksum is taken with its own place empty.
fn header_sum(header: &[u8]) -> Option<u32> {
    let mut bytes = header.get(..le32(header, 12) as usize)?.to_vec();
    bytes.get_mut(16..20)?.fill(0);
    Some(crc32fast::hash(&bytes))
}

fn gpt_entry(entry: &[u8]) -> Partition {
    let (first, last) = (le64(entry, 32), le64(entry, 40));
    let units =
        part(entry, 56, 128).as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair));
    let name = char::decode_utf16(units.take_while(|unit| *unit != 0));
    Partition {
        kind: guid(part(entry, 0, 16)),
        name: name.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect(),
        offset: first.saturating_mul(SECTOR),
        bytes: last.saturating_add(1).saturating_sub(first).saturating_mul(SECTOR),
    }
}

/// The first three parts are little endian, the others aren't.
fn guid(bytes: &[u8]) -> String {
    let (rest, node) = (part(bytes, 8, 10), part(bytes, 10, 16));
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>();
    let (a, b, c) = (le32(bytes, 0), le16(bytes, 4), le16(bytes, 6));
    format!("{a:08X}-{b:04X}-{c:04X}-{}-{}", hex(rest), hex(node))
}
