//! Which disk to install to.

use std::fs;
use std::path::Path;

use edgectl_process::file_error;

use crate::error::AgentError;
use crate::medium::MEDIUM;

const SYS_BLOCK: &str = "/sys/block";
/// Units of `/sys/block/*/size`, whatever the disk's own sectors are.
const SECTOR: u64 = 512;

/// A disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Disk {
    /// Kernel name, for example `vda`.
    pub(crate) name: String,
    /// Device file.
    pub(crate) device: String,
    /// Size in bytes.
    pub(crate) bytes: u64,
    removable: bool,
}

/// The disk that `wanted` names (`auto` for the largest one that isn't
/// removable and isn't the medium), with at least `needed` bytes.
pub(crate) fn choose(wanted: &str, needed: u64) -> Result<Disk, AgentError> {
    let disks = list(Path::new(SYS_BLOCK))?;
    let mounts =
        fs::read_to_string("/proc/mounts").map_err(file_error("reading", "/proc/mounts"))?;
    let medium = medium_device(&mounts);
    let disk = match wanted {
        "auto" => largest(&disks, medium.as_deref())?,
        path => named(&disks, path)?,
    };
    if disk.bytes < needed {
        let Disk { device, bytes, .. } = disk;
        return Err(AgentError::DiskTooSmall { device, bytes, needed });
    }
    Ok(disk)
}

fn list(sys_block: &Path) -> Result<Vec<Disk>, AgentError> {
    let mut disks = Vec::new();
    for entry in fs::read_dir(sys_block).map_err(file_error("reading", sys_block))?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if ["loop", "ram", "zram", "sr", "fd", "dm-", "md"].iter().any(|p| name.starts_with(p)) {
            continue;
        }
        let number = |file: &str| {
            let text = fs::read_to_string(entry.path().join(file)).unwrap_or_default();
            text.trim().parse::<u64>().unwrap_or(0)
        };
        let bytes = number("size") * SECTOR;
        let device = format!("/dev/{name}");
        disks.push(Disk { name, device, bytes, removable: number("removable") == 1 });
    }
    disks.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(disks)
}

fn largest(disks: &[Disk], medium: Option<&str>) -> Result<Disk, AgentError> {
    let is_medium = |disk: &Disk| medium.is_some_and(|m| m.starts_with(&disk.device));
    let fit = disks.iter().filter(|d| d.bytes > 0 && !d.removable && !is_medium(d));
    // Of equal ones the first, so that the choice doesn't depend on luck.
    let best = fit.reduce(|best, disk| if disk.bytes > best.bytes { disk } else { best });
    best.cloned().ok_or_else(|| {
        let names: Vec<&str> = disks.iter().map(|d| d.name.as_str()).collect();
        AgentError::NoDisk(format!("found only [{}]", names.join(", ")))
    })
}

fn named(disks: &[Disk], path: &str) -> Result<Disk, AgentError> {
    let real = fs::canonicalize(path).map_err(file_error("looking for", path))?;
    let found = disks.iter().find(|disk| Path::new(&disk.device) == real);
    found.cloned().ok_or_else(|| {
        AgentError::NoDisk(format!("`install.device` names `{path}`, which is no disk"))
    })
}

/// The device that the medium is mounted from.
fn medium_device(mounts: &str) -> Option<String> {
    let line = mounts.lines().find(|l| l.split_whitespace().nth(1) == Some(MEDIUM))?;
    line.split_whitespace().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(name: &str, gib: u64, removable: bool) -> Disk {
        Disk { name: name.into(), device: format!("/dev/{name}"), bytes: gib << 30, removable }
    }

    #[test]
    fn takes_the_largest_that_is_not_the_medium() {
        let disks = [disk("sda", 64, false), disk("sdb", 32, false), disk("sdc", 99, true)];
        assert_eq!(largest(&disks, Some("/dev/sda1")).unwrap().name, "sdb");
        assert_eq!(largest(&disks, None).unwrap().name, "sda");
        assert!(largest(&disks[2..], None).is_err());
    }

    #[test]
    fn finds_the_medium() {
        let mounts = "proc /proc proc rw 0 0\n/dev/sr0 /run/edgectl/medium iso9660 ro 0 0\n";
        assert_eq!(medium_device(mounts).as_deref(), Some("/dev/sr0"));
    }
}
