//! Values that hold several images, and keys whose names speak for others.

use super::names::Says;
use super::plausible::{Look, look};
use super::walk::Context;

/// Lists that are longer are searched as texts.
const MAX_PIECES: usize = 512;

/// Keys below an image's own that hold the whole of it, or a choice of them.
const WHOLE: &[&str] = &[
    "default",
    "full",
    "fullName",
    "items",
    "list",
    "name",
    "options",
    "ref",
    "reference",
    "uri",
    "url",
    "value",
    "values",
];

/// The references that a value may hold: itself, or the parts of a list by
/// comma, semicolon, blank or line, each perhaps behind a `name=`.
pub(crate) fn of(text: &str) -> impl Iterator<Item = &str> {
    let separators = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '|');
    text.split(separators).map(|item| {
        let item = item.trim_matches(['"', '\'']);
        item.rsplit_once('=').map_or(item, |(_, value)| value)
    })
}

/// Whether a text of several words holds references and nothing else, and not
/// too many of them.
pub(crate) fn is_list(text: &str) -> bool {
    of(text).nth(MAX_PIECES).is_none()
        && of(text).filter(|piece| !piece.is_empty()).all(|piece| look(piece).is_some())
}

/// Whether a text that looks so is believed under a name that says that.
pub(crate) fn is_believed(look: Look, says: Says) -> bool {
    match says {
        Says::Image => look.suits_image(),
        Says::Perhaps => look.suits_doubt(),
    }
}

/// What a key of a mapping says by the mapping's own name, as in
/// `images: {engine: …, ui: …}` and `image: {ref: …}`, or by that of its
/// ConfigMap.
pub(crate) fn lent(key: &str, context: Context<'_>) -> Option<Says> {
    context.says?;
    let is_list = context.key.to_ascii_lowercase().ends_with("images");
    let is_map =
        context.kind == "ConfigMap" && matches!((context.key, key), ("", "data") | ("data", _));
    let is_own = matches!(key, "name" | "kind" | "namespace");
    let is_whole = WHOLE.contains(&key);
    (is_map || if is_list { !is_own } else { is_whole }).then_some(Says::Perhaps)
}
