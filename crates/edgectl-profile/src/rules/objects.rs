//! Kubernetes objects: what they are called, and the texts that hold them.

use super::names::says;
use super::text::{Text, read_leniently};
use super::walk::{Context, Walk};
use super::{known, lines, secrets};
use crate::collect::{Book, Scope};
use crate::documents::parts;
use crate::error::Fault;
use crate::layer::Embedded;
use crate::report::{Problem, Severity};
use crate::tree::Node;

/// Searches one document. Says whether it has any containers.
fn search(book: &mut Book, scope: &Scope<'_>, document: &Node) -> bool {
    let mut walk = Walk::new(book, scope.inside(scope.layer, scope.base.clone()));
    walk.node(document, Context::default());
    walk.has_pods
}

/// Searches a text of objects, each document for itself. Says whether it had
/// any containers.
pub(crate) fn search_text(book: &mut Book, scope: &Scope<'_>, content: &Embedded) -> bool {
    let layer = scope.layer.inner(content);
    let mut has_pods = false;
    for (first_line, text) in parts(layer.text) {
        let part = layer.lines(text, first_line);
        has_pods |= search_document(book, &scope.inside(&part, scope.base.clone()));
    }
    has_pods
}

/// Searches the text of `scope`, whose macros are masked; the base is the path
/// of the text itself. If it is broken, that is a problem, and its lines are
/// searched. Says whether it had any containers.
pub(crate) fn search_document(book: &mut Book, scope: &Scope<'_>) -> bool {
    let base = if scope.base.is_empty() { String::new() } else { format!("{}:", scope.base) };
    let inner = scope.inside(scope.layer, base);
    let text = match read_leniently(scope.layer.text) {
        Ok(text) => text,
        Err(fault) => {
            book.problems.push(unreadable(scope, fault));
            lines::look_at_text(book, &inner);
            return false;
        }
    };
    let layer = scope.layer.lines(&text.text, 1);
    search_read(book, &inner.inside(&layer, inner.base.clone()), &text)
}

/// The same for a text that was read already; its places are those of the
/// scope's layer.
pub(crate) fn search_read(book: &mut Book, scope: &Scope<'_>, text: &Text<'_>) -> bool {
    for key in &text.parsed.duplicates {
        let name = key.scalar().unwrap_or("?");
        let message = format!(
            "the key `{name}` stands here a second time; readers differ on which one counts, so both are searched"
        );
        book.warn(scope, key, name, "duplicate-key", message);
    }
    let mut has_pods = false;
    for document in &text.parsed.documents {
        has_pods |= search(book, scope, document);
    }
    if text.is_template {
        lines::look_at_text(book, scope);
    }
    has_pods
}

fn unreadable(scope: &Scope<'_>, fault: Fault) -> Problem {
    let (line, column) = scope.layer.place(fault.line, fault.column);
    Problem {
        severity: Severity::Error,
        file: scope.file.to_owned(),
        line,
        column,
        path: scope.base.clone(),
        object: scope.object.clone(),
        rule: "manifest-syntax",
        message: format!("the manifests aren't YAML: {}", fault.message),
    }
}

/// Goes through a mapping, which may be an object.
pub(crate) fn mapping<'n>(walk: &mut Walk<'_, '_>, node: &'n Node, context: Context<'n>) {
    let Some(kind) = kind(node) else { return walk.entries(node, context) };
    let name = name(kind, node, &walk.scope.object);
    let outer = std::mem::replace(&mut walk.scope.object, name);
    match kind {
        "CustomResourceDefinition" => walk.definition(node),
        _ => {
            known::look_at(walk, node, kind);
            if kind == "Secret" {
                secrets::look_at(walk, node);
            }
            // What a ConfigMap is called speaks for what is in it.
            let named = node.at(&["metadata", "name"]).and_then(Node::scalar);
            let says = named.filter(|_| kind == "ConfigMap").and_then(says);
            walk.entries(node, Context { kind, says, ..Context::default() });
        }
    }
    walk.scope.object = outer;
}

/// The kind of an object; none for a mapping that is no object.
fn kind(node: &Node) -> Option<&str> {
    let kind = node.get("kind")?.scalar().filter(|kind| !kind.is_empty())?;
    let is_named = node.get("metadata").is_some_and(|metadata| !metadata.entries().is_empty());
    // Others refer to an object by version, kind and name.
    let is_object = || node.get("apiVersion").is_some() && node.get("name").is_none();
    (is_named || is_object()).then_some(kind)
}

/// What an object is called; one without a name is called as the one around.
fn name(kind: &str, node: &Node, outer: &str) -> String {
    let text = |key: &str| node.at(&["metadata", key]).and_then(Node::scalar);
    match (text("namespace"), text("name").or_else(|| text("generateName"))) {
        (Some(namespace), Some(name)) => format!("{kind} {namespace}/{name}"),
        (None, Some(name)) => format!("{kind} {name}"),
        (_, None) if outer.is_empty() => format!("{kind} ?"),
        (_, None) => format!("{kind} in {outer}"),
    }
}
