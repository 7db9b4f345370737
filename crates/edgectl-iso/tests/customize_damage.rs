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
