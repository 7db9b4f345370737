//! What filters make of what a statement is around: `{% filter indent(4) %}`.

use std::ops::Range;

use super::condition::split;
use crate::jinja::called;

/// A filter whose work can be told before the template has run.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Filter {
    Trim,
    Indent(Indent),
    Upper,
    Lower,
    /// It leaves one line in place of one line, whatever that says.
    Unknown,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Indent {
    width: usize,
    /// Whether the first line is indented, too.
    first: bool,
    /// Whether empty lines are.
    blank: bool,
}

/// Further to the right nobody writes.
const MAX_WIDTH: usize = 1000;

/// The filters of a statement, first to last; none where one of them isn't known.
pub(super) fn filters(written: &str) -> Option<Vec<Filter>> {
    split(written, "|").into_iter().map(|one| filter(one.trim())).collect()
}

fn filter(written: &str) -> Option<Filter> {
    let name = called(written)?;
    let behind = written[name.len()..].trim();
    let arguments = behind.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    let arguments = arguments.unwrap_or_default().trim();
    match (name, arguments) {
        ("trim", "") => Some(Filter::Trim),
        ("upper", "") => Some(Filter::Upper),
        ("lower", "") => Some(Filter::Lower),
        ("indent", arguments) => Some(Filter::Indent(indent(arguments)?)),
        ("replace", _) => Some(Filter::Unknown),
        _ => None,
    }
}

/// `indent(width=4, first=False, blank=False)`
fn indent(arguments: &str) -> Option<Indent> {
    let mut indent = Indent { width: 4, first: false, blank: false };
    let given = split(arguments, ",").into_iter().map(str::trim);
    for (at, one) in given.filter(|one| !one.is_empty()).enumerate() {
        let (name, value) = match one.split_once('=') {
            Some((name, value)) => (name.trim(), value.trim()),
            None => (*["width", "first", "blank"].get(at)?, one),
        };
        match name {
            "width" => indent.width = value.parse().ok().filter(|width| *width <= MAX_WIDTH)?,
            "first" => indent.first = truth(value)?,
            "blank" => indent.blank = truth(value)?,
            _ => return None,
        }
    }
    Some(indent)
}

fn truth(value: &str) -> Option<bool> {
    match value {
        "true" | "True" => Some(true),
        "false" | "False" => Some(false),
        _ => None,
    }
}

/// A text that comes in, and what is kept of the old one behind it.
pub(super) type Kept = (String, Range<usize>);

impl Filter {
    /// What is made of a text in which `mark` begins words that stand for values;
    /// none where that can't be told.
    pub(super) fn kept(&self, text: &str, mark: &str) -> Option<Vec<Kept>> {
        let whole = 0..text.len();
        match self {
            Self::Trim => {
                let start = text.len() - text.trim_start().len();
                Some(vec![(String::new(), start..start + text.trim().len())])
            }
            Self::Indent(indent) => indent.kept(text),
            Self::Upper => Some(vec![(cased(text, mark, upper), text.len()..text.len())]),
            Self::Lower => Some(vec![(cased(text, mark, lower), text.len()..text.len())]),
            // Something else may stand there that isn't a value any more.
            Self::Unknown if text.contains(['\n', ':', '#', '[', '{']) => None,
            Self::Unknown => Some(vec![(super::word(text, mark), whole.end..whole.end)]),
        }
    }

    /// How much it may add to a text.
    pub(super) fn growth(&self, text: &str) -> usize {
        match self {
            Self::Indent(indent) => (text.matches('\n').count() + 1) * indent.width,
            _ => 0,
        }
    }
}

impl Indent {
    fn kept(&self, text: &str) -> Option<Vec<Kept>> {
        // Python ends lines there, too.
        let ends =
            ['\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}', '\u{2029}'];
        if text.contains(ends) {
            return None;
        }
        let mut start = 0;
        let lines = text.split_inclusive('\n').enumerate().map(|(n, line)| {
            let is_empty = line.trim_end_matches(['\r', '\n']).is_empty();
            let is_moved = if n == 0 { self.first } else { self.blank || !is_empty };
            let width = if is_moved { self.width } else { 0 };
            start += line.len();
            (" ".repeat(width), start - line.len()..start)
        });
        let mut kept: Vec<Kept> = lines.collect();
        // What stands behind the last line end is a line to Jinja.
        let is_behind = text.is_empty() && self.first || text.ends_with('\n') && self.blank;
        if is_behind {
            kept.push((" ".repeat(self.width), text.len()..text.len()));
        }
        Some(kept)
    }
}

/// A text in other letters, but for the words that stand for values.
fn cased(text: &str, mark: &str, letter: fn(char) -> char) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(mark) {
        let end = rest[at..].find('z').map_or(rest.len(), |end| at + end + 1);
        out.extend(rest[..at].chars().map(letter));
        out.push_str(&rest[at..end]);
        rest = &rest[end..];
    }
    out.extend(rest.chars().map(letter));
    out
}

/// Few letters are several ones in capitals, which makes no difference to YAML.
fn upper(c: char) -> char {
    Some(c.to_uppercase()).filter(|all| all.len() == 1).and_then(|mut all| all.next()).unwrap_or(c)
}

fn lower(c: char) -> char {
    Some(c.to_lowercase()).filter(|all| all.len() == 1).and_then(|mut all| all.next()).unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_do_what_jinja_does() {
        for (written, text, expected) in [
            ("trim", "\n a\n\n", Some("a")),
            ("indent", "a\n\nb\n", Some("a\n\n    b\n")),
            ("indent(2, true)", "a\nb", Some("  a\n  b")),
            ("indent(width=1, blank=True)", "a\n\nb\n", Some("a\n \n b\n ")),
            ("indent(2, first=true) | trim | upper", "a\nb: holeä9z\n", Some("A\n  B: holeä9z")),
            ("lower", "A: B", Some("a: b")),
            ("indent(n)", "", None),
            ("indent(2000)", "", None),
            ("wordwrap", "", None),
            ("trim('x')", "", None),
            ("replace('a', 'b')", "a\nb", None),
        ] {
            let made = filters(written).and_then(|filters| {
                filters.iter().try_fold(text.to_owned(), |text, filter| {
                    let kept = filter.kept(&text, "holeä")?;
                    Some(kept.into_iter().map(|(new, old)| new + &text[old]).collect::<String>())
                })
            });
            assert_eq!(made.as_deref(), expected, "{written}");
        }
    }
}
