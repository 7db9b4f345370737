//! Seeds: small images that hold nothing but user data, for machines whose
//! installer waits for a disc labelled `cidata` (cloud-init's NoCloud, Kairos'
//! `cdrom`). Written without any program, so that a thousand take no time.
//!
//! ECMA-119 level 1 names, with Rock Ridge (IEEE P1282) for the real ones.

use crate::date;
use crate::disc::BLOCK;

/// What both datasources look for.
pub const SEED_LABEL: &str = "cidata";

/// Block numbers of what every seed has.
const DESCRIPTOR: u32 = 16;
const TERMINATOR: u32 = 17;
const PATHS_LITTLE: u32 = 18;
const PATHS_BIG: u32 = 19;
const ROOT: u32 = 20;
const FIRST_FILE: u32 = 21;
/// Bytes of the path table, which has the root alone.
const PATHS_BYTES: u32 = 10;

/// A file in the root of a seed.
#[derive(Clone, Copy)]
pub struct SeedFile<'a> {
    /// Its name: at most 32 of `a-z`, `0-9`, `-` and `.`.
    pub name: &'a str,
    /// Its bytes.
    pub content: &'a [u8],
}

impl std::fmt::Debug for SeedFile<'_> {
    /// The content holds passwords.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SeedFile({}, {} bytes)", self.name, self.content.len())
    }
}

/// The bytes of a seed; the same for the same files and `epoch`. Up to ten
/// files of less than 4 GiB together.
pub fn seed_image(label: &str, files: &[SeedFile<'_>], epoch: u64) -> Vec<u8> {
    let blocks = |bytes: usize| (bytes as u64).div_ceil(BLOCK) as u32;
    let mut next = FIRST_FILE;
    let mut records = vec![root_record(&[0], epoch), root_record(&[1], epoch)];
    for (number, file) in files.iter().enumerate() {
        records.push(file_record(number, file, next, epoch));
        next += blocks(file.content.len());
    }
    let mut image = Image(vec![0; (u64::from(next) * BLOCK) as usize]);
    image.put(DESCRIPTOR, &descriptor(label, next, epoch));
    image.put(TERMINATOR, b"\xffCD001\x01");
    image.put(PATHS_LITTLE, &paths(ROOT.to_le_bytes(), 1_u16.to_le_bytes()));
    image.put(PATHS_BIG, &paths(ROOT.to_be_bytes(), 1_u16.to_be_bytes()));
    image.put(ROOT, &records.concat());
    let mut block = FIRST_FILE;
    for file in files {
        image.put(block, file.content);
        block += blocks(file.content.len());
    }
    image.0
}

struct Image(Vec<u8>);

impl Image {
    fn put(&mut self, block: u32, bytes: &[u8]) {
        let start = (u64::from(block) * BLOCK) as usize;
        if let Some(place) = self.0.get_mut(start..start + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    }
}

/// The primary volume descriptor (ECMA-119, 8.4).
fn descriptor(label: &str, blocks: u32, epoch: u64) -> Vec<u8> {
    let mut bytes = b"\x01CD001\x01\x00".to_vec();
    bytes.extend(padded("", 32));
    bytes.extend(padded(label, 32));
    bytes.extend([0; 8]);
    bytes.extend(both32(blocks));
    bytes.extend([0; 32]);
    bytes.extend([both16(1), both16(1), both16(BLOCK as u16)].concat());
    bytes.extend(both32(PATHS_BYTES));
    bytes.extend(PATHS_LITTLE.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(PATHS_BIG.to_be_bytes());
    bytes.extend([0; 4]);
    // Without system use: the descriptor has room for 34 bytes.
    bytes.extend(record(ROOT, BLOCK as u32, true, &[0], &[], epoch));
    for width in [128, 128, 128, 128, 37, 37, 37] {
        bytes.extend(padded("", width));
    }
    let made = [date::digits(epoch).as_bytes(), &[0]].concat();
    let never = [&[b'0'; 16][..], &[0]].concat();
    bytes.extend([&made[..], &made, &never, &never].concat());
    bytes.push(1);
    bytes
}

fn padded(text: &str, width: usize) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(width, b' ');
    bytes
}

/// One path table with the root alone (ECMA-119, 9.4).
fn paths(block: [u8; 4], parent: [u8; 2]) -> Vec<u8> {
    [&[1, 0][..], &block, &parent, &[0, 0]].concat()
}

fn root_record(name: &[u8], epoch: u64) -> Vec<u8> {
    let mut posix = Vec::new();
    if name == [0] {
        posix.extend(b"SP\x07\x01\xbe\xef\x00");
    }
    posix.extend(mode(0o040_755, 2));
    if name == [0] {
        posix.extend(b"ER\x12\x01\x0a\x00\x00\x01RRIP_1991A");
    }
    record(ROOT, BLOCK as u32, true, name, &posix, epoch)
}

fn file_record(number: usize, file: &SeedFile<'_>, block: u32, epoch: u64) -> Vec<u8> {
    // Readers that don't know Rock Ridge see an order, and nothing else.
    let plain = format!("FILE{number}.;1");
    let mut posix = mode(0o100_600, 1);
    posix.extend([b'N', b'M', 5 + file.name.len() as u8, 1, 0]);
    posix.extend(file.name.as_bytes());
    record(block, file.content.len() as u32, false, plain.as_bytes(), &posix, epoch)
}

/// Rock Ridge's `PX`: mode, links, owner and group.
pub(crate) fn mode(mode: u32, links: u32) -> Vec<u8> {
    let numbers = [mode, links, 0, 0].map(both32).concat();
    [&b"PX\x24\x01"[..], &numbers].concat()
}

/// A directory record (ECMA-119, 9.1).
pub(crate) fn record(
    block: u32,
    bytes: u32,
    is_directory: bool,
    name: &[u8],
    system_use: &[u8],
    epoch: u64,
) -> Vec<u8> {
    let mut record = vec![0, 0];
    record.extend(both32(block));
    record.extend(both32(bytes));
    record.extend(date::record(epoch));
    record.extend([if is_directory { 2 } else { 0 }, 0, 0]);
    record.extend(both16(1));
    record.push(name.len() as u8);
    record.extend(name);
    if name.len().is_multiple_of(2) {
        record.push(0);
    }
    record.extend(system_use);
    if !record.len().is_multiple_of(2) {
        record.push(0);
    }
    record[0] = record.len() as u8;
    record
}

fn both16(number: u16) -> [u8; 4] {
    let ([a, b], [c, d]) = (number.to_le_bytes(), number.to_be_bytes());
    [a, b, c, d]
}

pub(crate) fn both32(number: u32) -> [u8; 8] {
    let mut both = [0; 8];
    both[..4].copy_from_slice(&number.to_le_bytes());
    both[4..].copy_from_slice(&number.to_be_bytes());
    both
}
