//! A machine that says on its serial console what it has found.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use edgectl_process::Cmd;

/// An emulated machine on a busy host is slow; a hung one is not worth more.
const PATIENCE: Duration = Duration::from_secs(25 * 60);
/// Firmware or kernel say something within seconds.
const FIRST_SIGN: Duration = Duration::from_secs(120);
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(500);

/// An emulated machine without network and disks; `arguments` add what it has.
fn machine(arguments: &[&str], console: &Path) -> Cmd {
    Cmd::new("qemu-system-x86_64")
        .args(["-nodefaults", "-machine", "pc", "-display", "none", "-no-reboot"])
        .args(["-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2"])
        .args(["-device", "virtio-rng-pci"])
        .args(["-serial", &format!("file:{}", console.display())])
        .args(arguments)
}

/// Runs a machine with QEMU's `arguments` until it says `end`, and gives all
/// that it said; `directory` takes its logs.
pub fn read_console(directory: &Path, arguments: &[&str], end: &str) -> String {
    let console = directory.join("console.log");
    let cmd = machine(arguments, &console);
    let log = File::create(directory.join("qemu.log")).unwrap();
    let said =
        || String::from_utf8_lossy(&std::fs::read(&console).unwrap_or_default()).into_owned();
    for attempt in 1.. {
        let mut running = cmd.start_logging(&log).unwrap();
        let started = Instant::now();
        // Emulated processors now and then never get to their first instruction.
        let is_dead = || attempt < ATTEMPTS && said().is_empty() && started.elapsed() > FIRST_SIGN;
        while !said().contains(end) && !is_dead() {
            let is_over = running.ended().unwrap().is_some() || started.elapsed() > PATIENCE;
            // Some go down with their last word, which may be later than our look.
            let is_done = !is_over || said().contains(end);
            assert!(is_done, "the machine didn't come to its end:\n{}", said());
            std::thread::sleep(PAUSE);
        }
        running.stop(Duration::from_secs(5)).unwrap();
        if !said().is_empty() {
            break;
        }
    }
    said()
}
