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

/// Where the lines of a text start, for who asks for many places of it.
pub(crate) struct Starts(Vec<usize>);

impl Starts {
    pub(crate) fn of(text: &str) -> Self {
        let behind = text.match_indices('\n').map(|(at, _)| at + 1);
        Self(std::iter::once(0).chain(behind).collect())
    }

    /// [`at`] of the same text.
    pub(crate) fn at(&self, text: &str, place: Place) -> usize {
        let line = usize::try_from(place.line.saturating_sub(1)).unwrap_or(usize::MAX);
        match self.0.get(line) {
            Some(start) => start + at(&text[*start..], Place { line: 1, ..place }),
            None => text.len(),
        }
    }

    /// [`place`] of the same text.
    pub(crate) fn place(&self, text: &str, at: usize) -> Place {
        let line = self.0.partition_point(|start| *start <= at).saturating_sub(1);
        let start = self.0.get(line).copied().unwrap_or_default();
        let within = place(&text[start..], at.min(text.len()) - start);
        Place { line: within.line + line as u64, ..within }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_tell_what_the_text_tells() {
        for text in ["", "a", "a\n", "a\n\nbö\n c", "\n\n"] {
            let starts = Starts::of(text);
            for at in (0..=text.len() + 1).filter(|at| text.is_char_boundary(*at)) {
                assert_eq!(starts.place(text, at), place(text, at), "{text:?} {at}");
            }
            for (line, column) in (0..6).flat_map(|line| (0..6).map(move |column| (line, column))) {
                let place = Place::new(line, column);
                assert_eq!(starts.at(text, place), at(text, place), "{text:?} {place:?}");
            }
        }
    }
}
