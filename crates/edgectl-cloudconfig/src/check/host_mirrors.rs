//! Mirrors in the files that user data writes for a host's own runtime:
//! `hosts.toml` of containerd, `registries.yaml` of K3s and RKE2.

use edgectl_model::Prefix;

use crate::host_files::{content, with_openings};
use crate::tree::{Document, Id};

use super::registries::{Listed, MirrorRule, Registries};
use super::subject::Subject;

/// Adds what the files say to what the keys say.
pub(super) fn read(subject: &Subject<'_>, found: &mut Registries) {
    for (path, file) in subject.files() {
        let name = subject.document.get(file, "path").and_then(|id| subject.text_of(id));
        let (Some(name), Some(text)) = (name, content(subject.document, file)) else { continue };
        // Kairos runs the files of stages as templates before it writes them.
        let text = if path.starts_with("stages.") { with_openings(&text) } else { text };
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
            if host == "*" {
                found.everything = true;
                continue;
            }
            let rewrites = entries(&document, document.get(mirror, "rewrite"));
            let rewritten: Vec<(String, Prefix)> = rewrites
                .filter_map(|(pattern, id)| {
                    let (replacement, _) = document.node(id).scalar()?;
                    rewritten(pattern, replacement, &target)
                })
                .collect();
            for (path, target) in &rewritten {
                self.mirror(&format!("{host}/{path}"), target.clone(), found);
            }
            // What no rewrite takes goes to the mirror as it is.
            if !rewritten.iter().any(|(path, _)| path.is_empty()) {
                self.mirror(host, target, found);
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

/// What a rewrite does that puts one path in the place of another: the path
/// below the source, and where its images are.
fn rewritten(pattern: &str, replacement: &str, target: &Prefix) -> Option<(String, Prefix)> {
    let pattern = pattern.strip_prefix('^').unwrap_or(pattern);
    let path = pattern.strip_suffix('$').unwrap_or(pattern).strip_suffix("(.*)")?;
    let is_literal = path.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
    let place = replacement.strip_suffix("$1")?.trim_end_matches('/');
    let target = target.join(place).ok()?;
    let is_whole = path.is_empty() || path.ends_with('/');
    (is_literal && is_whole).then(|| (path.trim_end_matches('/').to_owned(), target))
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
        let target = Prefix::parse("r.x:5000").unwrap();
        let rewritten = |pattern, replacement| {
            let (path, target) = rewritten(pattern, replacement, &target)?;
            Some((path, target.to_string()))
        };
        let whole = rewritten("^(.*)$", "ns/quay.io/$1");
        assert_eq!(whole, Some((String::new(), "r.x:5000/ns/quay.io".to_owned())));
        let part = rewritten("^rancher/(.*)", "mirror/rancher/$1");
        assert_eq!(part, Some(("rancher".to_owned(), "r.x:5000/mirror/rancher".to_owned())));
        assert_eq!(rewritten("^(a|b)/(.*)", "c/$2"), None);
    }
}
