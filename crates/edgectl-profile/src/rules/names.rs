//! What the name of a key, variable or flag says about its value.

/// How sure a name is that its value is an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Says {
    /// `image`, `sidecarImage`, `RELATED_IMAGE_X`, `--acme-solver-image`.
    Image,
    /// It has the word, and may mean something about an image (`imageLoader`)
    /// or another kind of image (`osImage`).
    Perhaps,
}

/// Behind the word `image` these still name the image itself.
const STILL: &[&str] = &[
    "address",
    "default",
    "full",
    "fullname",
    "location",
    "name",
    "names",
    "override",
    "ref",
    "reference",
    "references",
    "refs",
    "spec",
    "uri",
    "url",
];
/// Behind the word `image` these name something of it.
const OTHER: &[&str] = &[
    "arch",
    "architecture",
    "cache",
    "content",
    "credential",
    "credentials",
    "digest",
    "digests",
    "feature",
    "features",
    "file",
    "format",
    "gc",
    "hash",
    "host",
    "hub",
    "id",
    "mode",
    "os",
    "path",
    "platform",
    "policies",
    "policy",
    "prefix",
    "pull",
    "pullpolicy",
    "pullsecret",
    "pullsecrets",
    "registries",
    "registry",
    "repo",
    "repository",
    "secret",
    "secrets",
    "sha",
    "sha256",
    "signature",
    "size",
    "tag",
    "tags",
    "type",
    "version",
    "versions",
];
/// In front of the word `image` these mean no container image, or not surely.
const BEFORE: &[&str] = &[
    "avatar",
    "backing",
    "background",
    "banner",
    "boot",
    "ci",
    "cloud",
    "cover",
    "disk",
    "favicon",
    "floppy",
    "hero",
    "icon",
    "iso",
    "kernel",
    "logo",
    "machine",
    "node",
    "os",
    "preview",
    "root",
    "rootfs",
    "snapshot",
    "splash",
    "thumbnail",
    "vm",
];

/// What `name` says, in any spelling: `sidecarImage`, `SIDECAR_IMAGE`,
/// `sidecar-image`, `example.com/sidecar.image`.
pub(crate) fn says(name: &str) -> Option<Says> {
    // Nearly all names end here.
    if !has_word(name) {
        return None;
    }
    let words = words(name);
    let at = words.iter().rposition(|word| is_image(word))?;
    let behind = &words[at + 1..];
    let is_odd = at > 0 && BEFORE.contains(&words[at - 1].as_str())
        || prefix(&words[at]).is_some_and(|prefix| BEFORE.contains(&prefix));
    let is_related = words.windows(2).any(|pair| pair[0] == "related" && pair[1] == "image");
    match behind {
        _ if is_related => Some(Says::Image),
        _ if behind.iter().any(|word| OTHER.contains(&word.as_str())) => None,
        _ if is_odd => Some(Says::Perhaps),
        [] => Some(Says::Image),
        [word] if STILL.contains(&word.as_str()) => Some(Says::Image),
        [word] if word.bytes().all(|c| c.is_ascii_digit()) => Some(Says::Image),
        _ => Some(Says::Perhaps),
    }
}

fn has_word(name: &str) -> bool {
    let bytes = name.as_bytes();
    let is_at = |window: &[u8]| window.eq_ignore_ascii_case(b"mage");
    bytes.windows(4).any(is_at)
        || bytes.len() >= 3 && bytes.windows(3).any(|w| w.eq_ignore_ascii_case(b"img"))
}

fn is_image(word: &str) -> bool {
    let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
    matches!(word, "image" | "images" | "img") || prefix(word).is_some()
}

/// What stands in front of `image` in a word written together.
fn prefix(word: &str) -> Option<&str> {
    let prefix = word.strip_suffix("images").or_else(|| word.strip_suffix("image"))?;
    (!prefix.is_empty()).then_some(prefix)
}

/// The words of a name, in lower case: at separators, and where lower case
/// turns upper.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut before = ' ';
    let mut rest = name.chars().peekable();
    while let Some(c) = rest.next() {
        let starts = c.is_ascii_uppercase()
            && (before.is_ascii_lowercase()
                || before.is_ascii_digit()
                || (before.is_ascii_uppercase()
                    && rest.peek().is_some_and(char::is_ascii_lowercase)));
        if (starts || !c.is_ascii_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_ascii_alphanumeric() {
            word.push(c.to_ascii_lowercase());
        }
        before = c;
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_into_words() {
        for (name, expected) in [
            ("sidecarImage", "sidecar image"),
            ("CSI_NFSImage", "csi nfs image"),
            ("KanisterToolsImage", "kanister tools image"),
            ("--acme-http01-solver-image", "acme http01 solver image"),
            ("imageURL", "image url"),
            ("", ""),
        ] {
            assert_eq!(words(name).join(" "), expected);
        }
    }

    #[test]
    fn names_of_images() {
        for name in [
            "image",
            "images",
            "Image",
            "IMAGE",
            "initImage",
            "imageName",
            "image_name",
            "containerImage",
            "sidecar.istio.io/proxyImage",
            "RELATED_IMAGE_BASE_IMAGE_VERSION",
            "STRIMZI_KAFKA_IMAGES",
            "--engine-image",
            "workerimage",
            "img",
            "image2",
            "imageURI",
            "KanisterToolsImage",
            "tridentImage",
        ] {
            assert_eq!(says(name), Some(Says::Image), "{name}");
        }
        for name in ["osImage", "imageReloader", "IMAGE_CSI_ATTACHER", "vmimage", "osImageURL"] {
            assert_eq!(says(name), Some(Says::Perhaps), "{name}");
        }
        for name in [
            "imagePullPolicy",
            "imagePullSecrets",
            "imageRegistry",
            "imageFeatures",
            "ciImageSignatureValidation",
            "imageTag",
            "image-repository",
            "manager",
            "name",
            "IMAGE_PULL_SECRET",
            "--image-pull-policy",
            "imageID",
            "magenta",
            "damage",
        ] {
            assert_eq!(says(name), None, "{name}");
        }
    }
}
