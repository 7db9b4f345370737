//! The two phases of the proof.

use std::path::{Path, PathBuf};
use std::time::Duration;

use edgectl_model::NodeEvent;

use crate::accel::Accel;
use crate::disk;
use edgectl_process::file_error;

use crate::error::QemuError;
use crate::events::TimedEvent;
use crate::firmware::Firmware;
use crate::machine::{Boot, Door, Machine, Medium};
use crate::phase::{Phase, PhaseReport};

/// What both phases share.
#[derive(Debug, Clone)]
pub struct Run {
    /// How guest code is run.
    pub accel: Accel,
    /// Memory in MiB.
    pub memory_mib: u32,
    /// Processors.
    pub cpus: u32,
    /// Size of the blank disk in GiB.
    pub disk_gib: u32,
    /// After this a phase is given up.
    pub timeout: Duration,
    /// The way to the registry.
    pub door: Door,
    /// Where results go.
    pub directory: PathBuf,
    /// A disc that is plugged in beside the installer, with the key of its user
    /// data.
    pub key_disc: Option<PathBuf>,
    /// Where the disk to install to is made.
    pub disk: PathBuf,
    /// What starts the machine, in both phases.
    pub firmware: Firmware,
}

/// What installing gave.
#[derive(Debug, Clone)]
pub struct Installed {
    /// What happened.
    pub report: PhaseReport,
    /// The installed disk; none if installing failed.
    pub disk: Option<PathBuf>,
}

/// What the installed system proved.
#[derive(Debug, Clone)]
pub struct Proof {
    /// What happened.
    pub report: PhaseReport,
}

/// Boots the installer with a blank disk until the machine restarts.
pub fn install(
    run: &Run,
    iso: &Path,
    medium: Medium,
    on_event: &mut dyn FnMut(&TimedEvent),
) -> Result<Installed, QemuError> {
    let directory = run.directory.join("install");
    std::fs::create_dir_all(&directory).map_err(file_error("creating", &directory))?;
    let path = run.disk.clone();
    disk::blank(&path, run.disk_gib)?;
    let boot = Boot::Installer { iso: iso.to_owned(), medium, key_disc: run.key_disc.clone() };
    let machine = run.machine(boot, path.clone());
    let mut finished = false;
    let report = Phase {
        name: "install",
        machine: &machine,
        directory: &directory,
        timeout: run.timeout,
        text: None,
        watch: &mut |event| {
            on_event(event);
            finished |= matches!(event.event, NodeEvent::InstallFinished { .. });
            // Success ends with the machine's restart, failure at once.
            matches!(event.event, NodeEvent::Failed { .. })
        },
    }
    .run()?;
    Ok(Installed { report, disk: finished.then_some(path) })
}

/// Starts an installed disk (which stays as it is) and waits for the proof.
pub fn prove(
    run: &Run,
    installed: &Path,
    on_event: &mut dyn FnMut(&TimedEvent),
) -> Result<Proof, QemuError> {
    let directory = run.directory.join("prove");
    std::fs::create_dir_all(&directory).map_err(file_error("creating", &directory))?;
    let overlay = directory.join("disk.qcow2");
    disk::overlay(&overlay, installed)?;
    let machine = run.machine(Boot::Disk, overlay.clone());
    let report = Phase {
        name: "prove",
        machine: &machine,
        directory: &directory,
        timeout: run.timeout,
        text: None,
        watch: &mut |event| {
            on_event(event);
            matches!(event.event, NodeEvent::Finished { .. } | NodeEvent::Failed { .. })
        },
    }
    .run()?;
    // What the node pulled is of no use to anybody.
    let _ = std::fs::remove_file(&overlay);
    Ok(Proof { report })
}

/// Runs a machine until its console shows `text`, at most so long. All that
/// the console shows is in `console.log` of `directory`.
pub fn wait_for_text(
    machine: &Machine,
    directory: &Path,
    text: &str,
    timeout: Duration,
) -> Result<PhaseReport, QemuError> {
    let (name, watch) = ("console", &mut |_: &TimedEvent| false);
    Phase { name, machine, directory, timeout, text: Some(text), watch }.run()
}

impl Run {
    fn machine(&self, boot: Boot, disk: PathBuf) -> Machine {
        Machine {
            accel: self.accel,
            memory_mib: self.memory_mib,
            cpus: self.cpus,
            boot,
            disk,
            door: Some(self.door.clone()),
            firmware: self.firmware.clone(),
        }
    }
}
