//! Menus of others: each entry that starts a kernel is told where the user data
//! is, or the user is told that it isn't.

#![allow(clippy::unwrap_used, reason = "tests")]

mod foreign;

use std::path::Path;

use edgectl_iso::{CustomizeReport, Disc, IsoError};
use foreign::{Lab, With};

const USER_DATA: &str = "#cloud-config\nusers: [{name: edge}]\n";
const SQUASHFS: (&str, &str) = ("live/filesystem.squashfs", "s");

/// A file of an image.
fn text(image: &Path, path: &str) -> String {
    let disc = Disc::open(image).unwrap();
    let entry = disc.find(path).unwrap().unwrap();
    String::from_utf8(disc.read(&entry, 1 << 20).unwrap()).unwrap()
}

fn customize(lab: &Lab, base: &Path) -> CustomizeReport {
    lab.customize(base, With::user_data(USER_DATA), &lab.path("out.iso")).unwrap()
}

/// ISOLINUX reads them as if they were one file.
#[test]
fn arguments_of_all_may_stand_in_another_file() {
    let lab = Lab::new();
    let entries = "label live\n  kernel /live/vmlinuz\nlabel safe\n  kernel /live/vmlinuz\n  append initrd=/live/initrd boot=live nomodeset\n";
    let base = lab.of_files(
        "included",
        "LIVE",
        &[
            SQUASHFS,
            ("isolinux/isolinux.cfg", "include stdmenu.cfg\ninclude live.cfg\n"),
            ("isolinux/stdmenu.cfg", "append initrd=/live/initrd boot=live components\n"),
            ("isolinux/live.cfg", entries),
        ],
    );
    let report = customize(&lab, &base);
    assert!(report.is_live && report.warnings.is_empty(), "{report:?}");
    let out = lab.path("out.iso");
    let all = text(&out, "isolinux/stdmenu.cfg");
    assert!(
        all.starts_with("append initrd=/live/initrd boot=live components ds=nocloud;"),
        "{all}"
    );
    // An entry's own would take the place of those.
    let live = text(&out, "isolinux/live.cfg");
    assert_eq!(live.matches("append").count(), 1, "{live}");
    assert!(live.contains("nomodeset ds=nocloud;"), "{live}");
}

#[test]
fn entries_that_are_not_understood_are_told_of() {
    let lab = Lab::new();
    let grub = "menuentry a {\n linux /live/vmlinuz boot=live\n}\n";
    for (name, strange) in [
        ("module", "multiboot2 /live/xen.gz\nmodule2 /live/vmlinuz boot=live\n"),
        ("variable", "set x=linux\n${x} /live/vmlinuz boot=live\n"),
    ] {
        let menu = format!("{grub}menuentry b {{\n{strange}}}\n");
        let base = lab.of_files(name, "LIVE", &[SQUASHFS, ("boot/grub/grub.cfg", &menu)]);
        let report = customize(&lab, &base);
        let [warning] = report.warnings.as_slice() else { panic!("{report:?}") };
        assert!(!report.is_live && warning.contains("has 1 entry without a place"), "{warning}");
    }
    for (name, entry) in [
        ("implicit", "label vmlinuz\n initrd /live/initrd\n append boot=live\n"),
        ("named", "label a\n linux /live/vmlinuz.img\n append boot=live\n"),
    ] {
        let base = lab.of_files(name, "LIVE", &[SQUASHFS, ("isolinux/isolinux.cfg", entry)]);
        let report = customize(&lab, &base);
        assert!(report.is_live && report.warnings.is_empty(), "{report:?}");
        let menu = text(&lab.path("out.iso"), "isolinux/isolinux.cfg");
        assert!(menu.contains("append boot=live ds=nocloud;"), "{menu}");
    }
}

/// Its loader reads the copy in its own file system, which firmware checks.
#[test]
fn entries_of_systemd_boot_are_seen() {
    let lab = Lab::new();
    let entry = "title Live\nlinux /live/vmlinuz\ninitrd /live/initrd\noptions boot=live\n";
    let grub = ("boot/grub/grub.cfg", "menuentry a {\n linux /live/vmlinuz boot=live\n}\n");
    let files = [SQUASHFS, grub, ("loader/entries/live.conf", entry)];
    let base = lab.of_files("systemd", "LIVE", &files);
    let report = customize(&lab, &base);
    let [warning] = report.warnings.as_slice() else { panic!("{report:?}") };
    assert!(!report.is_live && warning.contains("`/loader/entries` is one"), "{warning}");

    lab.of_files("loader", "LIVE", &[SQUASHFS, grub]);
    let loader = [&[0; 700_000][..], entry.as_bytes(), &[0; 5000]].concat();
    let base = lab.with_loader("loader", "LIVE", &loader);
    let out = lab.path("refused.iso");
    let error = lab.customize(&base, With::user_data(USER_DATA), &out).unwrap_err();
    assert!(matches!(error, IsoError::MenuInLoader), "{error}");
    assert!(!out.exists());
}
