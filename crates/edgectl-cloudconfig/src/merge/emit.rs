//! Values as YAML that every reader takes for the same.

use super::value::{Content, Value};
use crate::scalar;

const STEP: usize = 2;

/// A whole document.
pub(super) fn document(root: &Value) -> String {
    let mut out = String::new();
    match &root.content {
        Content::Mapping(entries) => write_entries(&mut out, entries, 0),
        _ => out.push_str("{}\n"),
    }
    if out.is_empty() { "{}\n".to_owned() } else { out }
}

fn write_entries(out: &mut String, entries: &[(String, Value)], indent: usize) {
    for (key, value) in entries {
        out.push_str(&format!("{:indent$}{}:", "", key_text(key)));
        write_value(out, value, indent);
    }
}

/// A value behind `key:`.
fn write_value(out: &mut String, value: &Value, indent: usize) {
    match &value.content {
        Content::Mapping(entries) if !entries.is_empty() => {
            out.push('\n');
            write_entries(out, entries, indent + STEP);
        }
        Content::List(items) if !items.is_empty() => {
            out.push('\n');
            write_items(out, items, indent + STEP);
        }
        Content::Text(text) if is_block(text) => {
            out.push_str(" |\n");
            write_lines(out, text, indent + STEP);
        }
        content => out.push_str(&format!(" {}\n", short(content))),
    }
}

fn write_items(out: &mut String, items: &[Value], indent: usize) {
    for item in items {
        out.push_str(&format!("{:indent$}-", ""));
        match &item.content {
            Content::Mapping(entries) if !entries.is_empty() => {
                // The first key stands behind the dash.
                let mut inner = String::new();
                write_entries(&mut inner, entries, indent + STEP);
                out.push(' ');
                out.push_str(inner.trim_start_matches(' '));
            }
            Content::List(below) if !below.is_empty() => {
                out.push('\n');
                write_items(out, below, indent + STEP);
            }
            Content::Text(text) if is_block(text) => {
                out.push_str(" |\n");
                write_lines(out, text, indent + STEP);
            }
            content => out.push_str(&format!(" {}\n", short(content))),
        }
    }
}

fn write_lines(out: &mut String, text: &str, indent: usize) {
    for line in text.lines() {
        match line {
            "" => out.push('\n'),
            line => out.push_str(&format!("{:indent$}{line}\n", "")),
        }
    }
}

/// A value on one line.
fn short(content: &Content) -> String {
    match content {
        Content::Null => "null".to_owned(),
        Content::Plain(text) => text.clone(),
        Content::Text(text) => match is_bare(text) {
            true => text.clone(),
            false => scalar::quoted(text),
        },
        Content::List(_) => "[]".to_owned(),
        Content::Mapping(_) => "{}".to_owned(),
    }
}

fn key_text(key: &str) -> String {
    if is_bare(key) { key.to_owned() } else { scalar::quoted(key) }
}

/// Whether a text can stand without quotes.
fn is_bare(text: &str) -> bool {
    let is_safe = |c: u8| c.is_ascii_alphanumeric() || b"._-/@".contains(&c);
    scalar::is_surely_text(text) && text.bytes().all(is_safe)
}

/// Whether a text can stand line by line: it ends in exactly one line end, and
/// nothing in it is invisible or could be taken for indentation.
fn is_block(text: &str) -> bool {
    let Some(body) = text.strip_suffix('\n') else { return false };
    let is_plain =
        |line: &str| line.trim_end() == line && line.chars().all(|c| c == '\t' || !c.is_control());
    let is_ascii = text.is_ascii();
    !body.is_empty()
        && !body.ends_with('\n')
        && is_ascii
        && !body.starts_with([' ', '\t', '\n'])
        && body.split('\n').all(is_plain)
}
