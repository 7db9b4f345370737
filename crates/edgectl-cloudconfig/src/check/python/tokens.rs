//! What PyYAML's scanner and parser read otherwise than ours: YAML 1.1 knows
//! fewer names of anchors, and takes `?` and `:` inside of brackets for signs.

use std::collections::BTreeSet;

use granit_parser::{ScalarStyle, Scanner, Span, StrInput, TokenType};

use crate::error::Place;

/// The places, with what is wrong there.
pub(super) fn faults(text: &str) -> Vec<(Place, &'static str)> {
    let mut reader = Reader { text, depth: 0, anchors: BTreeSet::new(), has_content: false };
    let mut found = Vec::new();
    for token in Scanner::new(StrInput::new(text)).map_while(Result::ok) {
        // A second document is a finding of its own.
        let (span, token) = token.into_parts();
        if matches!(token, TokenType::DocumentStart) && reader.has_content {
            break;
        }
        if let Some(message) = reader.take(&span, &token) {
            let start = span.start;
            found.push((Place::new(start.line(), start.col() + 1), message));
        }
    }
    found
}

struct Reader<'a> {
    text: &'a str,
    /// How many braces and brackets are open.
    depth: usize,
    anchors: BTreeSet<String>,
    has_content: bool,
}

impl Reader<'_> {
    fn take(&mut self, span: &Span, token: &TokenType<'_>) -> Option<&'static str> {
        let is_end = matches!(token, TokenType::DocumentEnd);
        let message = match token {
            TokenType::FlowSequenceStart | TokenType::FlowMappingStart => {
                self.depth += 1;
                None
            }
            TokenType::FlowSequenceEnd | TokenType::FlowMappingEnd => {
                self.depth = self.depth.saturating_sub(1);
                None
            }
            TokenType::Anchor(name) => self.name(span, name).or_else(|| self.anchor(name)),
            TokenType::Alias(name) => self.name(span, name),
            TokenType::Tag(..) => self.tag(span),
            TokenType::Scalar(ScalarStyle::Plain, text) if self.depth > 0 => of_flow(text),
            TokenType::DocumentEnd if !self.has_content => Some(
                "a document that ends before it begins, which cloud-init's YAML refuses; remove `...`",
            ),
            _ => None,
        };
        self.has_content |= !is_end && !matches!(token, TokenType::StreamStart);
        message
    }

    fn anchor(&mut self, name: &str) -> Option<&'static str> {
        let is_new = self.anchors.insert(name.to_owned());
        (!is_new).then_some(
            "an anchor of the same name a second time, which cloud-init's YAML refuses with the whole file; give it another name",
        )
    }

    fn name(&self, span: &Span, name: &str) -> Option<&'static str> {
        let is_plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_');
        let behind = span.byte_range().and_then(|range| self.text.get(range.end..));
        let is_open = behind.is_some_and(|behind| behind.starts_with(['{', '[']));
        (is_open || !name.bytes().all(is_plain)).then_some(
            "an anchor's name has ASCII letters, digits, `-` and `_` alone, and a blank behind it; cloud-init's YAML refuses others with the whole file",
        )
    }

    fn tag(&self, span: &Span) -> Option<&'static str> {
        let end = span.byte_range()?.end;
        let is_closed = self.text.get(end..)?.starts_with([',', ']', '}']);
        (self.depth > 0 && is_closed).then_some(
            "a tag without a value, which cloud-init's YAML refuses with the whole file; put a blank behind it, or remove it",
        )
    }
}

fn of_flow(text: &str) -> Option<&'static str> {
    let is_sign = text.contains('?') || text.starts_with(':');
    is_sign.then_some(
        "inside of braces and brackets `?` and a leading `:` are signs to cloud-init's YAML, which refuses the whole file or reads something else; quote the text",
    )
}
