//! Line ends that a template loses: cloud-init lets Jinja take the one behind a
//! statement or a comment (`trim_blocks`), also where text stands before it. What is
//! in the next line then goes on in this one, which is YAML now and then, and never
//! what was meant.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{length, next_opening, section_length, word};

/// How far above a line what begins its block may stand, in lines.
const FAR: usize = 5000;

/// A line that comes to stand behind another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Swallowed {
    /// Where the statement or the comment begins that takes the line end.
    pub(crate) at: usize,
    /// Whether the line below begins an item or has a key, and is no deeper.
    pub(crate) is_entry: bool,
}

/// All of them, in their order.
pub(crate) fn swallowed(template: &str) -> Vec<Swallowed> {
    let found = scanned(template).found.into_iter();
    found.map(|(at, is_entry)| Swallowed { at, is_entry }).collect()
}

/// Whether what is written behind a template goes on in its last line of text, the
/// end of which something takes along.
pub(crate) fn loses_line_end(template: &str) -> bool {
    scanned(template).now.taken.is_some()
}

fn scanned(template: &str) -> Scan<'_> {
    let mut scan = Scan { template, now: Way::default(), open: Vec::new(), found: BTreeMap::new() };
    let (mut at, mut trims) = (0, Trims::Nothing);
    loop {
        let rest = &template[at..];
        let next = next_opening(rest);
        let text = &rest[..next.unwrap_or(rest.len())];
        let part = next.and_then(|next| {
            let rest = &rest[next..];
            section_length(rest).or_else(|| length(rest)).map(|length| &rest[..length])
        });
        let before = part.is_some_and(|part| part[2..].starts_with('-'));
        let left = trims.left(text, before);
        scan.text(at + left.start..at + left.end);
        let Some(part) = part else { return scan };
        let start = at + text.len();
        at = start + part.len();
        trims = Trims::of(part);
        let has_end = template[at..].starts_with(['\n', '\r']);
        match trims {
            _ if part.starts_with("{{") => scan.expression(),
            Trims::LineEnd if has_end => {
                scan.statement(part);
                scan.loses_end(start);
            }
            _ => scan.statement(part),
        }
    }
}

/// What is taken of the text behind something.
#[derive(Clone, Copy)]
enum Trims {
    Nothing,
    LineEnd,
    Blanks,
}

impl Trims {
    fn of(part: &str) -> Self {
        match part[..part.len() - 2].chars().next_back() {
            Some('-') => Self::Blanks,
            Some('+') => Self::Nothing,
            _ if part.starts_with("{{") => Self::Nothing,
            _ => Self::LineEnd,
        }
    }

    /// What is left of a text that stands between this and something that takes the
    /// blanks before it, or doesn't.
    fn left(self, text: &str, before: bool) -> Range<usize> {
        let end = if before { text.trim_end().len() } else { text.len() };
        let start = match self {
            Self::Nothing => 0,
            Self::Blanks => text.len() - text.trim_start().len(),
            Self::LineEnd if text.starts_with("\r\n") => 2,
            Self::LineEnd => usize::from(text.starts_with('\n')),
        };
        start.min(end)..end
    }
}

/// The line that is being made.
#[derive(Clone, Default)]
struct Line {
    /// Where it begins.
    start: usize,
    /// Blanks in front.
    indent: usize,
    has_text: bool,
    is_comment: bool,
}

impl Line {
    fn go_on(&mut self, text: &str) {
        let bare = text.trim_start_matches(' ');
        if !self.has_text {
            self.indent += text.len() - bare.len();
            self.is_comment |= bare.starts_with('#');
        }
        self.is_comment |= text.contains(" #");
        self.has_text |= !bare.trim().is_empty();
    }
}

/// What is made up to a place.
#[derive(Clone, Default)]
struct Way {
    line: Line,
    /// Where the line end was taken that the line should have had.
    taken: Option<usize>,
}

/// A condition or a loop that is open.
struct Section {
    /// What was made before it.
    before: Way,
    /// What its branches have made that are over.
    after: Vec<Way>,
    /// Whether one of them is taken in any case.
    has_else: bool,
}

struct Scan<'a> {
    template: &'a str,
    now: Way,
    open: Vec<Section>,
    found: BTreeMap<usize, bool>,
}

impl Scan<'_> {
    fn text(&mut self, range: Range<usize>) {
        let text = &self.template[range.clone()];
        let first = text.find('\n').map_or(text, |end| &text[..end]);
        if !first.trim().is_empty() {
            self.tell(first);
        }
        self.now.line.go_on(first);
        if let Some(end) = text.rfind('\n') {
            let line = Line { start: range.start + end + 1, ..Line::default() };
            self.now = Way { line, taken: None };
            self.now.line.go_on(&text[end + 1..]);
        }
    }

    fn expression(&mut self) {
        self.tell("");
        self.now.line.has_text = true;
    }

    /// Branches follow what stands before all of them, not each other.
    fn statement(&mut self, part: &str) {
        let word = if part.starts_with("{%") { word(part) } else { "" };
        match (word, self.open.last_mut()) {
            ("if" | "for", _) => {
                let before = self.now.clone();
                self.open.push(Section { before, after: Vec::new(), has_else: false });
            }
            ("elif" | "else", Some(section)) => {
                section.has_else |= word == "else";
                let before = section.before.clone();
                section.after.push(std::mem::replace(&mut self.now, before));
            }
            ("endif" | "endfor", Some(_)) => self.end(),
            _ => {}
        }
    }

    /// Goes on with the branch that has the most to lose.
    fn end(&mut self) {
        let Some(Section { before, mut after, has_else }) = self.open.pop() else { return };
        after.push(std::mem::take(&mut self.now));
        after.extend((!has_else).then_some(before));
        let at = after.iter().position(|way| way.taken.is_some());
        let at = at.or_else(|| after.iter().position(|way| way.line.has_text));
        self.now = after.swap_remove(at.unwrap_or(0));
    }

    fn loses_end(&mut self, at: usize) {
        if self.now.line.has_text && !self.now.line.is_comment {
            self.now.taken.get_or_insert(at);
        }
    }

    /// Tells of the line that `below` begins, where it comes behind another one.
    fn tell(&mut self, below: &str) {
        let Some(at) = self.now.taken.take() else { return };
        let bare = below.trim_start_matches(' ');
        let (own, indent) = (self.now.line.indent, below.len() - bare.len());
        let is_in_block = is_in_block(&self.template[..self.now.line.start], own);
        let is_entry = is_entry(bare) && if is_in_block { indent < own } else { indent <= own };
        // What is deeper goes on with the line above anyhow, but for blocks of text.
        if is_entry || indent <= own || is_in_block {
            *self.found.entry(at).or_default() |= is_entry;
        }
    }
}

/// Whether a line is an item, or has a key.
fn is_entry(bare: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || "_-./".contains(c);
    let behind = bare.trim_start_matches(is_name);
    let has_key = behind.len() < bare.len() && (behind == ":" || behind.starts_with(": "));
    bare == "-" || bare.starts_with("- ") || has_key
}

/// Whether a line with so many blanks in front is one of a block of text: what stands
/// above it, and less deep, says `|` or `>` at its end.
fn is_in_block(above: &str, indent: usize) -> bool {
    let is_less = |line: &&str| line.len() - line.trim_start_matches(' ').len() < indent;
    let above = above.lines().rev().take(FAR).filter(|line| !line.trim().is_empty());
    let head = above.filter(|line| !line.trim_start().starts_with("{%")).find(is_less);
    head.and_then(|line| line.split_whitespace().next_back()).is_some_and(|sign| {
        sign.trim_end_matches(|c: char| c.is_ascii_digit() || "+-".contains(c)).len() == 1
            && sign.starts_with(['|', '>'])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of the statements, `!` behind those that swallow an entry.
    fn found(template: &str) -> String {
        let line = |one: &Swallowed| {
            let line = template[..one.at].matches('\n').count() + 1;
            format!("{line}{} ", if one.is_entry { "!" } else { "" })
        };
        swallowed(template).iter().map(line).collect()
    }

    #[test]
    fn lines_behind_a_text_are_found() {
        for (template, expected) in [
            ("- {% if a %}b{% else %}c{% endif %}\n- d\n", "1! "),
            ("- {% if a %}b{% endif %}\r\n- d\r\n", "1! "),
            ("a: {% if a %}b{% endif %}\nc: d\n", "1! "),
            ("a: b{# c #}\nc: d\n", "1! "),
            ("- {{ a }}{% if b %}\n- c\n{% endif %}\n", "1! "),
            ("{% if a -%}\nb: c\n{%- endif %}\nd: e\n", "3! "),
            ("a: |\n  b{% if c %}d{% endif %}\n  e: f\ng: h\n", "2 "),
            ("a: |\n  b\n  c{% if c %}d{% endif %}\ng: h\n", "3! "),
            ("a: |-\n  do{# c #}\n    e\n", "2 "),
            ("{% if a %}\nb: 1\n{%- else %}\nc: 1\n{%- endif %}\nd: 1\n", "5! "),
            ("a{% if b %}c{% else %}\nd{% endif %}\ne: 1\n", "1 2! "),
            ("a{# c #}\n{% if b %}\n{{ c }}\n{% endif %}\n", "1 "),
        ] {
            assert_eq!(found(template), expected, "{template}");
        }
    }

    #[test]
    fn lines_of_their_own_are_left_out() {
        for template in [
            "{% if a %}\nb: c\n{% endif %}\nd: e\n",
            "a:\n  {% for b in c %}\n  - {{ b }}\n  {% endfor %}\nd: e\n",
            "a: {% if a %}b{% endif %}\n\nc: d\n",
            "a: {% if a %}b{% endif +%}\nc: d\n",
            "a: {% if a -%}\n  b\n  {%- else -%}\n  c\n  {%- endif %}\n\nd: e\n",
            "a: {% if a %}b{% endif %}",
            "{% if a %}\nb: 1\n{%- else %}\nc: 1\n{%- endif %}\n\nd: 1\n",
            "a: {% if a %}b{% endif %}\n",
            "a: b {% if a %}c{% endif %}\n  and d\n",
            "# a {% if a %}b{% endif %}\n# c\n",
            "{% macro a() %}b{% endmacro %}\nc: d\n",
            "a: {{ b }}\nc: {{ d }}\n",
            "a: {% raw %}{{ b }}{% endraw %} c\nd: e\n",
        ] {
            assert_eq!(found(template), "", "{template}");
        }
    }
}
