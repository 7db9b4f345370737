//! Systems that start from a medium in ways of their own, in real machines:
//! live-boot's and dracut's, with Kairos' layout too, from a CD, under
//! UEFI, and over a network. Each has to find its user data.
//!
//! One system serves all of them; an overlay says which initial RAM file
//! system it has.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use edgectl_process::Cmd;
use edgectl_qemu::{Accel, Boot, Firmware, Flash, Machine, Medium, PhaseEnd, wait_for_text};
use edgectl_testkit::quickstart::system_image;
use qemu_tests::{Edgectl, FileServer, Programs, read_console};

const USER_DATA: &str = "#cloud-config
hostname: edge-7
write_files:
- path: /etc/proof
  content: it arrived
";
const END: &str = "@@done@@";
/// An emulated machine on a busy host is slow; a hung one is not worth more.
const PATIENCE: Duration = Duration::from_secs(25 * 60);

/// What a system said of itself.
struct Told {
    values: BTreeMap<String, String>,
    /// All that it said.
    console: String,
}

impl Told {
    fn says(&self, name: &str, expected: &str) {
        assert_eq!(self.value(name).trim_end(), expected, "{name}:\n{}", self.console);
    }

    fn value(&self, name: &str) -> &str {
        let value = self.values.get(name);
        value.unwrap_or_else(|| panic!("no {name} in what it said:\n{}", self.console))
    }
}

#[test]
fn live_systems_find_their_user_data() {
    let site = Site::lay_out();
    let live = site.bake("live-boot");
    let told = live.start_from_cd();
    told.says("root", "overlay");
    told.says("proof", "it arrived");
    live.start_over_network().says("proof", "it arrived");

    let initrd = live.file_of_system("boot/dracut.img");
    let kernel = live.kernel_version();
    site.overlay(&format!("boot/initrd.img-{kernel}"), &initrd);
    let dracut = site.bake("dracut");
    let told = dracut.start_from_cd();
    told.says("root", "overlay");
    told.says("proof", "it arrived");
    dracut.start_over_network().says("proof", "it arrived");

    site.overlay("etc/kairos-release", b"KAIROS_VERSION=v3.5.0\n");
    let kairos = site.bake("kairos");
    let told = kairos.start_under_uefi();
    told.says("root", "overlay");
    // Kairos' agent looks for it on the mounted medium.
    told.says("config", USER_DATA.trim_end());
    let arguments = told.value("arguments");
    assert!(arguments.contains(" install-mode "), "{arguments}");
}

/// A project.
struct Site {
    directory: PathBuf,
    edgectl: Edgectl,
    /// The system's layout.
    os: PathBuf,
}

impl Site {
    fn lay_out() -> Self {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("live-systems");
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(directory.join("overlay")).unwrap();
        let description = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live_systems");
        let os = system_image(&description, &|_: &str| {}).unwrap();
        let write = |name: &str, text: &str| std::fs::write(directory.join(name), text).unwrap();
        write("images.txt", "quay.io/a/web:1\n");
        write("user-data", USER_DATA);
        let edgectl =
            Edgectl::new(Programs::build(), directory.join("edge.yaml"), directory.join("cache"));
        let site = Self { directory, edgectl, os };
        site.configure("live-boot");
        site.edgectl.run(&["images"]).expect(0);
        site
    }

    fn configure(&self, system: &str) {
        // Nobody answers there, and nobody needs to.
        let yaml = format!(
            "apiVersion: edgectl.dev/v1\nprofile: images.txt\nregistry: {{domain: 127.0.0.1:1/ns}}\nuserData: {{file: user-data, out: user-data}}\niso: {{os: '{}', label: LIVE_TEST, overlay: [overlay], out: {system}/live.iso}}\n",
            self.os.display()
        );
        std::fs::write(self.directory.join("edge.yaml"), yaml).unwrap();
    }

    /// Lays a file over the system.
    fn overlay(&self, name: &str, content: &[u8]) {
        let path = self.directory.join("overlay").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Bakes the system, which has to be told for what it is.
    fn bake(&self, system: &'static str) -> Image<'_> {
        let directory = self.directory.join(system);
        std::fs::create_dir(&directory).unwrap();
        self.configure(system);
        self.edgectl.run(&["iso", "build"]).expect(0);
        let iso = directory.join("live.iso");
        let inspect = ["iso", "inspect", iso.to_str().unwrap(), "-o", "json"];
        let seen = self.edgectl.run_without_project(&inspect).expect(0).json();
        assert_eq!(seen["manifest"]["live"]["system"], system, "{seen:#}");
        Image { site: self, directory }
    }
}

/// An installer image, and where its machines have their logs.
struct Image<'a> {
    site: &'a Site,
    directory: PathBuf,
}

impl Image<'_> {
    fn iso(&self) -> PathBuf {
        self.directory.join("live.iso")
    }

    fn start_from_cd(&self) -> Told {
        self.start(Firmware::Bios)
    }

    fn start_under_uefi(&self) -> Told {
        self.start(Firmware::Uefi(Flash::in_directory(&self.directory).unwrap()))
    }

    fn start(&self, firmware: Firmware) -> Told {
        let disk = self.directory.join("disk.qcow2");
        let blank = Cmd::new("qemu-img").args(["create", "-f", "qcow2"]).arg(&disk).arg("1G");
        blank.ensure_success().unwrap();
        let boot = Boot::Installer { iso: self.iso(), medium: Medium::Cd, key_disc: None };
        let (accel, door) = (Accel::Tcg, None);
        let machine = Machine { accel, memory_mib: 1024, cpus: 2, boot, disk, door, firmware };
        let directory = self.directory.join("machine");
        let report = wait_for_text(&machine, &directory, END, PATIENCE).unwrap();
        let console = std::fs::read(directory.join("console.log")).unwrap();
        let console = String::from_utf8_lossy(&console);
        assert_eq!(report.end, PhaseEnd::Satisfied, "{console}");
        told(&console)
    }

    fn start_over_network(&self) -> Told {
        let served = self.directory.join("netboot");
        let server = FileServer::start(served.clone());
        let (iso, out) = (self.iso(), served.to_str().unwrap());
        let netboot =
            ["iso", "netboot", iso.to_str().unwrap(), "--url", &server.url(), "--out", out];
        let script = self.site.edgectl.run_without_project(&netboot).expect(0).stdout;
        let network = format!("user,id=net,bootfile={}", script.trim());
        let card = "virtio-net-pci,netdev=net,bootindex=1";
        let arguments = ["-m", "3072", "-netdev", &network, "-device", card];
        let directory = self.directory.join("network-machine");
        std::fs::create_dir(&directory).unwrap();
        told(&read_console(&directory, &arguments, END))
    }

    fn squashfs(&self) -> PathBuf {
        let to = self.directory.join("system.squashfs");
        if !to.exists() {
            let cmd = Cmd::new("xorriso").args(["-osirrox", "on", "-indev"]).arg(self.iso());
            let cmd = cmd.args(["-extract", "/live/filesystem.squashfs"]).arg(&to);
            cmd.ensure_success().unwrap();
        }
        to
    }

    fn file_of_system(&self, name: &str) -> Vec<u8> {
        let cmd = Cmd::new("unsquashfs").arg("-cat").arg(self.squashfs()).arg(name);
        cmd.read_stdout().unwrap()
    }

    fn kernel_version(&self) -> String {
        let cmd = Cmd::new("unsquashfs").arg("-l").arg(self.squashfs()).arg("boot");
        let listed = String::from_utf8(cmd.read_stdout().unwrap()).unwrap();
        let mut names = listed.lines().filter_map(|line| line.split("/vmlinuz-").nth(1));
        names.next().unwrap_or_else(|| panic!("no kernel:\n{listed}")).to_owned()
    }
}

fn told(console: &str) -> Told {
    let parts = console.split("@@").filter_map(|part| part.split_once('|'));
    // What another writer spoke into says nothing; it was said more than once.
    let decoded = parts.filter_map(|(name, text)| {
        let text = String::from_utf8(STANDARD.decode(text.trim()).ok()?).ok()?;
        Some((name.to_owned(), text))
    });
    Told { values: decoded.collect(), console: console.to_owned() }
}
