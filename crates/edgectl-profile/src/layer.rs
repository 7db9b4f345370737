//! YAML inside strings of YAML inside strings of JSON: from a place in the
//! innermost text back to the file.

use granit_parser::ScalarStyle;

use crate::error::wide;
use crate::mask::mask;
use crate::tree::{Data, Node};

/// A text, and where it stands in the text around it.
pub(crate) struct Layer<'a> {
    /// The text with its macros masked.
    pub(crate) text: &'a str,
    around: Option<(&'a Layer<'a>, Anchor)>,
}

/// How places in a string relate to places in the text that holds it.
#[derive(Debug, Clone)]
enum Anchor {
    /// Line by line, as in a block scalar.
    Lines { line: u64, column: u64 },
    /// One line, with escapes.
    Escaped { line: u64, column: u64, raw: String },
    /// The string's start is all that can be told.
    Start { line: u64, column: u64 },
}

/// A scalar's text, ready to be parsed as YAML.
pub(crate) struct Embedded {
    text: String,
    anchor: Anchor,
}

impl<'a> Layer<'a> {
    /// A whole file.
    pub(crate) fn file(text: &'a str) -> Self {
        Self { text, around: None }
    }

    /// A string inside this text.
    pub(crate) fn inner<'b>(&'b self, embedded: &'b Embedded) -> Layer<'b> {
        Layer { text: &embedded.text, around: Some((self, embedded.anchor.clone())) }
    }

    /// The text of a scalar of this text.
    pub(crate) fn embedded(&self, node: &Node) -> Option<Embedded> {
        let Data::Scalar { text, style, range } = &node.data else { return None };
        let (line, column) = (node.line, node.column);
        let raw = self.text.get(range.clone()).unwrap_or_default();
        let anchor = match style {
            ScalarStyle::Literal => {
                // The parser's place is that of the first line with content.
                let blank = text.bytes().take_while(|c| *c == b'\n').count();
                Anchor::Lines { line: line.saturating_sub(wide(blank)), column }
            }
            ScalarStyle::DoubleQuoted if !raw.contains('\n') => {
                let raw = raw.strip_prefix('"').unwrap_or(raw).to_owned();
                Anchor::Escaped { line, column: column + 1, raw }
            }
            ScalarStyle::SingleQuoted if !raw.contains('\n') => {
                Anchor::Lines { line, column: column + 1 }
            }
            ScalarStyle::Plain if !raw.contains('\n') => Anchor::Lines { line, column },
            _ => Anchor::Start { line, column },
        };
        Some(Embedded { text: mask(text).into_owned(), anchor })
    }

    /// A place in this text as a place in the file.
    pub(crate) fn place(&self, line: u64, column: u64) -> (u64, u64) {
        let Some((around, anchor)) = &self.around else { return (line, column) };
        let (line, column) = match anchor {
            Anchor::Lines { line: first, column: margin } => {
                (first + line.saturating_sub(1), margin + column.saturating_sub(1))
            }
            Anchor::Escaped { line: at, column: start, raw } => {
                (*at, start + wide(escaped_width(raw, self.characters_before(line, column))))
            }
            Anchor::Start { line, column } => (*line, *column),
        };
        around.place(line, column)
    }

    /// How many characters of this text stand before a place.
    fn characters_before(&self, line: u64, column: u64) -> usize {
        let above = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
        let lines = self.text.split_inclusive('\n').take(above);
        let left = usize::try_from(column.saturating_sub(1)).unwrap_or(usize::MAX);
        lines.map(|line| line.chars().count()).sum::<usize>().saturating_add(left)
    }
}

/// How many characters of a double-quoted scalar's source make up its first
/// `count` characters.
fn escaped_width(raw: &str, count: usize) -> usize {
    let mut chars = raw.chars();
    let mut width = 0;
    for _ in 0..count {
        width += match chars.next() {
            None => return width,
            Some('\\') => {
                let digits = match chars.next() {
                    Some('x') => 2,
                    Some('u') => 4,
                    Some('U') => 8,
                    _ => 0,
                };
                chars.by_ref().take(digits).count() + 2
            }
            Some(_) => 1,
        };
    }
    width
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::parse;

    fn place_of_inner_key(text: &str) -> (u64, u64) {
        let outer = parse(text).unwrap();
        let layer = Layer::file(text);
        let embedded = layer.embedded(outer[0].get("values").unwrap()).unwrap();
        let inner = layer.inner(&embedded);
        let tree = parse(inner.text).unwrap();
        let node = tree[0].at(&["a", "b"]).unwrap();
        inner.place(node.line, node.column)
    }

    #[test]
    fn inner_places_are_file_places() {
        assert_eq!(place_of_inner_key("x: 1\nvalues: |\n  a:\n    b: here\n"), (4, 8));
        assert_eq!(place_of_inner_key("values: |\n\n\n  a:\n    b: here\n"), (5, 8));
        assert_eq!(place_of_inner_key(r#"{"values": "a:\n  b: here\n"}"#), (1, 22));
        assert_eq!(place_of_inner_key("values: '{a: {b: here}}'\n"), (1, 18));
        assert_eq!(place_of_inner_key("values: >\n  a:\n\n    b: here\n"), (2, 3));
    }
}
