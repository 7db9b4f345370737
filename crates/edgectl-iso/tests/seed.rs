//! Seeds, read by others.

#![allow(clippy::unwrap_used, reason = "tests")]

use edgectl_iso::{Disc, SEED_LABEL, SeedFile, seed_image};
use edgectl_process::Cmd;

const USER_DATA: &str = "#cloud-config\npassword: s3cret\n";

fn files(long: &[u8]) -> [SeedFile<'_>; 4] {
    [
        SeedFile { name: "meta-data", content: b"instance-id: site-a\n" },
        SeedFile { name: "network-config", content: b"" },
        SeedFile { name: "user-data", content: USER_DATA.as_bytes() },
        SeedFile { name: "vendor-data", content: long },
    ]
}

#[test]
fn a_seed_is_an_image_that_everybody_reads() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("seed.iso");
    let long = vec![b'x'; 5000];
    let bytes = seed_image(SEED_LABEL, &files(&long), 1_767_225_600);
    std::fs::write(&path, &bytes).unwrap();

    let disc = Disc::open(&path).unwrap();
    assert_eq!((disc.label(), disc.names()), ("cidata", "Rock Ridge"));
    for file in files(&long) {
        let entry = disc.find(file.name).unwrap().unwrap();
        assert_eq!(disc.read(&entry, 1 << 20).unwrap(), file.content);
        assert_eq!(entry.mode, Some(0o100_600));
    }
    assert_eq!(disc.walk().unwrap().len(), 4);

    for name in ["meta-data", "network-config", "user-data", "vendor-data"] {
        let to = directory.path().join(name);
        let cmd = Cmd::new("xorriso").args(["-osirrox", "on", "-indev"]).arg(&path);
        cmd.args(["-extract", &format!("/{name}")]).arg(&to).ensure_success().unwrap();
    }
    assert_eq!(std::fs::read_to_string(directory.path().join("user-data")).unwrap(), USER_DATA);
    assert_eq!(std::fs::read(directory.path().join("vendor-data")).unwrap(), long);
    assert_eq!(std::fs::read(directory.path().join("network-config")).unwrap(), b"");
    let said = Cmd::new("xorriso").args(["-indev"]).arg(&path).args(["-pvd_info"]);
    let said = String::from_utf8(said.read_stdout().unwrap()).unwrap();
    assert!(said.contains("Volume Id    : cidata\n"), "{said}");
    assert!(said.contains("Creation Time: 2026010100000000\n"), "{said}");
    // What finds the seed on a node.
    let label =
        Cmd::new("blkid").args(["-p", "-s", "LABEL", "-s", "TYPE", "-o", "value"]).arg(&path);
    assert_eq!(label.read_stdout().unwrap(), b"cidata\niso9660\n");
}

#[test]
fn the_same_files_make_the_same_seed() {
    let make = || seed_image(SEED_LABEL, &files(b""), 7);
    assert_eq!(make(), make());
    assert!(!format!("{:?}", files(b"")).contains("s3cret"));
}
