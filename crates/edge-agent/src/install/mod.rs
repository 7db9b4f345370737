//! Installing: one squashfs under an overlay, started by GRUB, on a disk of
//! its own, with a partition for data that lasts.
//!
//! ```text
//!   1  BIOS boot    1 MiB    GRUB's core for SeaBIOS
//!   2  EDGE_ESP     64 MiB   GRUB for UEFI
//!   3  EDGE_STATE   2 GiB+   system image, kernel, user data (read-only when running)
//!   4  EDGE_DATA    rest     image store, cloud-init's memory
//! ```

mod boot_loader;
mod copy;
mod disk;
mod partitions;
mod seed;

use std::time::Instant;

use edgectl_cloudconfig::read_settings;
use edgectl_model::{NodeEvent, Secret};
use edgectl_process::{Cmd, file_error};

use crate::error::AgentError;
use crate::medium;
use crate::report::Reporter;
use crate::unlock;

/// Where partitions are mounted while they are filled.
const TARGET: &str = "/run/edgectl/target";

/// Installs to the disk that the user data names, then restarts or powers
/// off as the user data says.
pub(crate) fn install(reporter: &mut Reporter) -> Result<(), AgentError> {
    let started = Instant::now();
    let user_data = unlock::opened(medium::user_data()?, reporter)?;
    let settings = read_settings(user_data.expose())?;
    if !settings.install.auto {
        return Err(AgentError::NotAutomatic);
    }
    let sizes = copy::Sizes::of_medium()?;
    let disk = disk::choose(&settings.install.device, sizes.needed())?;
    reporter.say(&NodeEvent::InstallStarted { device: disk.device.clone() });
    let mut step = |text: &str| reporter.say(&NodeEvent::InstallStep { step: text.to_owned() });

    let parts = partitions::make(&disk, &sizes)?;
    step("partitioned the disk");
    fill_state(&parts, &user_data)?;
    step("copied and verified the system");
    fill_esp(&parts)?;
    prepare_data(&parts)?;
    boot_loader::write(&disk, &parts)?;
    step("wrote the boot loaders");

    rustix::fs::sync();
    let seconds = started.elapsed().as_secs_f64();
    reporter.say(&NodeEvent::InstallFinished { device: disk.device, seconds });
    leave(&settings.install)
}

fn fill_state(parts: &partitions::Partitions, user_data: &Secret) -> Result<(), AgentError> {
    let target = Mounted::new("ext4", &parts.state)?;
    copy::system(target.path())?;
    seed::write(target.path(), user_data)?;
    boot_loader::menu(target.path())
}

fn fill_esp(parts: &partitions::Partitions) -> Result<(), AgentError> {
    let target = Mounted::new("vfat", &parts.esp)?;
    copy::tree("edgectl/grub/esp", target.path())
}

fn prepare_data(parts: &partitions::Partitions) -> Result<(), AgentError> {
    let target = Mounted::new("ext4", &parts.data)?;
    for name in ["containerd", "cloud"] {
        let path = target.path().join(name);
        std::fs::create_dir_all(&path).map_err(file_error("creating", path))?;
    }
    copy::content(target.path())
}

/// The image is whole on the disk, so the machine may go down at once.
fn leave(install: &edgectl_cloudconfig::InstallSettings) -> Result<(), AgentError> {
    let command = match (install.poweroff, install.reboot) {
        (true, _) => rustix::system::RebootCommand::PowerOff,
        (false, true) => rustix::system::RebootCommand::Restart,
        (false, false) => return Ok(()),
    };
    // The event port must have handed its bytes over before the machine stops.
    std::thread::sleep(std::time::Duration::from_millis(500));
    rustix::system::reboot(command).map_err(|e| AgentError::Restart(e.into()))
}

/// A mounted partition; unmounted when dropped.
struct Mounted(std::path::PathBuf);

impl Mounted {
    fn new(kind: &str, device: &str) -> Result<Self, AgentError> {
        let path = std::path::PathBuf::from(TARGET);
        std::fs::create_dir_all(&path).map_err(file_error("creating", &path))?;
        Cmd::new("mount").args(["-t", kind, device]).arg(&path).ensure_success()?;
        Ok(Self(path))
    }

    fn path(&self) -> &std::path::Path {
        &self.0
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        rustix::fs::sync();
        let _ = Cmd::new("umount").arg(&self.0).ensure_success();
    }
}
