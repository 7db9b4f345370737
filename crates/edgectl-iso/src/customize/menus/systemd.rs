//! systemd-boot's entries (Boot Loader Specification, type 1): files of a few
//! lines, in the file system that firmware starts the loader from.

/// An entry is shorter than this.
const ENTRY: usize = 4096;
/// Files in a file system begin with a sector.
const SECTOR: usize = 512;

/// Whether such an entry is in these bytes, a file or a file system: a line
/// that names a kernel, with one that has its arguments near.
pub(in super::super) fn has_entry(bytes: &[u8]) -> bool {
    let mut kernels = lines_with(bytes, b"linux").chain(lines_with(bytes, b"efi"));
    kernels.any(|at| {
        let near = bytes.get(at.saturating_sub(ENTRY)..(at + ENTRY).min(bytes.len()));
        near.is_some_and(|near| lines_with(near, b"options").next().is_some())
    })
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
    fn entries_are_found_in_files_and_file_systems() {
        let entry = b"title Live\nlinux\t/live/vmlinuz\ninitrd /i\noptions boot=live\n";
        assert!(has_entry(entry));
        assert!(has_entry(&[&[0; 5000][..], entry, &[0; 5000]].concat()));
        assert!(has_entry(b"options a\r\nlinux \\k\r\n"));
        assert!(!has_entry(b"linux /k\ninitrd /i\n") && !has_entry(b"options of linux /k\n"));
        assert!(!has_entry(b"default live.conf\ntimeout 3\n") && !has_entry(b""));
    }
}
