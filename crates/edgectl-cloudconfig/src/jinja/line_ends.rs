//! Line ends that a template loses: cloud-init lets Jinja take the one behind a
//! statement or a comment (`trim_blocks`), also where text stands before it, and leaves
//! the blanks before a statement; `-` takes both. What is in the next line then goes on
//! in this one, or stands deeper, which is YAML now and then, and never what was meant.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{length, next_opening, raw_inside, section_length, word};
use crate::block_lines::{block_parent, indent};
use crate::lines;

/// How far above a line what begins its block may stand, in lines.
const FAR: usize = 5000;

/// A line that comes to stand where it wasn't written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Swallowed {
    /// Where the statement or the comment begins that is the cause.
    pub(crate) at: usize,
    /// Whether an item or a key is lost.
    pub(crate) is_entry: bool,
    pub(crate) by: By,
}

/// What moves a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum By {
    /// The line end that a statement takes along.
    LineEnd,
    /// A `-`.
    Dash,
    /// Blanks before a statement, which make the line a part of a block of text.
    Blanks,
}

/// All of them, in their order.
pub(crate) fn swallowed(template: &str) -> Vec<Swallowed> {
    let found = scanned(template).found.into_iter();
    found.map(|((at, by), is_entry)| Swallowed { at, is_entry, by }).collect()
}

/// Whether what is written behind a template goes on in its last line of text, the
/// end of which something takes along.
pub(crate) fn loses_line_end(template: &str) -> bool {
    scanned(template).now.taken.is_some()
}

fn scanned(template: &str) -> Scan<'_> {
    let (now, open, found) = (Way::default(), Vec::new(), BTreeMap::new());
    let mut scan = Scan { template, now, open, found, flow: 0 };
    let (mut at, mut trims) = (0, Trims::Nothing);
    loop {
        let rest = &template[at..];
        let next = next_opening(rest);
        let text = &rest[..next.unwrap_or(rest.len())];
        let part = next.and_then(|next| {
            let rest = &rest[next..];
            section_length(rest).or_else(|| length(rest)).map(|length| &rest[..length])
        });
        let has_dash = part.is_some_and(|part| part[2..].starts_with('-'));
        let left = trims.left(text, has_dash);
        scan.text(at + left.start..at + left.end);
        let Some(part) = part else { return scan };
        let start = at + text.len();
        if has_dash && text[left.end..].contains('\n') {
            scan.loses_end(start, By::Dash);
        }
        at = start + part.len();
        trims = Trims::of(part);
        scan.part(start, part);
        let behind = &template[at..];
        let blanks = &behind[..behind.len() - behind.trim_start().len()];
        match trims {
            Trims::LineEnd if behind.starts_with(['\n', '\r']) => {
                scan.loses_end(start, By::LineEnd);
            }
            Trims::Blanks if blanks.contains('\n') => scan.loses_end(start, By::Dash),
            _ => {}
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
    taken: Option<(usize, By)>,
    /// The statement whose blanks stand in front of the line, and whether it takes the
    /// line's own.
    blanks: Option<(usize, bool)>,
}

/// A condition or a loop that is open.
struct Section {
    /// What was made before it.
    before: Way,
    /// What its branches have made that are over.
    after: Vec<Way>,
    /// Whether one of them is taken in any case.
    has_else: bool,
    /// Where the first line of a loop has its text; none where it begins with a line
    /// end, or isn't known yet.
    first: Option<usize>,
    is_begun: bool,
}

struct Scan<'a> {
    template: &'a str,
    now: Way,
    open: Vec<Section>,
    found: BTreeMap<(usize, By), bool>,
    /// Brackets and braces that are open: within them lines are no more than blanks.
    flow: usize,
}

impl Scan<'_> {
    /// What stands between two marks of Jinja's.
    fn text(&mut self, range: Range<usize>) {
        let text = &self.template[range.clone()];
        let first = text.find('\n').map_or(text, |end| &text[..end]);
        let blanks = first.len() - first.trim_start().len();
        if blanks < first.len() {
            self.begin(range.start + blanks);
        } else if first.len() < text.len() {
            self.open.iter_mut().for_each(|section| section.is_begun = true);
        }
        self.now.line.go_on(first);
        let mut is_whole = range.start == 0 || self.template[..range.start].ends_with('\n');
        for line in text.split_inclusive('\n') {
            let open = if is_whole && begins_section(line) { 0 } else { self.flow };
            (self.flow, is_whole) = (flow_behind(open, line), true);
        }
        if let Some(end) = text.rfind('\n') {
            let line = Line { start: range.start + end + 1, ..Line::default() };
            self.now = Way { line, ..Way::default() };
            self.now.line.go_on(&text[end + 1..]);
        }
    }

    /// Something else than blanks comes next.
    fn begin(&mut self, at: usize) {
        self.tell(at);
        for section in self.open.iter_mut().filter(|section| !section.is_begun) {
            (section.first, section.is_begun) = (Some(at), true);
        }
    }

    fn part(&mut self, start: usize, part: &str) {
        if part.starts_with("{{") {
            self.begin(start);
            self.now.line.has_text = true;
        } else if let Some(inside) = raw_inside(part) {
            self.text(start + inside.start..start + inside.end);
        } else if part.starts_with("{%") {
            self.statement(word(part));
        }
    }

    /// Branches follow what stands before all of them, not each other.
    fn statement(&mut self, word: &str) {
        match (word, self.open.last_mut()) {
            ("if" | "for", _) => self.open.push(Section {
                before: self.now.clone(),
                after: Vec::new(),
                has_else: false,
                first: None,
                is_begun: false,
            }),
            ("elif" | "else", Some(section)) => {
                section.has_else |= word == "else";
                let before = section.before.clone();
                section.after.push(std::mem::replace(&mut self.now, before));
            }
            ("endif", Some(_)) => self.end(),
            ("endfor", Some(section)) => {
                // Its first line comes behind its last one.
                let (again, first) = (self.now.clone(), section.first);
                first.into_iter().for_each(|first| self.tell(first));
                self.now = again;
                self.end();
            }
            _ => {}
        }
    }

    /// Goes on with the branch that has the most to lose.
    fn end(&mut self) {
        let Some(Section { before, mut after, has_else, .. }) = self.open.pop() else { return };
        after.push(std::mem::take(&mut self.now));
        after.extend((!has_else).then_some(before));
        let at = after.iter().position(|way| way.taken.is_some());
        let at = at.or_else(|| after.iter().position(|way| way.line.has_text));
        self.now = after.swap_remove(at.unwrap_or(0));
    }

    fn loses_end(&mut self, at: usize, by: By) {
        let Way { line, taken, blanks } = &mut self.now;
        match by {
            _ if line.is_comment => {}
            _ if line.has_text => {
                taken.get_or_insert((at, by));
            }
            _ if line.indent > 0 => *blanks = Some((at, by == By::Dash)),
            _ => {}
        }
    }

    /// Tells of the line with text at `start`, where it comes behind another one or
    /// into a block of text.
    fn tell(&mut self, start: usize) {
        let (taken, blanks) = (self.now.taken.take(), self.now.blanks.take());
        if self.flow > 0 {
            return;
        }
        let line = lines::start(self.template, start);
        let below = self.template[line..].lines().next().unwrap_or_default();
        let (own, depth) = (self.now.line.indent, indent(below));
        let bare = self.template[start..].lines().next().unwrap_or_default();
        let is_block = |line: usize, depth| is_in_block(&self.template[..line], depth);
        if let Some((at, by)) = taken {
            let is_in_block = is_block(self.now.line.start, own);
            let is_entry = match is_in_block {
                true => depth < own && is_entry(bare),
                false => bare.starts_with("- ") || depth <= own && is_entry(bare),
            };
            // What is deeper goes on with the line above anyhow, but for blocks of text.
            if is_entry || depth <= own || is_in_block {
                *self.found.entry((at, by)).or_default() |= is_entry;
            }
        } else if let Some((at, takes_own)) = blanks {
            let made = if takes_own { own } else { own + depth };
            let is_moved = !bare.starts_with('#') && is_block(self.now.line.start, made);
            if is_moved && !is_block(line, depth) {
                self.found.insert((at, By::Blanks), true);
            }
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

/// Whether a line with so many blanks in front is one of a block of text: above it, and
/// less deep than all between, a line says `|` or `>` at its end.
fn is_in_block(above: &str, mut depth: usize) -> bool {
    for line in above.lines().rev().take(FAR) {
        if depth == 0 {
            break;
        }
        let (own, bare) = (indent(line), line.trim());
        if own >= depth || bare.is_empty() || bare.starts_with("{%") {
            continue;
        }
        if block_parent(line).is_some_and(|parent| parent < depth) {
            return true;
        }
        depth = own;
    }
    false
}

/// Whether a line has a key of the file itself: no bracket is open there.
fn begins_section(line: &str) -> bool {
    line.starts_with(char::is_alphanumeric) && is_entry(line.trim_end())
}

/// How many brackets and braces are open behind a line, or a part of one.
fn flow_behind(open: usize, line: &str) -> usize {
    let mut front = line.trim_start();
    while let Some(rest) = front.strip_prefix("- ") {
        front = rest.trim_start();
    }
    let values = [": [", ": {"].iter().filter_map(|value| front.find(value)).map(|at| at + 2);
    let start = if open > 0 || front.starts_with(['[', '{']) { Some(0) } else { values.min() };
    let Some(start) = start else { return 0 };
    let (mut open, mut quote, mut before) = (open, None, ' ');
    for c in front[start..].chars() {
        match (quote, c) {
            (Some(mark), c) if c == mark => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') if !before.is_alphanumeric() => quote = Some(c),
            (None, '#') if before == ' ' => break,
            (None, '[' | '{') => open += 1,
            (None, ']' | '}') => open = open.saturating_sub(1),
            _ => {}
        }
        before = c;
    }
    open
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
            ("{% if a %}\nb: 1\n{%- else %}\nc: 1\n{%- endif %}\nd: 1\n", "3! "),
            ("a{% if b %}c{% else %}\nd{% endif %}\ne: 1\n", "1 2! "),
            (
                "a:\n{% for b in c %}\n- {{ b }}{% if d %}e{% endif %}\n{% endfor %}\n\nf: g\n",
                "3! ",
            ),
            ("a:\n{% for b in c %}\n- {{ b }}\n{%- endfor %}\n\nf: g\n", "4! "),
            ("a:\n- |\n  b\n  {% if c %}\n  d\n  {% endif %}\ne: f\n", "6! "),
            ("a:\n  - |\n    b\n    {% if c %}\n    d\n    {% endif %}\n  - e\n", "6! "),
            ("a:\n- b\n{%- if c -%}\n- d\n{%- endif %}\n\ne: f\n", "3! "),
            ("a:\n- b\n{%- endif -%}\ne: f\n", "3! "),
            ("a: {{ b -}}\nc: d\n", "1! "),
            ("- |\n  b\n  {% if c -%}\n  d\n  {% endif -%}\n\ne: f\n", "5! "),
            ("- a: |\n    b\n  c: {% if d %}e{% endif %}\n  f: g\n", "3! "),
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
            "a: {% if b -%}\n  c\n{%- endif %}\n\nd: e\n",
            "a:\n- {% raw %}b {{c}}\n{% endraw %}\n- d\n",
            "a:\n- {% if b %}c{% endif %}\n{% raw %}\n- {{d}}\n{% endraw %}\n- e\n",
            "a: {\n  {% if b %}c: 1,{% endif %}\n  d: e\n}\nf: g\n",
            "a: [\n  {% if b %}c,{% endif %}\n  d]\n",
            "a:\n- {% if b %}\n    {{ b }}\n  {% else %}\n    c\n  {% endif %}\n",
            "a: |\n  b\n  {% if c %}\n  d\n  {% endif %}\n  e\nf: g\n",
            "a:\n- |\n  b\n{% if c %}\n- d\n{% endif %}\n",
            "a: [b\n  {%- if c %}, d{% endif %}]\ne: f\n",
            "a:\n{% for b in c %}{{ b }} {% endfor %}\n\nd: e\n",
            "a: {% raw %}{{ b }}{% endraw %} c\nd: e\n",
        ] {
            assert_eq!(found(template), "", "{template}");
        }
    }
}
