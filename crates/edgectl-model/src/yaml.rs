//! One door to the YAML reader, with fixed options.

use serde::de::DeserializeOwned;
use thiserror::Error;

/// A text that isn't the YAML (or JSON, which is YAML) that was expected.
/// Never quotes the text, because it may hold secrets.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {message}")]
pub struct YamlError {
    /// Line, from 1; 0 where the reader couldn't tell.
    pub line: u64,
    /// Column, from 1; 0 where the reader couldn't tell.
    pub column: u64,
    /// What is wrong there.
    pub message: String,
}

/// Reads one YAML or JSON document into `T`. Duplicate keys are errors, merge
/// keys are followed, aliases are bounded.
pub fn from_yaml<T: DeserializeOwned>(text: &str) -> Result<T, YamlError> {
    let options = serde_saphyr::options! { with_snippet: false, legacy_octal_numbers: true };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| describe(&error))
}

fn describe(error: &serde_saphyr::Error) -> YamlError {
    let (line, column) = error.location().map_or((0, 0), |at| (at.line(), at.column()));
    YamlError { line, column, message: plain_message(&error.to_string()) }
}

/// The first line of the reader's message, without the place, which we state
/// ourselves.
fn plain_message(full: &str) -> String {
    let first = full.lines().next().unwrap_or_default();
    let first = first.strip_prefix("error: ").unwrap_or(first);
    let without_place = match first.split_once(": ") {
        Some((place, rest)) if place.starts_with("line ") => rest,
        _ => first,
    };
    let end = without_place.find(" at line ").unwrap_or(without_place.len());
    match &without_place[..end] {
        "expected mapping start" => {
            "expected a mapping (`{key: value}`, or a key a line)".to_owned()
        }
        "expected sequence start" => "expected a list (`[a, b]`, or `- a` lines)".to_owned(),
        message => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn another_kind_of_value_is_said_in_plain_words() {
        type Nested = BTreeMap<String, BTreeMap<String, String>>;
        let error = from_yaml::<Nested>("a: b\n").unwrap_err();
        assert!(error.message.starts_with("expected a mapping"), "{error}");
        let error = from_yaml::<BTreeMap<String, Vec<String>>>("a: b\n").unwrap_err();
        assert!(error.message.starts_with("expected a list"), "{error}");
    }
}
