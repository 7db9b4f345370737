//! Flattening layers, case by case.

#![allow(clippy::unwrap_used, reason = "tests")]

mod layers;

use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use edgectl_iso::{IsoError, LayerSource, Tree};
use layers::{Found, Layer, Layers, Listing, flatten, header, stream, stream_at_once};
use tar::{Archive, EntryType};

fn flat(layers: Vec<Layer>) -> Listing {
    flatten(&stack(layers)).unwrap()
}

fn refused(layers: Vec<Layer>) -> IsoError {
    flatten(&stack(layers)).unwrap_err()
}

fn stack(layers: Vec<Layer>) -> Layers {
    Layers(layers.into_iter().map(Layer::bytes).collect())
}

fn paths(listing: &Listing) -> Vec<&str> {
    listing.keys().map(String::as_str).collect()
}

fn file(content: &str) -> Found {
    Found::File(content.as_bytes().to_vec())
}

#[test]
fn whiteouts_hide_what_lower_layers_brought() {
    let lower = Layer::new().dir("d", 0o700).file("d/gone", "1").file("d/kept", "1").file("f", "");
    // The whiteout comes after what its own layer puts in the same place.
    let upper = Layer::new().file("d/new", "2").hide("d/gone").file("f", "2").hide("f");
    let tree = flat(vec![lower, upper]);
    assert_eq!(paths(&tree), ["d", "d/kept", "d/new", "f"]);
    assert_eq!((&tree["d"], &tree["f"]), (&Found::Directory(0o700), &file("2")));
}

#[test]
fn a_whiteout_hides_a_directory_with_everything_in_it() {
    let lower = Layer::new().file("d/e/f", "").file("d-beside", "").file("d.beside", "");
    let tree = flat(vec![lower, Layer::new().hide("d")]);
    assert_eq!(paths(&tree), ["d-beside", "d.beside"]);
}

#[test]
fn opaque_directories_hide_only_lower_layers() {
    let lower = Layer::new().dir("d", 0o700).file("d/old", "").file("d/e/old", "").file("k", "");
    let upper = Layer::new().file("d/new", "").opaque("d");
    let tree = flat(vec![lower, upper]);
    assert_eq!(paths(&tree), ["d", "d/new", "k"]);
    let root = flat(vec![Layer::new().file("a/b", ""), Layer::new().file("c", "").opaque("")]);
    assert_eq!(paths(&root), ["c"]);
}

#[test]
fn whiteouts_without_a_name_hide_nothing() {
    for name in [".wh.", ".wh..", ".wh...", "d/.wh.", "d/.wh..", "d/.wh...", ".wh.missing"] {
        let tree = flat(vec![Layer::new().file("d/f", ""), Layer::new().file(name, "")]);
        assert_eq!(paths(&tree), ["d", "d/f"], "{name}");
    }
}

#[test]
fn whiteouts_follow_links_of_lower_layers() {
    let lower = Layer::new().file("usr/lib/a", "").file("usr/lib/b", "").symlink("lib", "usr/lib");
    let tree = flat(vec![lower, Layer::new().hide("lib/a")]);
    assert_eq!(paths(&tree), ["lib", "usr", "usr/lib", "usr/lib/b"]);
}

#[test]
fn hard_links_keep_what_they_were_linked_to() {
    let lower = Layer::new().file("a", "old").link("b", "a");
    let middle = Layer::new().link("d/c", "./b");
    let upper = Layer::new().file("a", "new").hide("b");
    let tree = flat(vec![lower, middle, upper]);
    assert_eq!(paths(&tree), ["a", "d", "d/c"]);
    assert_eq!((&tree["a"], &tree["d/c"]), (&file("new"), &file("old")));
}

#[test]
fn hard_links_stay_links_of_one_file() {
    let bytes = stream(&stack(vec![Layer::new().file("b", "x").link("a", "b").link("c", "a")]));
    let kinds: Vec<EntryType> = Archive::new(bytes.unwrap().as_slice())
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().header().entry_type())
        .collect();
    assert_eq!(kinds, [EntryType::Regular, EntryType::Link, EntryType::Link]);
}

#[test]
fn hard_links_to_links_and_devices_are_what_they_are_linked_to() {
    let layer = Layer::new()
        .file("real/f", "")
        .symlink("s", "real")
        .link("t", "s")
        .file("t/through", "")
        .device("null", EntryType::Char, 1, 3)
        .link("zero", "null");
    let tree = flat(vec![layer]);
    assert_eq!(tree["t"], Found::Symlink("real".to_owned()));
    assert!(tree.contains_key("real/through"));
    assert_eq!(tree["zero"], Found::Device(EntryType::Char, 1, 3));
}

#[test]
fn a_hard_link_to_nothing_is_refused() {
    let expected =
        "layer 2 of the operating system image links `x` to `gone`, which is no file there";
    let lower = || Layer::new().file("gone", "").dir("d", 0o755);
    let error = refused(vec![lower(), Layer::new().hide("gone").link("x", "gone")]);
    assert_eq!(error.to_string(), expected);
    let error = refused(vec![lower(), Layer::new().link("x", "d")]);
    assert!(matches!(error, IsoError::DanglingLink { layer: 2, .. }), "{error}");
}

#[test]
fn entries_land_where_links_among_their_parents_lead() {
    let lower = Layer::new()
        .dir("usr/lib", 0o755)
        .symlink("lib", "usr/lib")
        .symlink("abs", "/usr/lib")
        .symlink("up", "../../usr")
        .dir("deep/er", 0o755)
        .symlink("hop", "deep/er")
        // Up from where the link leads, not from the link.
        .symlink("odd", "hop/../x");
    let upper = Layer::new()
        .file("lib/a", "")
        .file("abs/b", "")
        .file("up/c", "")
        .file("odd/d", "")
        .file("dangling/e", "");
    let tree = flat(vec![lower, upper]);
    for path in ["usr/lib/a", "usr/lib/b", "usr/c", "deep/x/d", "dangling/e"] {
        assert!(tree.contains_key(path), "{path}: {:?}", paths(&tree));
    }
    assert_eq!(tree["lib"], Found::Symlink("usr/lib".to_owned()));
}

#[test]
fn loops_of_links_are_refused_where_they_matter() {
    let lower =
        || Layer::new().symlink("a", "b").symlink("b", "a").symlink("c", "c/c").file("f", "");
    assert_eq!(flat(vec![lower()]).len(), 4);
    let through = |path: &str| {
        format!(
            "layer 2 of the operating system image holds the path `{path}`, which leads through too many symbolic links"
        )
    };
    for layer in [Layer::new().file("c/x", ""), Layer::new().hide("c/x")] {
        assert_eq!(refused(vec![lower(), layer]).to_string(), through("c/x"));
    }
    let error = refused(vec![lower(), Layer::new().link("l", "a/x")]);
    assert_eq!(error.to_string(), through("a/x"));
}

#[test]
fn directories_and_files_take_each_others_place() {
    let tree = |n: usize| {
        let all = [
            Layer::new().dir("p", 0o711).file("p/q", "1"),
            Layer::new().file("p", "2"),
            Layer::new().dir("p", 0o700).file("p/r", "3"),
            Layer::new().symlink("p", "elsewhere"),
            Layer::new().dir("p", 0o750),
        ];
        flat(all.into_iter().take(n).collect())
    };
    assert_eq!(tree(2), Listing::from([("p".to_owned(), file("2"))]));
    assert_eq!(paths(&tree(3)), ["p", "p/r"]);
    assert_eq!(tree(4)["p"], Found::Symlink("elsewhere".to_owned()));
    assert_eq!(tree(5), Listing::from([("p".to_owned(), Found::Directory(0o750))]));
}

#[test]
fn a_directory_described_anew_keeps_what_is_in_it() {
    let tree =
        flat(vec![Layer::new().dir("d", 0o755).file("d/f", ""), Layer::new().dir("d/", 0o700)]);
    assert_eq!(tree["d"], Found::Directory(0o700));
    assert!(tree.contains_key("d/f"));
}

#[test]
fn missing_parents_are_made_for_everyone() {
    let tree = flat(vec![Layer::new().file("./a/b//c", "x")]);
    assert_eq!(paths(&tree), ["a", "a/b", "a/b/c"]);
    assert_eq!(tree["a/b"], Found::Directory(0o755));
}

#[test]
fn owners_modes_and_dates_pass_through() {
    let mut odd = header(EntryType::Regular);
    odd.set_mode(0o104_755);
    odd.set_uid(3_000_000_000);
    odd.set_gid(42);
    let mut blank = header(EntryType::Regular);
    blank.as_old_mut().uid = [0; 8];
    blank.as_old_mut().mtime = [b' '; 12];
    let layer = Layer::new().entry(odd, b"odd", b"", b"").entry(blank, b"blank", b"", b"");
    let bytes = stream(&stack(vec![layer])).unwrap();
    let mut archive = Archive::new(bytes.as_slice());
    let mut entries = archive.entries().unwrap();
    // In the order of their layer: files are written as they come.
    let first = entries.next().unwrap().unwrap().header().clone();
    let owner = (first.uid().unwrap(), first.gid().unwrap());
    assert_eq!((first.mode().unwrap(), owner), (0o4755, (3_000_000_000, 42)));
    assert_eq!(first.mtime().unwrap(), 1_000_000_000);
    let second = entries.next().unwrap().unwrap().header().clone();
    assert_eq!((second.uid().unwrap(), second.mtime().unwrap()), (0, 0));
}

#[test]
fn attributes_pass_through_for_files_and_directories() {
    let capability = b"\x01\0\0\x02\0\x20\0\0\n=\0\0\0\0\0\0\0\0\0\0";
    let key = "SCHILY.xattr.security.capability";
    let long = format!("d/{}", "n".repeat(150));
    let layer = Layer::new()
        .attribute("SCHILY.xattr.user.dir", b"v")
        .dir("d", 0o755)
        .attribute(key, capability)
        .file("ping", "")
        .attribute(key, capability)
        .file(&long, "");
    let bytes = stream(&stack(vec![layer])).unwrap();
    // Flattening once more changes nothing, attributes included.
    assert_eq!(stream(&Layers(vec![bytes.clone()])).unwrap(), bytes);
    let found = |needle: &[u8]| bytes.windows(needle.len()).filter(|w| *w == needle).count();
    assert_eq!(found(b"SCHILY.xattr.user.dir=v\n"), 1);
    assert_eq!(found(&[key.as_bytes(), b"=", capability, b"\n"].concat()), 2);
}

#[test]
fn long_names_and_targets_survive() {
    let path = |n: usize| vec!["p".repeat(60); n].join("/");
    let target = format!("../{}", path(5));
    let layer = Layer::new()
        .file(&"n".repeat(100), "0")
        .file(&path(2), "1")
        .file(&format!("x/{}", path(5)), "2")
        .file(&"m".repeat(255), "3")
        .symlink("s", &target)
        .link("hard", &format!("x/{}", path(5)));
    let tree = flat(vec![layer]);
    assert_eq!(tree[&"n".repeat(100)], file("0"));
    assert_eq!(tree[&path(2)], file("1"));
    assert_eq!(tree[&format!("x/{}", path(5))], file("2"));
    assert_eq!(tree[&"m".repeat(255)], file("3"));
    assert_eq!((&tree["s"], &tree["hard"]), (&Found::Symlink(target), &file("2")));
}

#[test]
fn a_ustar_prefix_is_part_of_the_name_once() {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o644);
    header.as_ustar_mut().unwrap().prefix[..5].copy_from_slice(b"a/b/c");
    let tree = flat(vec![Layer::new().entry(header, b"d", b"", b"x")]);
    assert_eq!(paths(&tree), ["a", "a/b", "a/b/c", "a/b/c/d"]);
}

#[test]
fn targets_are_kept_to_the_letter_and_names_need_not_be_text() {
    let layer = Layer::new().symlink("s", "a//b/./c/").entry(
        header(EntryType::Regular),
        &[&b"\xff"[..], &[b'x'; 150]].concat(),
        b"",
        b"",
    );
    let tree = flat(vec![layer]);
    assert_eq!(tree["s"], Found::Symlink("a//b/./c/".to_owned()));
    assert_eq!(tree.len(), 2);
}

#[test]
fn devices_and_pipes_pass_through() {
    let layer = Layer::new()
        .device("dev/null", EntryType::Char, 1, 3)
        .device("dev/loop", EntryType::Block, 7, 0)
        .device("pipe", EntryType::Fifo, 0, 0);
    let tree = flat(vec![layer]);
    assert_eq!(tree["dev/null"], Found::Device(EntryType::Char, 1, 3));
    assert_eq!(tree["dev/loop"], Found::Device(EntryType::Block, 7, 0));
    assert_eq!(tree["pipe"], Found::Device(EntryType::Fifo, 0, 0));
}

#[test]
fn old_directories_end_in_a_slash() {
    let tree = flat(vec![Layer::new().entry(header(EntryType::Regular), b"d/", b"", b"")]);
    assert!(matches!(tree["d"], Found::Directory(_)), "{tree:?}");
}

#[test]
fn ways_out_of_the_image_are_refused() {
    for path in ["../etc/passwd", "a/../../b", "/.."] {
        let error = refused(vec![Layer::new(), Layer::new().file(path, "")]);
        let expected = format!(
            "layer 2 of the operating system image holds the path `{path}`, which leads out of the image"
        );
        assert_eq!(error.to_string(), expected);
    }
    let error = refused(vec![Layer::new().link("x", "../y")]);
    assert!(matches!(error, IsoError::Escape { layer: 1, .. }), "{error}");
}

#[test]
fn names_that_no_file_system_takes_are_refused() {
    let long = "n".repeat(256);
    let error = refused(vec![Layer::new().file(&long, "")]);
    assert_eq!(
        error.to_string(),
        format!(
            "layer 1 of the operating system image holds the name `{long}`, which no file system takes"
        )
    );
    for layer in [
        Layer::new().attribute("path", b"a\0b").file("x", ""),
        Layer::new().symlink("x", ""),
        Layer::new().symlink("x", &"t".repeat(4096)),
    ] {
        let error = refused(vec![layer]);
        assert!(matches!(error, IsoError::Name { layer: 1, .. }), "{error}");
    }
}

#[test]
fn sparse_files_in_pax_format_are_refused() {
    let error = refused(vec![Layer::new().attribute("GNU.sparse.major", b"1").file("x", "")]);
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(error.to_string(), "reading layer 1 of the operating system image");
    assert_eq!(source, "a sparse file is stored in PAX format, which is not supported");
}

#[test]
fn a_layer_cut_short_is_an_error() {
    let whole = Layer::new().file("a", vec![1; 5000]).bytes();
    for end in [100, 513, 2000, 5000] {
        let error = flatten(&Layers(vec![whole[..end].to_vec()])).unwrap_err();
        assert!(matches!(error, IsoError::Layer { layer: 1, .. }), "{end}: {error}");
    }
}

/// Ends differently when it is read again.
struct Fickle(AtomicUsize, Vec<Vec<u8>>);

impl LayerSource for Fickle {
    fn count(&self) -> usize {
        1
    }

    fn open(&self, _: usize) -> io::Result<Box<dyn Read + '_>> {
        let at = self.0.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(io::Cursor::new(&self.1[at])))
    }
}

#[test]
fn a_layer_that_changes_is_an_error_of_the_layer() {
    let whole = Layer::new().file("a", vec![1; 5000]).file("b", "").bytes();
    for second in [Layer::new().bytes(), whole[..2000].to_vec(), whole[..5632].to_vec()] {
        let layers = Fickle(AtomicUsize::new(0), vec![whole.clone(), second]);
        let tree = Tree::read(&layers).unwrap();
        let error = tree.write(&layers, io::sink(), &mut |_| None).unwrap_err();
        assert!(matches!(error, IsoError::Layer { layer: 1, .. }), "{error}");
    }
}

/// A header and then zeros for ever.
struct Endless<'a>(&'a AtomicU64, Vec<u8>);

impl LayerSource for Endless<'_> {
    fn count(&self) -> usize {
        1
    }

    fn open(&self, _: usize) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(Counted(self.0, io::Cursor::new(&self.1).chain(io::repeat(b'x')))))
    }
}

struct Counted<'a, R>(&'a AtomicU64, R);

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.1.read(buffer)?;
        self.0.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

#[test]
fn names_and_attributes_take_no_more_memory_than_agreed() {
    for kind in [EntryType::GNULongName, EntryType::GNULongLink, EntryType::XHeader] {
        let mut header = header(kind);
        header.set_size(1 << 40);
        header.set_cksum();
        let before = Layer::new().file("before", vec![0; 3 << 20]).bytes();
        // Without the end marker.
        let start = [&before[..before.len() - 1024], header.as_bytes()].concat();
        let read = AtomicU64::new(0);
        let error = Tree::read(&Endless(&read, start)).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(source, "the name and attributes of an entry take more than 1 MiB");
        assert!(read.load(Ordering::Relaxed) < 5 << 20, "{}", read.load(Ordering::Relaxed));
    }
}

#[test]
fn the_captured_copy_is_told_from_the_stream() {
    struct Full;
    impl io::Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::from_raw_os_error(28))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let layers = stack(vec![Layer::new().file("boot/k", "kernel")]);
    let tree = Tree::read(&layers).unwrap();
    let error = tree.write(&layers, io::sink(), &mut |_| Some(Box::new(Full))).unwrap_err();
    assert_eq!(error.to_string(), "copying `/boot/k` out of the operating system image");
    let error = tree.write(&layers, Full, &mut |_| None).unwrap_err();
    assert!(matches!(error, IsoError::Squashfs(_)), "{error}");
}

#[test]
fn ordinary_layers_are_read_once() {
    let layers = stack(vec![
        Layer::new()
            .dir("usr", 0o755)
            .dir("usr/bin", 0o755)
            .symlink("bin", "usr/bin")
            .file("usr/bin/perl", "1")
            .link("usr/bin/perl5", "usr/bin/perl")
            .dir("etc", 0o755)
            .file("etc/old", "1")
            .file("etc/kept", "1"),
        Layer::new().dir("etc", 0o700).file("etc/kept", "2").hide("etc/old"),
        Layer::new().dir("var", 0o755).dir("var/lib", 0o755).opaque("var/lib"),
    ]);
    assert!(stream_at_once(&layers).unwrap().is_some());
}

#[test]
fn what_depends_on_lower_layers_is_read_twice() {
    let unsure = [
        vec![Layer::new().symlink("lib", "usr/lib"), Layer::new().file("lib/x", "")],
        vec![Layer::new().file("a", "1"), Layer::new().link("b", "a")],
        vec![Layer::new().file("a", "1").file("a", "2")],
        vec![Layer::new().file("a", "1").link("b", "a"), Layer::new().file("a", "2")],
    ];
    for layers in unsure {
        let layers = stack(layers);
        assert!(stream_at_once(&layers).unwrap().is_none());
        flatten(&layers).unwrap();
    }
}
