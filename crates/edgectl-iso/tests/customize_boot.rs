//! Images of others still start after they were customised twice, under
//! SeaBIOS and under UEFI, as a CD and as a disk.

#![allow(clippy::unwrap_used, reason = "tests")]

mod foreign;

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use edgectl_process::{Running, Tool};
use edgectl_testkit::media_file;
use foreign::{Lab, With};

const QEMU: Tool = Tool {
    name: "qemu-system-x86_64",
    package: "qemu-system-x86",
    purpose: "booting images in tests",
    version: &["--version"],
};
const OVMF_CODE: Tool = Tool {
    name: "/usr/share/OVMF/OVMF_CODE_4M.fd",
    package: "ovmf",
    purpose: "booting images under UEFI in tests",
    version: &[],
};
const OVMF_VARIABLES: Tool = Tool { name: "/usr/share/OVMF/OVMF_VARS_4M.fd", ..OVMF_CODE };
const PATIENCE: Duration = Duration::from_secs(300);
const PAUSE: Duration = Duration::from_millis(200);
/// Where text mode keeps its characters: each with its colour behind it.
const SCREEN: &str = "0xb8000 4000";

struct Machine {
    running: Option<Running>,
    directory: PathBuf,
}

impl Machine {
    fn start(lab: &Lab, medium: &[String]) -> Self {
        let directory = lab.directory.path().to_owned();
        let log = File::create(directory.join("qemu.log")).unwrap();
        let serial = format!("file:{}", directory.join("serial").display());
        let monitor = format!("unix:{},server,nowait", directory.join("monitor").display());
        let cmd = QEMU.cmd().unwrap_or_else(|error| panic!("{error}"));
        let cmd = cmd
            .args(["-nodefaults", "-machine", "q35", "-accel", "tcg", "-m", "512"])
            .args(["-display", "none", "-vga", "std", "-no-reboot", "-net", "none"])
            .args(["-serial", &serial, "-monitor", &monitor])
            .args(medium);
        Self { running: Some(cmd.start_logging(&log).unwrap()), directory }
    }

    /// Waits until `look` finds the words.
    fn wait(&mut self, words: &[&str], look: impl Fn(&Self) -> String) {
        let started = Instant::now();
        loop {
            let said = look(self);
            if words.iter().all(|word| said.contains(word)) {
                return;
            }
            let running = self.running.as_mut().unwrap();
            if running.ended().unwrap().is_some() {
                panic!("{}", self.running.take().unwrap().into_failure());
            }
            assert!(started.elapsed() < PATIENCE, "{words:?} not in {said}");
            std::thread::sleep(PAUSE);
        }
    }

    fn serial(&self) -> String {
        let bytes = std::fs::read(self.directory.join("serial")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The characters on the screen.
    fn screen(&self) -> String {
        let file = self.directory.join("screen");
        self.tell(&format!("pmemsave {SCREEN} \"{}\"", file.display()));
        let bytes = std::fs::read(&file).unwrap_or_default();
        bytes.chunks(2).map(|pair| pair[0] as char).filter(|c| c.is_ascii()).collect()
    }

    /// Hands a line to QEMU's monitor, and waits until that was done.
    fn tell(&self, line: &str) {
        let Ok(mut monitor) = UnixStream::connect(self.directory.join("monitor")) else { return };
        monitor.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut said: Vec<u8> = Vec::new();
        let mut prompts = |monitor: &mut UnixStream, count: usize| {
            let mut buffer = [0; 512];
            while said.windows(6).filter(|part| *part == b"(qemu)").count() < count {
                match monitor.read(&mut buffer) {
                    Ok(length @ 1..) => said.extend(&buffer[..length]),
                    _ => return,
                }
            }
        };
        prompts(&mut monitor, 1);
        let _ = monitor.write_all(format!("{line}\n").as_bytes());
        prompts(&mut monitor, 2);
    }
}

fn media(image: &Path) -> [Vec<String>; 2] {
    let path = image.display();
    let disk = format!("if=ide,format=raw,snapshot=on,file={path}");
    [vec!["-cdrom".to_owned(), path.to_string()], vec!["-drive".to_owned(), disk]]
}

/// The image, customised twice.
fn twice(lab: &Lab, base: &Path, arguments: &[&str]) -> PathBuf {
    let [first, second] = ["first.iso", "second.iso"].map(|name| lab.path(name));
    let with = With { arguments: &["edge.test=first"], ..With::user_data("#cloud-config\na: 1\n") };
    lab.customize(base, with, &first).unwrap();
    let with = With { arguments, ..With::user_data("#cloud-config\nb: 2\n") };
    lab.customize(&first, with, &second).unwrap();
    second
}

/// ISOLINUX starts the kernel, which says what it was told.
#[test]
fn debians_installer_starts() {
    let lab = Lab::new();
    let arguments = ["console=ttyS0", "ignore_loglevel", "edge.test=second"];
    let image = twice(&lab, &lab.mini(), &arguments);
    for medium in media(&image) {
        let _ = std::fs::remove_file(lab.path("serial"));
        let mut machine = Machine::start(&lab, &medium);
        let told = "console=ttyS0 ignore_loglevel edge.test=second ";
        machine.wait(&["Command line: ", told], Machine::serial);
        assert!(!machine.serial().contains("edge.test=first"));
    }
}

/// GRUB shows its menu, and an entry has the arguments.
#[test]
fn grubs_rescue_image_starts() {
    let lab = Lab::new();
    let image = twice(&lab, &media_file("grub-rescue-cdrom.iso"), &["edge.test=second"]);
    for medium in media(&image) {
        let mut machine = Machine::start(&lab, &medium);
        machine.wait(&["GNU GRUB", "*GNU/Linux"], Machine::screen);
        machine.tell("sendkey e");
        machine.wait(&["edge.test=second"], Machine::screen);
    }
}

/// Firmware for UEFI, with memory of its own.
fn uefi(lab: &Lab) -> Vec<String> {
    let found = |file: &Tool| file.find().unwrap_or_else(|error| panic!("{error}"));
    let variables = lab.path("variables.fd");
    std::fs::copy(found(&OVMF_VARIABLES), &variables).unwrap();
    let flash = |path: &Path, more: &str| {
        ["-drive".to_owned(), format!("if=pflash,format=raw{more},file={}", path.display())]
    };
    [flash(&found(&OVMF_CODE), ",readonly=on"), flash(&variables, "")].concat()
}

/// GRUB in the image's own EFI system partition starts the kernel, which says
/// what it was told.
fn starts_under_uefi(make: fn(&Lab) -> PathBuf) {
    let lab = Lab::new();
    let arguments = ["console=ttyS0", "ignore_loglevel", "edge.test=second"];
    let image = twice(&lab, &make(&lab), &arguments);
    for medium in media(&image) {
        let _ = std::fs::remove_file(lab.path("serial"));
        let mut machine = Machine::start(&lab, &[uefi(&lab), medium].concat());
        machine.wait(&["Command line: ", "efi: EFI v", arguments[2]], Machine::serial);
        assert!(!machine.serial().contains("edge.test=first"));
    }
}

#[test]
fn debians_installer_starts_under_uefi() {
    starts_under_uefi(Lab::mini_for_uefi);
}

#[test]
fn what_grub_mkrescue_makes_starts_under_uefi() {
    starts_under_uefi(Lab::rescue_with_kernel);
}
