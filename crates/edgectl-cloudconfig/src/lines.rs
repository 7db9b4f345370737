//! Lines of a text, by byte positions.

use std::ops::Range;

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

/// Where comments stand that begin something that nothing may be added to: the
/// conditions of a template. Nobody writes so far to the right.
pub(crate) const OPENING: usize = 121;

/// Past the comment lines at `from` that are indented at least by `indent`.
pub(crate) fn past_comments(text: &str, from: usize, indent: usize) -> usize {
    let mut past = from;
    let mut at = from;
    for line in text[from..].split_inclusive('\n') {
        at += line.len();
        let body = line.trim_start_matches(' ');
        match body.trim_end().chars().next() {
            None => {}
            Some('#') if line.len() - body.len() == OPENING => break,
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
