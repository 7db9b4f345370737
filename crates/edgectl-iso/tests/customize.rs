//! Images of others with user data on them.

#![allow(clippy::unwrap_used, reason = "tests")]

mod foreign;

use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

use edgectl_iso::{Base, Change, Disc, Flavor, Inspection, IsoError, inject_in_place, verify_disc};
use edgectl_process::Cmd;
use foreign::sound::{
    FIRST, RESET, SECOND, digest, ensure_disk, ensure_readable_front_to_end, ensure_second_volume,
    ensure_sound, extract,
};
use foreign::{Lab, OLD_SECRET, With, holds};
use proptest::prelude::*;

#[test]
fn kairos() {
    let lab = Lab::new();
    let base = lab.kairos();
    assert!(holds(&base, OLD_SECRET));
    ensure_sound(&lab, &base, "config.yaml", Flavor::Kairos, true);
    ensure_second_volume(&lab, &base.with_extension("once"), "/config.yaml", SECOND);
    ensure_disk(&base, &base.with_extension("once"));
}

#[test]
fn ubuntu() {
    let lab = Lab::new();
    let base = lab.ubuntu();
    ensure_sound(&lab, &base, "nocloud/user-data", Flavor::Ubuntu, true);
    ensure_second_volume(&lab, &base.with_extension("once"), "/nocloud/user-data", SECOND);
    ensure_disk(&base, &base.with_extension("once"));
    let menu = extract(&lab, &base.with_extension("once"), "/boot/grub/grub.cfg");
    let menu = String::from_utf8(menu).unwrap();
    let front = menu.split(" ---").next().unwrap();
    assert!(front.contains("/casper/vmlinuz  ds=nocloud\\;s=/cdrom/nocloud/ "), "{menu}");
}

/// What a file held before a later session stays in the image.
#[test]
fn older_sessions_are_told_of() {
    let lab = Lab::new();
    let base = lab.kairos();
    let told = |warnings: &[String]| warnings.iter().any(|one| one.contains("several sessions"));
    let report = lab.customize(&base, With::user_data(FIRST), &lab.path("one.iso")).unwrap();
    assert!(!told(&report.warnings), "{:?}", report.warnings);
    lab.put("newer", "#cloud-config\n");
    let newer = lab.path("newer");
    let cmd = Cmd::new("xorriso").args(["-no_rc", "-boot_image", "any", "keep", "-dev"]).arg(&base);
    cmd.arg("-update").arg(newer).arg("/config.yaml").ensure_success().unwrap();
    let report = lab.customize(&base, With::user_data(FIRST), &lab.path("two.iso")).unwrap();
    assert!(told(&report.warnings), "{:?}", report.warnings);
}

#[test]
fn debian_live() {
    let lab = Lab::new();
    let base = lab.debian_live();
    ensure_sound(&lab, &base, "nocloud/user-data", Flavor::DebianLive, true);
    ensure_disk(&base, &base.with_extension("once"));
    let menu = extract(&lab, &base.with_extension("once"), "/isolinux/live.cfg");
    let menu = String::from_utf8(menu).unwrap();
    assert!(menu.contains("quiet ds=nocloud;s=file:///run/live/medium/nocloud/ "), "{menu}");
    assert!(menu.ends_with(" \r\n"), "{menu:?}");
}

#[test]
fn sl_micro() {
    let lab = Lab::new();
    let base = lab.sl_micro();
    ensure_sound(&lab, &base, "combustion/script", Flavor::Combustion, true);
    let out = lab.path("micro.script");
    let report = lab.customize(&base, With::user_data("#!/bin/sh\ntrue\n"), &out).unwrap();
    assert!(report.is_live && report.warnings.is_empty(), "{:?}", report.warnings);
    let report = lab.customize(&base, With::user_data("{\"ignition\":{}}"), &out).unwrap();
    assert_eq!((report.user_data.as_str(), report.is_live), ("ignition/config.ign", true));
    inject_in_place(&out, &RESET).unwrap();
    let empty = extract(&lab, &out, "/ignition/config.ign");
    assert!(empty.starts_with(b"{\"ignition\":{\"version\":\"3.0.0\"}}\n"));

    // Cloud-config is read by neither; and neither reads what is the other's.
    let report = lab.customize(&base, With::user_data(FIRST), &out).unwrap();
    assert!(!report.is_live && report.warnings[0].contains("no cloud-config"), "{report:?}");
    for text in [FIRST, "{}"] {
        let change = Change { user_data: Some(text.as_bytes()), ..Change::default() };
        let error = inject_in_place(&out, &change).unwrap_err();
        assert!(matches!(&error, IsoError::Misfit { .. }), "{error}");
        assert!(Base::open(&out).unwrap().check(&change).is_err());
    }
}

#[test]
fn what_grub_mkrescue_makes() {
    let lab = Lab::new();
    let base = lab.rescue();
    ensure_sound(&lab, &base, "nocloud/user-data", Flavor::CloudInit, false);
    ensure_disk(&base, &base.with_extension("once"));
}

/// Directories stay where they are until they are full, and move as a whole then.
#[test]
fn directories_move_when_they_are_full() {
    let lab = Lab::new();
    let root = |image: &Path| std::fs::read(image).unwrap()[16 * 2048 + 158..][..4].to_vec();
    let (mut moved, mut stayed) = (0, 0);
    for count in 8..24 {
        let tree = format!("full-{count}");
        lab.put(&format!("{tree}/sub/deep/file"), "deep");
        (0..count).for_each(|n| lab.put(&format!("{tree}/file-{n}"), "x"));
        let base = lab.of_files(&tree, "PLAIN", &[]);
        let out = base.with_extension("out");
        lab.customize(&base, With::user_data(FIRST), &out).unwrap();
        assert_eq!(verify_disc(&Disc::open(&out).unwrap()).unwrap().findings, [""; 0]);
        assert_eq!(extract(&lab, &out, "/sub/deep/file"), b"deep");
        assert!(extract(&lab, &out, "/nocloud/user-data").starts_with(FIRST.as_bytes()));
        match root(&base) == root(&out) {
            true => {
                stayed += 1;
                ensure_readable_front_to_end(&base, &out);
            }
            false => moved += 1,
        }
    }
    assert!(moved > 0 && stayed > 0, "{moved} {stayed}");
}

#[test]
fn images_without_a_loader() {
    let lab = Lab::new();
    for (name, options) in [
        ("ridge.iso", &["-R", "-J", "-joliet-long", "-V", "PLAIN"][..]),
        ("deep.iso", &["-r", "-iso-level", "4", "-V", "PLAIN"]),
        ("joliet.iso", &["--norock", "-J", "-joliet-long", "-V", "PLAIN"]),
        ("capitals.iso", &["--norock", "-iso-level", "3", "-V", "PLAIN"]),
    ] {
        let base = lab.plain(name, options);
        ensure_sound(&lab, &base, "nocloud/user-data", Flavor::CloudInit, false);
    }
    let seed = lab.plain("seed.iso", &["-R", "-J", "-joliet-long", "-V", "cidata"]);
    ensure_sound(&lab, &seed, "user-data", Flavor::Cidata, true);
}

#[test]
fn arguments_reach_every_menu() {
    let lab = Lab::new();
    let (base, out) = (lab.debian_live(), lab.path("out.iso"));
    let with = With { arguments: &["edge.test=a;b", "quiet"], ..With::default() };
    let report = lab.customize(&base, with, &out).unwrap();
    assert_eq!(report.menus, ["boot/grub/grub.cfg", "isolinux/live.cfg"]);
    let text = |name: &str| String::from_utf8(extract(&lab, &out, name)).unwrap();
    assert!(text("/boot/grub/grub.cfg").contains(" edge.test=a\\;b quiet "));
    assert!(text("/isolinux/live.cfg").contains(" edge.test=a;b quiet "));
    let other = ["edge.other".to_owned()];
    let change = Change { kernel_arguments: Some(&other), ..Change::default() };
    inject_in_place(&out, &change).unwrap();
    for name in ["/boot/grub/grub.cfg", "/isolinux/live.cfg"] {
        assert!(text(name).contains(" edge.other ") && !text(name).contains("edge.test"));
    }
    let seen = Inspection::of(&out).unwrap();
    assert_eq!(seen.kernel_arguments.as_deref(), Some("edge.other"));
}

/// ISOLINUX takes what stands in front of all labels for those entries alone
/// that have no `append`.
#[test]
fn entries_of_isolinux_keep_the_arguments_of_all() {
    let lab = Lab::new();
    let menu = "default live\nappend initrd=/live/initrd boot=live\nlabel live\n  kernel /live/vmlinuz\nlabel bare\n  kernel /live/vmlinuz\n  append -\n";
    let files = [("isolinux/isolinux.cfg", menu), ("live/filesystem.squashfs", "s")];
    let base = lab.of_files("common", "LIVE", &files);
    let out = lab.path("out.iso");
    let with = With { arguments: &["edge.test"], ..With::default() };
    let report = lab.customize(&base, with, &out).unwrap();
    let text = String::from_utf8(extract(&lab, &out, "/isolinux/isolinux.cfg")).unwrap();
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let expected = "default live append initrd=/live/initrd boot=live ds=nocloud;s=file:///run/live/medium/nocloud/ edge.test label live kernel /live/vmlinuz label bare kernel /live/vmlinuz append -";
    assert_eq!(words, expected);
    assert!(!report.is_live && report.warnings[0].contains("has 1 entry"), "{report:?}");
}

/// One entry with a place of its own changes nothing for the others.
#[test]
fn each_entry_is_told_where_the_user_data_is() {
    let lab = Lab::new();
    let menu = |own: &str| {
        format!(
            "# ds=nocloud\nmenuentry a {{ linux /casper/vmlinuz }}\nmenuentry b {{ linux /casper/vmlinuz {own} }}\n"
        )
    };
    let out = lab.path("out.iso");
    for (own, is_live) in [
        (r"ds=nocloud\;s=http://10.0.0.1/nocloud/", false),
        (r"ds=nocloud\;s=/cdrom/nocloud/", true),
    ] {
        let files = [("boot/grub/grub.cfg", menu(own)), ("casper/vmlinuz", "k".to_owned())];
        let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
        let base = lab.of_files("mixed", "Ubuntu 24.04", &files);
        let report = lab.customize(&base, With::user_data(FIRST), &out).unwrap();
        let text = String::from_utf8(extract(&lab, &out, "/boot/grub/grub.cfg")).unwrap();
        assert!(text.contains(r"vmlinuz ds=nocloud\;s=/cdrom/nocloud/ "), "{text}");
        assert!(text.contains(&format!("vmlinuz {own} ")), "{text}");
        assert_eq!((report.is_live, report.warnings.is_empty()), (is_live, is_live), "{report:?}");
    }
}

/// A menu that stays as it is isn't passed over in silence.
#[test]
fn menus_that_stay_as_they_are_are_named() {
    let lab = Lab::new();
    let entry = "menuentry a { linux /casper/vmlinuz --- }\n";
    let (many, large) = (entry.repeat(201), format!("{entry}{}", "#\n".repeat(140_000)));
    let small = [("boot/grub/grub.cfg", entry), ("casper/vmlinuz", "k")];
    let deep = "a/b/c/d/e/f/g/h/deep.cfg";
    for (path, text, why) in [
        ("boot/grub/many.cfg", many.as_str(), "has more than 200 entries"),
        ("boot/grub/large.cfg", &large, "is larger than 256 KiB"),
        (deep, entry, "lies too deep"),
    ] {
        lab.of_files(why, "Ubuntu 24.04", &small);
        lab.put(&format!("{why}/{path}"), text);
        let base = lab.relocating(why, "Ubuntu 24.04");
        let out = lab.path("out.iso");
        let report = lab.customize(&base, With::user_data(FIRST), &out).unwrap();
        let [warning] = report.warnings.as_slice() else { panic!("{report:?}") };
        assert!(warning.contains(path) && warning.contains(why), "{warning}");
        assert_eq!(
            (report.is_live, report.menus.as_slice()),
            (false, &["boot/grub/grub.cfg".to_owned()][..])
        );
        assert_eq!(verify_disc(&Disc::open(&out).unwrap()).unwrap().findings, [""; 0]);
    }
}

/// Machines that start from it would be told nothing.
#[test]
fn menus_in_a_loader_for_uefi_are_seen() {
    let lab = Lab::new();
    let menu = "menuentry 'Try' {\n\tlinux /casper/vmlinuz rd.live.check ---\n}\n";
    let files = [("boot/grub/grub.cfg", menu), ("casper/vmlinuz", "k")];
    lab.of_files("loader", "Ubuntu 24.04", &files);
    let loader = [&[0; 700_000][..], menu.as_bytes(), &[0; 5000]].concat();
    let base = lab.with_loader("loader", "Ubuntu 24.04", &loader);
    let entry = &Inspection::of(&base).unwrap().boot[0];
    assert_eq!(entry.bytes, 512);
    let error = refused(&lab, &base, With::user_data(FIRST));
    assert!(matches!(error, IsoError::MenuInLoader), "{error}");
    assert!(error.to_string().contains("`--flavor cloud-init`"), "{error}");
    let with = With { flavor: Some(Flavor::CloudInit), ..With::user_data(FIRST) };
    let out = lab.path("out.iso");
    lab.customize(&base, with, &out).unwrap();
    let file = std::fs::File::options().write(true).open(&base).unwrap();
    file.write_all_at(b"ISO MD5SUM = 00;", 16 * 2048 + 883).unwrap();
    let report = lab.customize(&base, with, &out).unwrap();
    let is_told = |warning: &String| warning.contains("with `rd.live.check` stop");
    assert!(report.warnings.iter().any(is_told), "{report:?}");
    // What only finds the menu of the image is none.
    let base = lab.with_loader("loader", "Ubuntu 24.04", &[b'm'; 700_000]);
    assert!(lab.customize(&base, With::user_data(FIRST), &out).unwrap().is_live);
}

/// Without a digest the check would stop whatever asks for it.
#[test]
fn media_checks_go_with_the_digest_of_the_medium() {
    let lab = Lab::new();
    let menu = "menuentry 'Test this media & install' {\n\tlinux /images/pxeboot/vmlinuz rd.live.check quiet\n}\nmenuentry 'Check' {\n\tlinux /linux mediacheck=1\n}\n";
    let base = lab.of_files("checked", "Fedora", &[("boot/grub2/grub.cfg", menu)]);
    let out = lab.path("out.iso");
    let text = || String::from_utf8(extract(&lab, &out, "/boot/grub2/grub.cfg")).unwrap();
    // Whatever has no digest is as it was: its checks don't depend on us.
    lab.customize(&base, With::user_data(FIRST), &out).unwrap();
    assert!(text().contains(" rd.live.check quiet"));
    let file = std::fs::File::options().write(true).open(&base).unwrap();
    file.write_all_at(b"ISO MD5SUM = 00;", 16 * 2048 + 883).unwrap();
    let report = lab.customize(&base, With::user_data(FIRST), &out).unwrap();
    assert!(text().contains("vmlinuz               quiet"), "{}", text());
    let says = |word: &str| report.warnings.iter().any(|warning| warning.contains(word));
    assert!(says("`rd.live.check` was taken out") && says("`mediacheck`"), "{report:?}");
    assert!(!holds(&out, "ISO MD5SUM"));
    // Once more gives the same.
    let [twice, once] = ["twice.iso", "once.iso"].map(|name| lab.path(name));
    let again = lab.customize(&out, With::user_data(SECOND), &twice).unwrap();
    lab.customize(&base, With::user_data(SECOND), &once).unwrap();
    assert_eq!((digest(&twice), again.warnings), (digest(&once), report.warnings));
}

/// The list of checksums is right after every change.
#[test]
fn checksums_follow() {
    let lab = Lab::new();
    let (base, out) = (lab.ubuntu(), lab.path("out.iso"));
    let with = With { arguments: &["quiet"], ..With::user_data(FIRST) };
    lab.customize(&base, with, &out).unwrap();
    let check = |round: &str| {
        let tree = lab.path(round);
        let cmd = Cmd::new("xorriso").args(["-no_rc", "-osirrox", "on", "-indev"]).arg(&out);
        cmd.args(["-extract", "/"]).arg(&tree).ensure_success().unwrap();
        let cmd = Cmd::new("md5sum").args(["--check", "--strict", "--quiet", "md5sum.txt"]);
        cmd.current_dir(&tree).ensure_success().unwrap();
    };
    check("customised");
    let other = ["edge.other".to_owned()];
    let change = Change { kernel_arguments: Some(&other), ..Change::default() };
    inject_in_place(&out, &change).unwrap();
    check("injected");
    inject_in_place(&out, &RESET).unwrap();
    check("reset");
    assert_eq!(verify_disc(&Disc::open(&out).unwrap()).unwrap().findings, [""; 0]);
}

/// A list of checksums is an area, and yet not anything goes.
#[test]
fn changed_checksums_are_found() {
    let lab = Lab::new();
    let (base, out) = (lab.ubuntu(), lab.path("out.iso"));
    lab.customize(&base, With::user_data(FIRST), &out).unwrap();
    let disc = Disc::open(&out).unwrap();
    let list = disc.find("md5sum.txt").unwrap().unwrap();
    let text = String::from_utf8(disc.read(&list, 1 << 20).unwrap()).unwrap();
    let line = text.find("  ./boot/grub/grub.cfg").unwrap();
    let at = list.extents[0].offset + line as u64 - 1;
    let file = std::fs::File::options().write(true).open(&out).unwrap();
    let other = if text.as_bytes()[line - 1] == b'0' { b"1" } else { b"0" };
    file.write_all_at(other, at).unwrap();
    let findings = verify_disc(&disc).unwrap().findings;
    assert_eq!(findings, ["`md5sum.txt` has another checksum of `boot/grub/grub.cfg` than it has"]);
}

/// Other settings than those of the first run: room, flavor, files.
#[test]
fn a_second_run_may_want_something_else() {
    let lab = Lab::new();
    let base = lab.ubuntu();
    let [first, twice, once] = ["first.iso", "twice.iso", "once.iso"].map(|name| lab.path(name));
    let with = With { room: Some(3 << 20), arguments: &["quiet"], ..With::user_data(FIRST) };
    let with = With { network_config: Some("version: 2 # f1rst-secret\n"), ..with };
    lab.customize(&base, with, &first).unwrap();
    assert!(extract(&lab, &first, "/nocloud/network-config").starts_with(b"version: 2"));
    let other = With { flavor: Some(Flavor::Kairos), ..With::user_data(SECOND) };
    lab.customize(&first, other, &twice).unwrap();
    lab.customize(&base, other, &once).unwrap();
    assert_eq!(digest(&twice), digest(&once));
    assert!(!holds(&twice, "f1rst-secret"));
    // In its own place, too.
    lab.customize(&first, other, &first).unwrap();
    assert_eq!(digest(&first), digest(&once));
}

#[test]
fn what_was_wiped_is_asked_for() {
    let lab = Lab::new();
    let (base, first, out) = (lab.kairos(), lab.path("first.iso"), lab.path("out.iso"));
    lab.customize(&base, With::user_data(FIRST), &first).unwrap();
    let other = With { flavor: Some(Flavor::Ubuntu), ..With::user_data(SECOND) };
    let error = lab.customize(&first, other, &out).unwrap_err();
    assert!(matches!(&error, IsoError::Wiped(path) if path == "config.yaml"), "{error}");
    assert!(!out.exists());
}

/// A menu that nobody else may read holds no password for that.
#[test]
fn closed_menus_are_menus() {
    let lab = Lab::new();
    let menu = "menuentry a { linux /casper/vmlinuz --- }\n";
    let files = [("boot/grub/grub.cfg", menu), ("casper/vmlinuz", "k")];
    lab.of_files("closed", "Ubuntu 24.04", &files);
    let closed = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(lab.path("closed/boot/grub/grub.cfg"), closed).unwrap();
    let base = lab.mkisofs("closed", "closed.iso", &["-R", "-J", "-V", "Ubuntu 24.04"]);
    let [once, twice] = ["once.iso", "twice.iso"].map(|name| lab.path(name));
    lab.customize(&base, With::user_data(FIRST), &twice).unwrap();
    lab.customize(&twice, With::user_data(SECOND), &twice).unwrap();
    lab.customize(&base, With::user_data(SECOND), &once).unwrap();
    assert_eq!(digest(&twice), digest(&once));
}

#[test]
fn user_data_in_other_places_is_named() {
    let lab = Lab::new();
    let base = lab.kairos();
    let out = lab.path("out.iso");
    let with = With { flavor: Some(Flavor::CloudInit), ..With::user_data(FIRST) };
    let report = lab.customize(&base, with, &out).unwrap();
    let is_told = |warning: &String| warning.contains("own `/config.yaml` stays");
    assert!(report.warnings.iter().any(is_told), "{report:?}");
}

/// Why an image can't be customised; nothing may be left.
fn refused(lab: &Lab, base: &Path, with: With<'_>) -> IsoError {
    let out = lab.path("refused/out.iso");
    let error = lab.customize(base, with, &out).unwrap_err();
    let left: Vec<PathBuf> = std::fs::read_dir(lab.path("refused"))
        .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
        .unwrap_or_default();
    assert!(left.is_empty(), "{left:?}");
    error
}

#[test]
fn what_cannot_be_is_refused() {
    let lab = Lab::new();
    let base = lab.kairos();
    let much = "x".repeat(16 << 10);
    let error = refused(&lab, &base, With::user_data(&much));
    assert!(matches!(error, IsoError::UserDataTooLarge { .. }), "{error}");
    assert!(error.to_string().contains("to 17 and"), "{error}");
    let error = refused(&lab, &base, With { room: Some(2 << 20), ..With::default() });
    assert!(matches!(error, IsoError::KairosLimit { .. }), "{error}");
    assert!(error.to_string().contains("`--user-data-kib`"), "{error}");
    let long = "y".repeat(2000);
    let error = refused(&lab, &base, With { arguments: &[&long], ..With::default() });
    assert!(matches!(error, IsoError::ArgumentsTooLong { .. }), "{error}");
    let error = refused(&lab, &base, With { network_config: Some("x"), ..With::default() });
    assert_eq!(error.to_string(), "Kairos reads no `network-config` from its medium");

    let plain = lab.plain("plain.iso", &["-R"]);
    let error = refused(&lab, &plain, With { arguments: &["quiet"], ..With::default() });
    assert!(matches!(error, IsoError::NoMenu), "{error}");
    let file = std::fs::File::options().write(true).open(&plain).unwrap();
    file.set_len(std::fs::metadata(&plain).unwrap().len() / 2).unwrap();
    let error = refused(&lab, &plain, With::default()).to_string();
    assert!(error.contains("was cut short"), "{error}");
    std::fs::write(&plain, "no image").unwrap();
    let error = refused(&lab, &plain, With::default()).to_string();
    assert!(error.contains("less than any ISO 9660 image"), "{error}");
    // UDF beside: a terminator, then its recognition sequence.
    let bytes = std::fs::read(&base).unwrap();
    let end = (16..40).find(|block| bytes[block * 2048] == 255).unwrap() as u64;
    let file = std::fs::File::options().write(true).open(&base).unwrap();
    file.write_all_at(b"\0BEA01\x01", (end + 1) * 2048).unwrap();
    file.write_all_at(b"\0NSR02\x01", (end + 2) * 2048).unwrap();
    let error = refused(&lab, &base, With::default()).to_string();
    assert!(error.contains("lists its files in UDF"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// A damaged image is refused, or changed as a whole one is: what was made
    /// of it has been compared with it.
    #[test]
    fn damage_is_an_error_or_stays(places in prop::collection::vec((0_usize..400_000, any::<u8>()), 1..30)) {
        let lab = Lab::new();
        let base = lab.path("base.iso");
        let mut bytes = whole().to_vec();
        for (at, byte) in places {
            // Most of what counts is at the front.
            let at = if at % 3 == 0 { at } else { at % 200_000 };
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
        }
        std::fs::write(&base, bytes).unwrap();
        let out = lab.path("out.iso");
        match lab.customize(&base, With::user_data(FIRST), &out) {
            Ok(_) => prop_assert!(Disc::open(&out).is_ok()),
            Err(_) => prop_assert!(!out.exists()),
        }
    }
}

fn whole() -> &'static [u8] {
    static WHOLE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    WHOLE.get_or_init(|| std::fs::read(Lab::new().kairos()).unwrap())
}
