//! A value at its path as text: lines of block style, or what stands inside
//! braces and brackets.

use crate::certificate;
use crate::scalar;
use crate::target::{Leaf, Seg};

/// `path` and `leaf` on one line, as they stand inside braces.
pub(crate) fn flow_entry(path: &[Seg], leaf: &Leaf) -> String {
    match path {
        [] => flow_leaf(leaf),
        [Seg::Key(key), rest @ ..] => format!("{}: {}", scalar::key(key), flow_value(rest, leaf)),
        [Seg::Item { .. }, ..] => flow_item(path, leaf),
    }
}

/// What stands behind a key: a value, or more keys or items in their braces.
pub(crate) fn flow_value(path: &[Seg], leaf: &Leaf) -> String {
    match path {
        [] => flow_leaf(leaf),
        [Seg::Key(_), ..] => format!("{{{}}}", flow_entry(path, leaf)),
        [Seg::Item { .. }, ..] => format!("[{}]", flow_item(path, leaf)),
    }
}

/// An item of a list, inside brackets.
pub(crate) fn flow_item(path: &[Seg], leaf: &Leaf) -> String {
    match (path, leaf) {
        ([Seg::Item { key, is }, rest @ ..], _) => {
            format!("{{{key}: {}, {}}}", is.written(), flow_entry(rest, leaf))
        }
        (_, Leaf::Certificate(text) | Leaf::Command(text)) => scalar::quoted(text),
        _ => flow_entry(path, leaf),
    }
}

fn flow_leaf(leaf: &Leaf) -> String {
    match leaf {
        Leaf::Scalar { written, .. } => written.clone(),
        Leaf::Text(text) => scalar::quoted(text),
        Leaf::Certificate(text) | Leaf::Command(text) => format!("[{}]", scalar::quoted(text)),
    }
}

/// `path` and `leaf` as lines of block style.
pub(crate) fn block_entry(path: &[Seg], leaf: &Leaf, indent: usize, step: usize) -> Vec<String> {
    let margin = " ".repeat(indent);
    match (path, leaf) {
        ([], Leaf::Scalar { written, .. }) => vec![format!("{margin}{written}")],
        ([], Leaf::Text(text)) => vec![format!("{margin}{}", scalar::quoted(text))],
        ([] | [Seg::Item { .. }, ..], _) => block_item(path, leaf, indent, step),
        ([Seg::Key(key)], Leaf::Scalar { written, .. }) => {
            vec![format!("{margin}{}: {written}", scalar::key(key))]
        }
        ([Seg::Key(key)], Leaf::Text(text)) => {
            let mut lines = literal(text, indent + step);
            lines[0] = format!("{margin}{}: {}", scalar::key(key), lines[0]);
            lines
        }
        ([Seg::Key(key), rest @ ..], _) => {
            let mut lines = vec![format!("{margin}{}:", scalar::key(key))];
            lines.extend(block_entry(rest, leaf, indent + step, step));
            lines
        }
    }
}

/// The lines of one item of a block list.
pub(crate) fn block_item(path: &[Seg], leaf: &Leaf, indent: usize, step: usize) -> Vec<String> {
    let margin = " ".repeat(indent);
    match (path, leaf) {
        ([Seg::Item { key, is }, rest @ ..], _) => {
            let mut lines = vec![format!("{margin}- {key}: {}", is.written())];
            lines.extend(block_entry(rest, leaf, indent + 2, step));
            lines
        }
        (_, Leaf::Certificate(text)) if certificate::fits_block(text) => {
            let mut lines = literal(text, indent + 2);
            lines[0] = format!("{margin}- {}", lines[0]);
            lines
        }
        (_, Leaf::Certificate(text) | Leaf::Command(text)) => {
            vec![format!("{margin}- {}", scalar::quoted(text))]
        }
        _ => block_entry(path, leaf, indent, step),
    }
}

/// A text of several lines, the first of which goes behind a key or a dash.
pub(crate) fn literal(text: &str, indent: usize) -> Vec<String> {
    if !fits_literal(text) {
        return vec![scalar::quoted(text)];
    }
    let margin = " ".repeat(indent);
    let line = |line: &str| match line {
        "" => String::new(),
        _ => format!("{margin}{line}"),
    };
    std::iter::once("|".to_owned()).chain(text.lines().map(line)).collect()
}

/// Whether a text can stand in a literal block as it is: one line end at its
/// end, nothing invisible, and no mark of a template language.
fn fits_literal(text: &str) -> bool {
    let is_plain = |byte: u8| matches!(byte, b' ' | b'\n') || byte.is_ascii_graphic();
    let has_mark = ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark));
    text.ends_with('\n')
        && !text.ends_with("\n\n")
        && !text.starts_with([' ', '\n'])
        && !text.contains(" \n")
        && text.bytes().all(is_plain)
        && !has_mark
}
