//! Images that can't be right, or look as if they weren't.

#![allow(clippy::unwrap_used, reason = "tests")]

mod foreign;

use edgectl_iso::{Disc, verify_disc};
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
