//! Rule `pack-content`: the list of images that a pack declares.

use edgectl_model::{Role, Tier};

use crate::collect::{Book, Kind, Scope, get_or_misspelt, join};
use crate::tree::Node;

const PATH: &str = "pack.content";

/// Collects `pack.content.images[].image`; `role` is that of the pack's layer.
pub(crate) fn collect(book: &mut Book, scope: &Scope<'_>, values: &Node, role: Role) {
    let kind = Kind { rule: "pack-content", tier: Tier::Certain, role, declared: true };
    let Some(content) = values.at(&["pack", "content"]) else { return };
    let Some((key, images)) = get_or_misspelt(book, scope, content, PATH, "images") else { return };
    let path = join(PATH, key);
    for (index, item) in images.items().iter().enumerate() {
        let path = format!("{path}[{index}]");
        if let Some(text) = item.text() {
            book.take(scope, item, &path, text, kind);
            continue;
        }
        let Some((key, image)) = get_or_misspelt(book, scope, item, &path, "image") else {
            if !item.entries().is_empty() {
                let message = "this entry has no `image`".to_owned();
                book.error(scope, item, &path, "pack-content", message);
            }
            continue;
        };
        if let Some(text) = image.text() {
            book.take(scope, image, &join(&path, key), text, kind);
        }
    }
}
