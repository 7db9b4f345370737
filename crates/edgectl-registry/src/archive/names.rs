//! What names of files in archives tell: how images are called, and which
//! files can belong to an image archive at all.

use edgectl_model::Reference;

/// Files that image archives have beside blobs, layers and archives.
const KNOWN: [&str; 8] = [
    "index.json",
    "json",
    "link",
    "manifest.json",
    "oci-layout",
    "repositories",
    "VERSION",
    "airgap.yaml",
];
const ARCHIVES: [&str; 7] = [".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.zst", ".tzst", ".airgap"];

fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or_default()
}

fn is_hex(text: &str) -> bool {
    matches!(text.len(), 64 | 128) && text.bytes().all(|c| c.is_ascii_hexdigit())
}

/// `…/blobs/ALGORITHM/HEX`, or as registries store it.
pub(super) fn is_blob(name: &str) -> bool {
    blob_digest(name).is_some()
}

/// The digest that the name of a blob claims.
pub(super) fn blob_digest(name: &str) -> Option<String> {
    let parts: Vec<&str> = name.rsplit('/').collect();
    let (algorithm, hex) = match parts.as_slice() {
        [hex, algorithm, "blobs", ..] => (algorithm, hex),
        ["data", hex, start, algorithm, "blobs", ..] if hex.starts_with(start) => (algorithm, hex),
        _ => return None,
    };
    (is_hex(hex) && matches!(*algorithm, "sha256" | "sha512")).then(|| format!("{algorithm}:{hex}"))
}

/// `HEX/layer.tar`, `HEX.tar`, `HEX.tar.gz`, `sha256:HEX.tar`: as the writers
/// of `docker save` archives call layers.
pub(super) fn is_layer(name: &str) -> bool {
    let name = last(name);
    let stem = ARCHIVES.iter().find_map(|extension| name.strip_suffix(extension));
    name == "layer.tar"
        || stem.is_some_and(|stem| is_hex(stem.strip_prefix("sha256:").unwrap_or(stem)))
}

/// Whether packages call archives so.
pub(super) fn is_archive(name: &str) -> bool {
    ARCHIVES.iter().any(|extension| name.ends_with(extension)) || name.contains("docker-archive/")
}

/// Whether an image archive, or a package of them, may have such a file.
pub(super) fn is_expected(name: &str) -> bool {
    let file = last(name);
    let stem = file.strip_prefix("sha256:").unwrap_or(file);
    is_blob(name)
        || is_hex(stem.split('.').next().unwrap_or_default())
        || KNOWN.contains(&file)
        || is_archive(name)
        || name.contains("docker/registry/v2/")
}

/// Whether a file is a text that may be asked for.
pub(super) fn is_text(name: &str, start: &[u8]) -> bool {
    let first = start.iter().find(|byte| !byte.is_ascii_whitespace());
    matches!(first, Some(b'{' | b'[')) || last(name) == "airgap.yaml"
}

/// The full name in an annotation that holds either one or a tag alone.
pub(super) fn full_name(text: &str) -> Option<Reference> {
    text.contains(['/', ':', '@']).then(|| Reference::parse(text).ok())?
}

/// The name that the path of an archive tells, where packages name them so:
/// `…/docker-archive/HOST/PATH/TAG`, and `…/sha256/HEX` or `…/sha256:HEX` for a
/// digest.
pub(super) fn name_by_path(path: &str) -> Option<Reference> {
    let (_, rest) = path.split_once("docker-archive/")?;
    let (repository, tag) = rest.rsplit_once('/')?;
    let pinned = repository.strip_suffix("/sha256").filter(|_| is_hex(tag));
    Reference::parse(&match (pinned, tag.starts_with("sha256:")) {
        (Some(repository), _) => format!("{repository}@sha256:{tag}"),
        (None, true) => format!("{repository}@{tag}"),
        (None, false) => format!("{repository}:{tag}"),
    })
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blobs_and_layers_by_name() {
        let hex = "ab".repeat(32);
        assert!(is_blob(&format!("x/blobs/sha256/{hex}")));
        assert!(is_blob(&format!("images/docker/registry/v2/blobs/sha256/ab/{hex}/data")));
        assert!(!is_blob(&format!("blobs/md5/{hex}")) && !is_blob(&format!("sha256/{hex}")));
        for name in
            [format!("{hex}/layer.tar"), format!("{hex}.tar.gz"), format!("sha256:{hex}.tar")]
        {
            assert!(is_layer(&name) && is_expected(&name), "{name}");
        }
        assert!(!is_layer("web.tar"));
        assert!(is_expected("images/web.tar") && !is_expected("usr/bin/sh"));
    }

    #[test]
    fn names_of_images() {
        let named = |text| full_name(text).map(|name| name.canonical());
        assert_eq!(named("1.2"), None);
        assert_eq!(named("nginx:1"), Some("docker.io/library/nginx:1".to_owned()));
        assert_eq!(named("quay.io/a/b"), Some("quay.io/a/b:latest".to_owned()));
        let by_path = |text: &str| name_by_path(text).map(|name| name.canonical());
        let name = "quay.io/org/app:1.2".to_owned();
        assert_eq!(by_path("images/docker-archive/quay.io/org/app/1.2"), Some(name));
        let hex = "ab".repeat(32);
        for path in [format!("sha256/{hex}"), format!("sha256:{hex}")] {
            let path = format!("images/docker-archive/quay.io/org/app/{path}");
            assert_eq!(by_path(&path), Some(format!("quay.io/org/app@sha256:{hex}")));
        }
        assert_eq!(by_path("images/app.tar"), None);
    }
}
