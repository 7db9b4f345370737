//! Single values, written again as they were written: what a plain scalar means
//! is a question of who reads it.

use granit_parser::ScalarStyle;

use super::block::Block;
use crate::scalar;
use crate::template::MARKS;
use crate::tree::{Document, Node};

/// A single value. No `Debug`: it can be a password.
#[derive(Clone)]
pub(super) struct Scalar {
    pub(super) text: String,
    written: Written,
    tag: Option<String>,
    is_plain: bool,
}

/// How it is written, its tag aside.
#[derive(Clone)]
enum Written {
    OnOneLine(String),
    /// As a block of lines, `|` or `>`.
    Block(Block),
    /// In a way that isn't kept: over several lines.
    Anyhow,
}

impl Scalar {
    /// `text` is the file's.
    pub(super) fn new(text: &str, node: &Node) -> Option<Self> {
        let (value, style) = node.scalar()?;
        let is_plain = style == ScalarStyle::Plain;
        let source = text.get(node.range.clone()).unwrap_or_default();
        let written = match style {
            ScalarStyle::Plain if source == value && stands_anywhere(value) => {
                Written::OnOneLine(source.to_owned())
            }
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted
                if !source.contains(['\n', '\r']) =>
            {
                Written::OnOneLine(source.to_owned())
            }
            ScalarStyle::Folded => Block::folded(text, node)
                .or_else(|| Block::literal(value))
                .map_or(Written::Anyhow, Written::Block),
            ScalarStyle::Literal => Block::literal(value).map_or(Written::Anyhow, Written::Block),
            _ => Written::Anyhow,
        };
        Some(Self {
            text: value.to_owned(),
            written,
            tag: node.tag.clone().filter(|tag| tag != "!!str" || is_plain),
            is_plain,
        })
    }

    /// Whether every reader takes both for the same.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        // No number, date or word of YAML has a slash.
        let is_text = |text: &str| text.contains('/') || scalar::is_surely_text(text);
        let is_sure = |own: &Self| !own.is_plain || is_text(&own.text);
        let are_alike = self.is_plain == other.is_plain || (is_sure(self) && is_sure(other));
        self.text == other.text && self.tag == other.tag && are_alike
    }

    /// The lines it may stand in; `in_template` says that marks of a template
    /// are meant, which quotes around them would change.
    pub(super) fn block(&self, in_template: bool) -> Option<Block> {
        let has_marks = || MARKS.iter().any(|mark| self.text.contains(mark));
        match &self.written {
            Written::Block(block) => Some(block.clone()),
            Written::Anyhow if in_template && has_marks() => Block::literal(&self.text),
            _ => None,
        }
    }

    /// With its tag, before a value of several lines too.
    pub(super) fn tag(&self) -> String {
        self.tag.as_ref().map_or_else(String::new, |tag| format!("{tag} "))
    }

    /// On one line.
    pub(super) fn on_one_line(&self, in_template: bool) -> String {
        let text = match &self.written {
            Written::OnOneLine(written) => written.clone(),
            _ if self.is_plain && self.text.is_empty() => "\"\"".to_owned(),
            _ if in_template => scalar::quoted_with_templates(&self.text),
            _ => scalar::quoted(&self.text),
        };
        format!("{}{text}", self.tag())
    }
}

/// Whether a text without quotes, that may have stood in braces, can stand
/// behind a key.
fn stands_anywhere(plain: &str) -> bool {
    if plain.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_')) {
        return true;
    }
    let document = Document::parse(&format!("x: {plain}\n")).ok();
    let read = document.as_ref().and_then(|document| {
        document.get(document.root?, "x").and_then(|id| document.node(id).scalar())
    });
    read == Some((plain, ScalarStyle::Plain))
}
