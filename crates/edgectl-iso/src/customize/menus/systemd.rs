//! What systemd-boot starts (Boot Loader Specification), from the file system that
//! firmware starts the loader from: entries, which are files of a few lines (type 1),
//! and kernels with their arguments in one program (type 2, unified kernel images).

/// An entry is shorter than this.
const ENTRY: usize = 4096;
/// Files in a file system begin with a sector.
const SECTOR: usize = 512;
/// Bytes of a section's header in a program for UEFI (PE/COFF), its name first.
const SECTION: usize = 40;
/// Sections that a program has at most around its kernel.
const SECTIONS: usize = 32;

/// Whether such an entry is in these bytes, a file or a file system: a line
/// that names a kernel, with one that has its arguments near.
pub(in super::super) fn has_entry(bytes: &[u8]) -> bool {
    let mut kernels = lines_with(bytes, b"linux").chain(lines_with(bytes, b"efi"));
    kernels.any(|at| {
        let near = bytes.get(at.saturating_sub(ENTRY)..(at + ENTRY).min(bytes.len()));
        near.is_some_and(|near| lines_with(near, b"options").next().is_some())
    })
}

/// Whether a unified kernel image is in these bytes: a program with one section
/// for a kernel and another one for its initial RAM file system.
pub(in super::super) fn has_unified_kernel(bytes: &[u8]) -> bool {
    let is_initrd = |at: usize| bytes.get(at..).is_some_and(|it| it.starts_with(b".initrd\0"));
    let near = |kernel: usize| {
        let mut around = (1..=SECTIONS).map(|n| n * SECTION);
        around.any(|by| is_initrd(kernel + by) || kernel.checked_sub(by).is_some_and(is_initrd))
    };
    let names = bytes.windows(8).enumerate().filter(|(_, name)| name == b".linux\0\0");
    names.map(|(at, _)| at).any(near)
}

/// Where lines begin that have this key, then a path or more text.
fn lines_with<'a>(bytes: &'a [u8], key: &'static [u8]) -> impl Iterator<Item = usize> + 'a {
    let is_path = key != b"options";
    let is_it = move |at: &usize| {
        let front = at.checked_sub(1).and_then(|front| bytes.get(front));
        let begins = matches!(front, None | Some(b'\n' | b'\r' | 0)) || at.is_multiple_of(SECTOR);
        let rest = bytes.get(at + key.len()..).unwrap_or_default();
        let blanks = rest.iter().take_while(|byte| b" \t".contains(byte)).count();
        let value = rest.get(blanks);
        begins && blanks > 0 && value.is_some_and(|byte| !is_path || b"/\\".contains(byte))
    };
    let first = key[0];
    let starts = bytes.iter().enumerate().filter(move |(_, byte)| **byte == first);
    let starts = starts.map(|(at, _)| at);
    starts.filter(move |at| bytes[*at..].starts_with(key)).filter(is_it)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unified_kernels_are_known_by_their_sections() {
        let section = |name: &str| {
            let mut header = name.as_bytes().to_vec();
            header.resize(SECTION, 0);
            header
        };
        let program = |names: &[&str]| {
            let mut bytes = vec![7; 1000];
            bytes.extend(names.iter().flat_map(|name| section(name)));
            bytes
        };
        assert!(has_unified_kernel(&program(&[".text", ".linux", ".cmdline", ".initrd"])));
        assert!(has_unified_kernel(&program(&[".initrd", ".osrel", ".linux"])));
        // A loader knows the names, too, and has none of them.
        assert!(!has_unified_kernel(b".text\0.linux\0\0.osrel\0.cmdline\0.initrd\0"));
        assert!(!has_unified_kernel(&program(&[".text", ".linux", ".data"])));
    }

    #[test]
    fn entries_are_found_in_files_and_file_systems() {
        let entry = b"title Live\nlinux\t/live/vmlinuz\ninitrd /i\noptions boot=live\n";
        assert!(has_entry(entry));
        assert!(has_entry(&[&[0; 5000][..], entry, &[0; 5000]].concat()));
        assert!(has_entry(b"options a\r\nlinux \\k\r\n"));
        assert!(!has_entry(b"linux /k\ninitrd /i\n") && !has_entry(b"options of linux /k\n"));
        assert!(!has_entry(b"default live.conf\ntimeout 3\n") && !has_entry(b""));
    }
}
