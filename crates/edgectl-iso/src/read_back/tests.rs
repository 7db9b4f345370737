#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use edgectl_process::Cmd;
use tar::{Builder, EntryType, Header};

use super::*;
use crate::layers::LayerSource;

struct Only(Vec<u8>);

impl LayerSource for Only {
    fn count(&self) -> usize {
        1
    }

    fn open(&self, _index: usize) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(self.0.as_slice()))
    }
}

/// An entry: its type, path, and content or target.
type Entry<'a> = (EntryType, &'a str, &'a [u8]);

fn layer(entries: &[Entry<'_>]) -> Only {
    let mut tar = Builder::new(Vec::new());
    for (kind, path, content) in entries {
        let mut header = Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        header.set_device_major(1).unwrap();
        header.set_device_minor(3).unwrap();
        match kind {
            EntryType::Link | EntryType::Symlink => {
                header.set_size(0);
                let target = str::from_utf8(content).unwrap();
                tar.append_link(&mut header, path, target).unwrap();
            }
            _ => {
                header.set_size(content.len() as u64);
                tar.append_data(&mut header, path, *content).unwrap();
            }
        }
    }
    Only(tar.into_inner().unwrap())
}

struct Packed {
    directory: tempfile::TempDir,
    tree: Tree,
    sums: Sums,
}

impl Packed {
    fn new(entries: &[Entry<'_>]) -> Self {
        Self::with(entries, &["-comp", "zstd"])
    }

    /// Packed by mksquashfs with `options`.
    fn with(entries: &[Entry<'_>], options: &[&str]) -> Self {
        let layer = layer(entries);
        let tree = Tree::read(&layer).unwrap();
        let mut tar = Vec::new();
        let sums = tree.write(&layer, &mut tar, &mut |_| None).unwrap();
        let packed = Self { directory: tempfile::tempdir().unwrap(), tree, sums };
        let mksquashfs = Cmd::new("mksquashfs").arg("-").arg(packed.path());
        let mksquashfs = mksquashfs.args(["-tar", "-quiet", "-no-progress"]).args(options);
        let (running, mut pipe) = mksquashfs.start_with_stdin().unwrap();
        pipe.write_all(&tar).unwrap();
        drop(pipe);
        running.wait().unwrap();
        packed
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("squashfs")
    }

    /// What is wrong with `other`'s squashfs, were it this one's.
    fn why(&self, other: &Self) -> String {
        match read_back(&other.path(), &self.tree, &self.sums).unwrap_err() {
            IsoError::ReadBack(why) => why,
            error => panic!("{error}"),
        }
    }
}

const FILE: EntryType = EntryType::Regular;
const DIRECTORY: EntryType = EntryType::Directory;

/// All that names and links can look like.
fn everything() -> Vec<Entry<'static>> {
    vec![
        (DIRECTORY, "d", b""),
        (FILE, "d/plain", b"one"),
        (FILE, "empty", b""),
        (FILE, "a blank", b"two"),
        (FILE, "b\\s \"q\"\ttab", b"three"),
        (FILE, "line\nend", b"four"),
        (FILE, "line\nend with R 1 2 3 4 5 6", b"five"),
        (FILE, "#", b"six"),
        (FILE, "x x", b"seven"),
        (FILE, "d/\u{e4}", b"eight"),
        (EntryType::Link, "z\nlinked", b"line\nend"),
        (EntryType::Link, "d/z linked", b"a blank"),
        (EntryType::Symlink, "s1", b"d/plain"),
        (EntryType::Symlink, "s2", b"#\n# START OF DATA - DO NOT MODIFY\n#\n"),
        (EntryType::Symlink, "s3", b"a b\n\nc R 1 2 3 4 5 6\n"),
        (EntryType::Link, "s4", b"s3"),
        (EntryType::Char, "null", b""),
        (EntryType::Fifo, "pipe", b""),
    ]
}

#[test]
fn long_targets_stay_as_they_are() {
    let fronts = ["/", "../", "./", "../../", ".././/", ""];
    let lengths = [90, 99, 100, 101, 102, 300, 4000];
    let all = fronts.iter().flat_map(|front| lengths.map(|length| (front, length)));
    let targets: Vec<String> =
        all.map(|(front, length)| format!("{front}{}", "x/".repeat(length / 2))).collect();
    let path = |n: usize| format!("{}{n}", "p".repeat(n * 5));
    let links: Vec<_> = targets.iter().enumerate().map(|(n, t)| (path(n), t.as_bytes())).collect();
    let mut entries: Vec<Entry<'_>> =
        links.iter().map(|(path, target)| (EntryType::Symlink, path.as_str(), *target)).collect();
    let far = format!("d/{}", "f".repeat(200));
    entries.push((FILE, &far, b"far"));
    entries.push((EntryType::Link, "near", far.as_bytes()));
    let packed = Packed::new(&entries);
    read_back(&packed.path(), &packed.tree, &packed.sums).unwrap();
}

/// Bytes that nothing makes smaller.
fn noise() -> Vec<u8> {
    (0_u32..1 << 18).flat_map(|n| n.wrapping_mul(0x9e37_79b1).to_le_bytes()).collect()
}

#[test]
fn what_went_in_is_read_back() {
    let (zeros, noise) = (vec![0; 3 << 20], noise());
    let holes = [&noise[..], &zeros, b"end"].concat();
    let many: Vec<String> = (0..3000).map(|n| format!("many/{n}-{}", "n".repeat(40))).collect();
    let mut entries = everything();
    entries.push((FILE, "zeros", &zeros));
    entries.push((FILE, "noise", &noise));
    entries.push((FILE, "noise again", &noise));
    entries.push((FILE, "holes", &holes));
    entries.push((DIRECTORY, "nothing in it", b""));
    entries.extend(many.iter().map(|path| (FILE, path.as_str(), path.as_bytes())));
    let all: [&[&str]; 7] = [
        &["-comp", "zstd"],
        &["-comp", "gzip"],
        &["-comp", "xz"],
        &["-comp", "zstd", "-noI", "-noD", "-noF"],
        &["-comp", "zstd", "-no-fragments", "-b", "4K"],
        &["-comp", "zstd", "-always-use-fragments", "-b", "1M"],
        &["-comp", "zstd", "-no-duplicates", "-no-exports"],
    ];
    for options in all {
        let packed = Packed::with(&entries, options);
        read_back(&packed.path(), &packed.tree, &packed.sums).unwrap();
    }
    let unknown = Packed::with(&everything(), &["-comp", "lzo"]);
    assert_eq!(unknown.why(&unknown), "it is packed in a way that is not known (3)");
}

#[test]
fn what_differs_is_named() {
    let good = Packed::new(&everything());
    let with = |path: &str, to: Option<Entry<'static>>| {
        let mut entries = everything();
        let at = entries.iter().position(|(_, name, _)| *name == path).unwrap();
        entries.splice(at..=at, to);
        good.why(&Packed::new(&entries))
    };
    let cases = [
        (with("d/plain", Some((FILE, "d/plain", b"eno"))), "`d/plain` has another content"),
        (with("d/plain", Some((FILE, "d/plain", b"on"))), "`d/plain` has 2 bytes, not 3"),
        (with("d/plain", None), "`d/plain` is missing"),
        (with("d/plain", Some((FILE, "d/plainer", b""))), "`d/plainer` should not be there"),
        (with("s1", Some((EntryType::Symlink, "s1", b"d/plainer"))), "`s1` is something else"),
        (with("s1", Some((EntryType::Symlink, "s1", b"d/plai"))), "`s1` is something else"),
        (with("s1", Some((FILE, "s1", b"d/plain"))), "`s1` is something else"),
        (with("null", Some((FILE, "null", b""))), "`null` is something else"),
        (with("empty", Some((DIRECTORY, "empty", b""))), "`empty` is something else"),
        (with("d/z linked", Some((FILE, "d/z linked", b"two"))), "`d/z linked` is something else"),
        (with("s4", Some((EntryType::Link, "s4", b"d/plain"))), "`s4` is something else"),
    ];
    for (why, expected) in cases {
        assert_eq!(why, expected);
    }
}

#[test]
fn damage_is_found() {
    let content: Vec<u8> = (0..200_000_u32).flat_map(|n| (n / 7).to_le_bytes()).collect();
    let packed = Packed::new(&[(FILE, "f", &content)]);
    let pristine = std::fs::read(packed.path()).unwrap();
    // The superblock has 96 bytes, and the file's first block comes next.
    for at in [100, 300, 1000, 5000] {
        let mut damaged = pristine.clone();
        damaged[at] ^= 0x55;
        std::fs::write(packed.path(), &damaged).unwrap();
        assert_ne!(packed.why(&packed), "", "{at}");
    }
    std::fs::write(packed.path(), &pristine[..pristine.len() / 2]).unwrap();
    assert_eq!(packed.why(&packed), "it ends early");
}

/// Whatever byte is damaged: it is found or means nothing, and there is no
/// other end.
#[test]
fn every_byte_may_be_anything() {
    let packed = Packed::with(&everything(), &["-comp", "zstd", "-noI", "-noX"]);
    let pristine = std::fs::read(packed.path()).unwrap();
    let end = u64::from_le_bytes(pristine[40..48].try_into().unwrap()) as usize;
    let file = std::fs::OpenOptions::new().write(true).open(packed.path()).unwrap();
    let mut found = 0;
    for at in 0..end {
        for changed in [pristine[at] ^ 1, pristine[at] ^ 0x80, 0xff] {
            file.write_all_at(&[changed], at as u64).unwrap();
            match read_back(&packed.path(), &packed.tree, &packed.sums) {
                Ok(()) => {}
                Err(IsoError::ReadBack(_)) => found += 1,
                Err(other) => panic!("{at}: {other}"),
            }
        }
        file.write_all_at(&pristine[at..=at], at as u64).unwrap();
    }
    assert!(found > end, "{found} of {}", 3 * end);
}
