//! What Jinja makes of a template on a host, as far as that can be told without
//! its values: words stand for those, and conditions go one way or the other.
//!
//! Blanks and line ends go as cloud-init has it (`trim_blocks`, no
//! `lstrip_blocks`): a statement takes the line end behind it along, and the
//! blanks before it stay.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

use crate::error::Place;
use crate::jinja::{length, next_opening, raw_inside, word};
use crate::lines;

/// Which way conditions and loops go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Each first branch, each loop once.
    First,
    /// No branch but `else`, no loop.
    Else,
    /// By turns; loops twice.
    Turns,
}

impl Way {
    pub(crate) const ALL: [Self; 3] = [Self::First, Self::Else, Self::Turns];
}

/// Most statements inside of each other.
const MAX_DEPTH: usize = 16;
/// How much longer than the template a rendering may get.
const MAX_GROWTH: usize = 8;

/// A template as a host may have it.
pub(crate) struct Rendered {
    pub(crate) text: String,
    /// Where pieces of it start, and where they stood.
    pieces: Vec<(usize, usize)>,
    raw: String,
}

impl Rendered {
    /// None where statements aren't closed, or too much is made of them.
    pub(crate) fn of(template: &str, mark: &str, way: Way) -> Option<Self> {
        // Jinja takes the last line end away, and cloud-init puts one there.
        let (template, end) = match template.strip_suffix('\n') {
            Some(open) => (open.strip_suffix('\r').unwrap_or(open), "\n"),
            None => (template, ""),
        };
        let tokens = tokens(template)?;
        let mut run = Run {
            template,
            mark,
            way,
            tokens: &tokens,
            turn: 0,
            out: Self { text: String::new(), pieces: Vec::new(), raw: template.to_owned() },
        };
        run.range(0..tokens.len(), 0)?;
        run.put(template.len(), end.to_owned());
        Some(run.out)
    }

    /// A place in it as a place in the template.
    pub(crate) fn place(&self, place: Place) -> Place {
        let at = lines::at(&self.text, place);
        let piece = self.pieces.partition_point(|(start, _)| *start <= at);
        let (start, from) = piece.checked_sub(1).map_or((0, 0), |last| self.pieces[last]);
        let next = self.pieces.get(piece).map_or(self.raw.len(), |(_, next)| *next).max(from);
        lines::place(&self.raw, (from + (at - start)).min(next))
    }
}

/// A piece of a template, blanks taken away where they go.
struct Token {
    range: Range<usize>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Expression,
    Statement,
}

fn tokens(template: &str) -> Option<Vec<Token>> {
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
            return Some(tokens);
        };
        if template[start + 2..].starts_with('-') {
            text.end = text.start + template[text.clone()].trim_end().len();
        }
        tokens.push(Token { range: text, kind: Kind::Text });
        let end = start + length(&template[start..])?;
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

struct Run<'a> {
    template: &'a str,
    mark: &'a str,
    way: Way,
    tokens: &'a [Token],
    turn: usize,
    out: Rendered,
}

impl Run<'_> {
    fn range(&mut self, range: Range<usize>, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH || self.out.text.len() > MAX_GROWTH * (self.template.len() + 1024) {
            return None;
        }
        let mut at = range.start;
        while at < range.end {
            let token = &self.tokens[at];
            let written = &self.template[token.range.clone()];
            match token.kind {
                Kind::Text => self.put(token.range.start, written.to_owned()),
                Kind::Expression => self.put(token.range.start, value(written, self.mark)),
                Kind::Statement => match word(written) {
                    "set" if is_block(written) => at = self.sections(at)?.last()?.end,
                    "macro" | "call" => at = self.sections(at)?.last()?.end,
                    "if" | "for" | "with" | "filter" | "block" | "autoescape" => {
                        at = self.statement(at, depth)?;
                    }
                    // Not opened here.
                    name if name.starts_with("end") => return None,
                    "else" | "elif" => return None,
                    _ => {}
                },
            }
            at += 1;
        }
        Some(())
    }

    fn put(&mut self, from: usize, text: String) {
        self.out.pieces.push((self.out.text.len(), from));
        self.out.text.push_str(&text);
    }

    /// Runs what begins at a token: the one that it ends with.
    fn statement(&mut self, at: usize, depth: usize) -> Option<usize> {
        let sections = self.sections(at)?;
        let name = word(&self.template[self.tokens[at].range.clone()]);
        let end = sections.last()?.end;
        self.turn += 1;
        let takes_first = match self.way {
            Way::First => true,
            Way::Else => false,
            Way::Turns => self.turn.is_multiple_of(2),
        };
        let is_else = |section: &Range<usize>| {
            section.start > at + 1
                && word(&self.template[self.tokens[section.start - 1].range.clone()]) == "else"
        };
        let other = sections.iter().find(|section| is_else(section)).cloned();
        let chosen = match name {
            "if" | "for" if !takes_first => other,
            _ => sections.first().cloned(),
        };
        let times = if name == "for" && self.way == Way::Turns && depth < 2 { 2 } else { 1 };
        let times = if chosen.as_ref().is_some_and(is_else) { 1 } else { times };
        for section in std::iter::repeat_n(chosen, times).flatten() {
            self.range(section, depth + 1)?;
        }
        Some(end)
    }

    /// The branches of what begins at a token, each without its own statement;
    /// the last one ends where the closing statement is.
    fn sections(&self, at: usize) -> Option<Vec<Range<usize>>> {
        let mut open = 0_usize;
        let mut sections = Vec::new();
        let mut start = at + 1;
        for (n, token) in self.tokens.iter().enumerate().skip(at + 1) {
            if token.kind != Kind::Statement {
                continue;
            }
            let written = &self.template[token.range.clone()];
            match word(written) {
                "else" | "elif" if open == 0 => {
                    sections.push(start..n);
                    start = n + 1;
                }
                "set" if !is_block(written) => {}
                "if" | "for" | "with" | "filter" | "block" | "autoescape" | "macro" | "call"
                | "set" => open += 1,
                name if name.starts_with("end") && open == 0 => {
                    sections.push(start..n);
                    return Some(sections);
                }
                name if name.starts_with("end") => open -= 1,
                _ => {}
            }
        }
        None
    }
}

/// `{% set x %}…{% endset %}`
fn is_block(statement: &str) -> bool {
    !statement.contains('=')
}

/// A word for a value; what is a text by itself stands for that.
fn value(expression: &str, mark: &str) -> String {
    let inside = expression.get(2..expression.len() - 2).unwrap_or_default();
    let inside = inside.trim_matches(['-', '+']).trim();
    for quote in ['"', '\''] {
        let text = inside.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
        if let Some(text) = text.filter(|text| !text.contains([quote, '\\'])) {
            return text.to_owned();
        }
    }
    let mut hasher = DefaultHasher::new();
    inside.hash(&mut hasher);
    format!("{mark}{}z", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_go_as_on_the_host() {
        for (template, first, other) in [
            ("a: {% if b %}1{% else %}2{% endif %}\nc\n", "a: 1c\n", "a: 2c\n"),
            ("{% if b %}\na\n{% endif %}\nc\n", "a\nc\n", "c\n"),
            ("x\n  {% if b -%}\n  - a\n  {% endif %}\nc\n", "x\n  - a\n  c\n", "x\n  c\n"),
            ("x\n{%- for y in z %}\n- {{ y }}\n{%- endfor %}\n", "x- W\n", "x\n"),
            ("{{ a -}}\n b{# c #}\nd\n", "Wbd\n", "Wbd\n"),
            ("{% raw %}\n{{ a }}{% endraw %}\nb\n", "\n{{ a }}b\n", "\n{{ a }}b\n"),
            ("{% set a = 1 %}{% set b %}x{% endset %}c {{ \"{{\" }}\r\n", "c {{\n", "c {{\n"),
            ("{% if a %}{% for b in c %}x{% else %}y{% endfor %}{% elif d %}z{% endif %}", "x", ""),
            ("a {% endif +%}\n", "", ""),
        ] {
            for (way, expected) in [(Way::First, first), (Way::Else, other)] {
                let rendered = Rendered::of(template, "edgehole", way).map(|r| r.text);
                let shown = rendered.map(|text| {
                    let mut shown = text;
                    while let Some(at) = shown.find("edgehole") {
                        let end = at + shown[at..].find('z').unwrap() + 1;
                        shown.replace_range(at..end, "W");
                    }
                    shown
                });
                assert_eq!(shown.unwrap_or_default(), expected, "{template:?} {way:?}");
            }
        }
    }

    #[test]
    fn places_are_those_of_the_template() {
        let template = "a: 1\n{% if b %}\nc: {{ d }}  e\n{% endif %}\nf: g\n";
        let rendered = Rendered::of(template, "edgehole", Way::First).unwrap();
        assert_eq!(rendered.place(Place::new(2, 1)), Place::new(3, 1));
        assert_eq!(rendered.place(Place::new(3, 4)), Place::new(5, 4));
        assert_eq!(rendered.place(Place::new(2, 4)), Place::new(3, 4));
    }
}
