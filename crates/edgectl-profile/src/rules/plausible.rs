//! Whether a text can be an image at all, and how much of one it spells out.

use edgectl_model::Reference;

/// Longest text that is looked at.
const MAX_LENGTH: usize = 512;

/// How much of a reference a text spells out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Look {
    /// A host, a path, and a tag or digest: nothing else looks like that.
    Full,
    /// A path of several parts with a tag or digest, without a host.
    Tagged,
    /// A host and a path.
    Hosted,
    /// One word with a tag or digest: `busybox:1.36`.
    Short,
    /// Several parts of a path: `acme/web`.
    Path,
    /// One word that Docker Hub's own images have: `busybox`.
    Official,
    /// Some other word.
    Bare,
}

impl Look {
    /// Whether a name that says `image` is enough to believe it.
    pub(crate) fn suits_image(self) -> bool {
        self != Self::Bare
    }

    /// Whether it is believed where the name is in doubt.
    pub(crate) fn suits_doubt(self) -> bool {
        self <= Self::Tagged
    }
}

/// Hosts of sources, labels and documents, never of images.
const NOT_REGISTRIES: &[&str] = &[
    "apache.org",
    "bitbucket.org",
    "git.k8s.io",
    "github.com",
    "gitlab.com",
    "go.dev",
    "golang.org",
    "google.golang.org",
    "gopkg.in",
    "k8s.io",
    "kubernetes.io",
    "node-role.kubernetes.io",
    "node.kubernetes.io",
    "pkg.go.dev",
    "raw.githubusercontent.com",
    "sigs.k8s.io",
];
/// Effects of taints, which are written as tags are.
const EFFECTS: &[&str] = &["NoExecute", "NoSchedule", "PreferNoSchedule"];
/// Kinds of files that are images of another sort, or no images.
const FILES: &[&str] = &[
    ".bin", ".bmp", ".conf", ".efi", ".gif", ".gz", ".html", ".ico", ".img", ".iso", ".jpeg",
    ".jpg", ".js", ".json", ".md", ".ova", ".pem", ".png", ".qcow2", ".raw", ".sh", ".sock",
    ".svg", ".tar", ".tgz", ".toml", ".txt", ".vhd", ".vmdk", ".webp", ".xml", ".xz", ".yaml",
    ".yml", ".zip",
];
/// First halves of media types.
const MEDIA: &[&str] = &["application", "audio", "font", "image", "multipart", "text", "video"];
/// Names of Docker Hub's own images that are met without a tag.
const OFFICIAL: &[&str] = &[
    "alpine",
    "amazonlinux",
    "bash",
    "busybox",
    "caddy",
    "cassandra",
    "centos",
    "consul",
    "debian",
    "docker",
    "elasticsearch",
    "fedora",
    "fluentd",
    "golang",
    "haproxy",
    "hello-world",
    "httpd",
    "influxdb",
    "kibana",
    "mariadb",
    "memcached",
    "mongo",
    "mysql",
    "nats",
    "nginx",
    "node",
    "openjdk",
    "perl",
    "php",
    "postgres",
    "python",
    "rabbitmq",
    "redis",
    "registry",
    "ruby",
    "rust",
    "solr",
    "telegraf",
    "tomcat",
    "traefik",
    "ubuntu",
    "vault",
    "wordpress",
    "zookeeper",
];

/// How much of a reference `text` spells out; none if it can't be one.
pub(crate) fn look(text: &str) -> Option<Look> {
    if !has_shape(text) {
        return None;
    }
    let reference = Reference::parse(text).ok()?;
    let is_pinned = reference.tag().is_some() || reference.digest().is_some();
    if is_file(reference.path()) && !is_pinned {
        return None;
    }
    if reference.tag().is_some_and(|tag| EFFECTS.contains(&tag)) {
        return None;
    }
    match host(text) {
        Some(host) if !is_registry(host) => None,
        Some(_) if is_pinned => Some(Look::Full),
        Some(_) => Some(Look::Hosted),
        None => without_host(text, is_pinned),
    }
}

fn without_host(text: &str, is_pinned: bool) -> Option<Look> {
    let has_letter = text.bytes().any(|c| c.is_ascii_alphabetic());
    match text.split_once('/') {
        Some((first, _)) if MEDIA.contains(&first) && !is_pinned => None,
        Some((first, _)) if !first.bytes().any(|c| c.is_ascii_alphabetic()) => None,
        Some(_) if is_pinned => Some(Look::Tagged),
        Some(_) => Some(Look::Path),
        None if is_pinned => is_short(text).then_some(Look::Short),
        None if is_official(text) => Some(Look::Official),
        None => has_letter.then_some(Look::Bare),
    }
}

/// `busybox:1.36`, but no `host:port`, time or ratio.
fn is_short(text: &str) -> bool {
    let Some((name, tag)) = text.split_once([':', '@']) else { return false };
    let has_letter = name.bytes().any(|c| c.is_ascii_alphabetic());
    let is_host = name == "localhost" || name.contains('.') && tag.parse::<u16>().is_ok();
    has_letter && !is_host && !name.ends_with(".svc")
}

/// What every reference has, before it is parsed.
fn has_shape(text: &str) -> bool {
    let is_good = |c: u8| c.is_ascii_alphanumeric() || b"._/:@-[]".contains(&c);
    (2..=MAX_LENGTH).contains(&text.len())
        && text.bytes().all(is_good)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
}

fn is_file(path: &str) -> bool {
    FILES.iter().any(|end| path.ends_with(end))
}

/// The host that `text` names itself.
fn host(text: &str) -> Option<&str> {
    let (first, _) = text.split_once('/')?;
    let is_host = first == "localhost" || first.contains(['.', ':']);
    is_host.then_some(first)
}

/// Whether images can come from there: a name with a domain that is a word, an
/// address, or a name with a port.
fn is_registry(host: &str) -> bool {
    let name = host.split(':').next().unwrap_or(host);
    if NOT_REGISTRIES.contains(&name) || name.ends_with(".kubernetes.io") {
        return false;
    }
    let top = name.rsplit('.').next().unwrap_or(name);
    let is_word = top.len() >= 2 && top.bytes().all(|c| c.is_ascii_alphabetic());
    let is_punycode = top.starts_with("xn--");
    let is_address =
        name.split('.').count() == 4 && name.bytes().all(|c| c == b'.' || c.is_ascii_digit());
    host.starts_with('[') || is_address || is_punycode || (is_word && !is_file(name))
}

/// Whether Docker Hub has an image of its own of that name.
pub(crate) fn is_official(name: &str) -> bool {
    OFFICIAL.contains(&name)
}

/// Whether `text` is no image yet: a template of some engine has to be filled
/// in first.
pub(crate) fn is_template(text: &str) -> bool {
    let signs = ["{{", "$", "<", "%s", "%(", "[["];
    signs.iter().any(|sign| text.contains(sign)) || text.contains("/@") || text.starts_with('@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks() {
        let digest = format!("quay.io/a/b@sha256:{}", "a".repeat(64));
        for (text, expected) in [
            ("quay.io/a/b:1", Some(Look::Full)),
            (digest.as_str(), Some(Look::Full)),
            ("reg.local:5000/b:1", Some(Look::Full)),
            ("10.0.0.1:5000/b:1", Some(Look::Full)),
            ("localhost/b:1", Some(Look::Full)),
            ("longhornio/engine:v1", Some(Look::Tagged)),
            ("quay.io/a/b", Some(Look::Hosted)),
            ("busybox:1.36", Some(Look::Short)),
            ("a/b", Some(Look::Path)),
            ("busybox", Some(Look::Official)),
            ("web", Some(Look::Bare)),
        ] {
            assert_eq!(look(text), expected, "{text}");
        }
    }

    #[test]
    fn false_friends() {
        for text in [
            "https://example.org/x.png",
            "logo.png",
            "images/logo.svg",
            "disk.qcow2",
            "system:serviceaccount:a:b",
            "10:30:00",
            "12:30",
            "2024-01-01T00:00:00Z",
            "localhost:8080",
            "web.svc:8080",
            "web.example.org:443",
            "nvidia.com/gpu:NoSchedule",
            "node-role.kubernetes.io/control-plane:NoExecute",
            "github.com/acme/web:v1",
            "application/json",
            "/var/run/x.sock",
            "unix:/csi/csi.sock",
            "1/2",
            "512",
            "",
            "IfNotPresent",
            "a b",
            "{{ .x }}",
            "$(IMAGE)",
            "config.yaml/x:1",
            "0.0.0.0:80",
        ] {
            assert_eq!(look(text), None, "{text}");
        }
    }
}
