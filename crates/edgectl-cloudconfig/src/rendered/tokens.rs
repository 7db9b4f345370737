//! The pieces of a template, blanks and line ends taken away where they go on a
//! host.

use std::ops::Range;

use super::Fault;
use crate::jinja::{length, next_opening, raw_inside};

/// A piece of a template.
pub(super) struct Token {
    pub(super) range: Range<usize>,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Expression,
    Statement,
}

const UNCLOSED: &str = "an expression, a statement or a comment of the template is not closed";

pub(super) fn tokens(template: &str) -> Result<Vec<Token>, Fault> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut at = 0;
    // What the tag before takes away of what comes.
    let mut trim = Trim::Nothing;
    loop {
        let next = next_opening(&template[at..]).map(|n| at + n);
        let mut text = trim.start(template, at)..next.unwrap_or(template.len());
        text.start = text.start.min(text.end);
        let Some(start) = next else {
            tokens.push(Token { range: text, kind: Kind::Text });
            return Ok(tokens);
        };
        if template[start + 2..].starts_with('-') {
            text.end = text.start + template[text.clone()].trim_end().len();
        }
        tokens.push(Token { range: text, kind: Kind::Text });
        let closed = length(&template[start..]).ok_or(Fault { at: start, message: UNCLOSED });
        let end = start + closed?;
        let whole = &template[start..end];
        if let Some(inside) = raw_inside(whole) {
            let range = start + inside.start..start + inside.end;
            tokens.push(Token { range, kind: Kind::Text });
        } else {
            let kind = match &whole[..2] {
                "{{" => Some(Kind::Expression),
                "{%" => Some(Kind::Statement),
                _ => None,
            };
            tokens.extend(kind.map(|kind| Token { range: start..end, kind }));
        }
        trim = Trim::behind(whole);
        at = end;
    }
}

#[derive(Clone, Copy)]
enum Trim {
    Nothing,
    LineEnd,
    Blanks,
}

impl Trim {
    fn behind(whole: &str) -> Self {
        let inside = &whole[..whole.len().saturating_sub(2)];
        match () {
            () if inside.ends_with('-') => Self::Blanks,
            () if inside.ends_with('+') || whole.starts_with("{{") => Self::Nothing,
            () => Self::LineEnd,
        }
    }

    fn start(self, template: &str, at: usize) -> usize {
        let rest = &template[at..];
        let bare = match self {
            Self::Nothing => rest,
            Self::LineEnd => rest.strip_prefix("\r\n").or(rest.strip_prefix('\n')).unwrap_or(rest),
            Self::Blanks => rest.trim_start(),
        };
        at + (rest.len() - bare.len())
    }
}
