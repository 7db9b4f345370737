//! Partitions and their file systems.

use std::path::Path;
use std::time::{Duration, Instant};

use edgectl_process::{Cmd, file_error};

use super::copy::Sizes;
use super::disk::Disk;
use crate::error::AgentError;

const BIOS_BOOT: &str = "21686148-6449-6E6F-744E-656564454649";
const EFI_SYSTEM: &str = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B";
const LINUX: &str = "0FC63DAF-8483-4772-8E79-3D69D8477DE4";
const ESP_MIB: u64 = 64;
const APPEAR: Duration = Duration::from_secs(30);

/// The devices of the partitions.
#[derive(Debug)]
pub(crate) struct Partitions {
    /// GRUB's core for SeaBIOS.
    pub(crate) bios: String,
    /// EFI system partition.
    pub(crate) esp: String,
    /// The system.
    pub(crate) state: String,
    /// Data that lasts.
    pub(crate) data: String,
}

/// Writes a partition table and makes the file systems. Everything that was
/// on the disk is gone.
pub(crate) fn make(disk: &Disk, sizes: &Sizes) -> Result<Partitions, AgentError> {
    let table = table(sizes.state_mib());
    Cmd::new("sfdisk")
        .args(["--quiet", "--wipe", "always", "--wipe-partitions", "always", &disk.device])
        .ensure_success_with(table.as_bytes())?;
    let part = |number| partition(&disk.device, number);
    let parts = Partitions { bios: part(1), esp: part(2), state: part(3), data: part(4) };
    for device in [&parts.bios, &parts.esp, &parts.state, &parts.data] {
        wait_for(device)?;
    }
    Cmd::new("mkfs.vfat").args(["-n", "EDGE_ESP", &parts.esp]).ensure_success()?;
    ext4("EDGE_STATE", &parts.state)?;
    ext4("EDGE_DATA", &parts.data)?;
    Ok(parts)
}

fn table(state_mib: u64) -> String {
    format!(
        "label: gpt\n\
         size=1MiB, type={BIOS_BOOT}, name=EDGE_BIOS\n\
         size={ESP_MIB}MiB, type={EFI_SYSTEM}, name=EDGE_ESP\n\
         size={state_mib}MiB, type={LINUX}, name=EDGE_STATE\n\
         type={LINUX}, name=EDGE_DATA\n"
    )
}

fn ext4(label: &str, device: &str) -> Result<(), AgentError> {
    // The inode tables are cleared while the system runs, not now.
    let cmd = Cmd::new("mkfs.ext4").args(["-q", "-F", "-m", "0", "-L", label]).args([
        "-E",
        "lazy_itable_init=1,lazy_journal_init=1",
        device,
    ]);
    Ok(cmd.ensure_success()?)
}

/// `/dev/vda1`, but `/dev/nvme0n1p1`.
fn partition(device: &str, number: u32) -> String {
    let joint = if device.ends_with(|c: char| c.is_ascii_digit()) { "p" } else { "" };
    format!("{device}{joint}{number}")
}

fn wait_for(device: &str) -> Result<(), AgentError> {
    let deadline = Instant::now() + APPEAR;
    while !Path::new(device).exists() {
        if Instant::now() > deadline {
            return Err(AgentError::NoPartition(device.to_owned()));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// First sector of a partition, in units of 512 bytes.
pub(crate) fn first_sector(device: &str) -> Result<u64, AgentError> {
    let name = device.trim_start_matches("/dev/");
    let path = format!("/sys/class/block/{name}/start");
    let text = std::fs::read_to_string(&path).map_err(file_error("reading", &path))?;
    let wrong = |_| file_error("understanding", &path)(std::io::ErrorKind::InvalidData.into());
    Ok(text.trim().parse().map_err(wrong)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partition_names() {
        assert_eq!(partition("/dev/vda", 3), "/dev/vda3");
        assert_eq!(partition("/dev/nvme0n1", 3), "/dev/nvme0n1p3");
    }
}
