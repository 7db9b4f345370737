//! Values that PyYAML can't make what their tag says of.

use crate::tree::{Data, Document, Id};

use super::date;

/// What is wrong with a node that has a tag.
pub(super) fn fault(document: &Document, id: Id, tag: &str) -> Option<&'static str> {
    let Some(name) = known(tag) else {
        return Some(match tag.starts_with("!!") {
            true => "a tag that cloud-init's YAML refuses with the whole file; remove it",
            false => {
                "an unknown tag, which cloud-init's YAML refuses with the whole file; remove it, or quote a text that starts with `!`"
            }
        });
    };
    let fits = match &document.node(id).data {
        Data::Scalar { text, .. } => takes_scalar(name, text),
        Data::Mapping { .. } => matches!(name, "map" | "set"),
        Data::Sequence { items, .. } => match name {
            "omap" | "pairs" => items.iter().all(|item| is_pair(document, *item)),
            name => name == "seq",
        },
        Data::Alias(_) => true,
    };
    (!fits).then_some(
        "a value that isn't what its tag says, which cloud-init's YAML refuses with the whole file; remove the tag",
    )
}

/// The name of a tag of YAML's own; empty for `!`, which says nothing.
fn known(tag: &str) -> Option<&str> {
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
    name.filter(|name| KNOWN.contains(name))
}

fn is_pair(document: &Document, item: Id) -> bool {
    document.resolve(item).is_some_and(|item| document.entries(item).len() == 1)
}

fn takes_scalar(name: &str, text: &str) -> bool {
    match name {
        "str" | "null" => true,
        "int" => is_integer(text),
        "float" => is_float(text),
        "bool" => {
            let text = text.to_ascii_lowercase();
            matches!(text.as_str(), "yes" | "no" | "true" | "false" | "on" | "off")
        }
        "binary" => is_base64(text),
        "timestamp" => date::is_timestamp(text) && !date::is_impossible(text),
        _ => false,
    }
}

fn unsigned(text: &str) -> String {
    let bare = text.replace('_', "");
    bare.strip_prefix(['-', '+']).unwrap_or(&bare).to_owned()
}

fn is_integer(text: &str) -> bool {
    let digits = unsigned(text);
    let is_of =
        |digits: &str, base: u32| !digits.is_empty() && digits.chars().all(|c| c.is_digit(base));
    match (digits.strip_prefix("0x"), digits.strip_prefix("0b"), digits.strip_prefix('0')) {
        (Some(hex), _, _) => is_of(hex, 16),
        (_, Some(binary), _) => is_of(binary, 2),
        (_, _, Some("")) => true,
        (_, _, Some(octal)) => is_of(octal, 8),
        _ => digits.split(':').all(|digits| is_of(digits, 10)),
    }
}

fn is_float(text: &str) -> bool {
    let text = unsigned(text).to_ascii_lowercase();
    let is_number = |text: &str| !text.is_empty() && text.trim().parse::<f64>().is_ok();
    matches!(text.as_str(), ".inf" | ".nan") || text.split(':').all(is_number)
}

/// As Python decodes it, which passes over what isn't base64.
fn is_base64(text: &str) -> bool {
    let is_digit = |c: &u8| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/');
    let digits = text.bytes().filter(is_digit).count();
    let padding = text.bytes().filter(|c| *c == b'=').count();
    let asked = match digits % 4 {
        0 => Some(0),
        2 => Some(2),
        3 => Some(1),
        _ => None,
    };
    text.is_ascii() && asked.is_some_and(|asked| padding >= asked)
}
