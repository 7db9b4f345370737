//! A tree as JSON, for programs that take values.

use granit_parser::ScalarStyle;

use crate::tree::{Data, Node};

/// Longest result: aliases may make much of little.
const MAX_LENGTH: usize = 4 << 20;

/// The tree as JSON. Plain scalars that may be numbers, booleans or null are
/// left to the reader to tell: YAML readers differ, and the one that renders
/// decides.
pub(crate) fn json(node: &Node) -> String {
    with(node, &|text| text.to_owned())
}

/// The same, with every text changed by `change`.
pub(crate) fn with(node: &Node, change: &dyn Fn(&str) -> String) -> String {
    let mut out = String::new();
    write(node, change, &mut out);
    match out.len() > MAX_LENGTH {
        // Whoever reads it complains.
        true => "[the values are too large".to_owned(),
        false => out,
    }
}

fn write(node: &Node, change: &dyn Fn(&str) -> String, out: &mut String) {
    if out.len() > MAX_LENGTH {
        return;
    }
    match &node.data {
        Data::Scalar { text, style, .. } if is_word(text, *style) => out.push_str(text),
        Data::Scalar { text, style, .. } if text.is_empty() && *style == ScalarStyle::Plain => {
            out.push_str("null");
        }
        Data::Scalar { text, .. } => out.push_str(&quote(&change(text))),
        Data::Mapping(entries) => {
            out.push('{');
            // The last of two equal keys counts.
            let mut written: Vec<&str> = Vec::new();
            for (key, value) in entries.iter().rev() {
                let Some(name) = key.scalar().filter(|name| !written.contains(name)) else {
                    continue;
                };
                if !written.is_empty() {
                    out.push(',');
                }
                written.push(name);
                out.push_str(&quote(name));
                out.push(':');
                write(value, change, out);
            }
            out.push('}');
        }
        Data::Sequence(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, change, out);
            }
            out.push(']');
        }
    }
}

/// Whether a plain scalar could be more than a text.
fn is_word(text: &str, style: ScalarStyle) -> bool {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || "_.+-~".contains(c);
    style == ScalarStyle::Plain
        && !text.is_empty()
        && text.chars().all(is_bare)
        && !text.starts_with("---")
        && text != "-"
}

/// A text as a JSON string.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if u32::from(c) < 0x20 || c == '\u{7f}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::parse;

    #[test]
    fn trees_survive() {
        let text = "a: 1\nb: '1'\nc: [yes, 0x1f, ~, 'x: y']\nd: |\n  two\n  \"lines\"\ne: {}\nf:\n";
        let tree = parse(text).unwrap();
        let written = json(&tree[0]);
        assert_eq!(
            written,
            r#"{"f":~,"e":{},"d":"two\n\"lines\"\n","c":[yes,0x1f,~,"x: y"],"b":"1","a":1}"#
        );
        let again = parse(&written).unwrap();
        assert_eq!(again[0].get("d").unwrap().scalar(), Some("two\n\"lines\"\n"));
        assert_eq!(again[0].get("b").unwrap().scalar(), Some("1"));
    }
}
