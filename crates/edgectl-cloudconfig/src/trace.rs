//! The line by which injecting tells what it has added, so that it can be taken
//! out again: a comment behind the header.
//!
//! It names nothing that was added: where bytes were added, how many, and digests of them and
//! of the text before. Digests can prove a guess of a secret, so that
//! `redact` hides them, too.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use edgectl_model::Digest;

use crate::contained::is_contained;
use crate::header;
use crate::lines;
use crate::splice::{Patch, Span};
use crate::template::readable;

/// How the line starts.
pub(crate) const START: &str = "# edgectl: `user-data inject --remove` takes out what was added: ";
/// The version of what follows.
const VERSION: &str = "1";
/// In place of a digest where a value is lost.
const LOST: &str = "replaced";
/// Digits of a digest.
const DIGITS: usize = 16;
/// Most bytes that are hashed to find spans that have moved.
const MAX_SEARCH: usize = 64 << 20;

/// What the line says.
pub(crate) struct Trace {
    /// Length of the text without this line.
    length: usize,
    /// Digest of the text before.
    before: String,
    spans: Vec<(Span, String)>,
}

/// A text without its line, and what that says.
pub(crate) struct Traced {
    pub(crate) text: String,
    /// None where there is no line, or nobody can read it.
    pub(crate) trace: Option<Trace>,
    pub(crate) has_line: bool,
}

/// What was added to a text, where that can be told.
pub(crate) enum Added {
    /// The text is as injecting has left it.
    Exactly(Patch),
    /// The text was changed since, elsewhere.
    Edited(Patch),
    /// Injecting has replaced a value, or a place that it has changed was
    /// changed since.
    Unknown { is_replaced: bool },
}

/// Splits the line off.
pub(crate) fn split(text: &str) -> Traced {
    let Some(line) = line_of(text) else {
        return Traced { text: text.to_owned(), trace: None, has_line: false };
    };
    // The last one of a text takes the line end before it along.
    let above = &text[..line.start];
    let start = match text[line.clone()].ends_with('\n') {
        true => above.len(),
        false => above.strip_suffix("\r\n").or(above.strip_suffix('\n')).unwrap_or(above).len(),
    };
    let said = text[line.start + START.len()..line.end].trim_end();
    Traced { text: lines::splice(text, start..line.end, ""), trace: parse(said), has_line: true }
}

/// The bytes of the line, with its end.
pub(crate) fn line_of(text: &str) -> Option<std::ops::Range<usize>> {
    let at = match text.starts_with(START) {
        true => 0,
        false => text.find(&format!("\n{START}"))? + 1,
    };
    Some(at..lines::next(text, at + 1))
}

/// `after` with a line that tells of `patch`.
pub(crate) fn write(after: &str, patch: &Patch) -> String {
    let at = header::end(after);
    let line = format!("{START}{}{}", said(after, patch), header::line_end(after));
    lines::splice(after, at..at, &line)
}

fn said(after: &str, patch: &Patch) -> String {
    let Some(before) = patch.undone(after) else { return format!("{VERSION} {LOST}") };
    let mut said = format!("{VERSION} {} {}", after.len(), digest(before.as_bytes()));
    for Span { range, gone } in &patch.spans {
        let added = digest(&after.as_bytes()[range.clone()]);
        said.push_str(&format!(" {}+{}:{added}", range.start, range.len()));
        if !gone.is_empty() {
            said.push_str(&format!("-{}", STANDARD_NO_PAD.encode(gone)));
        }
    }
    said
}

fn parse(said: &str) -> Option<Trace> {
    let mut words = said.split(' ');
    if words.next()? != VERSION {
        return None;
    }
    let length = words.next()?;
    if length == LOST {
        return Some(Trace { length: 0, before: LOST.to_owned(), spans: Vec::new() });
    }
    let (length, before) = (length.parse().ok()?, words.next().filter(is_digest)?.to_owned());
    let spans = words.map(span).collect::<Option<Vec<_>>>()?;
    // Something was added, or there would be no line.
    (!spans.is_empty()).then_some(Trace { length, before, spans })
}

fn is_digest(word: &&str) -> bool {
    word.len() == DIGITS && word.bytes().all(|c| c.is_ascii_hexdigit())
}

fn span(word: &str) -> Option<(Span, String)> {
    let (place, what) = word.split_once(':')?;
    let (start, length) = place.split_once('+')?;
    let (start, length): (usize, usize) = (start.parse().ok()?, length.parse().ok()?);
    let (digest, gone) = what.split_once('-').unwrap_or((what, ""));
    let digest = Some(digest).filter(is_digest)?;
    let gone = String::from_utf8(STANDARD_NO_PAD.decode(gone).ok()?).ok()?;
    let range = start..start.checked_add(length)?;
    Some((Span { range, gone }, digest.to_owned()))
}

impl Trace {
    /// What was added to `text`, which has no such line any more.
    pub(crate) fn added(&self, text: &str) -> Added {
        if self.before == LOST {
            return Added::Unknown { is_replaced: true };
        }
        let spans = self.spans.iter().map(|(span, _)| span.clone()).collect();
        let patch = Patch { spans, is_lossy: false };
        let before = patch.undone(text).filter(|_| text.len() == self.length);
        if before.is_some_and(|before| digest(before.as_bytes()) == self.before) {
            return Added::Exactly(patch);
        }
        match self.found_again(text) {
            Some(patch) => Added::Edited(patch),
            None => Added::Unknown { is_replaced: false },
        }
    }

    /// The patch in a text that was changed elsewhere: each span must be found
    /// as it was, in one place alone.
    fn found_again(&self, text: &str) -> Option<Patch> {
        let work = self.spans.iter().map(|(span, _)| span.range.len()).sum::<usize>();
        let starts: Vec<usize> = text.match_indices('\n').map(|(at, _)| at + 1).collect();
        if work.saturating_mul(starts.len() + 2) > MAX_SEARCH {
            return None;
        }
        let mut spans: Vec<Span> = Vec::new();
        for (span, digest) in &self.spans {
            let range = self.place_of(text, &starts, span, digest)?;
            if spans.last().is_some_and(|last| last.range.end > range.start) {
                return None;
            }
            spans.push(Span { range, gone: span.gone.clone() });
        }
        let patch = Patch { spans, is_lossy: false };
        let before = patch.undone(text)?;
        let (document, whole) = (readable(&before)?, readable(text)?);
        // What was written below something of ours would end up somewhere else.
        let gives_back = patch.spans.iter().any(|span| !span.gone.trim().is_empty());
        let is_in_place = is_contained(&document, &whole, gives_back);
        (document.second.is_none() && is_in_place).then_some(patch)
    }

    fn place_of(
        &self,
        text: &str,
        starts: &[usize],
        span: &Span,
        expected: &str,
    ) -> Option<std::ops::Range<usize>> {
        let from_end = (text.len() + span.range.start).checked_sub(self.length);
        let mut places: Vec<usize> =
            starts.iter().copied().chain([span.range.start]).chain(from_end).collect();
        places.sort_unstable();
        places.dedup();
        let length = span.range.len();
        let is_there = |at: &usize| {
            let there = text.get(*at..at.saturating_add(length));
            there.is_some_and(|there| digest(there.as_bytes()) == expected)
        };
        let mut found = places.into_iter().filter(is_there);
        let only = found.next()?;
        found.next().is_none().then_some(only..only + length)
    }
}

fn digest(bytes: &[u8]) -> String {
    Digest::sha256(bytes).hex().chars().take(DIGITS).collect()
}
