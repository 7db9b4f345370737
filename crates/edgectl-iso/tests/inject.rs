//! Changing a baked image without baking it again.

#![allow(clippy::unwrap_used, reason = "tests")]

mod bench;
mod layers;

use std::os::unix::fs::FileExt;
use std::path::Path;

use bench::{Bench, ROOM, USER_DATA, beside};
use edgectl_iso::{Base, Disc, recover};
use edgectl_iso::{
    Change, Inspection, IsoError, inject_in_place, inject_into_copy, inject_into_stream,
    verify_disc,
};
use edgectl_model::Digest;

const OTHER: &str = "#cloud-config\nusers: [{name: edge, passwd: an0ther-s3cret}]\n";

fn digest(path: &Path) -> Digest {
    Digest::sha256(&std::fs::read(path).unwrap())
}

fn user_data(text: &str) -> Change<'_> {
    Change { user_data: Some(text.as_bytes()), ..Change::default() }
}

fn holds(path: &Path, text: &str) -> bool {
    std::fs::read(path).unwrap().windows(text.len()).any(|window| window == text.as_bytes())
}

fn base() -> Bench {
    let bench = Bench { user_data: None, argument: None, ..Bench::new() };
    bench.bake().unwrap();
    bench
}

#[test]
fn in_place_into_a_copy_and_as_a_stream_are_the_same() {
    let bench = base();
    let change = user_data(OTHER);
    let copy = bench.out.with_file_name("copy.iso");
    inject_into_copy(&bench.out, &change, &copy).unwrap();
    let mut stream = Vec::new();
    inject_into_stream(&bench.out, &change, &mut stream).unwrap();
    inject_in_place(&bench.out, &change).unwrap();
    assert_eq!(digest(&copy), digest(&bench.out));
    assert_eq!(Digest::sha256(&stream), digest(&bench.out));
    for name in ["/config.yaml", "/nocloud/user-data"] {
        let stored = bench.extract(name);
        assert!(stored.starts_with(OTHER.as_bytes()) && stored.len() as u64 == ROOM, "{name}");
    }
}

#[test]
fn what_is_baked_with_user_data_is_what_is_injected() {
    let with = Bench::new();
    with.bake().unwrap();
    let bench = Bench { user_data: None, ..Bench::new() };
    bench.bake().unwrap();
    let original = digest(&bench.out);
    let arguments = ["quiet".to_owned()];
    let change = Change { kernel_arguments: Some(&arguments), ..user_data("x") };
    inject_in_place(&bench.out, &change).unwrap();
    inject_in_place(&bench.out, &Change { reset: true, ..Change::default() }).unwrap();
    // The arguments that it was baked with are not taken away.
    assert_eq!(digest(&bench.out), original);
    assert!(holds(&bench.out, "edge.test=a\\;b "));
    inject_in_place(&bench.out, &user_data(USER_DATA)).unwrap();
    assert_eq!(digest(&bench.out), digest(&with.out));
}

#[test]
fn nothing_of_a_former_secret_stays_and_reset_gives_the_original() {
    let bench = base();
    let original = digest(&bench.out);
    let long = format!("#cloud-config\n# {}\npassword: s3cret-of-before\n", "x".repeat(5000));
    for _ in 0..3 {
        inject_in_place(&bench.out, &user_data(&long)).unwrap();
        assert!(holds(&bench.out, "s3cret-of-before"));
        let arguments = ["quiet".to_owned(), "edge.secret=in-arguments".to_owned()];
        let change = Change { kernel_arguments: Some(&arguments), ..user_data(OTHER) };
        inject_in_place(&bench.out, &change).unwrap();
        assert!(!holds(&bench.out, "s3cret-of-before"));
    }
    // What isn't named stays.
    inject_in_place(&bench.out, &user_data(OTHER)).unwrap();
    assert!(holds(&bench.out, "edge.secret=in-arguments"));
    inject_in_place(&bench.out, &Change { reset: true, ..Change::default() }).unwrap();
    assert_eq!(digest(&bench.out), original);
    assert!(!holds(&bench.out, "an0ther-s3cret") && !holds(&bench.out, "edge.secret"));
    let names = beside(&bench.out);
    assert!(!names.iter().any(|name| name.contains("undo")), "{names:?}");
}

#[test]
fn too_much_is_refused_before_anything_is_written() {
    let bench = base();
    let original = digest(&bench.out);
    let much = "x".repeat(ROOM as usize);
    let error = inject_in_place(&bench.out, &user_data(&much)).unwrap_err();
    assert!(matches!(error, IsoError::UserDataTooLarge { .. }), "{error}");
    let arguments = ["y".repeat(2000)];
    let change = Change { kernel_arguments: Some(&arguments), ..user_data(OTHER) };
    let error = inject_in_place(&bench.out, &change).unwrap_err();
    assert!(matches!(error, IsoError::ArgumentsTooLong { .. }), "{error}");
    let copy = bench.out.with_file_name("copy.iso");
    assert!(inject_into_copy(&bench.out, &user_data(&much), &copy).is_err() && !copy.exists());
    assert_eq!(digest(&bench.out), original);
}

#[test]
fn images_of_others_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let image = directory.path().join("other.iso");
    std::fs::write(directory.path().join("file"), "x").unwrap();
    let cmd = edgectl_process::Cmd::new("xorriso").args(["-no_rc", "-as", "mkisofs", "-R", "-o"]);
    cmd.arg(&image).arg(directory.path().join("file")).ensure_success().unwrap();
    let error = inject_in_place(&image, &user_data(OTHER)).unwrap_err();
    assert!(matches!(error, IsoError::NotOurs(_)), "{error}");
    let error = verify_disc(&Disc::open(&image).unwrap()).unwrap_err();
    assert!(matches!(error, IsoError::NotOurs(_)), "{error}");
    assert_eq!(Inspection::of(&image).unwrap().manifest, None);
}

#[test]
fn a_whole_image_verifies_whatever_is_injected() {
    let bench = base();
    for change in [Change::default(), user_data(OTHER)] {
        inject_in_place(&bench.out, &change).unwrap();
        let check = verify_disc(&Disc::open(&bench.out).unwrap()).unwrap();
        assert_eq!(check.findings, [""; 0]);
        assert_eq!(check.bytes, std::fs::metadata(&bench.out).unwrap().len());
    }
}

/// Any single byte of an image that is changed is found, and the file named.
#[test]
fn every_changed_byte_is_found() {
    let bench = base();
    let disc = Disc::open(&bench.out).unwrap();
    let place = |name: &str| disc.find(name).unwrap().unwrap().extents[0].offset;
    let file = std::fs::File::options().read(true).write(true).open(&bench.out).unwrap();
    let (squashfs, kernel) = (place("/live/filesystem.squashfs"), place("/boot/kernel"));
    let (menu, loader) = (place("/boot/grub/grub.cfg"), place("/boot/grub/eltorito.img"));
    let end = disc.bytes() - 1;
    for (at, expected) in [
        (squashfs + 100, "`live/filesystem.squashfs` is sha256:"),
        (kernel + 3, "`boot/kernel` is sha256:"),
        (menu + 1, "`boot/grub/grub.cfg` is sha256:"),
        (loader + 3000, "what is around the files"),
        (place("/edgectl/manifest.json") + 20, "the manifest on the image can't be read"),
        (440, "what is around the files"),
        (end, "what is around the files"),
        (end - (1 << 20), "what is around the files"),
    ] {
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).unwrap();
        file.write_all_at(&[byte[0] ^ 0x20], at).unwrap();
        let check = verify_disc(&Disc::open(&bench.out).unwrap());
        let told = match &check {
            Ok(check) => check.findings.join("\n"),
            Err(error) => error.to_string(),
        };
        assert!(told.contains(expected), "{at}: {told}");
        file.write_all_at(&byte, at).unwrap();
    }
    assert_eq!(verify_disc(&Disc::open(&bench.out).unwrap()).unwrap().findings, [""; 0]);
}

/// What would undo a change of the image before is nothing for the next one.
#[test]
fn an_undo_file_is_of_one_image() {
    let bench = base();
    let undo = bench.out.with_extension("iso.undo");
    std::fs::write(&undo, "of another image").unwrap();
    let error = inject_in_place(&bench.out, &user_data(OTHER)).unwrap_err();
    assert!(matches!(error, IsoError::Undo(_)), "{error}");
    bench.bake().unwrap();
    assert!(!undo.exists());
    inject_in_place(&bench.out, &user_data(OTHER)).unwrap();
    let copy = bench.out.with_file_name("copy.iso");
    let stale = copy.with_extension("iso.undo");
    std::fs::write(&stale, "of another image").unwrap();
    inject_into_copy(&bench.out, &user_data(OTHER), &copy).unwrap();
    assert!(!stale.exists());
}

/// A manifest may name any place and size.
#[test]
fn areas_that_cannot_be_are_refused() {
    let bench = base();
    let bytes = std::fs::read(&bench.out).unwrap();
    let text = format!("\"bytes\": {ROOM}\n");
    let places: Vec<usize> = (0..bytes.len() - text.len())
        .filter(|at| bytes[*at..].starts_with(text.as_bytes()))
        .collect();
    assert!(!places.is_empty());
    let mut bad = bytes.clone();
    for at in places {
        // As long as the number that it replaces.
        bad[at + 9..at + 9 + ROOM.to_string().len()].fill(b'9');
    }
    std::fs::write(&bench.out, &bad).unwrap();
    let error = inject_in_place(&bench.out, &user_data(OTHER)).unwrap_err();
    assert!(matches!(error, IsoError::AreaOutside(_)), "{error}");
}

#[test]
fn an_inspection_tells_what_is_there() {
    let bench = Bench::new();
    let report = bench.bake().unwrap();
    let seen = Inspection::of(&bench.out).unwrap();
    assert_eq!((seen.label.as_str(), seen.names), ("EDGETEST", "Rock Ridge"));
    assert_eq!(seen.bytes, report.bytes);
    let boot: Vec<String> = seen.boot.iter().map(|entry| entry.platform.to_string()).collect();
    assert_eq!(boot, ["BIOS", "UEFI"]);
    let table = seen.partitions.clone().unwrap();
    assert_eq!((table.kind, table.faults.as_slice()), ("GPT", &[][..]));
    assert!(table.partitions.iter().any(|p| p.kind == "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"));
    assert_eq!(seen.kernel_arguments.as_deref(), Some(""));
    let places: Vec<&str> = seen.user_data.iter().map(|found| found.path).collect();
    assert_eq!(places, ["/nocloud/user-data", "/config.yaml"]);
    assert!(seen.user_data[0].content.starts_with(USER_DATA.as_bytes()));
    assert!(!format!("{seen:?}").contains("s3cret"));
    let manifest = seen.manifest.unwrap();
    let inputs: Vec<&str> = manifest.inputs.iter().map(|input| input.name.as_str()).collect();
    assert_eq!(inputs, ["operating system", "agent", "image lock"]);
    assert!(seen.entries.iter().any(|(path, _)| path == "/live/filesystem.squashfs"));
}

#[test]
fn checksum_and_manifest_stand_beside() {
    let bench = Bench::new();
    let report = bench.bake().unwrap();
    assert_eq!(report.digest, digest(&bench.out));
    let sums = std::fs::read_to_string(bench.out.with_extension("iso.sha256")).unwrap();
    assert_eq!(sums, format!("{}  installer.iso\n", report.digest.hex()));
    let manifest = std::fs::read(bench.out.with_extension("iso.manifest.json")).unwrap();
    assert_eq!(bench.extract("/edgectl/manifest.json"), manifest);
    assert!(!String::from_utf8(manifest).unwrap().contains("edge.test"));
    recover(&bench.out).unwrap();
}

#[test]
fn a_fleet_is_the_base_with_other_content() {
    let bench = base();
    let fleet = Base::open(&bench.out).unwrap();
    let arguments = ["edge.site=a".to_owned()];
    for change in
        [user_data(OTHER), Change { kernel_arguments: Some(&arguments), ..user_data("x") }]
    {
        let path = bench.out.with_file_name("site.iso");
        assert_eq!(fleet.digest_if_there(&change, &path).unwrap(), None);
        let told = fleet.write(&change, &path).unwrap();
        assert_eq!(told, digest(&path));
        assert_eq!(fleet.digest_if_there(&change, &path).unwrap(), Some(told));
        inject_in_place(&path, &user_data("y")).unwrap();
        assert_eq!(fleet.digest_if_there(&change, &path).unwrap(), None);
        std::fs::write(&path, "half").unwrap();
        assert_eq!(fleet.digest_if_there(&change, &path).unwrap(), None);
        std::fs::remove_file(&path).unwrap();
    }
    // What was put into the base's other areas stays.
    let arguments = ["edge.base=1".to_owned()];
    let of_base = Change { kernel_arguments: Some(&arguments), ..Change::default() };
    // Nobody changes it meanwhile.
    let error = inject_in_place(&bench.out, &of_base).unwrap_err();
    assert!(matches!(error, IsoError::Busy(_)), "{error}");
    drop(fleet);
    inject_in_place(&bench.out, &of_base).unwrap();
    let path = bench.out.with_file_name("site.iso");
    let told = Base::open(&bench.out).unwrap().write(&user_data(OTHER), &path).unwrap();
    assert_eq!(told, digest(&path));
    assert!(holds(&path, " edge.base=1 ") && holds(&path, "an0ther-s3cret"));
    // Areas lie behind everything that is large.
    let disc = Disc::open(&bench.out).unwrap();
    let place = |name: &str| disc.find(name).unwrap().unwrap().extents[0].offset;
    assert!(place("/nocloud/user-data") > place("/live/filesystem.squashfs"));
    assert!(place("/boot/grub/grub.cfg") > place("/live/filesystem.squashfs"));
}

const NETWORK: &str =
    "version: 2\nwifis: {wlan0: {access-points: {site: {password: w1fi-s3cret}}}}\n";

fn network(text: &str) -> Change<'_> {
    Change { network_config: Some(text.as_bytes()), ..Change::default() }
}

#[test]
fn a_network_configuration_has_a_place_of_its_own() {
    let bench = base();
    let original = digest(&bench.out);
    assert_eq!(Inspection::of(&bench.out).unwrap().network_config, None);
    inject_in_place(&bench.out, &user_data(OTHER)).unwrap();
    let without = digest(&bench.out);
    inject_in_place(&bench.out, &network(NETWORK)).unwrap();
    let stored = bench.extract("/nocloud/network-config");
    assert_eq!(String::from_utf8(stored).unwrap().trim_end(), NETWORK.trim_end());
    let seen = Inspection::of(&bench.out).unwrap();
    let found = seen.network_config.unwrap();
    assert_eq!((found.path.as_str(), found.bytes), ("/nocloud/network-config", NETWORK.len()));
    assert!(found.is_live);
    assert_eq!(seen.user_data[0].content, OTHER.as_bytes(), "the user data stays");
    assert_eq!(verify_disc(&Disc::open(&bench.out).unwrap()).unwrap().findings, [""; 0]);

    // What is baked with it is the same, and what it was is gone.
    let with = Bench {
        user_data: Some(OTHER.to_owned()),
        network_config: Some(NETWORK),
        argument: None,
        ..Bench::new()
    };
    with.bake().unwrap();
    assert_eq!(digest(&with.out), digest(&bench.out));
    inject_in_place(&bench.out, &network("{}\n")).unwrap();
    assert!(!holds(&bench.out, "w1fi-s3cret"));
    assert_eq!(digest(&bench.out), without);
    inject_in_place(&bench.out, &Change { reset: true, ..network(NETWORK) }).unwrap();
    inject_in_place(&bench.out, &Change { reset: true, ..Change::default() }).unwrap();
    assert_eq!(digest(&bench.out), original);

    let long = "#".repeat(64 << 10);
    let error = inject_in_place(&bench.out, &network(&long)).unwrap_err();
    assert!(matches!(error, IsoError::NetworkTooLarge { .. }), "{error}");
    assert_eq!(digest(&bench.out), original);
}

#[test]
fn cloud_init_reads_an_empty_network_configuration_as_none() {
    let bench = base();
    bench.bake().unwrap();
    assert!(bench.extract("/nocloud/network-config").starts_with(b"{}\n\n"));
}

#[test]
fn encrypted_user_data_needs_an_agent_that_knows_it() {
    let bench = base();
    let change = Change { is_encrypted: true, ..user_data(OTHER) };
    inject_in_place(&bench.out, &change).unwrap();
    inject_in_place(&bench.out, &Change { is_encrypted: true, ..Change::default() }).unwrap();
    // As the manifest of an edgectl was that didn't know it.
    let bytes = std::fs::read(&bench.out).unwrap();
    let says = b"\"decrypts\": true";
    let at = bytes.windows(says.len()).position(|window| window == says).unwrap();
    let file = std::fs::File::options().write(true).open(&bench.out).unwrap();
    file.write_all_at(b"\"decrypts\":false", at as u64).unwrap();
    let error = inject_in_place(&bench.out, &change).unwrap_err();
    assert!(matches!(error, IsoError::AgentTooOld), "{error}");
    inject_in_place(&bench.out, &user_data(OTHER)).unwrap();
}
