//! Changes of a text, and which of its bytes they have added.

use std::ops::Range;

use crate::lines;

/// Another text in place of a range.
pub(crate) struct Splice {
    pub(crate) range: Range<usize>,
    pub(crate) with: String,
}

impl Splice {
    pub(crate) fn new(range: Range<usize>, with: impl Into<String>) -> Self {
        Self { range, with: with.into() }
    }

    pub(crate) fn applied(&self, text: &str) -> String {
        lines::splice(text, self.range.clone(), &self.with)
    }
}

/// All that was put into a text: what stands in no span is as it was.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Patch {
    /// In the order of the text, apart from each other.
    pub(crate) spans: Vec<Span>,
    /// Something has gone that isn't kept: somebody's value.
    pub(crate) is_lossy: bool,
}

/// Bytes that were put into a text.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) range: Range<usize>,
    /// What stood in their place.
    pub(crate) gone: String,
}

impl Patch {
    /// Adds a change of `text`, which is the text with this patch. What it takes
    /// away is kept where `is_open`, or where it says nothing.
    pub(crate) fn add(&mut self, text: &str, splice: &Splice, is_open: bool) {
        if splice.range.is_empty() && splice.with.is_empty() {
            return;
        }
        let touches = |span: &Span| {
            span.range.start <= splice.range.end && splice.range.start <= span.range.end
        };
        let first = self.spans.iter().position(touches).unwrap_or_else(|| {
            self.spans.partition_point(|span| span.range.end < splice.range.start)
        });
        let count = self.spans[first..].iter().take_while(|span| touches(span)).count();
        let merged: Vec<Span> = self.spans.drain(first..first + count).collect();
        let start = merged.first().map_or(splice.range.start, |span| span.range.start);
        let start = start.min(splice.range.start);
        let end = merged.last().map_or(splice.range.end, |span| span.range.end);
        let end = end.max(splice.range.end);
        let (gone, original) = behind(text, start..end, &merged);
        self.is_lossy |= !original.iter().all(|part| is_open || says_nothing(part));
        let length = end - start - splice.range.len() + splice.with.len();
        for span in &mut self.spans[first..] {
            let shift = |at: usize| at - splice.range.len() + splice.with.len();
            span.range = shift(span.range.start)..shift(span.range.end);
        }
        self.spans.insert(first, Span { range: start..start + length, gone });
    }

    /// The text as it was before, if nothing of it is lost.
    pub(crate) fn undone(&self, text: &str) -> Option<String> {
        let restore = |text: String, span: &Span| {
            let is_there = text.get(span.range.clone()).is_some();
            is_there.then(|| lines::splice(&text, span.range.clone(), &span.gone))
        };
        let undone = self.spans.iter().rev().try_fold(text.to_owned(), restore)?;
        (!self.is_lossy).then_some(undone)
    }
}

/// What stood at a range of the text before: as one text, and the parts of it
/// that are still in the text.
fn behind<'a>(text: &'a str, range: Range<usize>, spans: &[Span]) -> (String, Vec<&'a str>) {
    let (mut gone, mut original, mut at) = (String::new(), Vec::new(), range.start);
    for span in spans {
        original.push(&text[at..span.range.start.max(at)]);
        gone.push_str(&text[at..span.range.start.max(at)]);
        gone.push_str(&span.gone);
        at = span.range.end;
    }
    original.push(&text[at..range.end.max(at)]);
    gone.push_str(&text[at..range.end.max(at)]);
    (gone, original)
}

/// Whether bytes are no more than a place for a value.
fn says_nothing(written: &str) -> bool {
    const WORDS: [&str; 11] =
        ["", "~", "null", "Null", "NULL", "true", "false", "\"\"", "''", "{}", "[]"];
    WORDS.contains(&written.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(text: &str, changes: &[(Range<usize>, &str)]) -> (String, Patch) {
        let (mut text, mut patch) = (text.to_owned(), Patch::default());
        for (range, with) in changes {
            let splice = Splice::new(range.clone(), *with);
            patch.add(&text, &splice, false);
            text = splice.applied(&text);
        }
        (text, patch)
    }

    #[test]
    fn what_was_put_in_is_known() {
        for (changes, expected) in [
            (vec![(3..3, "xyz")], "abcxyzdef"),
            (vec![(3..3, "xyz"), (0..0, "1"), (10..10, "2")], "1abcxyzdef2"),
            (vec![(3..3, "xyz"), (4..5, "YY")], "abcxYYzdef"),
            (vec![(3..3, "xyz"), (3..6, "")], "abcdef"),
            (vec![(0..0, "x"), (7..7, "y"), (3..3, "z"), (0..1, "long")], "longabzcdefy"),
        ] {
            let (text, patch) = changed("abcdef", &changes);
            assert_eq!(text, expected);
            assert_eq!(patch.undone(&text).as_deref(), Some("abcdef"), "{expected}");
        }
    }

    #[test]
    fn values_of_others_are_lost_and_nulls_are_not() {
        let (text, patch) = changed("a: ~\nb: old\n", &[(3..4, "1"), (5..5, "c: 2\n")]);
        assert_eq!(patch.undone(&text).as_deref(), Some("a: ~\nb: old\n"));
        let (text, patch) = changed("a: ~\nb: old\n", &[(8..11, "new")]);
        assert_eq!(patch.undone(&text), None);
    }
}
