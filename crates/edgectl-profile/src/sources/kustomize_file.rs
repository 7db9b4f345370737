//! Rule `kustomize-images`: what a kustomization file says by itself.

use edgectl_model::Tier;

use crate::collect::join;
use crate::sources::{Desk, group, items, kind, text, used};
use crate::tree::Node;

/// Whether it is a kustomization or component.
pub(super) fn is(node: &Node) -> bool {
    group(node) == "kustomize.config.k8s.io"
        || (kind(node).is_empty()
            && node
                .get("resources")
                .is_some_and(|list| list.items().iter().all(|item| item.text().is_some()))
            && node.get("services").is_none())
}

/// Reads the `images` transformer.
pub(super) fn read(desk: &mut Desk<'_, '_>, node: &Node, path: &str) {
    for (item, path) in items(node.get("images"), &join(path, "images")) {
        replacement(desk, item, &path);
    }
}

/// An entry that puts an image in place of another. Without a tag or digest it
/// only renames, and what it renames decides.
pub(super) fn replacement(desk: &mut Desk<'_, '_>, item: &Node, path: &str) {
    let Some(name) = text(item, "newName").or_else(|| text(item, "name")) else { return };
    let image = match (text(item, "digest"), text(item, "newTag")) {
        (Some(digest), _) => format!("{name}@{digest}"),
        (None, Some(tag)) => format!("{name}:{tag}"),
        (None, None) => return,
    };
    desk.book.take(desk.scope, item, path, &image, used("kustomize-images", Tier::Likely));
}
