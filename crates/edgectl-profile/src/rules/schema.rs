//! Rule `reference` in the schemas of custom resource definitions: what is used
//! where a resource says nothing.

use super::names::{Says, says};
use super::pieces;
use super::plausible::{Look, look};
use super::table::REFERENCE;
use super::walk::{Context, Walk};
use crate::tree::{Data, Node};

/// Goes through a definition; `says` is what the name of the property around
/// says.
pub(crate) fn look_at(walk: &mut Walk<'_, '_>, node: &Node, said: Option<Says>) {
    for (index, item) in node.items().iter().enumerate() {
        walk.at_index(index, |walk| look_at(walk, item, said));
    }
    for (key, value) in node.entries() {
        let name = key.scalar().unwrap_or("?");
        walk.at_key(name, |walk| match name {
            "default" | "enum" | "example" | "examples" => example(walk, value, said),
            "properties" => properties(walk, value),
            _ => look_at(walk, value, said),
        });
    }
}

fn properties(walk: &mut Walk<'_, '_>, node: &Node) {
    for (key, value) in node.entries() {
        let name = key.scalar().unwrap_or("?");
        walk.at_key(name, |walk| look_at(walk, value, says(name)));
    }
}

fn example(walk: &mut Walk<'_, '_>, node: &Node, said: Option<Says>) {
    match &node.data {
        Data::Scalar { .. } => {
            let Some(text) = node.text() else { return };
            let Some(seen) = look(text) else { return };
            if seen == Look::Full || said.is_some_and(|said| pieces::is_believed(seen, said)) {
                walk.take(node, text, REFERENCE);
            }
        }
        _ => walk.node(node, Context { says: said, ..Context::default() }),
    }
}
