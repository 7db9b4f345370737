//! YAML, JSON and other texts inside the strings of an object.

use edgectl_model::Tier;

use super::lines;
use super::table::{LINE, REFERENCE};
use super::text::read_leniently;
use super::walk::{Context, Walk};
use crate::documents::parts;
use crate::layer::{Embedded, Layer};
use crate::tree::{Data, Node};

/// Whether a scalar is a text of its own rather than a value.
pub(crate) fn is_text(text: &str) -> bool {
    text.trim_end().contains('\n') || is_structured(text) || text.contains(' ')
}

/// Whether a text is JSON, or YAML in the same manner.
pub(crate) fn is_structured(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[']) && !text.trim_start().starts_with("{{")
}

/// Searches the text of a scalar.
pub(crate) fn look_at(walk: &mut Walk<'_, '_>, node: &Node) {
    let Some(text) = node.scalar().filter(|text| is_worth_it(text)) else { return };
    if let Some(embedded) = walk.scope.layer.embedded(node) {
        search(walk, &embedded, text.contains('\n') || is_structured(text));
    }
}

/// Searches a script that a container runs: its references are no guess.
pub(crate) fn look_at_script(walk: &mut Walk<'_, '_>, node: &Node) {
    let Some(text) = node.scalar().filter(|text| is_worth_it(text)) else { return };
    let embedded = walk.scope.layer.embedded(node);
    if let Some(embedded) = embedded.filter(|_| !is_structured(text)) {
        walk.claim(node);
        let layer = walk.scope.layer.inner(&embedded);
        let base = format!("{}{}:", walk.scope.base, walk.path);
        let mut inner = Walk::new(walk.book, walk.scope.inside(&layer, base));
        inner.ceiling = walk.ceiling.max(Tier::Likely);
        lines::look_at(&mut inner, layer.text, LINE);
    }
}

/// Searches a text that was decoded from a scalar.
pub(crate) fn look_at_text(walk: &mut Walk<'_, '_>, node: &Node, text: &str) {
    if is_worth_it(text) {
        search(walk, &Embedded::decoded(node, text), true);
    }
}

/// Whether a text can name an image at all; parsing all others would cost more
/// than everything else.
fn is_worth_it(text: &str) -> bool {
    let has = |part: &str| text.contains(part);
    has("mage") || has("MAGE") || has("epository") || (has("/") && (has(":") || has("@")))
}

fn search(walk: &mut Walk<'_, '_>, embedded: &Embedded, may_be_yaml: bool) {
    let scope = &walk.scope;
    let layer = scope.layer.inner(embedded);
    let base = format!("{}{}:", scope.base, walk.path);
    let has_words = ["mage", "MAGE", "epository"].iter().any(|word| layer.text.contains(word));
    let is_yaml = may_be_yaml && has_words && walk.texts_left > 0;
    for (first_line, text) in parts(layer.text) {
        let part = layer.lines(text, first_line);
        let mut inner = Walk::new(walk.book, scope.inside(&part, base.clone()));
        inner.texts_left = walk.texts_left.saturating_sub(1);
        inner.ceiling = walk.ceiling.max(Tier::Likely);
        let is_searched = is_yaml && trees(&mut inner, &part);
        if !is_searched {
            lines::look_at(&mut inner, part.text, REFERENCE);
        }
    }
}

/// Searches the trees of a text; says whether it is one of trees.
fn trees(walk: &mut Walk<'_, '_>, layer: &Layer<'_>) -> bool {
    let Ok(text) = read_leniently(layer.text) else { return false };
    let layer = layer.lines(&text.text, 1);
    let documents = &text.parsed.documents;
    if !documents.iter().any(|document| !matches!(document.data, Data::Scalar { .. })) {
        return false;
    }
    let mut inner = Walk::new(walk.book, walk.scope.inside(&layer, walk.scope.base.clone()));
    (inner.texts_left, inner.ceiling) = (walk.texts_left, walk.ceiling);
    for document in documents {
        inner.node(document, Context::default());
    }
    !text.is_template
}
