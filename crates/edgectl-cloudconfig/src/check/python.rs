//! What other readers take and cloud-init's safe loader (PyYAML) refuses: it
//! then passes over the whole file.

use granit_parser::ScalarStyle;

use crate::error::Place;
use crate::tree::{Data, Document, Id};

/// The places, with what is wrong there.
pub(super) fn refused_by_python(text: &str, document: &Document) -> Vec<(Place, &'static str)> {
    let mut found = Vec::new();
    for node in &document.nodes {
        if let Some(tag) = node.tag.as_deref().filter(|tag| !is_known(tag)) {
            let message = match tag.starts_with("!!") {
                true => "a tag that cloud-init's YAML refuses with the whole file; remove it",
                false => {
                    "an unknown tag, which cloud-init's YAML refuses with the whole file; remove it, or quote a text that starts with `!`"
                }
            };
            found.push((node.place, message));
        }
        if let Data::Mapping { entries, flow } = &node.data {
            found.extend(
                entries
                    .iter()
                    .filter_map(|(key, value)| key_fault(text, document, *key, *value, *flow)),
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

fn is_known(tag: &str) -> bool {
    const KNOWN: [&str; 12] = [
        "str",
        "int",
        "float",
        "bool",
        "null",
        "binary",
        "timestamp",
        "omap",
        "pairs",
        "set",
        "seq",
        "map",
    ];
    let verbatim = tag.strip_prefix("!<tag:yaml.org,2002:").and_then(|tag| tag.strip_suffix('>'));
    let name = tag.strip_prefix("!!").or(tag.strip_prefix("tag:yaml.org,2002:")).or(verbatim);
    tag == "!" || name.is_some_and(|name| KNOWN.contains(&name))
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
            match colon.is_some_and(|(before, _)| before.contains('\n')) {
                true => {
                    "a colon in another line than its key, which cloud-init's YAML refuses with the whole file; put both into one line"
                }
                false => return date_fault(document, key),
            }
        }
        _ => {
            "a list or a mapping as a key, which cloud-init's YAML refuses with the whole file; quote what is meant as a text"
        }
    };
    Some((node.place, message))
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
    is_impossible_date(plain(document, id)?).then(|| (document.node(id).place, message))
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

fn is_impossible_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let is_date = parts.iter().map(|part| part.len()).eq([4, 2, 2])
        && parts.iter().all(|part| part.bytes().all(|c| c.is_ascii_digit()));
    if !is_date {
        return false;
    }
    let numbers: Vec<u32> = parts.iter().filter_map(|part| part.parse().ok()).collect();
    let [year, month, day] = numbers[..] else { return false };
    let is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => 0,
    };
    year == 0 || day == 0 || day > days
}
