//! GRUB on the disk: the boot record and core for SeaBIOS, and the menu.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use minijinja::{Environment, UndefinedBehavior, context};

use edgectl_model::grub_word;
use edgectl_process::{FileError, file_error};

use super::disk::Disk;
use super::partitions::{Partitions, first_sector};
use crate::error::AgentError;
use crate::medium::{command_line, on_medium};

const MENU: &str = include_str!("../../../../templates/disk-grub.cfg");
const SECTOR: usize = 512;
/// Code of the boot record; the disk's signature and the protective partition
/// entry follow.
const CODE: usize = 440;
/// Place in `boot.img` of the first sector of the core (u64, little endian).
const CORE_SECTOR: usize = 0x5c;
/// Place in the core's first sector of the first sector of its rest.
const REST_SECTOR: usize = 0x1f4;

/// Writes GRUB to the boot record and the BIOS boot partition.
pub(crate) fn write(disk: &Disk, parts: &Partitions) -> Result<(), AgentError> {
    let first = first_sector(&parts.bios)?;
    let (record, core) = patch(read("boot.img")?, read("core.img")?, first)?;

    let mut device = open(&parts.bios)?;
    write_all(&mut device, &parts.bios, &core)?;

    let mut device = open(&disk.device)?;
    let mut sector = [0; SECTOR];
    device.read_exact(&mut sector).map_err(file_error("reading", &disk.device))?;
    sector[..CODE].copy_from_slice(&record[..CODE]);
    device.seek(SeekFrom::Start(0)).map_err(file_error("writing", &disk.device))?;
    Ok(write_all(&mut device, &disk.device, &sector)?)
}

/// Tells the record where the core is, and the core where its rest is.
fn patch(
    mut record: Vec<u8>,
    mut core: Vec<u8>,
    first: u64,
) -> Result<(Vec<u8>, Vec<u8>), AgentError> {
    if record.len() != SECTOR {
        return Err(AgentError::BootLoader("boot.img"));
    }
    if core.len() <= SECTOR {
        return Err(AgentError::BootLoader("core.img"));
    }
    record[CORE_SECTOR..CORE_SECTOR + 8].copy_from_slice(&first.to_le_bytes());
    core[REST_SECTOR..REST_SECTOR + 8].copy_from_slice(&(first + 1).to_le_bytes());
    Ok((record, core))
}

/// Writes the boot menu below `target`: the installer's own kernel arguments,
/// with the medium and the mode of the installed system.
pub(crate) fn menu(target: &Path) -> Result<(), AgentError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let arguments = installed_arguments(&command_line()?);
    let text = environment.render_str(MENU, context! { arguments })?;
    edgectl_process::write_file(
        &target.join("boot/grub/grub.cfg"),
        0o644,
        (text + "\n").as_bytes(),
    )?;
    Ok(())
}

fn installed_arguments(command_line: &str) -> String {
    let words = command_line.split_whitespace().filter(|w| !w.starts_with("BOOT_IMAGE="));
    let words = words.map(|word| match word.split_once('=') {
        Some(("edgectl.medium", _)) => "edgectl.medium=EDGE_STATE".to_owned(),
        Some(("edgectl.mode", _)) => "edgectl.mode=installed".to_owned(),
        _ => grub_word(word),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn read(name: &str) -> Result<Vec<u8>, FileError> {
    let path = on_medium("edgectl/grub").join(name);
    std::fs::read(&path).map_err(file_error("reading", path))
}

fn open(device: &str) -> Result<File, FileError> {
    let opened = OpenOptions::new().read(true).write(true).open(device);
    opened.map_err(file_error("opening", device))
}

fn write_all(file: &mut File, device: &str, bytes: &[u8]) -> Result<(), FileError> {
    file.write_all(bytes).map_err(file_error("writing", device))?;
    file.sync_all().map_err(file_error("writing", device))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_of_the_installed_system() {
        let line = "BOOT_IMAGE=/boot/kernel boot=edge edgectl.medium=EDGECTL edgectl.mode=install ds=nocloud;s=file:///x/ a={b&c} quiet\n";
        assert_eq!(
            installed_arguments(line),
            "boot=edge edgectl.medium=EDGE_STATE edgectl.mode=installed ds=nocloud\\;s=file:///x/ a=\\{b\\&c\\} quiet"
        );
    }

    #[test]
    fn patches_two_places() {
        let (record, core) = patch(vec![0; 512], vec![0; 2048], 2048).unwrap();
        assert_eq!(record[0x5c..0x64], 2048_u64.to_le_bytes());
        assert_eq!(core[0x1f4..0x1fc], 2049_u64.to_le_bytes());
        assert!(patch(vec![0; 100], vec![0; 2048], 1).is_err());
        assert!(patch(vec![0; 512], vec![0; 512], 1).is_err());
    }
}
