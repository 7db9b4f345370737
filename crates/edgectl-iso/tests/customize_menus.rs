//! Menus of others: each entry that starts a kernel is told where the user data
//! is, or the user is told that it isn't.

#![allow(clippy::unwrap_used, reason = "tests")]

mod foreign;

use std::path::Path;

use edgectl_iso::{CustomizeReport, Disc, Flavor, IsoError};
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
        ("text", "eval \"linux /live/vmlinuz boot=live\"\n"),
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

/// Xen takes its kernel as an argument.
#[test]
fn kernels_that_others_start_are_told_of() {
    let lab = Lab::new();
    let menu = "label a\n kernel /live/vmlinuz\n append initrd=/i boot=live\nlabel x\n kernel mboot.c32\n append /boot/xen.gz --- /live/vmlinuz boot=live --- /i\n";
    let base = lab.of_files("xen", "LIVE", &[SQUASHFS, ("isolinux/isolinux.cfg", menu)]);
    let report = customize(&lab, &base);
    let [warning] = report.warnings.as_slice() else { panic!("{report:?}") };
    assert!(!report.is_live && warning.contains("has 1 entry without a place"), "{warning}");
}

/// Menus may be called anything.
#[test]
fn menus_that_others_name_are_menus() {
    let lab = Lab::new();
    let entry = "menuentry a {\n linux /live/vmlinuz boot=live\n}\n";
    let base = lab.of_files(
        "named-otherwise",
        "LIVE",
        &[
            SQUASHFS,
            ("boot/grub/grub.cfg", &format!("{entry}source $prefix/more.inc\n")),
            ("boot/grub/more.inc", entry),
            ("boot/grub/notes.txt", entry),
            ("pool/more.inc", entry),
        ],
    );
    let report = customize(&lab, &base);
    assert_eq!(report.menus, ["boot/grub/grub.cfg", "boot/grub/more.inc"]);
    assert!(report.is_live && report.warnings.is_empty(), "{report:?}");
    assert!(text(&lab.path("out.iso"), "boot/grub/more.inc").contains("boot=live ds=nocloud"));
}

/// A live system without cloud-init reads nothing, wherever it is put.
#[test]
fn live_systems_without_cloud_init_are_told_of() {
    let lab = Lab::new();
    let menu = "menuentry a {\n linux /live/vmlinuz boot=live\n}\n";
    for (packages, is_live) in [("bash\t5.2\n", false), ("bash\t5.2\ncloud-init\t22.4\n", true)] {
        let list = ("live/filesystem.packages", packages);
        let files = [SQUASHFS, list, ("boot/grub/grub.cfg", menu)];
        let report = customize(&lab, &lab.of_files("packages", "LIVE", &files));
        assert_eq!((report.is_live, report.warnings.is_empty()), (is_live, is_live), "{report:?}");
        let is_told = report.warnings.iter().all(|warning| warning.contains("has no cloud-init"));
        assert!(is_told, "{report:?}");
    }
}

/// Labels and words may be those of another system.
#[test]
fn systems_are_told_apart() {
    let lab = Lab::new();
    for (name, label, path, menu) in [
        (
            "harvester",
            "COS_LIVE",
            "boot/grub2/harvester.cfg",
            "menuentry \"Harvester Installer\" {\n $linux ($root)/boot/linux cdroot root=live:CDLABEL=COS_LIVE rd.cos.disable\n}\n",
        ),
        ("livekit", "OTHER", "boot/grub/grub.cfg", "linux /boot/kernel livekit.boot=livekit\n"),
        ("livekit-2", "OTHER", "boot/grub/grub.cfg", "linux /boot/kernel boot=livekit\n"),
    ] {
        let base = lab.of_files(name, label, &[(path, menu)]);
        let report = customize(&lab, &base);
        assert_eq!((report.flavor, report.is_live), (Flavor::CloudInit, false), "{report:?}");
    }
}
