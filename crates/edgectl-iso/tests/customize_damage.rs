//! Images that can't be right, or look as if they weren't.

#![allow(clippy::unwrap_used, reason = "tests")]

mod foreign;

use std::os::unix::fs::FileExt;

use edgectl_iso::{Disc, Flavor, verify_disc};
use foreign::{Lab, With};

const USER_DATA: &str = "#cloud-config\nusers: [{name: edge}]\n";

fn position(bytes: &[u8], of: &[u8]) -> usize {
    bytes.windows(of.len()).position(|window| window == of).unwrap()
}

/// Many discs have such; what has no bytes lies nowhere.
#[test]
fn empty_files_point_anywhere() {
    let lab = Lab::new();
    let base = lab.of_files("empty", "Ubuntu 24.04", &[("casper/vmlinuz", "k"), ("EMPTY", "")]);
    let mut bytes = std::fs::read(&base).unwrap();
    let record = position(&bytes, b"EMPTY.;1") - 33;
    bytes[record + 2..record + 6].copy_from_slice(&u32::MAX.to_le_bytes());
    bytes[record + 6..record + 10].copy_from_slice(&u32::MAX.to_be_bytes());
    std::fs::write(&base, bytes).unwrap();
    let out = lab.path("out.iso");
    lab.customize(&base, With::user_data(USER_DATA), &out).unwrap();
    assert_eq!(verify_disc(&Disc::open(&out).unwrap()).unwrap().findings, [""; 0]);
}

/// A sector number may be any number.
#[test]
fn damaged_partition_tables_are_errors() {
    let lab = Lab::new();
    let base = lab.kairos();
    let mut bytes = std::fs::read(&base).unwrap();
    let out = lab.path("out.iso");
    let copy = u64::from_le_bytes(bytes[544..552].try_into().unwrap()) as usize * 512;
    assert!(bytes[512..].starts_with(b"EFI PART") && bytes[copy..].starts_with(b"EFI PART"));
    let header = |at: usize| at..at + 92;
    let entries = |at: usize| {
        let first = u64::from_le_bytes(bytes[at + 72..at + 80].try_into().unwrap()) as usize * 512;
        (0..2).flat_map(move |entry| first + entry * 128..first + entry * 128 + 56)
    };
    let places: Vec<usize> =
        [512, copy].iter().flat_map(|at| header(*at).chain(entries(*at))).collect();
    for at in places {
        bytes[at] ^= 0xff;
        std::fs::write(&base, &bytes).unwrap();
        let made = lab.customize(&base, With::user_data(USER_DATA), &out);
        assert!(made.is_err() || Disc::open(&out).is_ok());
        bytes[at] ^= 0xff;
    }
    // The last sector of the first partition: somewhere behind all disks.
    let first = 1024 + 40;
    bytes[first + 7] = 0x7f;
    std::fs::write(&base, &bytes).unwrap();
    let error = lab.customize(&base, With::user_data(USER_DATA), &out).unwrap_err().to_string();
    assert!(error.contains("ends behind the image"), "{error}");
}

/// Directories take no room in a file with holes.
#[test]
fn directories_have_an_end_in_every_tree() {
    let lab = Lab::new();
    let base = lab.path("base.iso");
    let (large, many) = (64_u32 << 20, 40);
    let place = |n: u32| 30 + n * (large / 2048);
    let dots = [record(21, 2048, 2, &[0]), record(21, 2048, 2, &[1])];
    let below = (0..many).map(|n| record(place(n), large, 2, format!("D{n:06}").as_bytes()));
    let root: Vec<u8> = packed(dots.iter().cloned().chain(below));
    let blocks = place(many);
    let joliet = descriptor(2, blocks, &record(20, 2048, 2, &[0]));
    let file = std::fs::File::create(&base).unwrap();
    let write = |block: u32, bytes: &[u8]| {
        file.write_all_at(bytes, u64::from(block) * 2048).unwrap();
    };
    write(16, &descriptor(1, blocks, &record(21, root.len() as u32, 2, &[0])));
    write(17, &joliet);
    write(18, b"\xffCD001\x01");
    write(20, &packed([record(20, 2048, 2, &[0]), record(20, 2048, 2, &[1])].into_iter()));
    write(21, &root);
    (0..many).for_each(|n| write(place(n), &packed(dots.iter().cloned())));
    file.set_len(u64::from(blocks) * 2048).unwrap();
    let error = lab.customize(&base, With::default(), &lab.path("out.iso")).unwrap_err();
    assert!(error.to_string().contains("say more than all names"), "{error}");
}

/// Menus may lie upon each other, too.
#[test]
fn menus_have_an_end() {
    let lab = Lab::new();
    let base = lab.path("base.iso");
    let (large, many) = (8_u32 << 20, 40);
    let dots = [record(20, 6144, 2, &[0]), record(20, 6144, 2, &[1])];
    let below = (0..many).map(|n| record(30, large, 0, format!("{n:06}.CFG;1").as_bytes()));
    let root = packed(dots.into_iter().chain(below));
    let blocks = 30 + large / 2048;
    write_disc(&base, blocks, &root, &[(30, b"linux /k a\n")]);
    let error = lab.customize(&base, With::default(), &lab.path("out.iso")).unwrap_err();
    assert!(error.to_string().contains("have more text than all"), "{error}");
}

/// And so may lists of packages.
#[test]
fn lists_of_packages_have_an_end() {
    let lab = Lab::new();
    let base = lab.path("base.iso");
    let (large, many) = (8_u32 << 20, 20);
    let dots = |at| [record(at, 2048, 2, &[0]), record(20, 2048, 2, &[1])];
    let root = packed(dots(20).into_iter().chain([record(24, 2048, 2, b"live")]));
    let lists = (0..many).map(|n| record(30, large, 0, format!("{n:06}.packages;1").as_bytes()));
    let live = packed(dots(24).into_iter().chain(lists));
    write_disc(&base, 30 + large / 2048, &root, &[(24, &live)]);
    let with = With { flavor: Some(Flavor::DebianLive), ..With::default() };
    let error = lab.customize(&base, with, &lab.path("out.iso")).unwrap_err();
    assert!(error.to_string().contains("lists of packages have more text"), "{error}");
}

/// Files of one content are read once, and no image holds its bytes many times over
/// in files that lie upon each other.
#[test]
fn files_upon_each_other_have_an_end() {
    let lab = Lab::new();
    let base = lab.path("base.iso");
    let (large, many) = (64_u32 << 20, 400);
    for step in [0, 1] {
        let dots = [record(20, 20480, 2, &[0]), record(20, 20480, 2, &[1])];
        let place = |n: u32| 30 + n * step;
        let below = (0..many).map(|n| record(place(n), large, 0, format!("{n:06};1").as_bytes()));
        let root = packed(dots.into_iter().chain(below));
        let blocks = place(many) + large / 2048;
        write_disc(&base, blocks, &root, &[]);
        let out = lab.path(&format!("out{step}.iso"));
        match (step, lab.customize(&base, With::default(), &out)) {
            (0, made) => assert_eq!(
                made.and_then(|_| Ok(verify_disc(&Disc::open(&out)?)?.findings)).unwrap(),
                [""; 0]
            ),
            (_, made) => {
                let error = made.unwrap_err().to_string();
                assert!(error.contains("lie upon each other"), "{error}");
            }
        }
    }
}

/// An image of one directory, with holes.
fn write_disc(path: &std::path::Path, blocks: u32, root: &[u8], more: &[(u32, &[u8])]) {
    let file = std::fs::File::create(path).unwrap();
    let descriptor = descriptor(1, blocks, &record(20, root.len() as u32, 2, &[0]));
    let parts = [(16, descriptor.as_slice()), (17, b"\xffCD001\x01"), (20, root)];
    for (block, bytes) in parts.iter().chain(more) {
        file.write_all_at(bytes, u64::from(*block) * 2048).unwrap();
    }
    file.set_len(u64::from(blocks) * 2048).unwrap();
}

/// Both byte orders, one behind the other.
fn both(number: u32) -> Vec<u8> {
    [number.to_le_bytes(), number.to_be_bytes()].concat()
}

/// A directory record.
fn record(block: u32, bytes: u32, flags: u8, name: &[u8]) -> Vec<u8> {
    let mut record = [vec![0, 0], both(block), both(bytes), vec![120, 1, 1, 0, 0, 0, 0]].concat();
    record.extend([flags, 0, 0, 1, 0, 0, 1, name.len() as u8]);
    record.extend(name);
    record.resize(record.len().next_multiple_of(2), 0);
    record[0] = record.len() as u8;
    record
}

/// Whole blocks: a record lies in one of them.
fn packed(records: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut bytes: Vec<u8> = Vec::new();
    for record in records {
        if bytes.len() % 2048 + record.len() > 2048 {
            bytes.resize(bytes.len().next_multiple_of(2048), 0);
        }
        bytes.extend(record);
    }
    bytes.resize(bytes.len().next_multiple_of(2048), 0);
    bytes
}

fn descriptor(kind: u8, blocks: u32, root: &[u8]) -> Vec<u8> {
    let mut bytes = [&[kind][..], b"CD001\x01"].concat();
    bytes.resize(2048, 0);
    bytes[40..45].copy_from_slice(b"CDROM");
    bytes[80..88].copy_from_slice(&both(blocks));
    bytes[128..132].copy_from_slice(&[0, 8, 8, 0]);
    bytes[156..156 + root.len()].copy_from_slice(root);
    if kind == 2 {
        bytes[88..91].copy_from_slice(b"%/E");
    }
    bytes
}
