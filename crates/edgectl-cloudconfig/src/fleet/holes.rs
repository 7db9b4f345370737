//! Words in place of Jinja's expressions and statements.

use super::TemplateError;
use crate::lines;

/// What a word stands for.
pub(super) enum Put {
    /// What stands between `{{` and `}}`.
    Expression(String),
    /// A statement, a comment or raw text, as it was written.
    Other(String),
    /// The same on a line of its own, with the blanks before it.
    Line(String),
}

/// Statements on their own lines are comments that stand so far to the right
/// that an edit never takes them for the beginning of something else.
const FAR: usize = 120;
/// What begins a condition or a loop, which nothing may be added to.
const OPENINGS: [&str; 8] = ["if", "for", "with", "filter", "macro", "call", "block", "autoescape"];
/// Far more than any user data has letters `x` in a row.
const MAX_POWER: u32 = 17;

/// A text with words in place of what Jinja reads.
pub(super) struct Holes {
    pub(super) text: String,
    /// Starts every word; not in the text otherwise.
    mark: String,
    puts: Vec<Put>,
    /// The line of the template that each of them is in, from 1.
    lines: Vec<usize>,
}

impl Holes {
    /// `mark` must be nowhere in the template.
    pub(super) fn dig(template: &str, mark: String) -> Result<Self, TemplateError> {
        let mut holes = Self { text: String::new(), mark, puts: Vec::new(), lines: Vec::new() };
        let mut rest = template;
        while let Some(at) = next_opening(rest) {
            holes.text.push_str(&rest[..at]);
            let line = template[..template.len() - rest.len() + at].matches('\n').count() + 1;
            let length = length(&rest[at..]).ok_or_else(|| TemplateError::Template {
                line,
                message: format!("`{}` is never closed", &rest[at..at + 2]),
            })?;
            let whole = &rest[at..at + length];
            holes.lines.push(line);
            rest = &rest[at + length..];
            let before = holes.text.rfind('\n').map_or(0, |at| at + 1);
            let is_line = holes.text[before..].trim().is_empty()
                && rest.trim_start_matches(' ').starts_with(['\n', '\r']);
            match is_line && !whole.starts_with("{{") {
                true => holes.put_line(whole, before),
                false => holes.put(whole),
            }
        }
        holes.text.push_str(rest);
        Ok(holes)
    }

    fn put(&mut self, whole: &str) {
        let inside = whole.strip_prefix("{{").and_then(|w| w.strip_suffix("}}"));
        self.text.push_str(&self.word(self.puts.len()));
        self.puts.push(match inside {
            Some(inside) => Put::Expression(inside.trim_matches('-').trim().to_owned()),
            None => Put::Other(whole.to_owned()),
        });
    }

    /// `before` is where the line starts.
    fn put_line(&mut self, whole: &str, before: usize) {
        let blanks = self.text.split_off(before);
        let far = if is_opening(whole) { lines::OPENING } else { FAR };
        self.text.push_str(&format!("{:far$}#{}", "", self.word(self.puts.len())));
        self.puts.push(Put::Line(format!("{blanks}{whole}")));
    }

    /// Whether another text has the words and nothing else that looks like one.
    pub(super) fn are_all_in(&self, text: &str) -> bool {
        text.matches(&self.mark).count() == self.puts.len()
    }

    /// The line of the first word that another text has no more.
    pub(super) fn first_gone(&self, text: &str) -> Option<usize> {
        (0..self.puts.len())
            .find(|number| !text.contains(&self.word(*number)))
            .map(|number| self.line(number))
    }

    /// What starts every word.
    pub(super) fn mark(&self) -> &str {
        &self.mark
    }

    /// The length of the word at the start of a text.
    pub(super) fn word_length(&self, text: &str) -> Option<usize> {
        let digits = text.strip_prefix(&self.mark)?;
        Some(self.mark.len() + digits.find('z')? + 1)
    }

    /// The line of the template that a word was in.
    pub(super) fn line(&self, number: usize) -> usize {
        self.lines.get(number).copied().unwrap_or_default()
    }

    /// A word that is text to every YAML reader, wherever it stands.
    pub(super) fn word(&self, number: usize) -> String {
        format!("{}{number}z", self.mark)
    }

    /// `text` with what the words stand for.
    /// `with` is told what comes before it.
    pub(super) fn fill(
        &self,
        text: &str,
        mut with: impl FnMut(usize, &Put, &str) -> String,
    ) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(&self.mark) {
            let digits = &rest[at + self.mark.len()..];
            let end = digits.find('z').unwrap_or(0);
            let number = digits[..end].parse().unwrap_or(usize::MAX);
            let before = &rest[..at];
            rest = digits.get(end + 1..).unwrap_or_default();
            let Some(put) = self.puts.get(number) else { continue };
            let before = match put {
                Put::Line(_) => before.strip_suffix('#').unwrap_or(before).trim_end_matches(' '),
                Put::Expression(_) | Put::Other(_) => before,
            };
            out.push_str(before);
            let filled = with(number, put, &out);
            out.push_str(&filled);
        }
        out.push_str(rest);
        out
    }

    /// Whether a text has the word of a statement, such as a condition or a loop,
    /// or of a comment.
    pub(super) fn has_statement(&self, text: &str) -> bool {
        (0..self.puts.len())
            .any(|number| self.is_statement(number) && text.contains(&self.word(number)))
    }

    fn is_statement(&self, number: usize) -> bool {
        let whole = match self.puts.get(number) {
            Some(Put::Other(whole) | Put::Line(whole)) => whole.trim_start(),
            Some(Put::Expression(_)) | None => return false,
        };
        let is_block = whole.strip_prefix("{%").is_some_and(|inside| !is_raw(inside));
        is_block || whole.starts_with("{#")
    }

    /// What is left of a text without the words of statements at its start.
    pub(super) fn behind_statements<'a>(&self, mut text: &'a str) -> &'a str {
        let word = |text: &str| {
            (0..self.puts.len())
                .filter(|number| self.is_statement(*number))
                .map(|number| self.word(number))
                .find(|word| text.starts_with(word.as_str()))
        };
        while let Some(word) = word(text.trim_start()) {
            text = &text.trim_start()[word.len()..];
        }
        text.trim_start()
    }

    /// The same at its end.
    pub(super) fn before_statements<'a>(&self, mut text: &'a str) -> &'a str {
        let word = |text: &str| {
            (0..self.puts.len())
                .filter(|number| self.is_statement(*number))
                .map(|number| self.word(number))
                .find(|word| text.ends_with(word.as_str()))
        };
        while let Some(word) = word(text.trim_end()) {
            text = &text.trim_end()[..text.trim_end().len() - word.len()];
        }
        text.trim_end()
    }

    /// The expressions by number; statements are empty.
    pub(super) fn expressions(&self) -> Vec<String> {
        let text = |put: &Put| match put {
            Put::Expression(text) => text.clone(),
            Put::Other(_) | Put::Line(_) => String::new(),
        };
        self.puts.iter().map(text).collect()
    }
}

/// Words that start marks, the longer the likelier that no text has them.
pub(super) fn marks(template: &str) -> impl Iterator<Item = String> {
    let mark = |power: u32| format!("edgehole{}", "x".repeat(2_usize.pow(power) - 1));
    (0..MAX_POWER).map(mark).filter(|mark| !template.contains(mark.as_str()))
}

/// A statement that isn't the only thing in its line leaves the line's end.
pub(super) fn inline(whole: &str) -> String {
    let is_raw = whole.strip_prefix("{%").is_some_and(is_raw);
    let (start, end) = whole.split_at(whole.len().saturating_sub(2));
    match start.ends_with(['-', '+']) || is_raw {
        true => whole.to_owned(),
        false => format!("{start}+{end}"),
    }
}

fn is_raw(inside: &str) -> bool {
    inside.trim_start_matches(['-', '+', ' ']).starts_with("raw")
}

fn is_opening(whole: &str) -> bool {
    let inside = whole.strip_prefix("{%").unwrap_or_default().trim_start_matches(['-', '+']);
    let word = inside.split_whitespace().next().unwrap_or_default();
    OPENINGS.contains(&word)
}

fn next_opening(text: &str) -> Option<usize> {
    ["{{", "{%", "{#"].iter().filter_map(|opening| text.find(opening)).min()
}

/// The length of what opens at the start, with its end. Raw blocks are one.
fn length(text: &str) -> Option<usize> {
    let close = match text.get(..2)? {
        "{{" => "}}",
        "{%" => "%}",
        _ => "#}",
    };
    let end = closing(text, close)?;
    let statement = text[2..end - 2].trim_matches(['-', '+']).trim();
    if close == "%}" && statement == "raw" {
        let (at, _) = text.match_indices("{%").skip(1).find(|(at, _)| {
            let inside = text[at + 2..].split("%}").next().unwrap_or_default();
            inside.trim_matches(['-', '+']).trim() == "endraw"
        })?;
        return Some(at + closing(&text[at..], "%}")?);
    }
    Some(end)
}

/// Where `close` ends, strings left aside.
fn closing(text: &str, close: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(2) {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if text[at..].starts_with(close) => return Some(at + close.len()),
            None if matches!(c, '"' | '\'') && close != "#}" => quote = Some(c),
            None => {}
        }
    }
    None
}
