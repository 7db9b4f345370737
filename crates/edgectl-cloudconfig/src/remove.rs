//! Taking out again what `inject` has put in.
//!
//! Nothing is recorded in the file, so the proof is the way back: the result
//! is right if injecting into it gives the text that we started from.

use thiserror::Error;

use crate::envelope::{InPart, Part, edit_part};
use crate::error::InjectError;
use crate::header::line_end;
use crate::inject::inject_one;
use crate::injection::Injection;
use crate::lines;
use crate::place::Placing;
use crate::plan::{targets, tops};
use crate::target::{Seg, Target};
use crate::tree::{Data, Document, Id};

/// Why an injection can't be taken out.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RemoveError {
    /// The text can't be edited.
    #[error(transparent)]
    Text(#[from] InjectError),
    /// It isn't there.
    #[error("this user data is not what injecting the registry gives; there is nothing to remove")]
    NotInjected,
    /// The bytes before can't be told.
    #[error(
        "injecting has replaced values that stood here, and those can't be brought back; take the \
         registry out by force, or from the file that it was injected into"
    )]
    Replaced,
}

impl InPart for RemoveError {
    fn in_whole(self, part: &Part) -> Self {
        match self {
            Self::Text(error) => Self::Text(error.in_whole(part)),
            other => other,
        }
    }
}

/// Sections nest no deeper than this.
const MAX_KEYS: usize = 4;

/// How far up an emptied section is taken out, and what is left of it.
#[derive(Clone, Copy)]
struct Leave<'a> {
    /// Keys of a path that stay, even without content.
    keys: usize,
    /// What such a key is left with.
    with: &'a str,
}

/// `text` without what `injection` has added: the very bytes it was added to.
/// Where the injection has replaced values this is refused, unless `force`:
/// then its keys are taken out, whatever stood there before.
pub fn remove(text: &str, injection: &Injection, force: bool) -> Result<String, RemoveError> {
    edit_part(text, || tops(injection), |part| remove_one(part, injection, force))
}

fn remove_one(text: &str, injection: &Injection, force: bool) -> Result<String, RemoveError> {
    if inject_one(text, injection)? != text {
        return Err(RemoveError::NotInjected);
    }
    let mut first = None;
    for with in ["", " {}", " []", " null", " ~"] {
        for keys in 0..MAX_KEYS {
            let leave = Leave { keys, with };
            let Some(candidate) = take_out(text, injection, leave)? else { continue };
            for candidate in [candidate.trim_end_matches(['\r', '\n']), candidate.as_str()] {
                if inject_one(candidate, injection).as_deref() == Ok(text) {
                    return Ok(candidate.to_owned());
                }
            }
            first.get_or_insert(candidate);
        }
    }
    match (force, first) {
        (true, Some(text)) => Ok(text),
        _ => Err(RemoveError::Replaced),
    }
}

fn take_out(
    text: &str,
    injection: &Injection,
    leave: Leave<'_>,
) -> Result<Option<String>, InjectError> {
    let mut text = text.to_owned();
    for target in targets(&text, injection)?.iter().rev() {
        let after = match target.leaf.is_item() {
            true => take_listed(&text, target, leave)?,
            false => take_entry(&text, &target.path, leave)?,
        };
        let Some(after) = after else { return Ok(None) };
        text = after;
    }
    Ok(Some(text))
}

/// The text without the entry at `path`, and without what that leaves empty.
fn take_entry(text: &str, path: &[Seg], leave: Leave<'_>) -> Result<Option<String>, InjectError> {
    let document = Document::parse(text)?;
    let Some((mapping, key, value)) = find(&document, path) else {
        return Ok(Some(text.to_owned()));
    };
    let placing = Placing::new(text, &document, line_end(text));
    let above = &path[..path.len() - 1];
    // What names an item of a list goes with the rest of it.
    let names = usize::from(matches!(above.last(), Some(Seg::Item { .. })));
    if document.entries(mapping).len() > 1 + names || above.is_empty() {
        let range = placing.entry_range(mapping, key, value);
        return Ok(range.map(|range| lines::splice(text, range, "")));
    }
    match above {
        [list @ .., Seg::Item { .. }] => take_item(text, &document, list, mapping, leave),
        _ => take_section(text, &document, above, leave),
    }
}

/// A section whose only content goes.
fn take_section(
    text: &str,
    document: &Document,
    path: &[Seg],
    leave: Leave<'_>,
) -> Result<Option<String>, InjectError> {
    if path.len() > leave.keys {
        return take_entry(text, path, leave);
    }
    let Some((mapping, key, value)) = find(document, path) else { return Ok(None) };
    let placing = Placing::new(text, document, line_end(text));
    let Some(whole) = placing.entry_range(mapping, key, value) else { return Ok(None) };
    let key_end = document.node(key).range.end;
    let Some(colon) = text[key_end..].find(':').map(|at| key_end + at + 1) else { return Ok(None) };
    let body = text[..whole.end].trim_end_matches(['\r', '\n']).len().max(colon);
    Ok(Some(lines::splice(text, colon..body, leave.with)))
}

fn take_listed(
    text: &str,
    target: &Target,
    leave: Leave<'_>,
) -> Result<Option<String>, InjectError> {
    let document = Document::parse(text)?;
    let Some(list) = document.at(&target.path) else { return Ok(None) };
    let is_ours = |item: &&Id| {
        let scalar = document.node(**item).scalar();
        scalar.is_some_and(|(text, _)| target.leaf.is_same_item(text))
    };
    let Some(item) = document.items(list).iter().rev().find(is_ours) else { return Ok(None) };
    take_item(text, &document, &target.path, *item, leave)
}

/// The text without an item of the list at `path`.
fn take_item(
    text: &str,
    document: &Document,
    path: &[Seg],
    item: Id,
    leave: Leave<'_>,
) -> Result<Option<String>, InjectError> {
    let Some(list) = document.at(path) else { return Ok(None) };
    let Data::Sequence { items, flow } = &document.node(list).data else { return Ok(None) };
    if items.len() == 1 {
        return take_section(text, document, path, leave);
    }
    let placing = Placing::new(text, document, line_end(text));
    let range = match flow {
        false => placing.item_range(item),
        true => before_in_flow(document, items, item),
    };
    Ok(range.map(|range| lines::splice(text, range, "")))
}

/// An item of a flow list that has one before it, with the comma between.
fn before_in_flow(document: &Document, items: &[Id], item: Id) -> Option<std::ops::Range<usize>> {
    let at = items.iter().position(|i| *i == item)?;
    let before = document.node(*items.get(at.checked_sub(1)?)?).range.end;
    Some(before..document.node(item).range.end)
}

/// The mapping that holds the entry at `path`, its key and its value.
fn find(document: &Document, path: &[Seg]) -> Option<(Id, Id, Id)> {
    let (Seg::Key(last), section) = path.split_last()? else { return None };
    let mapping = document.at(section)?;
    let (key, value) = document.entries_named(mapping, last).next()?;
    Some((mapping, key, value))
}
