//! Signs on the console that a machine won't come up.

/// Texts after which waiting is pointless, and what they mean.
const DEAD_ENDS: [(&str, &str); 5] = [
    ("Kernel panic", "the kernel panicked"),
    ("(initramfs)", "the initial RAM file system gave up and shows its prompt"),
    ("You are in emergency mode", "the system is in emergency mode"),
    ("error: no such device", "GRUB doesn't find its medium"),
    ("No bootable device", "the firmware finds nothing to start from"),
];

/// Why the machine is stuck, if its console says so.
pub(crate) fn dead_end(console: &[u8]) -> Option<&'static str> {
    // Serial consoles sprinkle NULs and escapes between words, not inside.
    let text = String::from_utf8_lossy(console);
    DEAD_ENDS.iter().find(|(sign, _)| text.contains(sign)).map(|(_, meaning)| *meaning)
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
        assert!(dead_end(b"[ 1.0] Kernel panic - not syncing").is_some());
        assert_eq!(tail(b"a\n\n\x1bb\r\nc\n", 2), ["b", "c"]);
    }
}
