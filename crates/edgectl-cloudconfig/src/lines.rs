//! Lines of a text, by byte positions.

use std::ops::Range;

use crate::error::Place;

/// The start of the line that `at` is in.
pub(crate) fn start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |n| n + 1)
}

/// The start of the next line, or `at` itself if a line starts there.
pub(crate) fn next(text: &str, at: usize) -> usize {
    if at > 0 && text[..at].ends_with('\n') {
        return at;
    }
    text[at..].find('\n').map_or(text.len(), |n| at + n + 1)
}

/// The byte position of a place, or the end of its line.
pub(crate) fn at(text: &str, place: Place) -> usize {
    let small = |n: u64| usize::try_from(n.saturating_sub(1)).unwrap_or(usize::MAX);
    let mut start = 0;
    for (n, line) in text.split_inclusive('\n').enumerate() {
        if n == small(place.line) {
            let before: usize = line.chars().take(small(place.column)).map(char::len_utf8).sum();
            return start + before;
        }
        start += line.len();
    }
    text.len()
}

/// The place of a byte position.
pub(crate) fn place(text: &str, at: usize) -> Place {
    let before = text.get(..at).unwrap_or(text);
    let column = before[start(before, before.len())..].chars().count();
    Place::new(before.matches('\n').count() + 1, column + 1)
}

/// How a comment starts that stands for what begins something that nothing may
/// be added to: the conditions of a template.
pub(crate) const OPENING: &str = "#%{";

/// Past the comment lines at `from` that are indented at least by `indent`.
pub(crate) fn past_comments(text: &str, from: usize, indent: usize) -> usize {
    let mut past = from;
    let mut at = from;
    for line in text[from..].split_inclusive('\n') {
        at += line.len();
        let body = line.trim_start_matches(' ');
        match body.trim_end().chars().next() {
            None => {}
            Some('#') if line.starts_with(OPENING) => break,
            Some('#') if line.len() - body.len() >= indent => past = at,
            Some(_) => break,
        }
    }
    past
}

/// `with` in place of a range.
pub(crate) fn splice(text: &str, range: Range<usize>, with: &str) -> String {
    format!("{}{with}{}", &text[..range.start], &text[range.end..])
}
