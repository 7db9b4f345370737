//! `hosts.toml`: where containerd goes for the images of one source host.

use edgectl_model::Prefix;

use crate::text::quoted;

/// How a mirror is reached.
pub(crate) struct Mirror<'a> {
    /// Registry and the path under which the images are.
    pub(crate) target: &'a Prefix,
    /// Plain HTTP or an unverified certificate is allowed.
    pub(crate) insecure: bool,
    /// File with its certificate authorities.
    pub(crate) ca: Option<&'a str>,
}

/// The folder that containerd looks into for `host`.
pub(crate) fn folder(host: &str) -> String {
    // A colon in a folder name works, too, but not everywhere.
    match host.rfind(':') {
        Some(at) if at > 0 => format!("{}_{}_", &host[..at], &host[at + 1..]),
        _ => host.to_owned(),
    }
}

/// The file for a source host whose images are all in `mirror`.
///
/// The mirror is also the `server`, so that containerd never falls back to
/// the source; and it has a `[host]` table, because containerd before 1.7.32
/// ignores a file without one and goes to the source.
pub(crate) fn mirror_file(source: &str, mirror: &Mirror<'_>) -> String {
    let path = match mirror.target.path() {
        "" => "/v2".to_owned(),
        path => format!("/v2/{path}"),
    };
    let note = format!("# Images of {source} come from {}, and from nowhere else.", mirror.target);
    file(&note, mirror, &path)
}

/// The file for a registry that images name themselves.
pub(crate) fn own_file(registry: &Mirror<'_>) -> String {
    file("# How this registry is reached.", registry, "")
}

fn file(note: &str, mirror: &Mirror<'_>, path: &str) -> String {
    let host = mirror.target.domain();
    let secure = format!("https://{host}{path}");
    let mut text = format!("# Written by edgectl.\n{note}\nserver = {}\n", quoted(&secure));
    let trust = trust(mirror);
    push(&mut text, "", path, &trust);
    push_host(&mut text, &secure, path, &trust);
    if mirror.insecure {
        push_host(&mut text, &format!("http://{host}{path}"), path, "");
    }
    text
}

fn push_host(text: &mut String, url: &str, path: &str, trust: &str) {
    text.push_str(&format!("\n[host.{}]\n", quoted(url)));
    push(text, "  ", path, trust);
}

/// The keys that the root and a `[host]` table have in common.
fn push(text: &mut String, margin: &str, path: &str, trust: &str) {
    text.push_str(&format!("{margin}capabilities = [\"pull\", \"resolve\"]\n"));
    if !path.is_empty() {
        text.push_str(&format!("{margin}override_path = true\n"));
    }
    if !trust.is_empty() {
        text.push_str(&format!("{margin}{trust}\n"));
    }
}

fn trust(mirror: &Mirror<'_>) -> String {
    match (mirror.insecure, mirror.ca) {
        (true, _) => "skip_verify = true".to_owned(),
        (false, Some(ca)) => format!("ca = {}", quoted(ca)),
        (false, None) => String::new(),
    }
}
