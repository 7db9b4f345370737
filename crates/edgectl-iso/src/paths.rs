//! Paths inside an image: bytes, relative, without `.` and `..`.

/// A path as tar files write it, made relative and plain; none if it leads
/// out of the root. The root itself is the empty path.
pub(crate) fn plain(raw: &[u8]) -> Option<Vec<u8>> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in raw.split(|c| *c == b'/') {
        match part {
            b"" | b"." => {}
            b".." => return None,
            part => parts.push(part),
        }
    }
    Some(parts.join(&b'/'))
}

/// Directory and last component; the directory of a top-level name is empty.
pub(crate) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|c| *c == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (b"", path),
    }
}

/// `directory/name`.
pub(crate) fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    match directory {
        b"" => name.to_vec(),
        directory => [directory, b"/", name].concat(),
    }
}

/// Where a symbolic link in `directory` points, as a plain path; `..` stops
/// at the root, as in a chroot.
pub(crate) fn follow(directory: &[u8], target: &[u8]) -> Vec<u8> {
    let base: &[u8] = if target.starts_with(b"/") { b"" } else { directory };
    let mut parts: Vec<&[u8]> = base.split(|c| *c == b'/').filter(|p| !p.is_empty()).collect();
    for part in target.split(|c| *c == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join(&b'/')
}

/// For messages.
pub(crate) fn show(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_paths() {
        assert_eq!(plain(b"./usr//bin/").unwrap(), b"usr/bin");
        assert_eq!(plain(b"/").unwrap(), b"");
        assert_eq!(plain(b"a/../b"), None);
    }

    #[test]
    fn links_stay_inside() {
        assert_eq!(follow(b"usr/lib", b"../share/x"), b"usr/share/x");
        assert_eq!(follow(b"a", b"../../../b"), b"b");
        assert_eq!(follow(b"a", b"/b/./c"), b"b/c");
    }
}
