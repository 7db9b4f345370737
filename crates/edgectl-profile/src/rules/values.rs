//! The values of a chart or pack, before anything is rendered from them.

use edgectl_model::Tier;

use super::walk::{Context, Walk};
use crate::collect::{Book, Scope};
use crate::tree::Node;

/// Searches values. What a pack declares in `pack.content`, and the manifests
/// that it carries, are searched by others.
pub(crate) fn search_values(book: &mut Book, scope: &Scope<'_>, values: &Node) {
    let mut walk = Walk::new(book, scope.inside(scope.layer, scope.base.clone()));
    walk.ceiling = Tier::Likely;
    let manifests = values.get("manifests").map(Node::entries).unwrap_or_default();
    let contents = manifests.iter().filter_map(|(_, manifest)| manifest.get("contents"));
    for searched in values.at(&["pack", "content"]).into_iter().chain(contents) {
        walk.claim(searched);
    }
    walk.node(values, Context::default());
}
