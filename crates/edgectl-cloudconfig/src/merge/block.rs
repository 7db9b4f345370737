//! Texts line by line (`|` and `>`), indented as their new place needs it.

use granit_parser::ScalarStyle;

use crate::lines;
use crate::scalar::is_printable;
use crate::tree::{Document, Node};

/// How far its lines stand to the right of what they belong to.
pub(super) const STEP: usize = 2;

/// A block scalar without its indentation. No `Debug`: it can be a password.
#[derive(Clone)]
pub(super) struct Block {
    /// `|-`, `>`, `|2+` …
    header: String,
    lines: Vec<String>,
}

impl Block {
    /// `value` as a literal block; none where it can't stand in one.
    pub(super) fn literal(value: &str) -> Option<Self> {
        let body = value.trim_end_matches('\n');
        let end = match value.len() - body.len() {
            0 => "-",
            1 => "",
            _ => "+",
        };
        // What starts with blanks would say how far the block is indented.
        let first = body.trim_start_matches('\n');
        let indent = if first.starts_with([' ', '\t']) { "2" } else { "" };
        let kept = if end == "+" { value } else { body };
        let lines = kept.strip_suffix('\n').unwrap_or(kept).split('\n');
        let block =
            Self { header: format!("|{indent}{end}"), lines: lines.map(str::to_owned).collect() };
        (!body.is_empty()).then_some(block)?.proven(value, ScalarStyle::Literal)
    }

    /// The lines of a folded block as the file has them, which template engines
    /// see.
    pub(super) fn folded(text: &str, node: &Node) -> Option<Self> {
        let (value, style) = node.scalar()?;
        let start = lines::start(text, node.range.start);
        let header = header_before(text, start)?;
        let body = text.get(start..node.range.end)?;
        let source: Vec<&str> = body.lines().collect();
        let first = source.iter().find(|line| !line.trim().is_empty())?;
        let indent = first.len() - first.trim_start_matches(' ').len();
        let bare = |line: &&str| match line.get(indent..) {
            Some(line) => line.to_owned(),
            None => String::new(),
        };
        let mut lines: Vec<String> = source.iter().map(bare).collect();
        while !header.ends_with('+') && lines.last().is_some_and(|line| line.trim().is_empty()) {
            lines.pop();
        }
        Self { header: header.to_owned(), lines }.proven(value, style)
    }

    /// Only if reading it gives the value again.
    fn proven(self, value: &str, style: ScalarStyle) -> Option<Self> {
        let is_odd = |c: char| c != '\t' && !is_printable(c);
        if self.lines.iter().any(|line| line.contains(is_odd)) {
            return None;
        }
        let document = Document::parse(&format!("x: {}", self.written(STEP))).ok()?;
        let read = document.root.and_then(|root| document.get(root, "x"))?;
        (document.node(read).scalar() == Some((value, style))).then_some(self)
    }

    /// With `indent` blanks before each line, and the end of the last one.
    pub(super) fn written(&self, indent: usize) -> String {
        let mut out = format!("{}\n", self.header);
        for line in &self.lines {
            match line.as_str() {
                "" => out.push('\n'),
                line => out.push_str(&format!("{:indent$}{line}\n", "")),
            }
        }
        out
    }
}

/// The header of the block whose text begins at a line, if it says nothing of
/// indentation.
fn header_before(text: &str, line: usize) -> Option<&str> {
    let above = text[..line].trim_end();
    let above = &above[lines::start(above, above.len())..];
    let is_header = |(at, _): &(usize, &str)| {
        let (signs, rest) = split_signs(&above[at + 1..]);
        signs.len() < 2 && (rest.trim().is_empty() || rest.trim_start().starts_with('#'))
    };
    let (at, _) = above.match_indices('>').find(is_header)?;
    let (signs, _) = split_signs(&above[at + 1..]);
    let is_plain = signs.bytes().all(|c| matches!(c, b'+' | b'-'));
    is_plain.then(|| &above[at..=at + signs.len()])
}

fn split_signs(text: &str) -> (&str, &str) {
    let is_sign = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-');
    text.split_at(text.find(|c| !is_sign(c)).unwrap_or(text.len()))
}
