//! The proof that what was added to a template arrives on hosts, and that
//! nothing else changes there.

use std::collections::HashSet;

use crate::check::{Flavor, refused_by, refused_by_all};
use crate::edit::put_into;
use crate::error::{InjectError, Place};
use crate::guard;
use crate::header::line_end;
use crate::holes;
use crate::injection::Injection;
use crate::jinja;
use crate::lines;
use crate::plan;
use crate::rendered::{Extent, Fault, Ways};
use crate::splice::{Patch, Span};
use crate::trace;
use crate::tree::Document;

const NO_WORD: &str = "no word can be found that isn't in the text";
const DROPPED: &str = "hosts that come here drop the whole file for it, the registry too";
const WHY: &str = "a statement (`{% … %}`) takes the line end behind it along, and the blanks before it stay; `edgectl user-data check` says more";
const LOST: &str = "on hosts the registry would not arrive here, or would change what stands beside it: a statement of the template (`{% … %}`, `{% raw %}`) takes line ends along, leaves blanks, or brings keys in; write the statement at the start of a line of its own, without `-`";

/// The text with what was added and the line that tells of it, proven on what
/// Jinja makes of both. A line end that a statement would take along is added,
/// too.
pub(crate) fn proven(
    before: &str,
    after: &str,
    patch: Patch,
    injection: &Injection,
) -> Result<String, InjectError> {
    let (after, patch) = with_line_ends(after, patch);
    let first = patch.spans.first().map_or(0, |span| span.range.start);
    let failed = |message: &'static str| {
        // The statement above is what takes something along, more often than not.
        let above = &after[..first.min(after.len())];
        let place = lines::place(&after, above.rfind("{%").unwrap_or(above.len()));
        Err(InjectError::Template { place, message: message.into() })
    };
    let both = format!("{before}{after}");
    let Some(mark) = holes::marks(&both).next() else { return failed(NO_WORD) };
    let told = |fault: Fault| InjectError::Template {
        place: lines::place(before, fault.at),
        message: fault.message.into(),
    };
    let ways = |text| Ways::of(text, Extent::Pairs).map_err(told);
    let (old, new) = (ways(before)?, ways(&after)?);
    if old.count() != new.count() {
        return failed(LOST);
    }
    let mut seen = HashSet::new();
    for way in 0..old.count() {
        let rendered = old.rendered(way, &mark).map_err(told)?;
        let was = &rendered.text;
        let is = new.rendered(way, &mark).map_err(told)?.text;
        let is_new = seen.insert(is.clone());
        if !is_new {
            continue;
        }
        let document = read(was, injection.flavor).map_err(|(place, message)| {
            let message = format!("{DROPPED}: {message}").into();
            InjectError::Template { place: rendered.place(place), message }
        })?;
        if !holds(was, &document, &is, injection) {
            return failed(LOST);
        }
    }
    Ok(trace::write(&after, &patch))
}

/// What a host has, as those read it who are to find the registry.
fn read(text: &str, flavor: Flavor) -> Result<Document, (Place, String)> {
    if let Some(refused) = refused_by_all(text) {
        return Err(refused);
    }
    let document = Document::parse(text).map_err(|error| {
        let message = format!("{}; {WHY}", error.message);
        (error.place, message)
    })?;
    match refused_by(flavor, text, &document) {
        Some((place, message)) => Err((place, message.to_owned())),
        None => Ok(document),
    }
}

/// Whether `is` has everything that is to be set, and else what `was` has.
fn holds(was: &str, old: &Document, is: &str, injection: &Injection) -> bool {
    let Ok(new) = Document::parse(is) else { return false };
    let Ok(targets) = plan::targets_of(&new, injection) else { return false };
    let ends_open =
        |text, document: &Document| document.nodes.iter().any(|node| node.ends_open(text));
    if ends_open(was, old) && !(is.ends_with(last_line(was)) && ends_open(is, &new)) {
        return false;
    }
    let is_there = |target| put_into(is, &new, target).is_ok_and(|more| more.is_empty());
    targets.iter().all(is_there) && guard::differ_in_targets(old, &new, &targets)
}

fn last_line(text: &str) -> &str {
    &text[lines::start(text, text.len())..]
}

/// With one line end more where the line above what was added loses its own.
fn with_line_ends(after: &str, patch: Patch) -> (String, Patch) {
    let mut text = after.to_owned();
    let mut spans: Vec<Span> = Vec::new();
    let mut added = 0;
    for Span { range, gone } in patch.spans {
        let (mut start, mut end) = (range.start + added, range.end + added);
        // What is added to a last line without an end begins with one.
        let own = &text[start..end];
        let first = own.len() - own.trim_start_matches(['\r', '\n']).len();
        if loses_its_end(&text[..start + first.min(2)]) {
            let line_end = line_end(after);
            text.insert_str(start, line_end);
            added += line_end.len();
            end += line_end.len();
        }
        // Spans that touch would be one.
        if let Some(last) = spans.last().filter(|last| last.range.end == start) {
            start = last.range.start;
            let gone = format!("{}{gone}", last.gone);
            spans.pop();
            spans.push(Span { range: start..end, gone });
            continue;
        }
        spans.push(Span { range: start..end, gone });
    }
    (text, Patch { spans, ..patch })
}

/// Whether a text ends with a line whose end a tag takes along, and something
/// else is in that line.
fn loses_its_end(before: &str) -> bool {
    if jinja::loses_line_end(before) {
        return true;
    }
    let Some(open) = before.strip_suffix('\n') else { return false };
    let open = open.strip_suffix('\r').unwrap_or(open);
    let is_tag = ["%}", "#}"]
        .into_iter()
        .any(|close| open.strip_suffix(close).is_some_and(|inside| !inside.ends_with(['+', '-'])));
    let line = &open[lines::start(open, open.len())..];
    let count = |tag: &str| line.matches(tag).count();
    let is_whole = line.starts_with(['{']) && count("{%") + count("{#") == 1 && count("{{") == 0;
    is_tag && !is_whole
}
