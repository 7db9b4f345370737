//! KVM where it really works, else emulation.

use std::time::{Duration, Instant};

use edgectl_process::{file_error, interrupted};

use crate::error::QemuError;
use crate::tools::QEMU;

/// The firmware says its first word within milliseconds where KVM works.
const PROBE: Duration = Duration::from_secs(4);

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

/// KVM if a machine makes progress under it: there are hosts where `/dev/kvm`
/// opens and the guest then hangs.
pub fn usable_accel() -> Result<Accel, QemuError> {
    let device = std::fs::OpenOptions::new().read(true).write(true).open("/dev/kvm");
    match device.is_ok() && kvm_makes_progress()? {
        true => Ok(Accel::Kvm),
        false => Ok(Accel::Tcg),
    }
}

fn kvm_makes_progress() -> Result<bool, QemuError> {
    let directory = tempfile::tempdir().map_err(file_error("creating", "a temporary directory"))?;
    let said = directory.path().join("firmware");
    let log = tempfile::tempfile().map_err(file_error("creating", "a temporary file"))?;
    let chardev = format!("file,id=said,path={}", said.display());
    let cmd = QEMU
        .cmd()?
        .args(["-nodefaults", "-machine", "pc", "-m", "64", "-display", "none"])
        .args(Accel::Kvm.arguments())
        // SeaBIOS talks to this port from its first instruction on.
        .args(["-chardev", &chardev, "-device", "isa-debugcon,iobase=0x402,chardev=said"]);
    let mut running = cmd.start_logging(&log)?;
    let deadline = Instant::now() + PROBE;
    while Instant::now() < deadline && running.ended()?.is_none() {
        interrupted()?;
        if std::fs::metadata(&said).is_ok_and(|m| m.len() > 0) {
            return Ok(true);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(false)
}
