//! What kinds of documents there are, and who reads each.

mod argo_cd;
mod compose;
mod eib;
pub(crate) mod flux;
mod hauler;
pub(crate) mod image_locks;
mod k3s;
mod kots;
mod kustomize_file;
pub(crate) mod list;
mod oc_mirror;
mod os_pack;
pub(crate) mod pack;
mod pack_content;
pub(crate) mod pack_values;
pub(crate) mod profile;
pub(crate) mod table;
mod zarf;

use edgectl_model::{Role, Tier};

use crate::collect::{Book, Kind, Scope, join};
use crate::elsewhere::{ChartName, Elsewhere, Target};
use crate::rules;
use crate::tree::Node;

/// Lists in lists end here.
const MAX_LISTS: usize = 8;

/// What a reader works with.
pub(crate) struct Desk<'a, 'b> {
    pub(crate) book: &'a mut Book,
    pub(crate) scope: &'a Scope<'b>,
    /// What the document names that is elsewhere.
    pub(crate) elsewhere: &'a mut Vec<Elsewhere>,
}

/// One kind of document.
struct Source {
    is: fn(&Node) -> bool,
    /// Reads one; the path is that of the node in its document.
    read: fn(&mut Desk<'_, '_>, &Node, &str),
    /// Whether the rules for Kubernetes objects look at it, too.
    is_object: bool,
}

/// Objects that aren't searched as any other object would be.
const fn list(is: fn(&Node) -> bool, read: fn(&mut Desk<'_, '_>, &Node, &str)) -> Source {
    Source { is, read, is_object: false }
}

/// Objects that say more than the rules for objects see.
const fn object(is: fn(&Node) -> bool, read: fn(&mut Desk<'_, '_>, &Node, &str)) -> Source {
    Source { is, read, is_object: true }
}

/// The first that fits reads a document.
const SOURCES: &[Source] = &[
    list(zarf::is, zarf::read),
    list(hauler::is, hauler::read),
    list(oc_mirror::is, oc_mirror::read),
    list(image_locks::is, image_locks::read),
    list(eib::is, eib::read),
    list(kustomize_file::is, kustomize_file::read),
    list(kots::is_list, kots::read_list),
    object(kots::is_chart, kots::read_chart),
    object(kots::is_collector, kots::read_collector),
    object(flux::is, flux::read),
    object(argo_cd::is, argo_cd::read),
    object(k3s::is, k3s::read),
    list(compose::is, compose::read),
];

/// Who else has to look at a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nobody: it was read as a whole.
    Read,
    /// The rules for Kubernetes objects.
    Object,
    /// It is of no kind that is known.
    Unknown,
}

/// Whether the table knows a document, or it is an object.
pub(crate) fn is_known(root: &Node) -> bool {
    list::is_tree(root) || is_object(root) || SOURCES.iter().any(|source| (source.is)(root))
}

/// Reads what the table knows of a document.
pub(crate) fn dispatch(desk: &mut Desk<'_, '_>, root: &Node) -> Verdict {
    if list::is_tree(root) {
        list::read_tree(desk, root);
        return Verdict::Read;
    }
    item(desk, root, "", MAX_LISTS)
}

fn item(desk: &mut Desk<'_, '_>, node: &Node, path: &str, lists: usize) -> Verdict {
    if let Some(source) = SOURCES.iter().find(|source| (source.is)(node)) {
        (source.read)(desk, node, path);
        return if source.is_object { Verdict::Object } else { Verdict::Read };
    }
    if !is_object(node) {
        return Verdict::Unknown;
    }
    if kind(node).ends_with("List") && lists > 0 {
        for (index, inner) in
            node.get("items").map(Node::items).unwrap_or_default().iter().enumerate()
        {
            item(desk, inner, &join(path, &format!("items[{index}]")), lists - 1);
        }
    }
    Verdict::Object
}

/// Whether a document is a Kubernetes object, or near enough.
pub(crate) fn is_object(node: &Node) -> bool {
    let has_body =
        || ["apiVersion", "metadata", "spec", "items"].iter().any(|key| node.get(key).is_some());
    node.get("kind").is_some_and(|kind| kind.text().is_some()) && has_body()
}

/// The kind of an object; empty where it has none.
pub(crate) fn kind(node: &Node) -> &str {
    node.get("kind").and_then(Node::scalar).unwrap_or_default()
}

/// The group of an object's API version: `apps` of `apps/v1`.
pub(crate) fn group(node: &Node) -> &str {
    let version = node.get("apiVersion").and_then(Node::scalar).unwrap_or_default();
    version.split_once('/').map_or("", |(group, _)| group)
}

/// The texts of a list of scalars at `path`, with the path of each.
fn texts<'a>(node: Option<&'a Node>, path: &str) -> Vec<(&'a Node, &'a str, String)> {
    let items = node.map(Node::items).unwrap_or_default().iter().enumerate();
    items.filter_map(|(n, item)| Some((item, item.text()?, format!("{path}[{n}]")))).collect()
}

/// The items of a list at `path`, with the path of each.
fn items<'a>(node: Option<&'a Node>, path: &str) -> Vec<(&'a Node, String)> {
    let items = node.map(Node::items).unwrap_or_default().iter().enumerate();
    items.map(|(n, item)| (item, format!("{path}[{n}]"))).collect()
}

/// The text of a key.
fn text<'a>(node: &'a Node, key: &str) -> Option<&'a str> {
    node.get(key).and_then(Node::text)
}

impl Desk<'_, '_> {
    /// Takes an image that a list names.
    fn declare(&mut self, rule: &'static str, node: &Node, path: &str) {
        self.take(declared(rule), node, path);
    }

    /// Takes an image that isn't declared.
    fn take(&mut self, kind: Kind, node: &Node, path: &str) {
        if let Some(text) = node.text() {
            self.book.take(self.scope, node, path, text, kind);
        }
    }

    /// Takes the images in `key` of each item of a list.
    fn declare_each(&mut self, rule: &'static str, node: Option<&Node>, path: &str, key: &str) {
        for (item, path) in items(node, path) {
            match item.text() {
                Some(_) => self.declare(rule, item, &path),
                None => {
                    let found =
                        crate::collect::get_or_misspelt(self.book, self.scope, item, &path, key);
                    if let Some((key, image)) = found {
                        self.declare(rule, image, &join(&path, key));
                    }
                }
            }
        }
    }

    /// Searches values of a chart that stand at `path`.
    fn values(&mut self, node: &Node, path: &str) {
        let base = format!("{}{path}.", self.scope.base);
        values_in(self.book, &self.scope.inside(self.scope.layer, base), node);
    }

    /// Remembers something that is named here and is elsewhere.
    fn ask(&mut self, node: &Node, path: &str, target: Target) {
        let (found, column) = self.scope.found(node, path, "not-read");
        self.elsewhere.push(Elsewhere { found, column, unit: self.scope.pack, target });
    }

    /// Remembers a chart.
    fn ask_chart(&mut self, node: &Node, path: &str, chart: ChartName) {
        self.ask(node, path, Target::Chart(chart));
    }
}

/// Searches values of a chart; the scope's base is their path.
pub(crate) fn values_in(book: &mut Book, scope: &Scope<'_>, values: &Node) {
    let before = book.sightings.len();
    rules::search_values(book, scope, values);
    book.sightings.iter_mut().skip(before).for_each(|seen| seen.is_value = true);
}

/// What a list says is certain.
fn declared(rule: &'static str) -> Kind {
    Kind { rule, tier: Tier::Certain, role: Role::Workload, declared: true }
}

/// What an object uses.
fn used(rule: &'static str, tier: Tier) -> Kind {
    Kind { rule, tier, role: Role::Workload, declared: false }
}
