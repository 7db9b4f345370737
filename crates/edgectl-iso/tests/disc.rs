//! Reading images of every kind that xorriso writes, and damaged ones.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};

use edgectl_iso::{BootPlatform, Disc, DiscError, Kind};
use edgectl_process::Cmd;
use proptest::prelude::*;

/// A directory with names, sizes and depths that are hard on readers.
fn tree(directory: &Path) -> PathBuf {
    let tree = directory.join("tree");
    let deep = tree.join("a/b/c/d/e/f/g/h/i/j");
    std::fs::create_dir_all(&deep).unwrap();
    std::fs::create_dir_all(tree.join("many")).unwrap();
    std::fs::write(deep.join("deep.txt"), "deep").unwrap();
    std::fs::write(tree.join("empty"), "").unwrap();
    std::fs::write(tree.join("config.yaml"), "#cloud-config\n").unwrap();
    std::fs::write(tree.join("x".repeat(200)), "long").unwrap();
    std::os::unix::fs::symlink("config.yaml", tree.join("link")).unwrap();
    std::fs::write(tree.join("big"), vec![7; 5000]).unwrap();
    for n in 0..150 {
        std::fs::write(tree.join(format!("many/file {n:03}.txt")), format!("{n}")).unwrap();
    }
    tree
}

fn written(directory: &Path, options: &[&str]) -> PathBuf {
    let (tree, out) = (tree(directory), directory.join("image.iso"));
    let cmd = Cmd::new("xorriso").args(["-no_rc", "-as", "mkisofs", "-V", "TEST_LABEL", "-o"]);
    cmd.arg(&out).args(options).arg(&tree).ensure_success().unwrap();
    out
}

fn content(disc: &Disc, path: &str) -> Vec<u8> {
    disc.read(&disc.find(path).unwrap().unwrap(), 1 << 20).unwrap()
}

#[test]
fn rock_ridge_keeps_all_names() {
    let directory = tempfile::tempdir().unwrap();
    let disc = Disc::open(&written(directory.path(), &["-R", "-J", "-joliet-long"])).unwrap();
    assert_eq!((disc.label(), disc.names()), ("TEST_LABEL", "Rock Ridge"));
    assert_eq!(content(&disc, "/a/b/c/d/e/f/g/h/i/j/deep.txt"), b"deep");
    assert_eq!(content(&disc, &format!("/{}", "x".repeat(200))), b"long");
    assert_eq!(content(&disc, "many/file 149.txt"), b"149");
    assert_eq!(content(&disc, "empty"), b"");
    assert_eq!(disc.find("/nothing").unwrap(), None);
    assert_eq!(disc.find("/big/below").unwrap(), None);
    assert_eq!(disc.find("/link").unwrap().unwrap().kind, Kind::Other);
    let walked = disc.walk().unwrap();
    let files = walked.iter().filter(|(_, entry)| entry.kind == Kind::File).count();
    assert_eq!((walked.len(), files), (150 + 1 + 10 + 6, 155));
    assert!(walked.is_sorted_by(|(a, _), (b, _)| a < b));
    assert_eq!(disc.boot_entries().unwrap(), []);
    assert_eq!(disc.partitions().unwrap(), None);
}

#[test]
fn directories_that_were_moved_up_are_where_they_were() {
    let directory = tempfile::tempdir().unwrap();
    let disc = directory.path().join("image.iso");
    let tree = tree(directory.path());
    let cmd = Cmd::new("xorriso").args(["-no_rc", "-as", "mkisofs", "-rr_reloc_dir", "/moved"]);
    cmd.args(["-R", "-o"]).arg(&disc).arg(&tree).ensure_success().unwrap();
    let moved = b"CL\x0c\x01";
    assert!(std::fs::read(&disc).unwrap().windows(moved.len()).any(|window| window == moved));
    let disc = Disc::open(&disc).unwrap();
    assert_eq!(content(&disc, "/a/b/c/d/e/f/g/h/i/j/deep.txt"), b"deep");
    let names: Vec<String> = disc.walk().unwrap().into_iter().map(|(path, _)| path).collect();
    assert_eq!(names.iter().filter(|name| name.ends_with("deep.txt")).count(), 1, "{names:?}");
}

#[test]
fn joliet_and_plain_names() {
    let directory = tempfile::tempdir().unwrap();
    // Without Rock Ridge xorriso writes Joliet from the root down.
    let image = written(directory.path(), &["-J", "-joliet-long", "--norock"]);
    let disc = Disc::open(&image).unwrap();
    assert_eq!(disc.names(), "Joliet");
    assert_eq!(content(&disc, "/config.yaml"), b"#cloud-config\n");
    assert_eq!(content(&disc, "many/file 007.txt"), b"7");

    let disc = Disc::open(&written(&directory.path().join("2").tap(), &["--norock"])).unwrap();
    assert_eq!(disc.names(), "ISO 9660");
    // Eight characters, a dot and three, in capitals.
    assert_eq!(content(&disc, "/config.yam"), b"#cloud-config\n");
    assert_eq!(content(&disc, "/EMPTY"), b"");
}

trait Tap {
    fn tap(self) -> Self;
}

impl Tap for PathBuf {
    fn tap(self) -> Self {
        std::fs::create_dir_all(&self).unwrap();
        self
    }
}

#[test]
fn files_of_several_extents() {
    let directory = tempfile::tempdir().unwrap();
    let image = written(directory.path(), &["-R"]);
    let disc = Disc::open(&image).unwrap();
    let many = disc.find("/many").unwrap().unwrap();
    // What writers do with a file of 4 GiB and more: its first record says
    // that the next one is of the same file.
    let mut bytes = std::fs::read(&image).unwrap();
    let at = many.extents[0].offset as usize;
    let record = |bytes: &[u8], name: &[u8]| {
        at + bytes[at..].windows(name.len()).position(|window| window == name).unwrap() - 33
    };
    let first = record(&bytes, b"FILE_001.TXT;1");
    bytes[first + 25] |= 0x80;
    std::fs::write(&image, bytes).unwrap();
    let disc = Disc::open(&image).unwrap();
    assert_eq!(content(&disc, "/many/file 001.txt"), b"12");
    assert_eq!(disc.find("/many/file 001.txt").unwrap().unwrap().extents.len(), 2);
    assert_eq!(disc.find("/many/file 002.txt").unwrap(), None);
    assert_eq!(disc.list(&many).unwrap().len(), 149);
}

#[test]
fn what_is_cut_short_is_called_so() {
    let directory = tempfile::tempdir().unwrap();
    let image = written(directory.path(), &["-R"]);
    let whole = std::fs::metadata(&image).unwrap().len();
    let file = std::fs::File::options().write(true).open(&image).unwrap();
    file.set_len(whole - 2048 * 200).unwrap();
    let error = Disc::open(&image).unwrap_err();
    assert!(matches!(error, DiscError::Truncated { expected, .. } if expected <= whole), "{error}");
    assert!(error.to_string().contains("cut short"), "{error}");
    file.set_len(2048).unwrap();
    assert!(matches!(Disc::open(&image), Err(DiscError::TooShort { .. })));
    assert!(matches!(Disc::open(directory.path()), Err(DiscError::NotIso(_))));
    assert!(matches!(Disc::open(Path::new("/nowhere")), Err(DiscError::File(_))));
}

#[test]
fn what_is_shorter_than_any_image_is_called_so() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.iso");
    for bytes in [0, 10, 32 << 10] {
        std::fs::write(&path, vec![0; bytes]).unwrap();
        let error = Disc::open(&path).unwrap_err();
        assert!(matches!(error, DiscError::TooShort { bytes: found, .. } if found == bytes as u64));
    }
    std::fs::write(&path, vec![0; 40 << 10]).unwrap();
    assert!(matches!(Disc::open(&path).unwrap_err(), DiscError::NotIso(_)));
}

/// Directories that lie upon each other would be read for hours.
#[test]
fn directories_have_no_more_to_say_than_a_real_image() {
    let directory = tempfile::tempdir().unwrap();
    let (tree, out) = (directory.path().join("tree"), directory.path().join("image.iso"));
    let names: Vec<String> = (100..200).map(|n| format!("D{n}")).collect();
    for name in &names {
        std::fs::create_dir_all(tree.join(name)).unwrap();
    }
    let cmd = Cmd::new("xorriso").args(["-no_rc", "-as", "mkisofs", "--norock", "-o"]);
    cmd.arg(&out).arg(&tree).ensure_success().unwrap();
    let mut image = std::fs::read(&out).unwrap();
    let (bytes, end) = (8_u32 << 20, (image.len() / 2048) as u32);
    for (number, name) in (0..).zip(&names) {
        // A record's name has its length in front, 32 bytes into the record.
        let needle = [&[4], name.as_bytes()].concat();
        let at = image.windows(5).position(|window| window == needle).unwrap() - 32;
        let block = end + number;
        image[at + 2..at + 6].copy_from_slice(&block.to_le_bytes());
        image[at + 6..at + 10].copy_from_slice(&block.to_be_bytes());
        image[at + 10..at + 14].copy_from_slice(&bytes.to_le_bytes());
        image[at + 14..at + 18].copy_from_slice(&bytes.to_be_bytes());
    }
    std::fs::write(&out, image).unwrap();
    std::fs::File::options().write(true).open(&out).unwrap().set_len(32 << 20).unwrap();
    let error = Disc::open(&out).unwrap().walk().unwrap_err();
    assert!(error.to_string().contains("more than all names of a real image"), "{error}");
}

#[test]
fn the_rescue_image_of_grub_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("rescue.iso");
    Cmd::new("grub-mkrescue").arg("-o").arg(&out).ensure_success().unwrap();
    let disc = Disc::open(&out).unwrap();
    let platforms: Vec<BootPlatform> =
        disc.boot_entries().unwrap().iter().map(|entry| entry.platform).collect();
    assert_eq!(platforms, [BootPlatform::Bios, BootPlatform::Uefi]);
    let table = disc.partitions().unwrap().unwrap();
    assert!(!table.partitions.is_empty(), "{table:?}");
}

fn small_image() -> &'static [u8] {
    static IMAGE: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
        let directory = tempfile::tempdir().unwrap();
        std::fs::read(written(directory.path(), &["-R", "-J", "-joliet-long"])).unwrap()
    });
    &IMAGE
}

proptest! {
    /// Whatever is changed in an image: an answer or an error, and an end.
    #[test]
    fn no_damage_makes_it_panic(
        changes in prop::collection::vec((16 * 2048..80 * 2048_usize, any::<u8>()), 1..12),
        cut in prop::option::of(0..400_usize),
    ) {
        let mut bytes = small_image().to_vec();
        for (at, byte) in changes {
            let length = bytes.len();
            bytes[at % length] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut * 1024);
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        if let Ok(disc) = Disc::open(file.path()) {
            for (_, entry) in disc.walk().unwrap_or_default() {
                let _ = disc.read(&entry, 1 << 20);
            }
            let _ = disc.boot_entries();
            let _ = disc.partitions();
        }
    }
}
