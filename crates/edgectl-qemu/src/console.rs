//! Signs on the console that a machine won't come up.

/// Texts after which waiting is pointless, and what they mean. None of them is
/// said on the way to a system that comes up after all.
const DEAD_ENDS: [(&str, &str); 20] = [
    ("Kernel panic", "the kernel panicked"),
    ("(initramfs)", "the initial RAM file system gave up and shows its prompt"),
    ("dracut:/#", "the initial RAM file system (dracut) gave up and shows its prompt"),
    ("Entering emergency mode", "the initial RAM file system (dracut) is in emergency mode"),
    ("You are in emergency mode", "the system is in emergency mode"),
    ("You are in rescue mode", "the system is in rescue mode"),
    ("Give root password for maintenance", "the system waits for root to mend it"),
    ("grub rescue>", "GRUB has not found the rest of itself and shows its rescue prompt"),
    ("Minimal BASH-like line editing", "GRUB has found no menu and shows its prompt"),
    ("you need to load the kernel first", "GRUB has not found the kernel"),
    ("Failed to boot both default and fallback entries", "GRUB could start none of its entries"),
    ("Could not find kernel image", "ISOLINUX has not found the kernel"),
    ("No DEFAULT or UI configuration directive found", "ISOLINUX has found no menu"),
    ("Failed to load ldlinux.c32", "ISOLINUX has not found the rest of itself"),
    ("Refusing to continue", "the initial RAM file system (dracut) gave up"),
    ("System will halt in 12 hours", "the medium is damaged, its own check says"),
    ("Freezing execution", "systemd gave up"),
    ("No bootable device", NO_START),
    ("No bootable option or device was found", NO_START),
    ("UEFI Interactive Shell", NO_START),
];
const NO_START: &str = "the firmware finds nothing to start from";

/// Why the machine is stuck, if its console says so.
pub(crate) fn dead_end(console: &[u8]) -> Option<&'static str> {
    // Serial consoles sprinkle NULs and escapes between words, not inside.
    let text = String::from_utf8_lossy(console);
    DEAD_ENDS.iter().find(|(sign, _)| text.contains(sign)).map(|(_, meaning)| *meaning)
}

/// The same of what SeaBIOS says beside the console.
pub(crate) fn no_start(firmware: &[u8]) -> Option<&'static str> {
    shows(firmware, "No bootable device").then_some(NO_START)
}

/// Whether a console shows a text.
pub(crate) fn shows(console: &[u8], text: &str) -> bool {
    String::from_utf8_lossy(console).contains(text)
}

/// The last `lines` lines that hold something, without control characters.
pub(crate) fn tail(console: &[u8], lines: usize) -> Vec<String> {
    let text = String::from_utf8_lossy(console);
    let clean = |line: &str| line.chars().filter(|c| !c.is_control()).collect::<String>();
    let all: Vec<String> = text.lines().map(clean).filter(|line| !line.trim().is_empty()).collect();
    all[all.len().saturating_sub(lines)..].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_dead_ends() {
        assert_eq!(dead_end(b"all is well"), None);
        for (line, means) in [
            ("[ 1.0] Kernel panic - not syncing: VFS: Unable to mount root fs", "panicked"),
            ("BusyBox v1.35.0 built-in shell (ash)\r\n(initramfs) ", "its prompt"),
            (
                "Generating \"/run/initramfs/rdsosreport.txt\"\r\n\r\nEntering emergency mode. Exit the shell to continue.",
                "dracut",
            ),
            ("dracut:/# ", "dracut"),
            ("You are in emergency mode. After logging in, type \"journalctl -xb\"", "emergency"),
            ("You are in rescue mode. After logging in", "rescue mode"),
            ("Give root password for maintenance\r\n(or press Control-D to continue): ", "root"),
            (
                "error: unknown filesystem.\r\nEntering rescue mode...\r\ngrub rescue> ",
                "rescue prompt",
            ),
            ("   Minimal BASH-like line editing is supported. For\r\n", "no menu"),
            ("error: you need to load the kernel first.\r\n", "the kernel"),
            (
                "error: no such device: A.\r\nFailed to boot both default and fallback entries.",
                "none",
            ),
            ("Could not find kernel image: /live/vmlinuz\r\nboot: ", "the kernel"),
            ("No DEFAULT or UI configuration directive found!\r\nboot: ", "no menu"),
            ("Failed to load ldlinux.c32\r\nBoot failed: please change disks", "rest of itself"),
            (
                "dracut: FATAL: No or empty root= argument\r\ndracut: Refusing to continue",
                "gave up",
            ),
            (
                "The media check is complete, the result is: FAIL.\r\nSystem will halt in 12 hours.",
                "damaged",
            ),
            ("systemd[1]: Freezing execution.", "systemd"),
            ("BdsDxe: No bootable option or device was found.", "nothing to start from"),
            ("UEFI Interactive Shell v2.2", "nothing to start from"),
        ] {
            let found = dead_end(line.as_bytes()).unwrap_or_else(|| panic!("{line}"));
            assert!(found.contains(means), "{line}: {found}");
        }
        for harmless in [
            // What a failed `search` says on the way to another one.
            "error: no such device: /.disk/info.\r\n",
            "error: file `/boot/grub/fonts/unicode.pf2' not found.",
            "Begin: Running /scripts/init-premount ... done.",
            "[  OK  ] Reached target emergency.target - Emergency Mode is off",
            "systemd[1]: Starting dracut-initqueue.service",
        ] {
            assert_eq!(dead_end(harmless.as_bytes()), None, "{harmless}");
        }
        assert_eq!(no_start(b"Booting from Hard Disk...\nNo bootable device.\n"), Some(NO_START));
        assert_eq!(tail(b"a\n\n\x1bb\r\nc\n", 2), ["b", "c"]);
    }
}
