//! Kernel arguments that tell cloud-init where its user data is.

/// Whether an argument is one.
pub(super) fn is_it(word: &str) -> bool {
    word.starts_with("ds=nocloud")
}

/// Whether both name the same place.
pub(super) fn are_same(one: &str, other: &str) -> bool {
    one == other || place(one).is_some_and(|found| place(other) == Some(found))
}

/// The place that an argument names: a directory of the running system, or an
/// address.
fn place(word: &str) -> Option<&str> {
    let mut parts = word.split(';').skip(1);
    let found =
        parts.find_map(|part| part.strip_prefix("s=").or(part.strip_prefix("seedfrom=")))?;
    Some(found.strip_prefix("file://").unwrap_or(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_compared_as_wholes() {
        let used = "ds=nocloud;s=/cdrom/nocloud/";
        assert!(are_same("ds=nocloud-net;h=a;seedfrom=file:///cdrom/nocloud/", used));
        assert!(!are_same("ds=nocloud;s=http://10.0.0.1/cdrom/nocloud/", used));
        assert!(!are_same("ds=nocloud", used) && is_it("ds=nocloud-net"));
    }
}
