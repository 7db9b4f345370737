//! Single values, written again as they were written: what a plain scalar means
//! is a question of who reads it.

use granit_parser::ScalarStyle;

use crate::scalar;
use crate::tree::Node;

/// A single value. No `Debug`: it can be a password.
#[derive(Clone)]
pub(super) struct Scalar {
    pub(super) text: String,
    /// Without its tag; none where it took several lines.
    written: Option<String>,
    tag: Option<String>,
    is_plain: bool,
}

impl Scalar {
    /// `text` is the file's.
    pub(super) fn new(text: &str, node: &Node) -> Option<Self> {
        let (value, style) = node.scalar()?;
        let is_plain = style == ScalarStyle::Plain;
        let written = text.get(node.range.clone()).filter(|written| match style {
            ScalarStyle::Plain => *written == value && !value.is_empty(),
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
                !written.contains(['\n', '\r'])
            }
            _ => false,
        });
        Some(Self {
            text: value.to_owned(),
            written: written.map(str::to_owned),
            tag: node.tag.clone().filter(|tag| tag != "!!str" || is_plain),
            is_plain,
        })
    }

    /// Whether every reader takes both for the same.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let is_sure = |own: &Self| !own.is_plain || scalar::is_surely_text(&own.text);
        let are_alike = self.is_plain == other.is_plain || (is_sure(self) && is_sure(other));
        self.text == other.text && self.tag == other.tag && are_alike
    }

    /// Whether it may stand line by line; `in_template` says that marks of a
    /// template are meant.
    pub(super) fn is_block(&self) -> bool {
        self.written.is_none() && is_block(&self.text)
    }

    /// With its tag, before a value of several lines too.
    pub(super) fn tag(&self) -> String {
        self.tag.as_ref().map_or_else(String::new, |tag| format!("{tag} "))
    }

    /// On one line.
    pub(super) fn on_one_line(&self, in_template: bool) -> String {
        let text = match &self.written {
            Some(written) => written.clone(),
            None if self.is_plain && self.text.is_empty() => "\"\"".to_owned(),
            None if in_template => scalar::quoted_with_templates(&self.text),
            None => scalar::quoted(&self.text),
        };
        format!("{}{text}", self.tag())
    }
}

/// Whether a text can stand line by line: it ends in exactly one line end, and
/// nothing in it is invisible or could be taken for indentation.
fn is_block(text: &str) -> bool {
    let Some(body) = text.strip_suffix('\n') else { return false };
    let is_plain =
        |line: &str| line.trim_end() == line && line.chars().all(|c| c == '\t' || !c.is_control());
    !body.is_empty()
        && !body.ends_with('\n')
        && text.is_ascii()
        && !body.starts_with([' ', '\t', '\n'])
        && body.split('\n').all(is_plain)
}
