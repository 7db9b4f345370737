//! What other readers take and cloud-init's safe loader (PyYAML) refuses: it
//! then passes over the whole file.

mod date;
mod tags;
mod tokens;

use granit_parser::ScalarStyle;

use crate::error::Place;
use crate::tree::{Data, Document, Id};

const COLLECTION_AS_KEY: &str = "a list or a mapping as a key, which cloud-init's YAML refuses with the whole file; quote what is meant as a text";
const MERGED_NOTHING: &str = "`<<` without a mapping, or a list of mappings, which cloud-init's YAML refuses with the whole file; name one, or remove it";

/// Whether readers of YAML in Go, as Kairos' and Palette's agents have them, refuse
/// what a message tells of, too.
pub(super) fn is_refused_by_go(message: &str) -> bool {
    [COLLECTION_AS_KEY, MERGED_NOTHING].contains(&message)
}

/// The places, with what is wrong there.
pub(super) fn refused_by_python(text: &str, document: &Document) -> Vec<(Place, &'static str)> {
    let mut found = tokens::faults(text);
    for (id, node) in document.nodes.iter().enumerate() {
        let tag = node.tag.as_deref().filter(|tag| *tag != "!");
        if let Some(message) = tag.and_then(|tag| tags::fault(document, id, tag)) {
            found.push((node.place, message));
        }
        if let Data::Mapping { entries, flow } = &node.data {
            found.extend(
                entries
                    .iter()
                    .filter_map(|(key, value)| key_fault(text, document, *key, *value, *flow)),
            );
            found.extend(
                entries.iter().filter_map(|(key, value)| merge_fault(document, *key, *value)),
            );
            let values = entries.iter().map(|(_, value)| *value);
            found.extend(values.filter_map(|id| value_fault(document, id)));
        }
        if let Data::Sequence { items, .. } = &node.data {
            found.extend(items.iter().filter_map(|id| value_fault(document, *id)));
        }
    }
    found
}

fn key_fault(
    text: &str,
    document: &Document,
    key: Id,
    value: Id,
    is_flow: bool,
) -> Option<(Place, &'static str)> {
    let node = document.node(key);
    let target = document.resolve(key).map(|id| document.node(id))?;
    let message = match &target.data {
        Data::Scalar { .. } => {
            // Only in braces may a key's colon stand in another line, and not there for PyYAML.
            let between = text.get(node.range.end..document.node(value).range.start);
            let is_explicit = text[..node.range.start].trim_end().ends_with('?');
            let between = between.filter(|_| is_flow && !is_explicit);
            let colon = between.and_then(|between| between.split_once(':'));
            let is_bare =
                plain(document, key).is_some() && node.range.is_empty() && node.anchor == 0;
            let is_behind_mark = |at: usize| text[..at].trim_end().ends_with('?');
            match colon.is_some_and(|(before, _)| before.contains('\n')) {
                false if is_bare && !is_behind_mark(node.range.start) => {
                    "nothing before a colon, which cloud-init's YAML refuses with the whole file; name the key"
                }
                true => {
                    "a colon in another line than its key, which cloud-init's YAML refuses with the whole file; put both into one line"
                }
                false if plain(document, key) != Some("=") => return plain_fault(document, key),
                false => return None,
            }
        }
        _ => COLLECTION_AS_KEY,
    };
    Some((node.place, message))
}

/// `<<` takes mappings.
fn merge_fault(document: &Document, key: Id, value: Id) -> Option<(Place, &'static str)> {
    let is_mapping = |id: Id| {
        let data = document.resolve(id).map(|id| &document.node(id).data);
        matches!(data, Some(Data::Mapping { .. }))
    };
    let is_list = |id: Id| {
        let data = document.resolve(id).map(|id| &document.node(id).data);
        matches!(data, Some(Data::Sequence { items, .. }) if items.iter().all(|item| is_mapping(*item)))
    };
    let is_merge = document.node(key).tag.is_none() && plain(document, key) == Some("<<");
    (is_merge && !is_mapping(value) && !is_list(value))
        .then_some((document.node(key).place, MERGED_NOTHING))
}

fn value_fault(document: &Document, id: Id) -> Option<(Place, &'static str)> {
    let message = "cloud-init's YAML refuses `<<` as a value with the whole file; quote it";
    match plain(document, id)? {
        "<<" => Some((document.node(id).place, message)),
        _ => plain_fault(document, id),
    }
}

/// Words that PyYAML recognises and can't make anything of.
fn plain_fault(document: &Document, id: Id) -> Option<(Place, &'static str)> {
    let message = match plain(document, id)? {
        "=" => "cloud-init's YAML refuses a bare `=` with the whole file; quote it",
        text if is_number_without_digits(text) => {
            "a number without digits, which cloud-init's YAML refuses with the whole file; quote it"
        }
        _ => return date_fault(document, id),
    };
    Some((document.node(id).place, message))
}

fn date_fault(document: &Document, id: Id) -> Option<(Place, &'static str)> {
    let message =
        "a date that doesn't exist, which cloud-init's YAML refuses with the whole file; quote it";
    date::is_impossible(plain(document, id)?).then(|| (document.node(id).place, message))
}

fn plain(document: &Document, id: Id) -> Option<&str> {
    let node = document.node(id);
    let (text, style) = node.scalar()?;
    (style == ScalarStyle::Plain && node.tag.is_none()).then_some(text)
}

fn is_number_without_digits(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let digits = text.strip_prefix("0x").or(text.strip_prefix("0b"));
    digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|c| c == b'_'))
}
