//! In what kind of scalar an expression stands.

use granit_parser::ScalarStyle;

use super::TemplateError;
use super::holes::Holes;
use crate::tree::Document;

/// How a value has to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    /// It is the whole of a value without quotes.
    Whole,
    /// It is a part of a text without quotes.
    Part,
    /// Between double quotes.
    Double,
    /// Between single quotes.
    Single,
    /// In a line of a block scalar.
    Block,
    /// In a comment, or nowhere that YAML looks.
    Comment,
}

/// The context of every word of `holes` in `text`, by number.
pub(super) fn contexts(text: &str, holes: &Holes) -> Result<Vec<Context>, TemplateError> {
    let document = Document::parse(text).map_err(|error| TemplateError::Yaml {
        line: error.place.line,
        column: error.place.column,
        message: error.message,
    })?;
    let scalars: Vec<(&str, ScalarStyle)> =
        document.nodes.iter().filter_map(|node| node.scalar()).collect();
    let count = holes.expressions().len();
    let context = |number| {
        let word = holes.word(number);
        let found = scalars.iter().find(|(text, _)| text.contains(&word));
        match found {
            None => Context::Comment,
            Some((text, ScalarStyle::Plain)) if *text == word => Context::Whole,
            Some((_, ScalarStyle::Plain)) => Context::Part,
            Some((_, ScalarStyle::DoubleQuoted)) => Context::Double,
            Some((_, ScalarStyle::SingleQuoted)) => Context::Single,
            Some(_) => Context::Block,
        }
    };
    Ok((0..count).map(context).collect())
}
