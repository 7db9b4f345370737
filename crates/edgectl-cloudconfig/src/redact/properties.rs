//! Tags and anchors in front of values: `!x` and `&x`, which may be a password that
//! was written without quotes.

use std::ops::Range;

use crate::tree::Node;

/// Where the tag and the anchor of a node stand, but for those that are what they
/// look like: tags of YAML's own, and anchors that are used (`is_used`).
pub(super) fn odd_properties(text: &str, node: &Node, is_used: bool) -> Option<Range<usize>> {
    let mut at = match node.is_block_scalar() {
        true => before_header(text, node.range.start),
        false => node.range.start,
    };
    let (mut start, mut end, mut is_odd) = (at, at, false);
    for _ in 0..usize::from(node.tag.is_some()) + usize::from(node.anchor != 0) {
        let Some(written) = property_before(text, at) else { break };
        let property = &text[written.clone()];
        is_odd |= match property.strip_prefix('&') {
            Some(_) => !is_used,
            None => !is_of_yaml(property),
        };
        end = if start == end { written.end } else { end };
        (start, at) = (written.start, written.start);
    }
    is_odd.then_some(start..end)
}

/// `!!str`; and `!` alone is what no password can be (`passwd: !`).
fn is_of_yaml(tag: &str) -> bool {
    const TAGS: [&str; 9] =
        ["", "!str", "!binary", "!int", "!float", "!bool", "!null", "!map", "!seq"];
    tag.strip_prefix('!').is_some_and(|name| TAGS.contains(&name))
}

/// The tag or anchor before a place, in its line or above comments.
fn property_before(text: &str, at: usize) -> Option<Range<usize>> {
    let here = text[..at].trim_end_matches([' ', '\t']);
    if !here.is_empty() && !here.ends_with('\n') {
        return last_property(here);
    }
    let (mut start, mut is_open) = (here.len(), true);
    while is_open && start > 0 {
        let above = &text[..start - 1];
        start = above.rfind('\n').map_or(0, |end| end + 1);
        let line = &above[start..];
        is_open = line.trim().is_empty() || line.trim_start().starts_with('#');
        let word = without_comment(line).filter(|_| !is_open).find_map(last_property);
        if let Some(word) = word {
            return Some(start + word.start..start + word.end);
        }
    }
    None
}

/// A line to each `#` that may begin its comment, and the whole of it.
fn without_comment(line: &str) -> impl Iterator<Item = &str> {
    let ends = line.match_indices('#').map(|(at, _)| &line[..at]);
    ends.filter(|before| before.is_empty() || before.ends_with([' ', '\t'])).chain([line])
}

/// The last word, if it is a tag or an anchor.
fn last_property(text: &str) -> Option<Range<usize>> {
    let text = text.trim_end();
    let is_sign = |c: char| c.is_whitespace() || matches!(c, '[' | '{' | ',');
    // A tag may be a URI, which has signs of its own: `!<tag:a,b>`.
    let start = match text.ends_with('>') {
        true => text.rfind("!<").unwrap_or(text.len()),
        false => text.len() - text.rsplit(is_sign).next().map_or(0, str::len),
    };
    text[start..].starts_with(['!', '&']).then_some(start..text.len())
}

/// Where the `|` of a block scalar is.
fn before_header(text: &str, start: usize) -> usize {
    let above = text[..start].trim_end();
    let line = above.rfind('\n').map_or(0, |end| end + 1);
    let header = |line: &str| {
        let word = line.trim_end().rfind([' ', '\t', ':']).map_or(0, |at| at + 1);
        line[word..].starts_with(['|', '>']).then_some(word)
    };
    without_comment(&above[line..]).find_map(header).map_or(start, |at| line + at)
}
