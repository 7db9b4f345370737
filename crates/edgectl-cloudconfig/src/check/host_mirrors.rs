//! Mirrors in the files that user data writes for a host's own runtime:
//! `hosts.toml` of containerd, `registries.yaml` of K3s and RKE2.

use edgectl_model::Prefix;

use crate::host_files::content;
use crate::tree::{Document, Id};

use super::registries::{Listed, MirrorRule, Registries};
use super::subject::Subject;

/// Adds what the files say to what the keys say.
pub(super) fn read(subject: &Subject<'_>, found: &mut Registries) {
    for (path, file) in subject.files() {
        let name = subject.document.get(file, "path").and_then(|id| subject.text_of(id));
        let (Some(name), Some(text)) = (name, content(subject.document, file)) else { continue };
        let from = File { subject, file, path };
        if let Some(folder) = hosts_folder(name) {
            from.hosts(folder, &text, found);
        } else if name.ends_with("/registries.yaml") {
            from.registries(&text, found);
        }
    }
}

/// `quay.io` of `/etc/containerd/certs.d/quay.io/hosts.toml`.
fn hosts_folder(path: &str) -> Option<&str> {
    let (above, folder) = path.strip_suffix("/hosts.toml")?.rsplit_once('/')?;
    above.ends_with("/certs.d").then_some(folder)
}

struct File<'s, 'a> {
    subject: &'s Subject<'a>,
    file: Id,
    path: String,
}

impl File<'_, '_> {
    fn hosts(&self, folder: &str, text: &str, found: &mut Registries) {
        let Some(target) = first_host(text).and_then(mirror_of) else { return };
        match folder {
            "_default" => found.everything = true,
            folder => self.mirror(&host_of_folder(folder), target, found),
        }
    }

    fn registries(&self, text: &str, found: &mut Registries) {
        let Ok(document) = Document::parse(text) else { return };
        let Some(root) = document.root else { return };
        for (host, mirror) in entries(&document, document.get(root, "mirrors")) {
            let endpoints = document.get(mirror, "endpoint");
            let first = endpoints.and_then(|id| document.items(id).first());
            let url = first.and_then(|id| document.node(document.resolve(*id)?).scalar());
            let Some(target) = url.and_then(|(url, _)| mirror_of(url)) else { continue };
            match host {
                "*" => found.everything = true,
                host => self.mirror(host, target, found),
            }
        }
        for (host, config) in entries(&document, document.get(root, "configs")) {
            let has_login = document.get(config, "auth").is_some();
            if let (true, Ok(domain)) = (has_login, Prefix::parse(host)) {
                found.listed.push(Listed { domain, place: self.place(), path: self.path.clone() });
            }
        }
    }

    /// A registry's own file says how it is reached, and is no mirror.
    fn mirror(&self, host: &str, target: Prefix, found: &mut Registries) {
        let Ok(source) = Prefix::parse(host) else { return };
        if source.domain() != target.domain() {
            let (place, path) = (self.place(), self.path.clone());
            found.rules.push(MirrorRule { source, target, place, path });
        }
    }

    fn place(&self) -> crate::error::Place {
        self.subject.place(self.file)
    }
}

fn entries(document: &Document, map: Option<Id>) -> impl Iterator<Item = (&str, Id)> {
    let map = map.and_then(|id| document.resolve(id));
    let entries = map.map(|id| document.entries(id)).unwrap_or_default();
    entries.iter().filter_map(|(key, value)| {
        let (key, _) = document.node(*key).scalar()?;
        Some((key, document.resolve(*value)?))
    })
}

/// The first `[host."URL"]`.
fn first_host(text: &str) -> Option<&str> {
    text.lines().find_map(|line| {
        let url = line.trim().strip_prefix("[host.")?.strip_suffix(']')?;
        Some(url.trim_matches(['"', '\'']))
    })
}

/// The registry and namespace of a mirror's URL.
fn mirror_of(url: &str) -> Option<Prefix> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or(url);
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let path = path.trim_end_matches('/');
    let path = if path == "v2" { "" } else { path.strip_prefix("v2/").unwrap_or(path) };
    Prefix::parse(&format!("{host}/{path}")).ok()
}

/// Both spellings of a port: `host:5000` and `host_5000_`.
fn host_of_folder(folder: &str) -> String {
    let port = folder.strip_suffix('_').and_then(|rest| rest.rsplit_once('_'));
    match port {
        Some((host, port)) => format!("{host}:{port}"),
        None => folder.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_and_mirrors() {
        assert_eq!(hosts_folder("/etc/containerd/certs.d/quay.io/hosts.toml"), Some("quay.io"));
        assert_eq!(hosts_folder("/etc/containerd/quay.io/hosts.toml"), None);
        assert_eq!(host_of_folder("[fd00::1]_5000_"), "[fd00::1]:5000");
        assert_eq!(host_of_folder("a_b.c"), "a_b.c");
        let shown = |url| mirror_of(url).map(|prefix| prefix.to_string());
        assert_eq!(shown("https://r.x:5000/v2/ns/quay.io").as_deref(), Some("r.x:5000/ns/quay.io"));
        assert_eq!(shown("http://r.x/v2").as_deref(), Some("r.x"));
        assert_eq!(shown("r.x/").as_deref(), Some("r.x"));
        assert_eq!(shown("https://"), None);
    }
}
