//! In what kind of scalar an expression stands.

use granit_parser::ScalarStyle;

use super::TemplateError;
use crate::header::is_jinja_template;
use crate::holes::Holes;
use crate::lines;
use crate::scalar::is_surely_text;
use crate::tree::{Document, Node};
use crate::yip::{self, Run};

/// How a value has to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    /// It is the whole of a value without quotes.
    Whole,
    /// It is a part of a text without quotes.
    Part,
    /// Alone in a branch of a condition, or a turn of a loop, with something
    /// else before or behind that.
    Branch,
    /// Between double quotes.
    Double,
    /// Between single quotes.
    Single,
    /// In a line of a block scalar.
    Block(Block),
    /// In a comment, or nowhere that YAML looks.
    Comment,
}

/// A place in a block scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    /// Blanks before every line of its text.
    pub(super) indent: usize,
    /// What stands before it in its line, blanks of the block included.
    pub(super) column: usize,
    /// Its lines become one (`>`).
    pub(super) is_folded: bool,
    /// The first thing in its line.
    pub(super) is_at_start: bool,
    /// In the first line that has anything: it says how far all are indented.
    pub(super) is_first: bool,
}

/// Where a value lands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) context: Context,
    /// cloud-init runs the file as a template.
    pub(super) is_jinja: bool,
    /// What Kairos makes of the value.
    pub(super) run: Run,
}

impl Spot {
    /// Nowhere that YAML looks.
    pub(super) fn comment(is_jinja: bool) -> Self {
        Self { context: Context::Comment, is_jinja, run: Run::Never }
    }
}

/// Where every word of `holes` stands in `text`, by number.
pub(super) fn spots(text: &str, holes: &Holes) -> Result<Vec<Spot>, TemplateError> {
    let document = parsed(text)?;
    let is_jinja = is_jinja_template(text);
    let runs = yip::runs(text, &document);
    let scalars: Vec<Text<'_>> = document
        .nodes
        .iter()
        .zip(runs)
        .filter_map(|(node, run)| node.scalar().map(|(value, style)| (node, value, style, run)))
        .filter(|(_, value, _, _)| value.contains(holes.mark()))
        .collect();
    let spot = |number| {
        let word = holes.word(number);
        let found = scalars.iter().find(|(_, value, _, _)| value.contains(&word));
        found.map_or(Spot::comment(is_jinja), |found| Spot {
            context: context(text, found, &word, holes),
            is_jinja,
            run: found.3,
        })
    };
    Ok((0..holes.expressions().len()).map(spot).collect())
}

type Text<'a> = (&'a Node, &'a str, ScalarStyle, Run);

fn context(text: &str, (node, value, style, _): &Text<'_>, word: &str, holes: &Holes) -> Context {
    match style {
        ScalarStyle::Plain if *value == word => Context::Whole,
        ScalarStyle::Plain if holes.has_statement(value) => among_statements(value, word, holes),
        ScalarStyle::Plain => Context::Part,
        ScalarStyle::DoubleQuoted => Context::Double,
        ScalarStyle::SingleQuoted => Context::Single,
        style => {
            let is_folded = *style == ScalarStyle::Folded;
            // What a branch has before it may not be there.
            let is_nothing = |text: &str| text.trim().is_empty() || holes.has_statement(text);
            Context::Block(block(text, node, value, word, is_folded, is_nothing))
        }
    }
}

/// What is a scalar with the words in it is something else, or several, once
/// conditions and loops have run.
fn among_statements(value: &str, word: &str, holes: &Holes) -> Context {
    let (before, behind) = value.split_once(word).unwrap_or_default();
    for (quote, context) in [('"', Context::Double), ('\'', Context::Single)] {
        if before.ends_with(quote) && behind.starts_with(quote) {
            return context;
        }
    }
    let (left, right) = (holes.before_statements(before), holes.behind_statements(behind));
    let is_apart = |rest: &str, all: &str| all.is_empty() || rest.len() < all.len();
    match is_apart(left, before.trim_end()) && is_apart(right, behind.trim_start()) {
        true if left.is_empty() && right.is_empty() => Context::Whole,
        true => Context::Branch,
        false => Context::Part,
    }
}

fn parsed(text: &str) -> Result<Document, TemplateError> {
    Document::parse(text).map_err(|error| TemplateError::Yaml {
        line: error.place.line,
        column: error.place.column,
        message: error.message,
    })
}

fn block(
    text: &str,
    node: &Node,
    value: &str,
    word: &str,
    is_folded: bool,
    is_nothing: impl Fn(&str) -> bool,
) -> Block {
    let body = text.get(node.range.clone()).unwrap_or_default();
    let at = node.range.start + body.find(word).unwrap_or_default();
    let before = &text[lines::start(text, at)..at];
    let in_value = value.find(word).unwrap_or_default();
    let value_before = &value[lines::start(value, in_value)..in_value];
    // Folding joins lines, so that more may stand before it in the value.
    let more = if is_folded { before.trim_start_matches(' ').len() } else { value_before.len() };
    Block {
        indent: before.len().saturating_sub(more),
        column: before.len(),
        is_folded,
        is_at_start: before.trim().is_empty(),
        is_first: is_nothing(&value[..in_value]),
    }
}

/// The text with quotes around the values without quotes of which words are a
/// part, unless what stands beside the words makes them a text whatever comes.
pub(super) fn quoted_parts(text: &str, holes: &Holes) -> Result<String, TemplateError> {
    let document = parsed(text)?;
    let mut quoted = text.to_owned();
    let plain = document
        .nodes
        .iter()
        .rev()
        .filter(|node| node.scalar().is_some_and(|(_, style)| style == ScalarStyle::Plain));
    for node in plain {
        let Some(written) = text.get(node.range.clone()) else { continue };
        let is_whole = holes.word_length(written) == Some(written.len());
        let is_part = written.contains(holes.mark()) && !is_whole;
        // Where a condition or a loop begins in there, quotes would not end
        // where the values do.
        if is_part && !holes.has_statement(written) && !is_text_by_itself(written, holes) {
            quoted = lines::splice(&quoted, node.range.clone(), &in_quotes(written, holes));
        }
    }
    Ok(quoted)
}

/// A letter at the start, and something that no word of YAML has.
fn is_text_by_itself(written: &str, holes: &Holes) -> bool {
    let own: String =
        pieces(written, holes).filter(|(is_word, _)| !is_word).map(|(_, own)| own).collect();
    let starts = !written.starts_with(holes.mark());
    starts && is_surely_text(&own) && !own.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn in_quotes(written: &str, holes: &Holes) -> String {
    let piece = |(is_word, piece): (bool, &str)| match is_word {
        true => piece.to_owned(),
        false => piece.replace('\\', "\\\\").replace('"', "\\\""),
    };
    format!("\"{}\"", pieces(written, holes).map(piece).collect::<String>())
}

/// Words, and what is between them.
fn pieces<'a>(written: &'a str, holes: &'a Holes) -> impl Iterator<Item = (bool, &'a str)> {
    let mut rest = written;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (is_word, length) = match holes.word_length(rest) {
            Some(length) => (true, length),
            None => (false, rest.find(holes.mark()).filter(|at| *at > 0).unwrap_or(rest.len())),
        };
        let (piece, after) = rest.split_at(length);
        rest = after;
        Some((is_word, piece))
    })
}
