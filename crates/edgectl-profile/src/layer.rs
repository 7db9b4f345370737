//! YAML inside strings of YAML inside strings of JSON: from a place in the
//! innermost text back to the file.

use granit_parser::ScalarStyle;

use crate::error::wide;
use crate::escapes::Escapes;
use crate::mask::mask;
use crate::tree::{Data, Node};

/// A text, and where it stands in the text around it.
pub(crate) struct Layer<'a> {
    /// The text with its macros masked.
    pub(crate) text: &'a str,
    /// Line of the file on which a text of its own begins, from 1.
    first_line: u64,
    around: Option<(&'a Layer<'a>, &'a Anchor)>,
}

/// How places in a string relate to places in the text that holds it.
#[derive(Debug)]
enum Anchor {
    /// Line by line, as in a block scalar.
    Lines { line: u64, column: u64 },
    /// One line, with escapes.
    Escaped { line: u64, column: u64, escapes: Escapes },
    /// The string's start is all that can be told.
    Start { line: u64, column: u64 },
}

/// A scalar's text, ready to be parsed as YAML.
pub(crate) struct Embedded {
    text: String,
    anchor: Anchor,
}

impl Embedded {
    /// A text that had to be decoded: its places are that of the scalar.
    pub(crate) fn decoded(node: &Node, text: &str) -> Self {
        let anchor = Anchor::Start { line: node.line(), column: node.column() };
        Self { text: mask(text).into_owned(), anchor }
    }
}

impl<'a> Layer<'a> {
    /// A whole file.
    pub(crate) fn file(text: &'a str) -> Self {
        Self::document(text, 1)
    }

    /// A part of a file that begins on this line of it.
    pub(crate) fn document(text: &'a str, first_line: u64) -> Self {
        Self { text, first_line, around: None }
    }

    /// A string inside this text.
    pub(crate) fn inner<'b>(&'b self, embedded: &'b Embedded) -> Layer<'b> {
        Layer { text: &embedded.text, first_line: 1, around: Some((self, &embedded.anchor)) }
    }

    /// Some of the lines of this text, as a text; the first has this number.
    pub(crate) fn lines<'b>(&'b self, text: &'b str, first_line: u64) -> Layer<'b>
    where
        'a: 'b,
    {
        let first_line = self.first_line + first_line.saturating_sub(1);
        Layer { text, first_line, around: self.around }
    }

    /// The text of a scalar of this text.
    pub(crate) fn embedded(&self, node: &Node) -> Option<Embedded> {
        let Data::Scalar { text, start, style } = &node.data else { return None };
        let (line, column) = (node.line(), node.column());
        let source = usize::try_from(*start).ok().and_then(|start| self.text.get(start..));
        let source = source.unwrap_or_default();
        let anchor = match style {
            ScalarStyle::Literal => {
                // The parser's place is that of the first line with content.
                let blank = text.bytes().take_while(|c| *c == b'\n').count();
                Anchor::Lines { line: line.saturating_sub(wide(blank)), column }
            }
            ScalarStyle::DoubleQuoted => match Escapes::read(source, text) {
                Some(escapes) => Anchor::Escaped { line, column: column + 1, escapes },
                None => Anchor::Start { line, column },
            },
            ScalarStyle::SingleQuoted if is_on_one_line(source, text) => {
                Anchor::Lines { line, column: column + 1 }
            }
            ScalarStyle::Plain if is_on_one_line(source, text) => Anchor::Lines { line, column },
            _ => Anchor::Start { line, column },
        };
        Some(Embedded { text: mask(text).into_owned(), anchor })
    }

    /// A place in this text as a place in the file.
    pub(crate) fn place(&self, line: u64, column: u64) -> (u64, u64) {
        let line = self.first_line + line.saturating_sub(1);
        let Some((around, anchor)) = &self.around else { return (line, column) };
        let (line, column) = match anchor {
            Anchor::Lines { line: first, column: margin } => {
                (first + line.saturating_sub(1), margin + column.saturating_sub(1))
            }
            Anchor::Escaped { line: at, column: start, escapes } => {
                (*at, start + escapes.width_before(line, column))
            }
            Anchor::Start { line, column } => (*line, *column),
        };
        around.place(line, column)
    }
}

/// Whether a scalar without escapes ends on the line on which it begins.
fn is_on_one_line(source: &str, text: &str) -> bool {
    let line = source.split('\n').next().unwrap_or_default();
    text.chars().count() <= line.chars().count()
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
        inner.place(node.line(), node.column())
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
