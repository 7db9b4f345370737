//! Paths inside an image: bytes, relative, without `.` and `..`.

/// A path as tar files write it, made relative and plain; none if it leads
/// out of the root. The root itself is the empty path.
pub(crate) fn plain(raw: &[u8]) -> Option<Vec<u8>> {
    let parts: Vec<&[u8]> = parts(raw).collect();
    (!parts.contains(&&b".."[..])).then(|| parts.join(&b'/'))
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

/// The components of a path that mean something; `..` is one of them.
pub(crate) fn parts(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|c| *c == b'/').filter(|part| !matches!(*part, b"" | b"."))
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
    fn components() {
        assert_eq!(parts(b"/a/./../b//").collect::<Vec<_>>(), [&b"a"[..], b"..", b"b"]);
        assert_eq!(split(b"a/b/c"), (&b"a/b"[..], &b"c"[..]));
        assert_eq!(split(b"a"), (&b""[..], &b"a"[..]));
        assert_eq!(join(b"", b"a"), b"a");
    }
}
