//! The words of an expression or a statement, as Jinja2 tells them apart.

use super::grammar::Bad;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Name,
    Text,
    Integer,
    Float,
    Operator,
    End,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Word<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    pub(super) at: usize,
}

/// The longer ones first.
const OPERATORS: [&str; 26] = [
    "**", "//", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}",
    ">", "<", "=", ".", ":", "|", ",", ";",
];

/// All of them, and one for the end.
pub(super) fn words(inside: &str) -> Result<Vec<Word<'_>>, Bad> {
    let mut words: Vec<Word<'_>> = Vec::new();
    let mut open = Vec::new();
    let mut at = 0;
    while let Some(c) = inside[at..].chars().next() {
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let rest = &inside[at..];
        let is_after_dot = inside[..at].ends_with('.');
        let (kind, length) = match c {
            '"' | '\'' => (Kind::Text, text(rest).ok_or_else(|| Bad::new(at, OPEN))?),
            '0'..='9' => number(rest, is_after_dot),
            _ if is_word(c) => (Kind::Name, rest.find(|c| !is_word(c)).unwrap_or(rest.len())),
            _ => (Kind::Operator, operator(rest, at)?),
        };
        let text = &rest[..length];
        balance(text, at, &mut open)?;
        words.push(Word { kind, text, at });
        at += length;
    }
    words.push(Word { kind: Kind::End, text: "", at: inside.trim_end().len() });
    Ok(words)
}

const OPEN: &str = "a text in quotes has no end";

/// Whether a name may have it: all letters there are, and no quotes of typesetters.
fn is_word(c: char) -> bool {
    let is_sign = c.is_ascii() || c.is_whitespace() || ('\u{2000}'..='\u{206f}').contains(&c);
    c.is_alphanumeric() || c == '_' || !is_sign
}

fn balance(text: &str, at: usize, open: &mut Vec<char>) -> Result<(), Bad> {
    match text {
        "(" => open.push(')'),
        "[" => open.push(']'),
        "{" => open.push('}'),
        ")" | "]" | "}" if !open.pop().is_some_and(|expected| text.starts_with(expected)) => {
            return Err(Bad::new(at, format!("`{text}` closes what was not opened last")));
        }
        _ => {}
    }
    Ok(())
}

/// The length of a text in quotes.
fn text(rest: &str) -> Option<usize> {
    let mut is_escaped = false;
    let quote = rest.chars().next()?;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if c == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// `1_000`, `0x1f`, `1.5e3`; behind a dot there are whole ones alone.
fn number(rest: &str, is_after_dot: bool) -> (Kind, usize) {
    if !is_after_dot && let Some(length) = float(rest) {
        return (Kind::Float, length);
    }
    let radix = rest.get(..2).map(str::to_ascii_lowercase);
    let based = match radix.as_deref() {
        Some("0b") => digits_with(&rest[2..], |c| matches!(c, '0' | '1'), true),
        Some("0o") => digits_with(&rest[2..], |c| matches!(c, '0'..='7'), true),
        Some("0x") => digits_with(&rest[2..], |c| c.is_ascii_hexdigit(), true),
        _ => 0,
    };
    let length = match rest.starts_with('0') {
        true if based > 0 => 2 + based,
        true => digits_with(rest, |c| c == '0', false),
        false => digits(rest),
    };
    (Kind::Integer, length)
}

fn float(rest: &str) -> Option<usize> {
    let whole = digits(rest);
    let behind = &rest[whole..];
    let fraction = behind.strip_prefix('.').map(digits).filter(|length| *length > 0);
    let at = whole + fraction.map_or(0, |length| length + 1);
    let exponent = rest[at..].strip_prefix(['e', 'E']).and_then(|exponent| {
        let bare = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let length = digits(bare);
        (length > 0).then_some(1 + (exponent.len() - bare.len()) + length)
    });
    let length = at + exponent.unwrap_or_default();
    (fraction.is_some() || exponent.is_some()).then_some(length)
}

fn digits(text: &str) -> usize {
    digits_with(text, |c| c.is_ascii_digit(), false)
}

/// How long digits are that may have one `_` between two of them.
fn digits_with(text: &str, is_digit: impl Fn(char) -> bool, may_begin_low: bool) -> usize {
    let mut end = 0;
    let mut is_low = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if is_digit(c) => (end, is_low) = (at + 1, false),
            '_' if !is_low && (at > 0 || may_begin_low) => is_low = true,
            _ => break,
        }
    }
    end
}

fn operator(rest: &str, at: usize) -> Result<usize, Bad> {
    if let Some(operator) = OPERATORS.iter().find(|operator| rest.starts_with(**operator)) {
        return Ok(operator.len());
    }
    let said = match rest.chars().next().unwrap_or_default() {
        '&' => "`&` can't stand here; write `and`",
        '!' => "`!` can't stand here; write `not`",
        '?' => "`?` can't stand here; write `a if b else c`",
        '$' => "names have no `$` here",
        _ => "there is a sign here that Jinja doesn't know",
    };
    Err(Bad::new(at, said))
}
