//! KVM where it really works, else emulation.

use std::time::{Duration, Instant};

use edgectl_process::{file_error, interrupted};

use crate::error::QemuError;
use crate::tools::QEMU;

/// The firmware says its last word within a fraction of a second where KVM works.
const PROBE: Duration = Duration::from_secs(8);
/// What SeaBIOS says when it has looked at everything.
const LAST_WORD: &str = "No bootable device";
/// What a start may take longer for other reasons.
const SLACK: Duration = Duration::from_millis(500);

/// How guest code is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accel {
    /// By the processor.
    Kvm,
    /// Emulated.
    Tcg,
}

impl Accel {
    pub(crate) fn arguments(self) -> [&'static str; 4] {
        match self {
            Self::Kvm => ["-accel", "kvm", "-cpu", "host"],
            Self::Tcg => ["-accel", "tcg,thread=multi", "-cpu", "max"],
        }
    }
}

impl std::fmt::Display for Accel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Kvm => "KVM",
            Self::Tcg => "emulation (TCG)",
        })
    }
}

/// KVM if a machine starts under it, and not slower than emulated: there are
/// hosts where `/dev/kvm` opens and the guest then hangs, or where each of its
/// exits costs so much that firmware and boot loaders take minutes.
pub fn usable_accel() -> Result<Accel, QemuError> {
    let device = std::fs::OpenOptions::new().read(true).write(true).open("/dev/kvm");
    let Some(kvm) = device.ok().map(|_| firmware_time(Accel::Kvm)).transpose()?.flatten() else {
        return Ok(Accel::Tcg);
    };
    let is_faster = firmware_time(Accel::Tcg)?.is_none_or(|emulated| kvm <= emulated * 2 + SLACK);
    Ok(if is_faster { Accel::Kvm } else { Accel::Tcg })
}

/// How long the firmware of a machine without disks takes to find that out; none
/// if it doesn't.
fn firmware_time(accel: Accel) -> Result<Option<Duration>, QemuError> {
    let directory = tempfile::tempdir().map_err(file_error("creating", "a temporary directory"))?;
    let said = directory.path().join("firmware");
    let log = tempfile::tempfile().map_err(file_error("creating", "a temporary file"))?;
    let chardev = format!("file,id=said,path={}", said.display());
    let cmd = QEMU
        .cmd()?
        .args(["-nodefaults", "-machine", "pc", "-m", "64", "-display", "none"])
        .args(accel.arguments())
        // SeaBIOS talks to this port from its first instruction on.
        .args(["-chardev", &chardev, "-device", "isa-debugcon,iobase=0x402,chardev=said"]);
    let mut running = cmd.start_logging(&log)?;
    let start = Instant::now();
    while start.elapsed() < PROBE && running.ended()?.is_none() {
        interrupted()?;
        let text = std::fs::read(&said).unwrap_or_default();
        if String::from_utf8_lossy(&text).contains(LAST_WORD) {
            return Ok(Some(start.elapsed()));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(None)
}
