//! Systems that start from a medium in ways of their own.

#![allow(clippy::unwrap_used, reason = "tests")]

mod bench;
mod layers;

use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use bench::{Bench, KERNEL};
use edgectl_iso::{
    Compression, DirectoryLayer, Disc, Inspection, IsoError, LayerSource, LiveSystem, Manifest,
    Owners, Tree, verify_disc,
};
use edgectl_process::Cmd;
use layers::Layer;

/// An initial RAM file system with empty files, packed with zstd behind an
/// early part that isn't.
fn initrd(names: &[&str]) -> Vec<u8> {
    let mut early = archive(&["kernel/x86/microcode/AuthenticAMD.bin"]);
    early.resize(early.len().next_multiple_of(512), 0);
    let mut packed = zstd::Encoder::new(early, 1).unwrap();
    packed.write_all(&archive(names)).unwrap();
    packed.finish().unwrap()
}

/// A cpio archive of the kind that the kernel reads.
fn archive(names: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    for name in names.iter().chain([&"TRAILER!!!"]) {
        let numbers = [0, 0o100_644, 0, 0, 1, 0, 0, 0, 0, 0, 0, name.len() + 1, 0];
        let numbers: String = numbers.iter().map(|number| format!("{number:08x}")).collect();
        write!(out, "070701{numbers}{name}\0").unwrap();
        out.resize(out.len().next_multiple_of(4), 0);
    }
    out
}

fn kairos() -> Layer {
    Layer::new()
        .file("etc/kairos-release", "KAIROS_VERSION=v3.5.0\n")
        .file("boot/vmlinuz-6.8.0-31-generic", KERNEL)
        .symlink("boot/vmlinuz", "vmlinuz-6.8.0-31-generic")
        .file("boot/initrd", initrd(&["usr/sbin/dmsquash-live-root"]))
}

fn debian(initrd: Vec<u8>) -> Layer {
    Layer::new()
        .file("boot/vmlinuz-6.1.0-9-amd64", KERNEL)
        .file("boot/initrd.img-6.1.0-9-amd64", initrd)
        .file("usr/bin/cloud-init", "#!/usr/bin/python3\n")
}

/// Baked without the agent; its menu, and what it says of itself.
fn baked(bench: &Bench) -> (String, Inspection) {
    bench.bake().unwrap();
    let check = verify_disc(&Disc::open(&bench.out).unwrap()).unwrap();
    assert_eq!(check.findings, [""; 0]);
    let menu = String::from_utf8(bench.extract("/boot/grub/grub.cfg")).unwrap();
    (menu, Inspection::of(&bench.out).unwrap())
}

fn without_agent(layers: Vec<Layer>) -> Bench {
    Bench { has_agent: false, ..Bench::with(layers) }
}

fn live_place(inspection: &Inspection) -> Vec<&'static str> {
    inspection.user_data.iter().filter(|found| found.is_live).map(|found| found.path).collect()
}

fn system_of(inspection: &Inspection) -> LiveSystem {
    let manifest: &Manifest = inspection.manifest.as_ref().unwrap();
    manifest.live.as_ref().unwrap().system
}

#[test]
fn kairos_has_its_own_layout_and_installer() {
    let bench = without_agent(vec![kairos()]);
    let (menu, inspection) = baked(&bench);
    assert_eq!(system_of(&inspection), LiveSystem::Kairos);
    assert_eq!(live_place(&inspection), ["/config.yaml"]);
    for word in ["root=live:CDLABEL=EDGETEST", "rd.live.squashimg=rootfs.squashfs", "install-mode"]
    {
        assert!(menu.contains(&format!(" {word} ")), "{menu}");
    }
    let names: Vec<&str> = inspection.entries.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.contains(&"/rootfs.squashfs"), "{names:?}");
    for absent in ["/live", "/edgectl/edge-agent", "/edgectl/grub"] {
        assert!(!names.contains(&absent), "{names:?}");
    }
    // The directories that a container builder leaves out.
    std::fs::write(bench.directory.path().join("x.squashfs"), bench.extract("/rootfs.squashfs"))
        .unwrap();
    let list = Cmd::new("unsquashfs").args(["-ll"]).arg(bench.directory.path().join("x.squashfs"));
    let list = String::from_utf8(list.read_stdout().unwrap()).unwrap();
    for directory in ["dev", "proc", "run", "sys"] {
        assert!(list.contains(&format!("squashfs-root/{directory}\n")), "{list}");
    }

    let large = Bench { room: 2 << 20, ..without_agent(vec![kairos()]) };
    assert!(matches!(large.refused(), IsoError::KairosLimit { .. }));
}

#[test]
fn live_boot_and_dracut_are_told_by_the_initial_ram_file_system() {
    let live = without_agent(vec![debian(initrd(&["scripts/live", "scripts/local"]))]);
    let (menu, inspection) = baked(&live);
    assert_eq!(system_of(&inspection), LiveSystem::LiveBoot);
    assert_eq!(live_place(&inspection), ["/nocloud/user-data"]);
    let words = " boot=live ds=nocloud\\;s=file:///run/live/medium/nocloud/ ";
    assert!(menu.contains(words), "{menu}");

    let modules = Layer::new()
        .file("usr/lib/modules/6.12.9/vmlinuz", KERNEL)
        .file("usr/lib/modules/6.12.9/initramfs.img", initrd(&["usr/bin/dmsquash-live-root.sh"]))
        .file("usr/lib/modules/6.9.1/vmlinuz", "an older one")
        .file("usr/bin/cloud-init", "");
    let dracut = without_agent(vec![modules]);
    let (menu, inspection) = baked(&dracut);
    assert_eq!(system_of(&inspection), LiveSystem::Dracut);
    assert_eq!(live_place(&inspection), ["/nocloud/user-data"]);
    assert!(menu.contains(" rd.live.dir=live rd.live.squashimg=filesystem.squashfs "), "{menu}");
    assert_eq!(dracut.extract("/boot/kernel"), KERNEL);

    // The script that the agent's systems have goes before all others.
    let own = Bench::with(vec![debian(initrd(&["scripts/live", "scripts/edge"]))]);
    assert_eq!(own.bake().unwrap().live, LiveSystem::Edge);
    let told = Bench { live: Some(LiveSystem::LiveBoot), ..own };
    assert_eq!(told.bake().unwrap().live, LiveSystem::LiveBoot);
}

#[test]
fn what_cannot_start_is_refused() {
    let nothing = Bench::with(vec![debian(initrd(&["scripts/local", "scripts/nfs"]))]);
    assert!(matches!(nothing.refused(), IsoError::NotLive));
    let mut damaged = initrd(&["scripts/local", "scripts/live"]);
    damaged.truncate(damaged.len() - 20);
    let damaged = Bench::with(vec![debian(damaged)]);
    assert!(matches!(damaged.refused(), IsoError::Initrd(_)));
    let agent = without_agent(vec![debian(initrd(&["scripts/edge"]))]);
    assert!(matches!(agent.refused(), IsoError::NoAgent));

    let without = Layer::new().hide("usr/bin/cloud-init");
    let mute = without_agent(vec![debian(initrd(&["scripts/live"])), without]);
    assert!(matches!(mute.refused(), IsoError::NoReader));
    let nothing_to_say = Bench { user_data: None, ..mute };
    assert_eq!(nothing_to_say.bake().unwrap().live, LiveSystem::LiveBoot);
}

#[test]
fn a_kernel_must_read_how_the_system_is_packed() {
    let system = |settings: &str| {
        let settings = Layer::new().file("boot/config-6.1.0-9-amd64", settings);
        vec![debian(initrd(&["scripts/live"])), settings]
    };
    let old = "CONFIG_SQUASHFS=m\nCONFIG_SQUASHFS_XZ=y\n# CONFIG_SQUASHFS_ZSTD is not set\n";
    let bench = without_agent(system(old));
    let error = bench.refused();
    assert!(error.to_string().contains("lack `CONFIG_SQUASHFS_ZSTD`"), "{error}");
    let bench = Bench { compression: Compression::Xz, ..bench };
    bench.bake().unwrap();
    let new = "CONFIG_SQUASHFS=y\nCONFIG_SQUASHFS_ZSTD=y\n";
    without_agent(system(new)).bake().unwrap();
}

#[test]
fn a_guess_is_said_to_be_one() {
    let report = Bench::new().bake().unwrap();
    assert_eq!(report.live, LiveSystem::Edge);
    assert!(report.warnings[0].contains("`iso.live` names another one"), "{report:?}");
    // The files that it is made of tell, too.
    let layer = debian(b"packed with something else".to_vec())
        .file("usr/share/initramfs-tools/scripts/live", "");
    let report = without_agent(vec![layer]).bake().unwrap();
    assert_eq!((report.live, report.warnings.len()), (LiveSystem::LiveBoot, 0));
}

/// A directory as the only layer.
struct Only(DirectoryLayer);

impl LayerSource for Only {
    fn count(&self) -> usize {
        1
    }

    fn open(&self, _: usize) -> std::io::Result<Box<dyn std::io::Read + '_>> {
        self.0.open()
    }
}

fn flattened(root: &Path, owners: Owners) -> String {
    let mut tar = Vec::new();
    let layers = Only(DirectoryLayer::new(root, owners));
    Tree::read_and_write(&layers, &mut tar, &mut |_| None).unwrap().unwrap();
    let mut archive = tar::Archive::new(tar.as_slice());
    let mut lines = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let attributes: Vec<String> = entry
            .pax_extensions()
            .unwrap()
            .into_iter()
            .flatten()
            .map(|pax| format!(" {}", pax.unwrap().key().unwrap()))
            .filter(|key| key.contains("xattr"))
            .collect();
        let header = entry.header();
        lines.push(format!(
            "{:o} {}:{} {} {:?} {}{}",
            header.mode().unwrap(),
            header.uid().unwrap(),
            header.mtime().unwrap(),
            String::from_utf8_lossy(&entry.path_bytes()),
            header.entry_type(),
            entry.link_name().unwrap().map_or(String::new(), |name| name.display().to_string()),
            attributes.concat(),
        ));
    }
    lines.sort();
    lines.join("\n")
}

#[test]
fn a_directory_is_a_layer() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let script = "mkdir -p etc/deep; printf x > etc/one; chmod 4750 etc/one; ln etc/one etc/two; \
                  ln -s /etc/one link; mkfifo pipe; \
                  printf y > etc/deep/file; chmod 640 etc/deep/file; \
                  chmod 755 etc etc/deep; chmod 644 pipe; \
                  find . -exec touch -h -d @1700000000 {} +";
    Cmd::new("sh").args(["-c", script]).current_dir(root).ensure_success().unwrap();
    let flags = rustix::fs::XattrFlags::empty();
    rustix::fs::setxattr(root.join("etc/one"), "user.note", b"1", flags).unwrap();
    let date = 1_700_000_000;
    let user = std::fs::metadata(root).unwrap().uid();
    let kept = flattened(root, Owners::Kept);
    let expected = [
        format!("4750 {user}:{date} etc/one Regular  SCHILY.xattr.user.note"),
        format!("4750 {user}:{date} etc/two Link etc/one"),
        format!("640 {user}:{date} etc/deep/file Regular "),
        format!("644 {user}:{date} pipe Fifo "),
        format!("755 {user}:{date} etc Directory "),
        format!("755 {user}:{date} etc/deep Directory "),
        format!("777 {user}:{date} link Symlink /etc/one"),
    ];
    assert_eq!(kept, expected.join("\n"));
    let roots = flattened(root, Owners::Root(7));
    assert!(roots.contains("640 0:7 etc/deep/file"), "{roots}");

    let layer = DirectoryLayer::new(root, Owners::Kept);
    let before = layer.input("x").unwrap();
    assert_eq!(layer.input("x").unwrap(), before);
    std::fs::write(root.join("etc/deep/file"), "z").unwrap();
    assert_ne!(layer.input("x").unwrap(), before);
    let gone = DirectoryLayer::new(root.join("none"), Owners::Kept).input("x").unwrap_err();
    let cause = std::error::Error::source(&gone).unwrap().to_string();
    assert!(cause.contains("/none`: No such file"), "{cause}");
}

#[test]
fn kairos_reads_no_network_configuration() {
    let bench = Bench { network_config: Some("version: 2\n"), ..without_agent(vec![kairos()]) };
    assert!(matches!(bench.refused(), IsoError::NoNetworkReader));
    let bench = without_agent(vec![kairos()]);
    baked(&bench);
    let change = edgectl_iso::Change { network_config: Some(b"x"), ..Default::default() };
    let error = edgectl_iso::inject_in_place(&bench.out, &change).unwrap_err();
    assert!(matches!(error, IsoError::NoNetworkRoom), "{error}");
}

/// Where nothing can decrypt, nothing that is encrypted goes.
#[test]
fn only_the_agent_reads_encrypted_user_data() {
    for layers in [vec![kairos()], vec![debian(initrd(&["scripts/live"]))]] {
        let bench = Bench { is_encrypted: true, ..without_agent(layers) };
        assert!(matches!(bench.refused(), IsoError::NoAgentToDecrypt));
        let bench = Bench { is_encrypted: false, ..bench };
        baked(&bench);
        let change =
            edgectl_iso::Change { user_data: Some(b"x"), is_encrypted: true, ..Default::default() };
        let error = edgectl_iso::inject_in_place(&bench.out, &change).unwrap_err();
        assert!(matches!(error, IsoError::NoAgentToDecrypt), "{error}");
    }
}
