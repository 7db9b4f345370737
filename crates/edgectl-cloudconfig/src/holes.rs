//! Words in place of Jinja's expressions and statements.

use std::ops::Range;

use crate::block_lines::{block_parent, indent};
use crate::jinja::{
    begins_section, called, inside, is_closing, is_opening, is_raw, length, line_length, macros,
    next_opening, section_length,
};
use crate::lines;

/// What a word stands for.
pub(crate) enum Put {
    /// What stands between `{{` and `}}`, and with these.
    Expression(String, String),
    /// A statement, a comment or raw text, as it was written.
    Other(String),
    /// The same on a line of its own, with the blanks before it.
    Line(String),
}

impl Put {
    /// What the template has there.
    pub(crate) fn written(&self) -> &str {
        let (Self::Expression(_, whole) | Self::Other(whole) | Self::Line(whole)) = self;
        whole
    }
}

/// Statements on their own lines are comments that stand so far to the right
/// that an edit never takes them for the beginning of something else.
const FAR: usize = 120;
/// How many lines of a block of text are looked through for its beginning.
const FAR_AWAY: usize = 1000;
/// Far more than any user data has letters `x` in a row.
const MAX_POWER: u32 = 17;

/// A text with words in place of what Jinja reads.
pub(crate) struct Holes {
    pub(crate) text: String,
    /// Starts every word; not in the text otherwise.
    mark: String,
    puts: Vec<Put>,
    /// The line of the template that each of them is in, from 1.
    lines: Vec<usize>,
    /// The lines at the end of the text that stand for statements alone.
    nothing: Range<usize>,
}

/// What begins and never ends.
#[derive(Debug, thiserror::Error)]
#[error("`{opening}` is never closed{}", way_out(opening))]
pub(crate) struct Unclosed {
    /// Line of the template, from 1.
    pub(crate) line: usize,
    opening: String,
}

/// `${#a[@]}` is how a shell asks for a length.
fn way_out(opening: &str) -> &'static str {
    match opening {
        "{#" => {
            "; where a shell is to read it (`${#a[@]}`), write `{% raw %}` before it and \
             `{% endraw %}` behind it"
        }
        _ => "",
    }
}

/// A text with what the words stand for, and where.
pub(crate) struct Restored {
    pub(crate) text: String,
    /// Words with their surroundings, and what stands in their place.
    places: Vec<(Range<usize>, Range<usize>)>,
}

impl Restored {
    /// A place of the text with words, in the text without.
    pub(crate) fn there(&self, at: usize) -> usize {
        let passed = self.places.partition_point(|(word, _)| word.start <= at);
        match passed.checked_sub(1).map(|last| &self.places[last]) {
            None => at,
            Some((word, own)) if at < word.end => own.start,
            Some((word, own)) => own.end + (at - word.end),
        }
    }

    /// The other way round; none inside of what a word stands for.
    pub(crate) fn back(&self, at: usize) -> Option<usize> {
        let passed = self.places.partition_point(|(_, own)| own.start < at);
        match passed.checked_sub(1).map(|last| &self.places[last]) {
            None => Some(at),
            Some((word, own)) => at.checked_sub(own.end).map(|more| word.end + more),
        }
    }
}

impl Holes {
    /// `mark` must be nowhere in the template.
    pub(crate) fn dig(template: &str, mark: String) -> Result<Self, Unclosed> {
        let mut holes =
            Self { text: String::new(), mark, puts: Vec::new(), lines: Vec::new(), nothing: 0..0 };
        let (macros, mut is_unclosed) = (macros(template), false);
        let mut rest = template;
        let mut line = 1;
        while let Some(at) = next_opening(rest) {
            holes.text.push_str(&rest[..at]);
            line += rest[..at].matches('\n').count();
            let length = length(&rest[at..])
                .ok_or_else(|| Unclosed { line, opening: rest[at..at + 2].to_owned() })?;
            // Behind one that has no end nobody looks for those of others.
            let is_section = begins_section(&rest[at..at + length]) && !is_unclosed;
            let section = is_section.then(|| section_length(&rest[at..])).flatten();
            is_unclosed |= is_section && section.is_none();
            let before = holes.text.rfind('\n').map_or(0, |at| at + 1);
            let begins_line = holes.text[before..].trim().is_empty();
            let line_of_them = begins_line.then(|| line_length(&rest[at..])).flatten();
            let length = line_of_them.or(section).unwrap_or(length);
            let whole = &rest[at..at + length];
            holes.lines.push(line);
            line += whole.matches('\n').count();
            rest = &rest[at + length..];
            let is_line = begins_line
                && rest
                    .trim_start_matches([' ', '\t'])
                    .chars()
                    .next()
                    .is_none_or(|c| matches!(c, '\n' | '\r'));
            // What a macro makes may be lines.
            let makes_lines = called(inside(whole)).is_some_and(|name| macros.contains(&name));
            match is_line && (!whole.starts_with("{{") || makes_lines) {
                true => holes.put_line(whole, before, rest),
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
            Some(inside) => {
                let inside = inside.trim_matches('-').trim().to_owned();
                Put::Expression(inside, whole.to_owned())
            }
            None => Put::Other(whole.to_owned()),
        });
    }

    /// `before` is where the line starts, `rest` is behind the statement.
    fn put_line(&mut self, whole: &str, before: usize, rest: &str) {
        let blanks = self.text.split_off(before);
        let word = self.word(self.puts.len());
        // Those above are not looked through once more for each.
        if !self.text[self.nothing.end..].trim().is_empty() {
            self.nothing.start = before;
        }
        let line = match self.block_above(blanks.len(), rest) {
            Some(Some(indent)) => format!("{:indent$}#{word}", ""),
            None if is_opening(whole) => format!("{}{word}", lines::OPENING),
            Some(None) | None => format!("{:FAR$}#{word}", ""),
        };
        self.text.push_str(&line);
        self.nothing.end = self.text.len();
        self.puts.push(Put::Line(format!("{blanks}{whole}")));
    }

    /// Whether a line at the end of the text is one of a block of text; with how
    /// far it is indented where it is the first one, which says how far all are.
    fn block_above(&self, blanks: usize, rest: &str) -> Option<Option<usize>> {
        let is_real = |line: &&str| !line.trim().is_empty() && !self.is_nothing(line);
        let below = rest
            .lines()
            .skip(1)
            .take(FAR_AWAY)
            .find(|line| !line.trim().is_empty() && !line.trim_start().starts_with("{%"));
        let indents = [Some(blanks), below.map(indent)];
        let mut is_first = true;
        let mut lowest = usize::MAX;
        for (n, line) in self.text[..self.nothing.start].lines().rev().filter(is_real).enumerate() {
            if n == FAR_AWAY {
                return Some(None);
            }
            if let Some(parent) = block_parent(line).filter(|parent| *parent < lowest) {
                let deeper = indents.into_iter().flatten().find(|indent| *indent > parent)?;
                return Some(is_first.then_some(deeper));
            }
            (is_first, lowest) = (false, lowest.min(indent(line)));
            if lowest == 0 {
                return None;
            }
        }
        None
    }

    /// Whether another text has the words and nothing else that looks like one.
    pub(crate) fn are_all_in(&self, text: &str) -> bool {
        text.matches(&self.mark).count() == self.puts.len()
    }

    /// The line of the first word that another text has no more.
    pub(crate) fn first_gone(&self, text: &str) -> Option<usize> {
        (0..self.puts.len())
            .find(|number| !text.contains(&self.word(*number)))
            .map(|number| self.line(number))
    }

    /// What starts every word.
    pub(crate) fn mark(&self) -> &str {
        &self.mark
    }

    /// The length of the word at the start of a text.
    pub(crate) fn word_length(&self, text: &str) -> Option<usize> {
        let digits = text.strip_prefix(&self.mark)?;
        Some(self.mark.len() + digits.find('z')? + 1)
    }

    /// The line of the template that a word was in.
    pub(crate) fn line(&self, number: usize) -> usize {
        self.lines.get(number).copied().unwrap_or_default()
    }

    /// A word that is text to every YAML reader, wherever it stands.
    pub(crate) fn word(&self, number: usize) -> String {
        format!("{}{number}z", self.mark)
    }

    /// `text` with what the words stand for.
    /// `with` is told what comes before it.
    pub(crate) fn fill(
        &self,
        text: &str,
        mut with: impl FnMut(usize, &Put, &str) -> String,
    ) -> String {
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        for (range, number) in self.words(text) {
            out.push_str(&text[at..range.start]);
            at = range.end;
            let filled = with(number, &self.puts[number], &out);
            out.push_str(&filled);
        }
        out.push_str(&text[at..]);
        out
    }

    /// `text` as it would be without words.
    pub(crate) fn restored(&self, text: &str) -> Restored {
        let mut places = Vec::new();
        let mut words = self.words(text).into_iter().map(|(range, _)| range);
        let text = self.fill(text, |_, put, before| {
            let own = before.len()..before.len() + put.written().len();
            places.extend(words.next().map(|word| (word, own)));
            put.written().to_owned()
        });
        Restored { text, places }
    }

    /// `text` with something else in place of expressions, and blanks in place of
    /// all other words.
    pub(crate) fn with_expressions_as(&self, text: &str, with: &str) -> String {
        self.fill(text, |_, put, _| match put {
            Put::Expression(..) => with.to_owned(),
            Put::Other(_) | Put::Line(_) => " ".to_owned(),
        })
    }

    /// Where words stand in a text, with what was put around them, and their
    /// numbers.
    fn words(&self, text: &str) -> Vec<(Range<usize>, usize)> {
        let word = |(at, _): (usize, &str)| {
            let digits = &text[at + self.mark.len()..];
            let length = digits.find('z')?;
            let number: usize = digits[..length].parse().ok()?;
            let before = match self.puts.get(number)? {
                Put::Line(_) => {
                    let before = &text[..at];
                    let marks = [lines::OPENING, "#"];
                    let bare = marks.iter().find_map(|mark| before.strip_suffix(mark));
                    bare.unwrap_or(before).trim_end_matches(' ').len()
                }
                Put::Expression(..) | Put::Other(_) => at,
            };
            Some((before..at + self.mark.len() + length + 1, number))
        };
        text.match_indices(&self.mark).filter_map(word).collect()
    }

    /// Whether conditions or loops stand around a place of a text with words.
    pub(crate) fn is_inside(&self, text: &str, at: usize) -> bool {
        let before = self.words(text).into_iter().filter(|(range, _)| range.start < at);
        let depth = before.fold(0_usize, |depth, (_, number)| match &self.puts[number] {
            Put::Other(whole) | Put::Line(whole) if is_opening(whole) => depth + 1,
            Put::Other(whole) | Put::Line(whole) if is_closing(whole) => depth.saturating_sub(1),
            _ => depth,
        });
        depth > 0
    }

    /// Whether a text has the word of a statement, such as a condition or a loop,
    /// or of a comment.
    pub(crate) fn has_statement(&self, text: &str) -> bool {
        (0..self.puts.len())
            .any(|number| self.is_statement(number) && text.contains(&self.word(number)))
    }

    fn is_statement(&self, number: usize) -> bool {
        let whole = match self.puts.get(number) {
            Some(Put::Other(whole) | Put::Line(whole)) => whole.trim_start(),
            Some(Put::Expression(..)) | None => return false,
        };
        let is_block = whole.strip_prefix("{%").is_some_and(|inside| !is_raw(inside));
        is_block || whole.starts_with("{#")
    }

    /// What is left of a text without the words of statements at its start.
    pub(crate) fn behind_statements<'a>(&self, mut text: &'a str) -> &'a str {
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
    pub(crate) fn before_statements<'a>(&self, mut text: &'a str) -> &'a str {
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

    /// Whether a text has nothing but lines of statements, which leave nothing.
    pub(crate) fn is_nothing(&self, text: &str) -> bool {
        let is_put = |line: &str| {
            let word = line.strip_prefix(lines::OPENING).or(line.strip_prefix('#'));
            word.is_some_and(|word| self.word_length(word) == Some(word.len()))
        };
        text.lines().map(str::trim).all(|line| line.is_empty() || is_put(line))
    }

    /// The expressions by number; statements are empty.
    pub(crate) fn expressions(&self) -> Vec<String> {
        let text = |put: &Put| match put {
            Put::Expression(text, _) => text.clone(),
            Put::Other(_) | Put::Line(_) => String::new(),
        };
        self.puts.iter().map(text).collect()
    }
}

/// Words that start marks, the longer the likelier that no text has them.
pub(crate) fn marks(template: &str) -> impl Iterator<Item = String> {
    let mark = |power: u32| format!("edgehole{}", "x".repeat(2_usize.pow(power) - 1));
    (0..MAX_POWER).map(mark).filter(|mark| !template.contains(mark.as_str()))
}
