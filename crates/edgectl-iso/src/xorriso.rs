//! The external tools of baking, and xorriso's argument vector.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use edgectl_process::{Cmd, CmdError, Tool};

use crate::date;

/// Writes the ISO.
pub(crate) const XORRISO: Tool = Tool {
    name: "xorriso",
    package: "xorriso",
    purpose: "writing ISO images",
    version: &["-version"],
};
/// Writes the squashfs.
pub(crate) const MKSQUASHFS: Tool = Tool {
    name: "mksquashfs",
    package: "squashfs-tools",
    purpose: "packing the operating system",
    version: &["-version"],
};
/// Makes GRUB's cores.
pub(crate) const GRUB_MKIMAGE: Tool = Tool {
    name: "grub-mkimage",
    package: "grub-common",
    purpose: "making boot loaders",
    version: &["--version"],
};
const GRUB_BIOS: Tool = Tool {
    name: "/usr/lib/grub/i386-pc/boot_hybrid.img",
    package: "grub-pc-bin",
    purpose: "booting under SeaBIOS",
    version: &[],
};
const GRUB_EFI: Tool = Tool {
    name: "/usr/lib/grub/x86_64-efi/linux.mod",
    package: "grub-efi-amd64-bin",
    purpose: "booting under UEFI",
    version: &[],
};
/// Makes the EFI system partition.
pub(crate) const MKFS_VFAT: Tool = Tool {
    name: "mkfs.vfat",
    package: "dosfstools",
    purpose: "making the EFI system partition",
    version: &["--help"],
};
/// Fills the EFI system partition.
pub(crate) const MCOPY: Tool = Tool {
    name: "mcopy",
    package: "mtools",
    purpose: "filling the EFI system partition",
    version: &["--version"],
};

/// Everything that baking needs from outside.
pub const TOOLS: [Tool; 7] =
    [XORRISO, MKSQUASHFS, GRUB_MKIMAGE, GRUB_BIOS, GRUB_EFI, MKFS_VFAT, MCOPY];

/// What xorriso says in its last moment.
const CRASH: &str = "UNIX-SIGNAL:  SIGSEGV";
/// Crashes that are borne.
const CRASHES: u32 = 2;

/// What xorriso is to write.
#[derive(Debug)]
pub(crate) struct Disc<'a> {
    /// Volume label.
    pub(crate) label: &'a str,
    /// Boot record for disks.
    pub(crate) hybrid_record: PathBuf,
    /// EFI system partition, appended as partition 2.
    pub(crate) esp: &'a Path,
    /// What is put on the disc: name on it, file or directory here.
    pub(crate) grafts: Vec<(String, PathBuf)>,
    /// Files that go to the end, by their names on the disc.
    pub(crate) last: &'a [&'a str],
    /// A directory on the disc whose files are links here, which are followed.
    pub(crate) linked: Option<&'a str>,
    /// Seconds since 1970 for every date on the disc.
    pub(crate) epoch: u64,
    /// Where to write.
    pub(crate) out: &'a Path,
}

impl Disc<'_> {
    /// xorriso's arguments.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let date = date::digits(self.epoch);
        let mut words: Vec<OsString> = Vec::new();
        let mut add = |more: &[&str]| words.extend(more.iter().map(OsString::from));
        // The user's own settings of xorriso must not show.
        add(&["-no_rc", "-report_about", "WARNING"]);
        // It looks only when it reports whether its writer has ended, and by
        // default that is once a second.
        add(&["-pacifier", "interval=0.1", "-as", "mkisofs", "-iso-level", "3"]);
        add(&["-R", "-J", "-joliet-long", "-uid", "0", "-gid", "0"]);
        add(&["-V", self.label, "-graft-points"]);
        add(&[&format!("--modification-date={date}")]);
        add(&["--set_all_file_dates", &date, "--gpt_disk_guid", "modification-date"]);
        add(&["-partition_offset", "16", "--mbr-force-bootable", "--grub2-mbr"]);
        words.push(self.hybrid_record.clone().into_os_string());
        let mut add = |more: &[&str]| words.extend(more.iter().map(OsString::from));
        add(&["-append_partition", "2", "0xef"]);
        words.push(self.esp.as_os_str().to_owned());
        let mut add = |more: &[&str]| words.extend(more.iter().map(OsString::from));
        add(&["-appended_part_as_gpt", "-b", "boot/grub/eltorito.img", "-c", "boot/grub/boot.cat"]);
        add(&["--boot-catalog-hide", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table"]);
        add(&["--grub2-boot-info", "-eltorito-alt-boot"]);
        add(&["-e", "--interval:appended_partition_2:all::", "-no-emul-boot"]);
        // What is replaced later goes behind everything else, so that a digest
        // of the image with other content takes reading little of it.
        self.last.iter().for_each(|path| add(&["--sort-weight", "-1", path]));
        add(&["-o"]);
        words.push(self.out.as_os_str().to_owned());
        words.extend(self.linked.map(|_| "-f".into()));
        words.extend(self.grafts.iter().map(|(name, path)| graft(name, path)));
        // What links lead to has modes of its own.
        let modes = self.linked.map(|directory| format!("/{directory}"));
        let modes = modes.iter().flat_map(|directory| {
            ["--", "-find", directory, "-type", "f", "-exec", "chmod", "0644", "--"]
        });
        words.extend(modes.map(OsString::from));
        words
    }
}

/// Runs xorriso, again if it has crashed: 1.5.4 did that once in some thousand
/// runs, on a busy machine, with input that it took before and after. Says how
/// often it has crashed.
pub(crate) fn run(cmd: &Cmd, out: &Path) -> Result<u32, CmdError> {
    for crashes in 0..CRASHES {
        match cmd.ensure_success() {
            Err(error) if has_crashed(&error) => {
                tracing::warn!("xorriso has crashed; it is run again");
                // What it has written must not shine through.
                if let Ok(file) = std::fs::File::options().write(true).open(out) {
                    let _ = file.set_len(0);
                }
            }
            ended => return ended.map(|()| crashes),
        }
    }
    cmd.ensure_success().map(|()| CRASHES)
}

fn has_crashed(error: &CmdError) -> bool {
    matches!(error, CmdError::Failed { stderr, .. } if stderr.contains(CRASH))
}

/// `name=path`, with `=` and `\` in either escaped.
fn graft(name: &str, path: &Path) -> OsString {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let escape = |bytes: &[u8]| {
        let mut escaped = Vec::new();
        for byte in bytes {
            if matches!(byte, b'=' | b'\\') {
                escaped.push(b'\\');
            }
            escaped.push(*byte);
        }
        escaped
    };
    let mut bytes = escape(name.as_bytes());
    bytes.push(b'=');
    bytes.extend(escape(path.as_os_str().as_bytes()));
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_is_borne_and_a_failure_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let (out, runs) = (directory.path().join("out"), directory.path().join("runs"));
        let program = |says: &str| {
            let script = format!(
                "echo run >> '{}'; echo bytes >> '{}'; [ $(wc -l < '{}') -gt 2 ] || {{ echo '{says}' >&2; exit 1; }}",
                runs.display(),
                out.display(),
                runs.display()
            );
            Cmd::new("sh").args(["-c", &script])
        };
        assert_eq!(run(&program("UNIX-SIGNAL:  SIGSEGV  errno= 0"), &out).unwrap(), 2);
        assert_eq!(std::fs::read(&out).unwrap(), b"bytes\n", "nothing of the former runs");
        std::fs::remove_file(&runs).unwrap();
        run(&program("FAILURE : no such file"), &out).unwrap_err();
        assert_eq!(std::fs::read(&runs).unwrap(), b"run\n");
    }

    #[test]
    fn grafts_are_escaped() {
        assert_eq!(graft("a", Path::new("/x=y")), OsString::from("a=/x\\=y"));
    }
}
