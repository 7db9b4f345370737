//! Rule `known-field`: the table of custom resources and their fields.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use edgectl_model::{FieldPath, FieldStep, KnownField, Reference, from_yaml};

use super::plausible::{is_template, look};
use super::table::KNOWN_FIELD;
use super::walk::Walk;
use super::{parts, pieces};
use crate::macros::{has_macro, own_text};
use crate::tree::{Data, Node};

/// The table as it is in the repository.
const TABLE: &str = include_str!("../../data/known-fields.yaml");

static BUILT_IN: LazyLock<Rows> = LazyLock::new(|| Rows::new(built_in()));

fn built_in() -> Vec<KnownField> {
    // A test reads the table, so that an error can't get here.
    from_yaml(TABLE).unwrap_or_default()
}

/// Rows by kind.
#[derive(Debug, Default)]
struct Rows(BTreeMap<String, Vec<KnownField>>);

impl Rows {
    fn new(fields: Vec<KnownField>) -> Self {
        let mut rows = Self::default();
        for field in fields {
            for kind in &field.kinds {
                rows.0.entry(kind.clone()).or_default().push(field.clone());
            }
        }
        rows
    }

    fn of<'r>(&'r self, group: &'r str, kind: &'r str) -> impl Iterator<Item = &'r KnownField> {
        let rows = [kind, "*"].into_iter().filter_map(|kind| self.0.get(kind)).flatten();
        rows.filter(move |row| is_group(&row.group, group))
    }
}

/// The fields that a user adds to the table.
#[derive(Debug, Default)]
pub(crate) struct KnownFields(Rows);

impl KnownFields {
    /// These fields besides the built-in ones.
    pub(crate) fn new(added: &[KnownField]) -> Self {
        Self(Rows::new(added.to_vec()))
    }
}

fn is_group(pattern: &str, group: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(end) => group.ends_with(end),
        None => pattern == group,
    }
}

/// Takes the images in the known fields of an object.
pub(crate) fn look_at(walk: &mut Walk<'_, '_>, object: &Node, kind: &str) {
    let version = object.get("apiVersion").and_then(Node::scalar).unwrap_or_default();
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let added: Vec<KnownField> = walk.book.known.0.of(group, kind).cloned().collect();
    for row in BUILT_IN.of(group, kind).chain(&added) {
        let is_off = row.unless.as_ref().is_some_and(|path| has(object, path));
        if is_off {
            continue;
        }
        let mut take = |walk: &mut Walk<'_, '_>, node: &Node| match row.compose.is_empty() {
            true => take_whole(walk, node),
            false => compose(walk, object, node, row),
        };
        match row.paths.is_empty() {
            true => take(walk, object),
            false => row.paths.iter().for_each(|path| visit(walk, object, path.steps(), &mut take)),
        }
    }
}

type Visitor<'v> = &'v mut dyn FnMut(&mut Walk<'_, '_>, &Node);

/// Visits every node at the end of the steps.
fn visit(walk: &mut Walk<'_, '_>, node: &Node, steps: &[FieldStep], visitor: Visitor<'_>) {
    let Some((step, rest)) = steps.split_first() else { return visitor(walk, node) };
    match step {
        FieldStep::Key(wanted) => {
            for (key, value) in node.entries() {
                if key.scalar() == Some(wanted) {
                    walk.at_key(wanted, |walk| visit(walk, value, rest, visitor));
                }
            }
        }
        FieldStep::AnyKey => each_value(walk, node, rest, visitor),
        FieldStep::AnyItem => each_item(walk, node, rest, visitor),
        FieldStep::Deep => {
            visit(walk, node, rest, visitor);
            each_value(walk, node, steps, visitor);
            each_item(walk, node, steps, visitor);
        }
    }
}

fn each_value(walk: &mut Walk<'_, '_>, node: &Node, steps: &[FieldStep], visitor: Visitor<'_>) {
    for (key, value) in node.entries() {
        walk.at_key(key.scalar().unwrap_or("?"), |walk| visit(walk, value, steps, visitor));
    }
}

fn each_item(walk: &mut Walk<'_, '_>, node: &Node, steps: &[FieldStep], visitor: Visitor<'_>) {
    for (index, item) in node.items().iter().enumerate() {
        walk.at_index(index, |walk| visit(walk, item, steps, visitor));
    }
}

/// Whether there is something at a path.
fn has(node: &Node, path: &FieldPath) -> bool {
    fn inner(node: &Node, steps: &[FieldStep]) -> bool {
        match steps.split_first() {
            None => node.scalar().is_none() || node.text().is_some(),
            Some((FieldStep::Key(key), rest)) => node.get(key).is_some_and(|n| inner(n, rest)),
            Some((_, rest)) => {
                let values = node.entries().iter().map(|(_, value)| value);
                values.chain(node.items()).any(|value| inner(value, rest))
            }
        }
    }
    inner(node, path.steps())
}

/// A field that holds an image, or a list of them.
fn take_whole(walk: &mut Walk<'_, '_>, node: &Node) {
    match &node.data {
        Data::Sequence(items) => {
            for (index, item) in items.iter().enumerate() {
                walk.at_index(index, |walk| take_text(walk, item));
            }
        }
        Data::Mapping(_) => {}
        Data::Scalar { .. } => take_text(walk, node),
    }
}

fn take_text(walk: &mut Walk<'_, '_>, node: &Node) {
    let Some(text) = own_text(node).filter(|_| !walk.is_claimed(node)) else { return };
    for piece in pieces::of(text).filter(|piece| !is_template(piece)) {
        let image = piece.strip_prefix("docker://").or(piece.strip_prefix("oci://"));
        let image = image.unwrap_or(piece);
        if look(image).is_some() || has_macro(image) {
            walk.take(node, image, KNOWN_FIELD);
        }
    }
}

/// A mapping that holds the parts of an image.
fn compose(walk: &mut Walk<'_, '_>, object: &Node, node: &Node, row: &KnownField) {
    let composed = row.compose.iter().find_map(|template| fill_in(template, object, node));
    let Some((text, places)) = composed else { return };
    let Some((key, place)) = places.first() else { return };
    if walk.is_claimed(place) || Reference::parse(&text).is_err() {
        return;
    }
    walk.at_key(key, |walk| walk.take(place, &text, KNOWN_FIELD));
    places.iter().for_each(|(_, place)| walk.claim(place));
}

type Place<'n> = (&'n str, &'n Node);

/// A template with its fields filled in, and where they were.
fn fill_in<'n>(
    template: &'n str,
    object: &'n Node,
    node: &'n Node,
) -> Option<(String, Vec<Place<'n>>)> {
    let mut text = String::new();
    let mut places = Vec::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}')?;
        let (root, path) = match name.strip_prefix('/') {
            Some(path) => (object, path),
            None => (node, name),
        };
        let field = root.at_dotted(path)?;
        let value = own_text(field)?;
        push(&mut text, before, value);
        places.push((name, field));
        // An image that is whole already keeps its own tag.
        let is_whole = after.starts_with(':') && parts::has_tag(&text);
        rest = if is_whole { "" } else { after };
    }
    text.push_str(rest);
    Some((text, places))
}

/// Adds a value; a digest in the place of a tag needs another sign.
fn push(text: &mut String, before: &str, value: &str) {
    match before.strip_suffix(':').filter(|_| value.starts_with("sha256:")) {
        Some(before) => {
            text.push_str(before);
            text.push('@');
        }
        None => text.push_str(before),
    }
    let is_tag = before.ends_with(':');
    match is_tag {
        true => text.push_str(&value.replace('+', "-")),
        false => text.push_str(value.trim_end_matches('/')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_readable() {
        let rows: Vec<KnownField> = from_yaml(TABLE).unwrap_or_else(|e| panic!("{e}"));
        for row in &rows {
            assert!(!row.kinds.is_empty(), "{row:?}");
            assert!(!row.paths.is_empty() || !row.compose.is_empty(), "{row:?}");
        }
    }
}
