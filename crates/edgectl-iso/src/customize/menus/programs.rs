//! What a boot entry starts, by its name.

/// Names that kernels have.
const KERNELS: [&str; 2] = ["vmlinuz", "bzimage"];
/// Programs that are loaded as kernels are and take other arguments: what is no word of
/// theirs iPXE takes for a command.
const PROGRAMS: [&str; 8] =
    ["memdisk", "mt86", "ipxe", "gpxe", "netboot.xyz", "plpbt", "lnxboot", "sbm"];
const ENDINGS: [&str; 2] = [".lkrn", ".krn"];

/// Whether a word is the path of a kernel.
pub(super) fn is_kernel(word: &str) -> bool {
    let path = word.to_ascii_lowercase();
    let name = path.rsplit_once('/').map(|(_, name)| name);
    let is_named = |name: &str| {
        KERNELS.iter().any(|kernel| name.starts_with(kernel)) || matches!(name, "linux" | "kernel")
    };
    name.is_some_and(is_named) && !is_program(word)
}

/// Whether a path is that of a program that is no kernel.
pub(super) fn is_program(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    let name = path.rsplit_once('/').map_or(path.as_str(), |(_, name)| name);
    path.contains("memtest")
        || PROGRAMS.iter().any(|program| name.starts_with(program))
        || ENDINGS.iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_and_programs_are_told_apart() {
        for path in ["/boot/memtest86+x64.bin", "ipxe.krn", "/boot/netboot.xyz.lkrn", "MEMDISK"] {
            assert!(is_program(path) && !is_kernel(path), "{path}");
        }
        for path in ["/live/vmlinuz-6.1", "($root)/boot/bzImage", "/boot/linux", "/ipxe/vmlinuz"] {
            assert!(is_kernel(path) && !is_program(path), "{path}");
        }
    }
}
