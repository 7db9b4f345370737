//! The files of one tar or directory, by name. Names only lead to contents;
//! nothing is ever written under them.

use std::collections::BTreeMap;
use std::io;

use super::content::Content;
use super::malformed;
use super::tar::{Entry, Kind};

/// Links that lead to links; more is a circle.
const HOPS: usize = 16;

/// What stands under a name.
#[derive(Debug, Clone)]
pub(super) enum Node {
    File(Content),
    /// The name of another one.
    Link(String),
    /// There, but not usable: why.
    Unusable(&'static str),
}

/// The files of one tar or directory.
#[derive(Debug)]
pub(super) struct Files {
    /// The archive, for messages: `pkg.tar.xz`, `pkg.tar.xz: images/a.tar`.
    pub(super) place: String,
    /// The archive that this one is a file of, and the file.
    pub(super) inside: Option<(usize, String)>,
    nodes: BTreeMap<String, Node>,
}

impl Files {
    pub(super) fn new(place: String, inside: Option<(usize, String)>) -> Self {
        Self { place, inside, nodes: BTreeMap::new() }
    }

    /// Puts a file under a name. Of two with one name the later one counts, as
    /// it would if they were unpacked.
    pub(super) fn put(&mut self, name: String, node: Node) {
        self.nodes.insert(name, node);
    }

    /// All names with what stands there, sorted.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|(name, node)| (name.as_str(), node))
    }

    /// What stands under a name, links not followed.
    pub(super) fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.get(name)
    }

    /// Names and what stands there below a directory, which ends with `/`.
    pub(super) fn below<'a>(
        &'a self,
        directory: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Node)> {
        let range = self
            .nodes
            .range::<str, _>((std::ops::Bound::Included(directory), std::ops::Bound::Unbounded));
        range
            .map(|(name, node)| (name.as_str(), node))
            .take_while(move |(name, _)| name.starts_with(directory))
    }

    /// The directories, each with `/` at its end, that have a file of this
    /// name.
    pub(super) fn directories_with(&self, file: &str) -> Vec<String> {
        let names = self.nodes.keys().filter_map(|name| name.strip_suffix(file));
        names.filter(|rest| rest.is_empty() || rest.ends_with('/')).map(str::to_owned).collect()
    }

    /// The name of the file itself, links followed, and its content.
    pub(super) fn get(&self, name: &str) -> io::Result<Option<(&str, &Content)>> {
        let mut name = match normal(name) {
            Some(name) => name,
            None => return Ok(None),
        };
        for _ in 0..HOPS {
            match self.nodes.get_key_value(&name) {
                None => return Ok(None),
                Some((name, Node::File(content))) => return Ok(Some((name, content))),
                Some((_, Node::Unusable(why))) => return Err(malformed(format!("`{name}` {why}"))),
                Some((_, Node::Link(target))) => name.clone_from(target),
            }
        }
        Err(malformed(format!("`{name}` is a link that leads to itself")))
    }
}

/// A name without `.` and doubled slashes; none if it leads out of the
/// archive.
pub(super) fn normal(name: &str) -> Option<String> {
    if name.starts_with('/') {
        return None;
    }
    let mut parts = Vec::new();
    for part in name.split('/').filter(|part| !matches!(*part, "" | ".")) {
        match part {
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/")).filter(|name| !name.is_empty())
}

/// What a link of a tar leads to.
pub(super) fn link(entry: &Entry) -> Option<Node> {
    let target = match &entry.kind {
        Kind::HardLink(target) => normal(target)?,
        Kind::Symlink(target) => {
            if target.starts_with('/') {
                return None;
            }
            match entry.name.rsplit_once('/') {
                Some((directory, _)) => normal(&format!("{directory}/{target}"))?,
                None => normal(target)?,
            }
        }
        _ => return None,
    };
    Some(Node::Link(target))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_inside() {
        assert_eq!(normal("./a//b/./c").as_deref(), Some("a/b/c"));
        assert_eq!(normal("a/../b").as_deref(), Some("b"));
        for name in ["/etc/passwd", "..", "a/../..", "../x", "", ".", "./"] {
            assert_eq!(normal(name), None, "{name}");
        }
    }

    #[test]
    fn links_stay_inside() {
        let led = |name: &str, kind| {
            let entry = Entry { name: name.to_owned(), kind, at: 0, size: 0 };
            match link(&entry) {
                Some(Node::Link(target)) => Some(target),
                _ => None,
            }
        };
        let symlink = |target: &str| Kind::Symlink(target.to_owned());
        assert_eq!(led("b/layer.tar", symlink("../a/layer.tar")).as_deref(), Some("a/layer.tar"));
        assert_eq!(led("layer.tar", symlink("a.tar")).as_deref(), Some("a.tar"));
        assert_eq!(led("b", Kind::HardLink("./a".to_owned())).as_deref(), Some("a"));
        assert_eq!(led("b", symlink("../../a")), None);
        assert_eq!(led("b", symlink("/a")), None);
    }

    #[test]
    fn circles_end() {
        let mut files = Files::new("x".to_owned(), None);
        files.put("a".to_owned(), Node::Link("b".to_owned()));
        files.put("b".to_owned(), Node::Link("a".to_owned()));
        assert!(files.get("a").is_err());
        assert!(files.get("c").unwrap().is_none());
    }
}
