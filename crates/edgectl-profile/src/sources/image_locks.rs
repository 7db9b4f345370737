//! Rule `images-lock`: lists that other tools, and this one, have pinned.

use edgectl_model::{Role, Tier};

use crate::collect::{Kind, join};
use crate::sources::{Desk, items, kind, text};
use crate::tree::Node;

const RULE: &str = "images-lock";

/// Whether it is Carvel's, Helm's or our own lock.
pub(super) fn is(node: &Node) -> bool {
    kind(node) == "ImagesLock" || is_own(node)
}

/// Whether it is our own lock.
pub(crate) fn is_own(node: &Node) -> bool {
    let images = node.get("images").map(Node::items);
    node.get("schema").is_some()
        && node.get("registry").is_some()
        && images.is_some_and(|images| images.iter().all(|image| image.get("source").is_some()))
}

/// Reads all images.
pub(super) fn read(desk: &mut Desk<'_, '_>, node: &Node, path: &str) {
    let key = if is_own(node) { "source" } else { "image" };
    for (item, path) in items(node.get("images"), &join(path, "images")) {
        let Some((image, name)) = item.get(key).and_then(|node| Some((node, node.text()?))) else {
            continue;
        };
        let path = join(&path, key);
        // Ours has the digest beside; Helm's are those of single platforms.
        let digest = text(item, "digest").filter(|_| key == "source" && !name.contains('@'));
        let name = match digest {
            Some(digest) => format!("{name}@{digest}"),
            None => name.to_owned(),
        };
        let role = match text(item, "role") {
            Some("os") => Role::Os,
            Some("embedded") => Role::Embedded,
            _ => Role::Workload,
        };
        let kind = Kind { rule: RULE, tier: Tier::Certain, role, declared: true };
        desk.book.take(desk.scope, image, &path, &name, kind);
    }
}
