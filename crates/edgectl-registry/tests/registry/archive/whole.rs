//! Compressed archives are read to their ends before anything in them counts.

use std::path::Path;

use edgectl_registry::Archives;

use super::pack::{Saved, Tar, gzip, layout, write, xz, zstd};

fn refused(directory: &Path, name: &str, bytes: &[u8]) -> String {
    let path = write(directory, name, bytes);
    Archives::open(&[path]).map(|archives| archives.images().to_vec()).unwrap_err().to_string()
}

/// zstd with a checksum, as its own tool writes it.
fn checked_zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn an_end_that_is_cut_off_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let tar = Saved::new("web", 1).tar(&["web:1"]);
    for packed in [gzip(&tar), xz(&tar), zstd(&tar), checked_zstd(&tar)] {
        let text = refused(dir.path(), "x", &packed[..packed.len() - 2]);
        assert!(text.contains("cut short"), "{text}");
        let package = Tar::new().file("a/web.tar", &packed[..packed.len() - 2]).bytes();
        let text = refused(dir.path(), "p.tar", &package);
        assert!(text.contains("p.tar: a/web.tar") && text.contains("cut short"), "{text}");
    }
}

#[test]
fn a_checksum_that_differs_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let directory = dir.path().join("layout");
    layout(&directory);
    let tar = Tar::new().directory(&directory).bytes();
    for (pack, from_end) in [(gzip as fn(&[u8]) -> Vec<u8>, 8), (checked_zstd, 4), (xz, 20)] {
        let mut packed = pack(&tar);
        let at = packed.len() - from_end;
        packed[at] ^= 1;
        refused(dir.path(), "x", &packed);
    }
    // A name that damage has made another one.
    let at = tar.windows(9).position(|text| text == b"org/app:1").unwrap();
    let mut other = tar.clone();
    other[at + 8] = b'3';
    let (mut packed, right) = (stored(&other), stored(&tar));
    let trailer = right.len() - 8;
    packed[trailer..].copy_from_slice(&right[trailer..]);
    let text = refused(dir.path(), "x.tar.gz", &packed);
    assert!(text.contains("x.tar.gz"), "{text}");
}

/// gzip that only wraps.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn what_follows_the_tar_inside_and_zeros_behind_gzip_do_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let tar = Saved::new("web", 1).tar(&["web:1"]);
    let zeros = [tar.clone(), vec![0; 300_000]].concat();
    let more = [zeros.clone(), b"what tar never looks at".to_vec()].concat();
    let padded = [gzip(&tar), vec![0; 100_000]].concat();
    for bytes in [gzip(&zeros), xz(&more), zstd(&more), gzip(&more), padded] {
        let archives = Archives::open(&[write(dir.path(), "x", &bytes)]).unwrap();
        assert_eq!(archives.images().len(), 1);
    }
    let text = refused(dir.path(), "x", &[gzip(&tar), b"garbage".to_vec()].concat());
    assert!(text.contains("what follows its end is no gzip"), "{text}");
}

#[test]
fn files_in_the_making_are_no_archives() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "web.tar", &Saved::new("web", 1).tar(&["web:1"]));
    let half = gzip(&Saved::new("db", 1).tar(&["db:1"]));
    write(dir.path(), ".edgectl-Ab12Cd", &half[..half.len() / 2]);
    let archives = Archives::open(&[dir.path().to_owned()]).unwrap();
    assert_eq!(archives.images().len(), 1);
}
