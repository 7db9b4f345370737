//! User data with its secrets hidden, every other byte as it was.

mod comments;
mod properties;
mod repeated;
mod search;
mod statements;

use std::ops::Range;

use thiserror::Error;

use crate::envelope::{Part, is_archive, parts};
use crate::error::{Place, SyntaxError};
use crate::holes::Holes;
use crate::mime::{is_mime, is_structure};
use crate::template::{Template, explained};
use crate::tree::Document;
use comments::hide_comments;
use repeated::{hidden_values, without};
use search::Search;
use statements::filled;

/// What stands in place of a secret.
const HIDDEN: &str = "\"<hidden>\"";

/// Why secrets can't be hidden: where they stand can't be told.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{place}: {message}; what can't be read can't be hidden")]
pub struct RedactError {
    /// Where.
    pub place: Place,
    /// What is wrong there.
    pub message: String,
}

type Edit = (Range<usize>, String);

/// `text` with every password, token and key hidden: by their keys, in the
/// content of files, in proxy URLs, and in comments. Of several parts those
/// that are cloud-config and written as they are; what is in the others is
/// hidden as a whole.
pub fn redact(text: &str) -> Result<String, RedactError> {
    let mut edits = part_edits(text)?;
    if is_mime(text) {
        return Ok(apply(text, edits, |rest| only_structure(text, rest)));
    }
    if edits.is_empty() && !is_archive(text) {
        return redact_one(text);
    }
    document_edits(text, None, &mut edits)?;
    Ok(apply(text, edits, hide_comments))
}

/// Of what is no part that can be read, headers and delimiters alone.
fn only_structure(text: &str, rest: &str) -> String {
    let mut shown = String::with_capacity(rest.len());
    let mut is_hiding = false;
    for line in rest.split_inclusive('\n') {
        let is_shown = is_structure(text, line);
        match is_shown || is_hiding {
            true if is_shown => shown.push_str(line),
            true => {}
            false => shown.push_str("<hidden>\n"),
        }
        is_hiding = !is_shown;
    }
    shown
}

/// What becomes of the parts of a larger text.
fn part_edits(text: &str) -> Result<Vec<Edit>, RedactError> {
    let parts = parts(text).unwrap_or_default();
    let places = parts.iter().filter_map(|part| Some((part, part.range.clone()?)));
    let edit = |(part, range): (&Part, Range<usize>)| {
        let inner = redact_one(&part.text).map_err(|error| RedactError {
            place: part.place_in_whole(error.place),
            message: error.message,
        })?;
        Ok((range, part.in_place(&inner, text)))
    };
    places.map(edit).collect()
}

fn redact_one(text: &str) -> Result<String, RedactError> {
    let unclosed = |error: SyntaxError| RedactError { place: error.place, message: error.message };
    match Template::of(text).map_err(unclosed)? {
        None => redact_yaml(text, None),
        Some(template) => match redact_yaml(template.text(), Some(&template.holes)) {
            Ok(shown) => Ok(filled(&template.holes, &shown)),
            Err(error) => Err(RedactError {
                place: template.place(error.place),
                message: explained(&error.message),
            }),
        },
    }
}

/// `holes` has what the words stand for.
fn redact_yaml(text: &str, holes: Option<&Holes>) -> Result<String, RedactError> {
    let mut edits = Vec::new();
    document_edits(text, holes, &mut edits)?;
    Ok(apply(text, edits, hide_comments))
}

/// Adds the edits of a YAML document, but for what has some already.
fn document_edits(
    text: &str,
    holes: Option<&Holes>,
    edits: &mut Vec<Edit>,
) -> Result<(), RedactError> {
    let document = Document::parse(text)
        .map_err(|error| RedactError { place: error.place, message: error.message })?;
    if let Some(place) = document.second {
        let message = "a second document starts here".to_owned();
        return Err(RedactError { place, message });
    }
    let mut search = Search::new(text, &document, holes, edits);
    match document.root {
        Some(root) if is_archive(text) => search.archive(root),
        Some(root) if is_jsonp(text) => search.patches(root),
        Some(root) => search.value(root, false),
        None => {}
    }
    Ok(())
}

/// cloud-init's JSON patches, as a part's first line says it.
fn is_jsonp(text: &str) -> bool {
    text.trim_start().to_ascii_lowercase().starts_with("#cloud-config-jsonp")
}

/// The text with its edits; `rest` shows what is between them. What they hide is hidden
/// wherever it stands.
fn apply(text: &str, mut edits: Vec<Edit>, rest: impl Fn(&str) -> String) -> String {
    edits.sort_by_key(|edit| edit.0.start);
    edits.dedup_by(|b, a| {
        let is_within = b.0.start < a.0.end;
        a.0.end = if is_within { a.0.end.max(b.0.end) } else { a.0.end };
        is_within
    });
    let values = hidden_values(text, &edits);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (range, with) in edits {
        out.push_str(&rest(&text[at..range.start]));
        out.push_str(&with);
        at = range.end;
    }
    out.push_str(&rest(&text[at..]));
    without(&out, &values)
}
