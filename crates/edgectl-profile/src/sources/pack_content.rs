//! Rule `pack-content`: the list of images that a pack declares.

use edgectl_model::{Role, Tier};

use crate::collect::{Book, Kind, Scope, get_or_misspelt, join};
use crate::tree::{Data, Node};

const PATH: &str = "pack.content";

/// Collects `pack.content.images[].image`; `role` is that of the pack's layer.
pub(crate) fn collect(book: &mut Book, scope: &Scope<'_>, values: &Node, role: Role) {
    let kind = Kind { rule: "pack-content", tier: Tier::Certain, role, declared: true };
    misplaced(book, scope, values, kind);
    let Some(pack) = values.get("pack") else { return };
    let Some((key, content)) = get_or_misspelt(book, scope, pack, "pack", "content") else {
        return;
    };
    let path = join("pack", key);
    let Some((key, images)) = get_or_misspelt(book, scope, content, &path, "images") else {
        return;
    };
    list(book, scope, images, &join(&path, key), kind);
}

/// Lists that are a level off: their indentation is wrong.
fn misplaced(book: &mut Book, scope: &Scope<'_>, values: &Node, kind: Kind) {
    let is_list = |node: &&Node| {
        let items = node.items();
        !items.is_empty() && items.iter().all(|item| item.get("image").is_some())
    };
    for path in [&["images"][..], &["content", "images"], &["pack", "images"], &["pack", "content"]]
    {
        let Some(node) = values.at(path).filter(is_list) else { continue };
        let path = path.join(".");
        let message =
            format!("this list of images belongs under `{PATH}.images`; is its indentation right?");
        book.warn(scope, node, &path, "misplaced-key", message);
        list(book, scope, node, &path, kind);
    }
}

fn list(book: &mut Book, scope: &Scope<'_>, images: &Node, path: &str, kind: Kind) {
    for (index, item) in images.items().iter().enumerate() {
        entry(book, scope, item, &format!("{path}[{index}]"), kind);
    }
    // A list without its dashes.
    if images.get("image").is_some() {
        let message = "this should be a list; a dash is missing".to_owned();
        book.warn(scope, images, path, "misplaced-key", message);
        entry(book, scope, images, path, kind);
    }
}

fn entry(book: &mut Book, scope: &Scope<'_>, item: &Node, path: &str, kind: Kind) {
    if let Some(text) = item.text() {
        // `image:quay.io/…`, where a blank is missing.
        let text = text.strip_prefix("image:").unwrap_or(text).trim();
        return book.take(scope, item, path, text, kind);
    }
    let Some((key, image)) = get_or_misspelt(book, scope, item, path, "image") else {
        if !item.entries().is_empty() {
            let message = "this entry has no `image`".to_owned();
            book.error(scope, item, path, "pack-content", message);
        }
        return;
    };
    let path = join(path, key);
    match &image.data {
        Data::Scalar { .. } => {
            if let Some(text) = image.text() {
                book.take(scope, image, &path, text, kind);
            }
        }
        // Indented too deeply, a list or another `image` hangs below.
        _ => {
            let message = "this should be a text; is the indentation right?".to_owned();
            book.warn(scope, image, &path, "misplaced-key", message);
            list(book, scope, image, &path, kind);
        }
    }
}
