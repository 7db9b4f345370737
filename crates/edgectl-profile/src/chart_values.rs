//! Values of charts and packs.

use crate::collect::{Book, Scope};
use crate::rules;
use crate::tree::Node;

/// Collects what looks like an image in values.
pub(crate) fn collect(book: &mut Book, scope: &Scope<'_>, values: &Node) {
    rules::search_values(book, scope, values);
}
