//! Manifests: texts of Kubernetes objects.

use crate::collect::{Book, Scope};
use crate::layer::Embedded;
use crate::rules::search_text;

/// Collects the images of the objects in a text of manifests. Says whether it
/// had any containers.
pub(crate) fn collect(book: &mut Book, scope: &Scope<'_>, content: &Embedded) -> bool {
    search_text(book, scope, content)
}
