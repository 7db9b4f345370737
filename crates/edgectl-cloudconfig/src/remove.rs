//! Taking out again what `inject` has put in.
//!
//! Nothing is recorded in the file, so the proof is the way back: the result
//! is right if injecting into it gives the text that we started from.

use thiserror::Error;

use crate::certificate;
use crate::envelope::edit_part;
use crate::error::InjectError;
use crate::header::line_end;
use crate::inject::{Injection, inject_one, present_spellings};
use crate::lines;
use crate::place::Placing;
use crate::sections::Sections;
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

/// Sections nest no deeper than this.
const MAX_KEYS: usize = 3;

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
    edit_part(text, |part| remove_one(part, injection, force))
}

fn remove_one(text: &str, injection: &Injection, force: bool) -> Result<String, RemoveError> {
    if inject_one(text, injection)? != text {
        return Err(RemoveError::NotInjected);
    }
    let mut first = None;
    for with in ["", " {}", " null", " ~"] {
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
    let sections = Sections::of(injection.flavor);
    let mut paths: Vec<Vec<String>> = Vec::new();
    let own = |section: &[&str], key: &str| -> Vec<String> {
        section.iter().copied().chain([key]).map(str::to_owned).collect()
    };
    for key in ["insecure", "password", "username", "domain"] {
        paths.push(own(&sections.credentials, key));
    }
    for rule in injection.rules.iter().rev() {
        let spellings = present_spellings(text, &rule.source, injection.flavor)?;
        paths.extend(spellings.iter().map(|spelling| own(&sections.rules, spelling)));
    }
    let mut text = text.to_owned();
    if let Some(pem) = injection.ca_pem.as_deref().and_then(certificate::pem) {
        let Some(after) = take_certificate(&text, sections, &pem, leave)? else { return Ok(None) };
        text = after;
    }
    for path in paths {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let Some(after) = take_entry(&text, &path, leave)? else { return Ok(None) };
        text = after;
    }
    Ok(Some(text))
}

/// The text without the entry at `path`, and without what that leaves empty.
fn take_entry(text: &str, path: &[&str], leave: Leave<'_>) -> Result<Option<String>, InjectError> {
    let document = Document::parse(text)?;
    let Some((mapping, key, value)) = find(&document, path) else {
        return Ok(Some(text.to_owned()));
    };
    let placing = Placing::new(text, &document, line_end(text));
    if document.entries(mapping).len() > 1 || path.len() == 1 {
        let range = placing.entry_range(mapping, key, value);
        return Ok(range.map(|range| lines::splice(text, range, "")));
    }
    take_section(text, &document, &path[..path.len() - 1], leave)
}

/// A section whose only content goes.
fn take_section(
    text: &str,
    document: &Document,
    path: &[&str],
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

fn take_certificate(
    text: &str,
    sections: &Sections,
    pem: &str,
    leave: Leave<'_>,
) -> Result<Option<String>, InjectError> {
    let document = Document::parse(text)?;
    let Some((_, _, list)) = find(&document, &sections.authorities) else { return Ok(None) };
    let Data::Sequence { items, flow } = &document.node(list).data else { return Ok(None) };
    let is_ours = |item: &&Id| {
        let scalar = document.node(**item).scalar();
        scalar.and_then(|(text, _)| certificate::pem(text)).as_deref() == Some(pem)
    };
    let Some(item) = items.iter().rev().find(is_ours) else { return Ok(None) };
    if items.len() == 1 {
        return take_section(text, &document, &sections.authorities, leave);
    }
    let placing = Placing::new(text, &document, line_end(text));
    let range = match flow {
        false => placing.item_range(*item),
        true => before_in_flow(&document, items, *item),
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
fn find(document: &Document, path: &[&str]) -> Option<(Id, Id, Id)> {
    let mut mapping = document.root?;
    let (last, sections) = path.split_last()?;
    for section in sections {
        mapping = document.entries_named(mapping, section).next()?.1;
    }
    let (key, value) = document.entries_named(mapping, last).next()?;
    Some((mapping, key, value))
}
