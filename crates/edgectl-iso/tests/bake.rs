//! Baking with the real tools, read back with the real tools.

#![allow(clippy::unwrap_used, reason = "tests")]

mod bench;
mod layers;

use std::collections::BTreeMap;
use std::error::Error;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use bench::{Bench, EPOCH, KERNEL, ROOM, USER_DATA, beside, static_program, system};
use edgectl_iso::BakeStep;
use edgectl_process::{Cmd, Tool};
use layers::{Layer, Layers};

/// What stands in the directory of an image.
const BAKED: [&str; 3] = ["installer.iso", "installer.iso.manifest.json", "installer.iso.sha256"];

const GETCAP: Tool = Tool {
    name: "getcap",
    package: "libcap2-bin",
    purpose: "reading file capabilities in tests",
    version: &[],
};

#[test]
fn the_disc_holds_what_the_installer_needs() {
    let bench = Bench::new();
    let mut steps = Vec::new();
    let report = bench.bake_watched(&mut |step| steps.push(step)).unwrap();
    let expected = [BakeStep::Squashfs, BakeStep::BootFiles, BakeStep::Iso];
    assert_eq!(steps, expected);
    assert_eq!((report.path.as_path(), report.kernel.as_str()), (&*bench.out, "boot/vmlinuz-1.0"));
    assert_eq!(report.bytes, std::fs::metadata(&bench.out).unwrap().len());
    assert_eq!(beside(&bench.out), BAKED);
    let mode = std::fs::metadata(&bench.out).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let volume = bench.xorriso(&["-pvd_info"]);
    assert!(volume.contains("Volume Id    : EDGETEST\n"), "{volume}");
    for name in ["/config.yaml", "/nocloud/user-data"] {
        let stored = bench.extract(name);
        assert_eq!(stored.len() as u64, ROOM);
        let padding = stored.strip_prefix(USER_DATA.as_bytes()).unwrap();
        assert!(padding.iter().all(|byte| *byte == b'\n'));
    }
    assert_eq!(bench.extract("/boot/kernel"), KERNEL);
    assert_eq!(bench.extract("/boot/initrd"), vec![0x5a; 300_000]);
    assert_eq!(bench.extract("/edgectl/edge-agent"), static_program());
    assert_eq!(bench.extract("/edgectl/images.lock"), b"apiVersion: test\n");
    assert_eq!(bench.extract("/edgectl/run"), b"reg.example:5000/pause:1\n");
    assert_eq!(bench.extract("/edgectl/built"), b"1767225600\n");
    let menu = String::from_utf8(bench.extract("/boot/grub/grub.cfg")).unwrap();
    assert!(menu.contains(" edgectl.medium=EDGETEST ") && menu.contains(" edge.test=a\\;b   "));
}

#[test]
fn user_data_has_one_place_under_two_names() {
    let bench = Bench::new();
    bench.bake().unwrap();
    let places = bench.xorriso(&["-find", "/", "-type", "f", "-exec", "report_lba", "--"]);
    let place = |name: &str| {
        let line = places.lines().find(|line| line.ends_with(&format!("'{name}'"))).unwrap();
        // `File data lba: extent, start, blocks, size, 'path'`
        line.split(',').skip(1).take(3).map(|f| f.trim().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(place("/config.yaml"), place("/nocloud/user-data"));
    assert_ne!(place("/config.yaml"), place("/nocloud/meta-data"));
}

#[test]
fn everything_on_the_disc_belongs_to_root_and_only_user_data_is_secret() {
    let bench = Bench::new();
    bench.bake().unwrap();
    let list = bench.xorriso(&["-find", "/", "-exec", "lsdl", "--"]);
    let mut modes = BTreeMap::new();
    for line in list.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!((words[2], words[3]), ("0", "0"), "{line}");
        modes.insert(line.rsplit_once(" '").unwrap().1.trim_end_matches('\''), words[0]);
    }
    for (name, mode) in modes {
        let expected = match name {
            "/config.yaml" | "/nocloud/user-data" | "/nocloud/network-config" => "-rw-------",
            "/edgectl/edge-agent" => "-rwxr-xr-x",
            _ if mode.starts_with('d') => "drwxr-xr-x",
            _ => "-rw-r--r--",
        };
        assert_eq!(mode, expected, "{name}");
    }
}

#[test]
fn checksums_are_of_what_is_on_the_disc() {
    let bench = Bench::new();
    bench.bake().unwrap();
    let sums = String::from_utf8(bench.extract("/edgectl/SHA256SUMS")).unwrap();
    assert_eq!(sums.lines().count(), 3);
    for line in sums.lines() {
        let (sum, name) = line.split_once("  ").unwrap();
        let stored = bench.extract(&format!("/{name}"));
        assert_eq!(edgectl_model::Digest::sha256(&stored).hex(), sum, "{name}");
    }
}

#[test]
fn the_system_is_the_flattened_tree() {
    let bench = Bench::new();
    bench.bake().unwrap();
    let squashfs = bench.directory.path().join("system.squashfs");
    std::fs::write(&squashfs, bench.extract("/live/filesystem.squashfs")).unwrap();
    let cmd = Cmd::new("unsquashfs").args(["-lln"]).arg(&squashfs);
    let list = String::from_utf8(cmd.read_stdout().unwrap()).unwrap();
    let found: BTreeMap<String, String> = list
        .lines()
        .filter_map(|line| {
            let (front, name) = line.split_once("squashfs-root")?;
            let words: Vec<&str> = front.split_whitespace().take(2).collect();
            Some((name.to_owned(), words.join(" ")))
        })
        .collect();
    let expected = [
        ("", "drwxr-xr-x 0/0"),
        ("/bin -> usr/bin", "lrwxrwxrwx 0/0"),
        ("/boot", "drwxr-xr-x 0/0"),
        ("/boot/initrd.img-1.0", "-rw-r--r-- 0/0"),
        ("/boot/vmlinuz-1.0", "-rw-r--r-- 0/0"),
        ("/dev", "drwxr-xr-x 0/0"),
        ("/dev/null", "crw-r--r-- 0/0"),
        ("/etc", "drwxr-xr-x 0/0"),
        // Directories that every system needs.
        ("/proc", "drwxr-xr-x 0/0"),
        ("/run", "drwxr-xr-x 0/0"),
        ("/secret", "drwx------ 0/0"),
        ("/sys", "drwxr-xr-x 0/0"),
        ("/usr", "drwxr-xr-x 0/0"),
        ("/usr/bin", "drwxr-xr-x 0/0"),
        ("/usr/bin/owned", "-rwsr-x--- 1000/100"),
        ("/usr/bin/ping", "-rw-r--r-- 0/0"),
        ("/usr/bin/second", "-rwsr-x--- 1000/100"),
    ];
    assert_eq!(found, expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
    let cmd = Cmd::new("unsquashfs").args(["-quiet", "-no-progress", "-d"]);
    let unpacked = bench.directory.path().join("unpacked");
    cmd.arg(&unpacked).arg(&squashfs).ensure_success().unwrap();
    let caps = GETCAP.cmd().unwrap_or_else(|error| panic!("{error}"));
    let caps = caps.arg(unpacked.join("usr/bin/ping")).read_stdout().unwrap();
    let caps = String::from_utf8(caps).unwrap();
    assert!(caps.ends_with("ping cap_dac_override,cap_fowner=ep\n"), "{caps}");
}

#[test]
fn the_disc_boots_from_cd_and_disk_under_both_firmwares() {
    let bench = Bench::new();
    bench.bake().unwrap();
    let el_torito = bench.xorriso(&["-report_el_torito", "plain"]);
    for part in
        ["El Torito boot img :   1  BIOS  y   none", "El Torito boot img :   2  UEFI  y   none"]
    {
        assert!(el_torito.contains(part), "{el_torito}");
    }
    let area = bench.xorriso(&["-report_system_area", "plain"]);
    for part in ["grub2-mbr", "protective-msdos-label", "GPT", "Appended2"] {
        assert!(area.contains(part), "{area}");
    }
}

/// Set for the child that bakes in other surroundings.
const CHILD: &str = "EDGECTL_TEST_BAKE_INTO";

#[test]
fn the_same_inputs_make_the_same_bytes() {
    if let Some(out) = std::env::var_os(CHILD) {
        return bake_among_holes(PathBuf::from(out));
    }
    let bench = Bench::new();
    bench.bake().unwrap();
    let first = std::fs::read(&bench.out).unwrap();
    let label = |bytes: &[u8]| edgectl_model::Digest::sha256(bytes).hex().to_owned();

    // Elsewhere, with other inodes, another time zone, umask and home.
    let home = bench.directory.path().join("home");
    std::fs::create_dir(&home).unwrap();
    std::fs::write(home.join(".xorrisorc"), "-publisher SOMEONE\n").unwrap();
    let out = home.join("deep er/x=y/again.iso");
    Cmd::new("sh")
        .args(["-c", r#"umask 077; exec "$0" "$@""#])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "the_same_inputs_make_the_same_bytes"])
        .env(CHILD, &out)
        .env("TZ", "Asia/Kathmandu")
        .env("HOME", &home)
        .ensure_success()
        .unwrap();
    assert_eq!(label(&std::fs::read(&out).unwrap()), label(&first));
    // The other epoch shows that dates are looked at at all.
    let other = Bench { epoch: EPOCH + 86_400, ..Bench::new() };
    other.bake().unwrap();
    assert_ne!(label(&std::fs::read(&other.out).unwrap()), label(&first));
}

/// What the child does.
fn bake_among_holes(out: PathBuf) {
    let bench = Bench { out, ..Bench::new() };
    std::fs::create_dir_all(bench.out.parent().unwrap()).unwrap();
    // Files that come and go give the next ones inodes in another order.
    let holes: Vec<PathBuf> = (0..64).map(|i| bench.out.with_extension(i.to_string())).collect();
    holes.iter().for_each(|hole| std::fs::write(hole, "").unwrap());
    let every_third = holes.iter().rev().step_by(3);
    every_third.for_each(|hole| std::fs::remove_file(hole).unwrap());
    bench.bake().unwrap();
}

#[test]
fn a_new_image_takes_the_old_ones_place() {
    let bench = Bench::new();
    std::fs::create_dir_all(bench.out.parent().unwrap()).unwrap();
    std::fs::write(&bench.out, "old").unwrap();
    let too_much = Bench { user_data: Some("x".repeat(70_000)), ..Bench::new() };
    let failing = Bench { out: bench.out.clone(), ..too_much };
    failing.bake().unwrap_err();
    assert_eq!(std::fs::read(&bench.out).unwrap(), b"old");
    bench.bake().unwrap();
    assert!(std::fs::metadata(&bench.out).unwrap().len() > 1 << 20);
    assert_eq!(beside(&bench.out), BAKED);
}

#[test]
fn images_that_cannot_boot_are_refused() {
    let no_kernel = Bench::with(vec![Layer::new().file("boot/config-1.0", "").file("usr/x", "")]);
    assert_eq!(
        no_kernel.refused().to_string(),
        "the operating system image has no kernel: expected `/boot/vmlinuz-VERSION` or `/usr/lib/modules/VERSION/vmlinuz` (found in /boot: config-1.0)"
    );
    let no_initrd = Bench::with(vec![Layer::new().file("boot/vmlinuz-6.1", "k")]);
    assert_eq!(
        no_initrd.refused().to_string(),
        "the operating system image has the kernel `/boot/vmlinuz-6.1` but no initial RAM file system for it: expected `/boot/initrd.img-VERSION`, `/boot/initrd-VERSION` or `/boot/initramfs-VERSION.img`"
    );
}

#[test]
fn requests_that_cannot_work_are_refused_before_the_work() {
    let dynamic = std::env::current_exe().unwrap();
    let text = format!(
        "`{}` is not a static program for x86-64; build it with `-C target-feature=+crt-static`",
        dynamic.display()
    );
    // Broken layers show that nothing of them was read.
    let bench = || Bench { layers: Layers(vec![vec![1; 1024]]), ..Bench::new() };
    assert_eq!(Bench { agent: dynamic, ..bench() }.refused().to_string(), text);
    let missing = Bench { agent: "/no/agent".into(), ..bench() }.refused();
    assert_eq!(missing.to_string(), "reading the agent `/no/agent`");
    let too_large = Bench { user_data: Some("x".repeat(ROOM as usize)), ..bench() }.refused();
    assert_eq!(
        too_large.to_string(),
        "the user data has 65536 bytes, the image keeps room for 65536, a line's end included: raise `iso.userDataKib`, or `--user-data-kib` of `iso customize`, to 65 and make the image anew"
    );
    let label = Bench { label: "edge", ..bench() }.refused();
    assert_eq!(label.to_string(), "the volume label `edge` is not 1 to 16 of `A-Z`, `0-9` and `_`");
    let taken = Bench { label: "EDGE_STATE", ..bench() }.refused();
    assert_eq!(
        taken.to_string(),
        "the volume label `EDGE_STATE` belongs to the installed system; choose another one"
    );
    let argument = Bench { argument: Some("a\nb"), ..bench() }.refused();
    assert_eq!(argument.to_string(), r#"the kernel argument "a\nb" holds a control character"#);
    let broken = bench().refused();
    assert_eq!(broken.to_string(), "reading layer 1 of the operating system image");
}

/// A file system of a few pages, gone when dropped.
struct Tiny(PathBuf);

impl Tiny {
    fn mount(at: PathBuf, kib: u64) -> Self {
        std::fs::create_dir(&at).unwrap();
        let size = format!("size={kib}k");
        let cmd = Cmd::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&at);
        cmd.ensure_success().expect("this test mounts a tmpfs: run it as root");
        Self(at)
    }
}

impl Drop for Tiny {
    fn drop(&mut self) {
        Cmd::new("umount").arg(&self.0).succeeds();
    }
}

/// A system that doesn't get smaller by packing.
fn incompressible(bytes: usize) -> Vec<Layer> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    let noise: Vec<u8> = (0..bytes).map(|_| next()).collect();
    let mut system = system();
    system.push(Layer::new().file("noise", noise));
    system
}

#[test]
fn a_full_disk_is_called_so_wherever_it_is_met() {
    // With room for less and less: the image, the squashfs, the kernel's copy.
    let cases = [(24 << 10, "installer.iso`"), (2 << 10, "filesystem.squashfs`"), (8, "")];
    for (kib, name) in cases {
        let mut bench = Bench::with(incompressible(8 << 20));
        let tiny = Tiny::mount(bench.directory.path().join("tiny"), kib);
        bench.out = tiny.0.join("installer.iso");
        let error = bench.refused();
        let source = error.source().unwrap().to_string();
        assert_eq!(source, "No space left on device (os error 28)", "{kib}: {error}");
        let text = error.to_string();
        assert!(text.ends_with(name), "{kib}: {text}");
        assert!(text.starts_with("writing `") || text.starts_with("copying `"), "{kib}: {text}");
    }
}
