//! The values of a Secret, which are texts in base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::embedded;
use super::walk::Walk;
use crate::tree::Node;

/// Searches the texts in `data`. Nothing but references ever leaves here.
pub(crate) fn look_at(walk: &mut Walk<'_, '_>, secret: &Node) {
    let Some(data) = secret.get("data") else { return };
    for (key, value) in data.entries() {
        let Some(text) = value.scalar().and_then(decoded) else { continue };
        walk.claim(value);
        walk.at_key("data", |walk| {
            walk.at_key(key.scalar().unwrap_or("?"), |walk| {
                embedded::look_at_text(walk, value, &text)
            });
        });
    }
}

fn decoded(text: &str) -> Option<String> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    String::from_utf8(STANDARD.decode(text).ok()?).ok()
}
