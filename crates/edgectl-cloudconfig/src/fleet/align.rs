//! Where in a site's text stands what was added to the template.

use crate::lines;
use crate::splice::{Patch, Span};

/// What makes `after` of `before`: both are one template's, with what was
/// `added` and without. None where that can't be told, as conditions of the
/// template stand around it.
pub(super) fn patch(before: &str, after: &str, added: &[Span]) -> Option<Patch> {
    let mut spans = Vec::new();
    let (mut of_before, mut of_after) = (0, 0);
    for Span { range, gone } in added {
        let length = range.len();
        let (rest_before, rest_after) = (before.get(of_before..)?, after.get(of_after..)?);
        let same = common(rest_before, rest_after);
        let starts = |start: &usize| {
            let is_gone = || rest_before.get(*start..).is_some_and(|rest| rest.starts_with(gone));
            is_gone() && goes_on(rest_before, rest_after, *start, length, gone.len(), same)
        };
        // Whole lines, where the text may also be taken for that.
        let line = lines::start(rest_after, same);
        let is_line =
            gone.is_empty() && (line > 0 || after[..of_after].ends_with('\n') || of_after == 0);
        let line = is_line.then_some(line);
        let start = line.into_iter().chain((0..=same).rev().take(SHIFTS)).find(starts)?;
        spans.push(Span { range: of_after + start..of_after + start + length, gone: gone.clone() });
        of_before += start + gone.len();
        of_after += start + length;
    }
    let patch = Patch { spans, is_lossy: false };
    (patch.undone(after).as_deref() == Some(before)).then_some(patch)
}

/// How far back what was added may begin like what stands behind it.
const SHIFTS: usize = 64;

/// How many bytes at the start are the same, whole characters of both.
fn common(one: &str, other: &str) -> usize {
    let count = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    (0..=count)
        .rev()
        .find(|at| one.is_char_boundary(*at) && other.is_char_boundary(*at))
        .unwrap_or_default()
}

/// Whether both go on alike behind what was added at `start`, at least to where
/// they first differed.
fn goes_on(
    before: &str,
    after: &str,
    start: usize,
    length: usize,
    gone: usize,
    same: usize,
) -> bool {
    let (Some(before), Some(after)) = (before.get(start + gone..), after.get(start + length..))
    else {
        return false;
    };
    let needed = (same - start).min(before.len());
    common(before, after) >= needed
}
