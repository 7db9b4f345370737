//! GRUB of a baked image starts, under both firmwares and from both media.
//!
//! The kernel on it is none, so what is waited for is the menu entry's text.

#![allow(clippy::unwrap_used, reason = "tests")]

mod bench;
mod layers;

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use bench::Bench;
use edgectl_iso::SecureBoot;
use edgectl_process::Tool;

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
const OVMF_MS_CODE: Tool = Tool { name: "/usr/share/OVMF/OVMF_CODE_4M.ms.fd", ..OVMF_CODE };
const OVMF_MS_VARIABLES: Tool = Tool { name: "/usr/share/OVMF/OVMF_VARS_4M.ms.fd", ..OVMF_CODE };
const OVMF_VARIABLES: Tool = Tool { name: "/usr/share/OVMF/OVMF_VARS_4M.fd", ..OVMF_CODE };

const MARKER: &str = "Loading the installer";
/// An emulated machine on a busy host is slow; a hung one is not worth more.
const PATIENCE: Duration = Duration::from_secs(600);

fn cd(image: &Path) -> Vec<String> {
    vec!["-cdrom".to_owned(), image.display().to_string()]
}

fn usb_disk(image: &Path) -> Vec<String> {
    let drive = format!("if=none,id=stick,format=raw,readonly=on,file={}", image.display());
    let words = ["-device", "qemu-xhci", "-device", "usb-storage,drive=stick", "-drive", &drive];
    words.map(str::to_owned).to_vec()
}

fn uefi(directory: &Path) -> Vec<String> {
    let variables = directory.join("variables.fd");
    std::fs::copy(OVMF_VARIABLES.find().unwrap(), &variables).unwrap();
    let code = OVMF_CODE.find().unwrap();
    let flash = |path: &Path, more: &str| {
        ["-drive".to_owned(), format!("if=pflash,format=raw{more},file={}", path.display())]
    };
    [flash(&code, ",readonly=on"), flash(&variables, "")].concat()
}

/// Firmware that starts only what is signed: Microsoft's keys are enrolled.
fn secure_boot(directory: &Path) -> Vec<String> {
    let variables = directory.join("variables.fd");
    std::fs::copy(OVMF_MS_VARIABLES.find().unwrap(), &variables).unwrap();
    let code = OVMF_MS_CODE.find().unwrap();
    let flash = |path: &Path, more: &str| {
        ["-drive".to_owned(), format!("if=pflash,format=raw{more},file={}", path.display())]
    };
    let secure = ["-machine", "smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on"];
    let drives = [flash(&code, ",readonly=on"), flash(&variables, "")].concat();
    secure.map(str::to_owned).into_iter().chain(drives).collect()
}

/// Whether the machine gets as far as the installer's menu entry.
fn starts(medium: fn(&Path) -> Vec<String>, firmware: fn(&Path) -> Vec<String>) {
    started(&Bench::new(), medium, firmware, MARKER);
}

/// Whether the machine says something.
fn started(
    bench: &Bench,
    medium: fn(&Path) -> Vec<String>,
    firmware: fn(&Path) -> Vec<String>,
    marker: &str,
) {
    bench.bake().unwrap();
    let directory = bench.directory.path();
    let serial = directory.join("serial");
    let log = File::create(directory.join("qemu.log")).unwrap();
    let cmd = QEMU.cmd().unwrap_or_else(|error| panic!("{error}"));
    let mut running = cmd
        .args(["-nodefaults", "-machine", "q35", "-accel", "tcg", "-m", "512"])
        .args(["-display", "none", "-vga", "std", "-no-reboot", "-net", "none", "-serial"])
        .arg(format!("file:{}", serial.display()))
        .args(firmware(directory))
        .args(medium(&bench.out))
        .start_logging(&log)
        .unwrap();
    let started = Instant::now();
    while !said(&serial).contains(marker) {
        if running.ended().unwrap().is_some() {
            panic!("{}", running.into_failure());
        }
        assert!(started.elapsed() < PATIENCE, "{}", said(&serial));
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The serial line's text; GRUB mixes zeros in.
fn said(serial: &Path) -> String {
    let bytes = std::fs::read(serial).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', "")
}

fn seabios(_: &Path) -> Vec<String> {
    Vec::new()
}

#[test]
fn from_cd_under_seabios() {
    starts(cd, seabios);
}

#[test]
fn from_usb_disk_under_seabios() {
    starts(usb_disk, seabios);
}

#[test]
fn from_cd_under_uefi() {
    for file in [OVMF_CODE, OVMF_VARIABLES] {
        file.find().unwrap_or_else(|error| panic!("{error}"));
    }
    starts(cd, uefi);
}

#[test]
fn from_usb_disk_under_uefi() {
    for file in [OVMF_CODE, OVMF_VARIABLES] {
        file.find().unwrap_or_else(|error| panic!("{error}"));
    }
    starts(usb_disk, uefi);
}

/// Where only what is signed may start, Debian's shim and GRUB do, and refuse a
/// kernel that isn't.
#[test]
fn under_secure_boot() {
    for file in [OVMF_MS_CODE, OVMF_MS_VARIABLES] {
        file.find().unwrap_or_else(|error| panic!("{error}"));
    }
    let signed = || Bench { secure_boot: SecureBoot::On, ..Bench::new() };
    started(&signed(), cd, secure_boot, MARKER);
    started(&signed(), usb_disk, secure_boot, "bad shim signature");
}

/// The chain starts without Secure Boot, too.
#[test]
fn the_signed_chain_under_plain_uefi() {
    let signed = Bench { secure_boot: SecureBoot::On, ..Bench::new() };
    started(&signed, usb_disk, uefi, MARKER);
}
