//! Taking out again what `inject` has put in.

use thiserror::Error;

use crate::envelope::{InPart, Part, edit_chosen, edit_part, parts};
use crate::error::InjectError;
use crate::header::line_end;
use crate::inject::ensure_sure;
use crate::injection::Injection;
use crate::leftovers::leftovers;
use crate::lines;
use crate::place::Placing;
use crate::plan::{targets, tops};
use crate::target::{Seg, Target};
use crate::template::Template;
use crate::trace::{self, Added};
use crate::tree::{Data, Document, Id};

/// Why an injection can't be taken out.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RemoveError {
    /// The text can't be edited.
    #[error(transparent)]
    Text(#[from] InjectError),
    /// Nothing says that anything was added.
    #[error("edgectl has added nothing here: the line in which it says so isn't there")]
    NotInjected,
    /// The bytes before can't be told.
    #[error(
        "injecting has replaced values that stood here, and those can't be brought back; take the \
         registry out by force, or from the file that it was injected into"
    )]
    Replaced,
    /// What was added can't be found any more.
    #[error(
        "what edgectl has added here was changed since, so that nothing tells what is whose; take \
         the registry out by force, or from the file that it was injected into"
    )]
    Changed,
    /// None of the registry's keys is there.
    #[error("this user data has none of the registry's keys; there is nothing to remove")]
    Nothing,
}

impl InPart for RemoveError {
    fn in_whole(self, part: &Part) -> Self {
        match self {
            Self::Text(error) => Self::Text(error.in_whole(part)),
            other => other,
        }
    }
}

/// A text without what was added to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// The text.
    pub text: String,
    /// It was changed in other places since; the changes are still there. Else
    /// it has the very bytes that it had before.
    pub is_edited: bool,
}

/// `text` without what [`inject`](crate::inject) has added, whatever was
/// injected: the very bytes it was added to. Of several parts all are looked at.
///
/// Injecting leaves a line that says what it has added. Where that can't be
/// told any more, or where it has replaced values, this is refused.
pub fn remove(text: &str) -> Result<Removed, RemoveError> {
    let mut removed = remove_last(text)?;
    // Every round takes out the line of one part.
    while is_traced(&removed.text) {
        let next = remove_last(&removed.text)?;
        removed = Removed { is_edited: removed.is_edited || next.is_edited, ..next };
    }
    Ok(removed)
}

fn is_traced(text: &str) -> bool {
    parts(text).is_some_and(|parts| parts.iter().any(|part| trace::line_of(&part.text).is_some()))
}

fn remove_last(text: &str) -> Result<Removed, RemoveError> {
    let mut is_edited = false;
    let text = edit_chosen(text, traced_part, |part, _| {
        let removed = remove_one(part)?;
        is_edited = removed.is_edited;
        Ok(removed.text)
    })?;
    Ok(Removed { text, is_edited })
}

/// The last part that something was added to.
fn traced_part(parts: &[Part]) -> Result<usize, RemoveError> {
    let last = parts.iter().rposition(|part| trace::line_of(&part.text).is_some());
    last.ok_or(RemoveError::NotInjected)
}

fn remove_one(text: &str) -> Result<Removed, RemoveError> {
    let traced = trace::split(text);
    let Some(trace) = &traced.trace else {
        return Err(if traced.has_line { RemoveError::Changed } else { RemoveError::NotInjected });
    };
    let (patch, is_edited) = match trace.added(&traced.text) {
        Added::Exactly(patch) => (patch, false),
        Added::Edited(patch) => (patch, true),
        Added::Unknown { is_replaced: true } => return Err(RemoveError::Replaced),
        Added::Unknown { is_replaced: false } => return Err(RemoveError::Changed),
    };
    match patch.undone(&traced.text) {
        Some(text) => Ok(Removed { text, is_edited }),
        None => Err(RemoveError::Replaced),
    }
}

/// `text` without the keys, files and rules of a registry, whoever wrote them
/// and whatever their values are.
pub fn remove_by_force(text: &str, injection: &Injection) -> Result<String, RemoveError> {
    let mut after = force_one(text, injection)?;
    // One round for every other part, which may have some too.
    for _ in 1..parts(text).map_or(1, |parts| parts.len()) {
        match force_one(&after, injection) {
            Ok(next) => after = next,
            Err(RemoveError::Nothing) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(after)
}

fn force_one(text: &str, injection: &Injection) -> Result<String, RemoveError> {
    let choose = || tops(injection);
    edit_part(text, choose, |part, _| {
        let bare = trace::split(part).text;
        let after = match Template::of(&bare).map_err(InjectError::from)? {
            None => take_out(&bare, injection)?,
            Some(template) => ensure_sure(&template, injection)
                .and_then(|()| take_out(template.text(), injection))
                .map(|after| template.holes.restored(&after).text)
                .map_err(|error| error.in_template(&template))?,
        };
        if after == bare { Err(RemoveError::Nothing) } else { Ok(after) }
    })
}

fn take_out(text: &str, injection: &Injection) -> Result<String, InjectError> {
    let mut text = text.to_owned();
    let mut wanted = targets(&text, injection)?;
    wanted.extend(leftovers(&text, injection)?);
    for target in wanted.iter().rev() {
        let after = match target.leaf.is_item() {
            true => take_listed(&text, target)?,
            false => take_entry(&text, &target.path)?,
        };
        text = after.unwrap_or(text);
    }
    Ok(text)
}

/// The text without the entry at `path`, and without what that leaves empty.
fn take_entry(text: &str, path: &[Seg]) -> Result<Option<String>, InjectError> {
    let document = Document::parse(text)?;
    let Some((mapping, key, value)) = find(&document, path) else {
        return Ok(None);
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
        [list @ .., Seg::Item { .. }] => take_item(text, &document, list, mapping),
        _ => take_entry(text, above),
    }
}

fn take_listed(text: &str, target: &Target) -> Result<Option<String>, InjectError> {
    let document = Document::parse(text)?;
    let Some(list) = document.at(&target.path) else { return Ok(None) };
    let is_ours = |item: &&Id| {
        let scalar = document.node(**item).scalar();
        scalar.is_some_and(|(text, _)| target.leaf.is_same_item(text))
    };
    let Some(item) = document.items(list).iter().rev().find(is_ours) else { return Ok(None) };
    take_item(text, &document, &target.path, *item)
}

/// The text without an item of the list at `path`.
fn take_item(
    text: &str,
    document: &Document,
    path: &[Seg],
    item: Id,
) -> Result<Option<String>, InjectError> {
    let Some(list) = document.at(path) else { return Ok(None) };
    let Data::Sequence { items, flow } = &document.node(list).data else { return Ok(None) };
    if items.len() == 1 {
        return take_entry(text, path);
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
