//! `iso build` and `iso boot`, as far as they get without a machine.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use edgectl_process::Cmd;
use edgectl_testkit::{TinyImage, TinyLayout};

use crate::site::Site;

const KERNEL: (&str, &[u8]) = ("boot/vmlinuz-1.0", b"kernel");
const INITRD: (&str, &[u8]) = ("boot/initrd.img-1.0", b"initrd");

/// A 64-bit x86 ELF header with one program header (PT_LOAD): as static as
/// can be.
fn agent(path: &Path) {
    let mut bytes = vec![0_u8; 64 + 56];
    bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
    bytes[18] = 62; // e_machine
    bytes[32] = 64; // e_phoff
    bytes[54] = 56; // e_phentsize
    bytes[56] = 1; // e_phnum
    bytes[64] = 1; // p_type
    std::fs::write(path, bytes).unwrap();
}

/// A project whose operating system has these files.
pub(crate) fn baked_site(files: &[(&str, &[u8])], padding: usize) -> Site {
    let site = Site::new();
    let mut layout = TinyLayout::new(&site.path("os")).unwrap();
    let image = TinyImage::new("amd64").files(files).random_layer(padding, 1);
    let written = layout.image(&image).unwrap();
    layout.name("os", &written).unwrap();
    agent(&site.path("edge-agent"));
    site.run(&["images"]).expect(0);
    site.run(&["user-data", "inject"]).expect(0);
    site
}

pub(crate) const BUILD: [&str; 4] = ["iso", "build", "--agent", "edge-agent"];

#[test]
fn the_image_holds_what_was_put_in() {
    let site = baked_site(&[KERNEL, INITRD], 1000);
    let ended = site.run(&BUILD).expect(0);
    assert_eq!(ended.stdout, "./build/installer.iso\n");
    let iso = site.path("build/installer.iso");
    for (inside, outside) in
        [("/nocloud/user-data", "build/user-data"), ("/edgectl/images.lock", "images.lock")]
    {
        let to = site.path("extracted");
        let _ = std::fs::remove_file(&to);
        Cmd::new("xorriso")
            .args(["-osirrox", "on", "-indev"])
            .arg(&iso)
            .args(["-extract", inside])
            .arg(&to)
            .ensure_success()
            .unwrap();
        let found = std::fs::read_to_string(&to).unwrap();
        let expected = std::fs::read_to_string(site.path(outside)).unwrap();
        assert_eq!(found.trim_end_matches('\n'), expected.trim_end_matches('\n'), "{inside}");
    }
    assert!(site.leftovers().is_empty());
}

/// mksquashfs, which spoils what it has packed the first few times.
const SPOILER: &str = r#"#!/bin/sh
/usr/bin/mksquashfs "$@" || exit
echo once more >> runs
[ "$(wc -l < runs)" -gt "$SPOILED" ] || printf '\125' | dd of="$2" bs=1 seek=300 conv=notrunc status=none
"#;

/// What was packed is read back: damage is mended once, and never shipped.
#[test]
fn a_damaged_system_is_packed_again_or_refused() {
    let site = baked_site(&[KERNEL, INITRD], 1000);
    site.write("bin/mksquashfs", SPOILER);
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(site.path("bin/mksquashfs"), executable).unwrap();
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", site.path("bin").display());
    let bake = |spoiled| {
        let _ = std::fs::remove_file(site.path("runs"));
        site.run_with(&BUILD, &[("PATH", &path), ("SPOILED", spoiled)])
    };
    let runs = || std::fs::read_to_string(site.path("runs")).unwrap().lines().count();
    let digest = || std::fs::read(site.path("build/installer.iso.sha256")).unwrap();

    bake("0").expect(0);
    let (good, first) = (runs(), digest());
    let ended = bake("1").expect(0);
    assert!(ended.stderr.contains("can't be read back as it went in"), "{}", ended.stderr);
    assert_eq!((runs(), digest()), (good + 1, first.clone()));
    let ended = bake("2").expect(1);
    assert!(ended.stderr.contains("is not what was put into it: `"), "{}", ended.stderr);
    assert_eq!((runs(), digest()), (2, first), "the image before is still there");
    assert!(site.leftovers().is_empty());
}

/// A root file system in a directory, with files laid over it, that Debian's
/// live-boot starts.
#[test]
fn a_directory_with_an_overlay() {
    let site = baked_site(&[KERNEL, INITRD], 1000);
    let write = |name: &str, text: &str| {
        let path = site.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    for (name, text) in [
        ("root/boot/vmlinuz-6.1", "kernel"),
        ("root/boot/initrd.img-6.1", "no cpio"),
        ("root/usr/share/initramfs-tools/scripts/live", ""),
        ("root/usr/bin/cloud-init", ""),
        ("root/etc/motd", "below"),
        ("over/etc/motd", "above"),
    ] {
        write(name, text);
    }
    site.configure("iso: {os: ./os}", "iso: {os: ./root, overlay: [./over]}");
    let ended = site.run(&[&BUILD[..], &["-o", "json"]].concat()).expect(0);
    let value: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(value["live"], "live-boot", "{value:#}");
    let ended = site.run(&["iso", "inspect", "-o", "json"]).expect(0);
    let inputs: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let names: Vec<&str> = inputs["manifest"]["inputs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|input| input["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["operating system", "overlay ./over", "image lock"]);
    let packed = site.path("system");
    let extract = Cmd::new("xorriso").args(["-osirrox", "on", "-indev"]);
    let extract = extract.arg(site.path("build/installer.iso"));
    extract.args(["-extract", "/live/filesystem.squashfs"]).arg(&packed).ensure_success().unwrap();
    let cat = Cmd::new("unsquashfs").arg("-cat").arg(&packed).arg("etc/motd");
    assert_eq!(cat.read_stdout().unwrap(), b"above");

    site.configure("overlay: [./over]", "overlay: [./none]");
    let ended = site.run(&BUILD).expect(1);
    assert!(ended.stderr.contains("`iso.overlay` names `./none`"), "{}", ended.stderr);
    site.configure("overlay: [./none]", "live: kairos, userDataKib: 4096");
    let ended = site.run(&BUILD).expect(1);
    assert!(ended.stderr.contains("Kairos reads no user data of 2 MiB"), "{}", ended.stderr);
}

#[test]
fn an_operating_system_without_a_kernel() {
    let site = baked_site(&[("etc/os-release", b"ID=x")], 1000);
    let ended = site.run(&BUILD).expect(1);
    assert!(
        ended.stderr.contains("the operating system image has no kernel: expected `/boot/vmlinuz-"),
        "{}",
        ended.stderr
    );
    assert!(!site.path("build/installer.iso").exists());
    assert!(site.leftovers().is_empty());
}

#[test]
fn no_operating_system() {
    let site = baked_site(&[KERNEL, INITRD], 1000);
    std::fs::remove_dir_all(site.path("os")).unwrap();
    let ended = site.run(&BUILD).expect(1);
    assert!(ended.stderr.contains("reading the operating system image `./os`"), "{}", ended.stderr);
}

#[test]
fn no_space_left() {
    let site = baked_site(&[KERNEL, INITRD], 8 << 20);
    let small = site.path("small");
    std::fs::create_dir(&small).unwrap();
    let mounted = Mounted::tmpfs(&small);
    site.configure("iso: {os: ./os}", "iso: {os: ./os, out: small/installer.iso}");
    let ended = site.run(&BUILD).expect(1);
    assert!(ended.stderr.to_lowercase().contains("no space left"), "{}", ended.stderr);
    assert!(ended.stderr.contains("hint: make room on that file system"), "{}", ended.stderr);
    assert!(std::fs::read_dir(&small).unwrap().next().is_none(), "something was left behind");
    drop(mounted);
}

/// A file system that is soon full.
struct Mounted<'a>(&'a Path);

impl<'a> Mounted<'a> {
    fn tmpfs(at: &'a Path) -> Self {
        let cmd = Cmd::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(at);
        cmd.ensure_success().unwrap();
        Self(at)
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _ = Cmd::new("umount").arg(self.0).ensure_success();
    }
}

#[test]
fn booting_needs_pins_and_an_image() {
    let site = baked_site(&[KERNEL, INITRD], 1000);
    let ended = site.run(&["iso", "boot"]).expect(1);
    assert!(ended.stderr.contains("the image lock has no digest for"), "{}", ended.stderr);
    site.serve_all();
    site.run(&["images", "--resolve"]).expect(0);
    let ended = site.run(&["iso", "boot"]).expect(1);
    assert!(ended.stderr.contains("`./build/installer.iso` is not there"), "{}", ended.stderr);
    assert!(ended.stderr.contains("hint: `edgectl iso build` bakes it"), "{}", ended.stderr);
}

#[test]
fn a_root_file_system_in_a_tar() {
    let site = baked_site(&[KERNEL, INITRD], 1000);
    site.write("tree/boot/vmlinuz-1.0", "kernel");
    site.write("tree/boot/initrd.img-1.0", "initrd");
    site.write("tree/etc/hostname", "x");
    let pack = |options: &[&str], name: &str| {
        let cmd = Cmd::new("tar").args(options).arg("-cf").arg(site.path(name));
        cmd.args(["--owner=0", "--group=0", "-C"])
            .arg(site.path("tree"))
            .arg(".")
            .ensure_success()
            .unwrap();
    };
    let mut images = Vec::new();
    for (options, name) in [(&[][..], "os.tar"), (&["--zstd"], "os.tar.zst"), (&["-J"], "os.txz")] {
        pack(options, name);
        let os = format!("iso: {{os: {name}}}");
        site.write("edge.yaml", &site.edge_yaml().replace("iso: {os: ./os}", &os));
        site.run(&BUILD).expect(0);
        let iso = site.path("build/installer.iso");
        let to = site.path("extracted");
        let _ = std::fs::remove_file(&to);
        let cmd = Cmd::new("xorriso").args(["-osirrox", "on", "-indev"]).arg(&iso);
        cmd.args(["-extract", "/live/filesystem.squashfs"]).arg(&to).ensure_success().unwrap();
        images.push(std::fs::read(&to).unwrap());
    }
    assert!(images[0] == images[1] && images[1] == images[2], "the same tree is the same system");
    let list =
        Cmd::new("unsquashfs").args(["-l"]).arg(site.path("extracted")).read_stdout().unwrap();
    let list = String::from_utf8(list).unwrap();
    assert!(list.contains("squashfs-root/etc/hostname"), "{list}");

    site.write("os.bin", "no tar");
    site.write("edge.yaml", &site.edge_yaml().replace("iso: {os: ./os}", "iso: {os: os.bin}"));
    let ended = site.run(&BUILD).expect(1);
    assert!(ended.stderr.contains("it is a file, but no tar"), "{}", ended.stderr);
}
