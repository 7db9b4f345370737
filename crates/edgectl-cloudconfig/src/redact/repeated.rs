//! What was hidden in one place and stands in another one, too: in a command that looks
//! for it, or in a comment.

use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, MatchKind};

use super::{Edit, HIDDEN};
use crate::secrets::has_secret_line;

/// What is shorter may be a word of anything.
const SHORTEST: usize = 8;
/// What is longer stands nowhere else by chance.
const LONGEST: usize = 4096;

/// The values of `text` that its edits hide, as far as they can be told from other words.
pub(super) fn hidden_values(text: &str, edits: &[Edit]) -> BTreeSet<String> {
    let mut values = BTreeSet::new();
    for (range, with) in edits {
        let hidden = text.get(range.clone()).unwrap_or_default();
        if with == HIDDEN {
            values.extend(telling(hidden));
        }
        // Looking for secrets is what takes time.
        let told = hidden.lines().filter_map(|line| Some((line, value_of(line)?)));
        values.extend(told.filter(|(line, _)| has_secret_line(line)).map(|(_, value)| value));
    }
    values
}

/// `text` without them.
pub(super) fn without(text: &str, values: &BTreeSet<String>) -> String {
    let searched = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(values);
    match searched {
        Ok(search) if !values.is_empty() => {
            search.replace_all(text, &vec!["<hidden>"; values.len()])
        }
        _ => text.to_owned(),
    }
}

/// The value of `NAME=value` and `name: value`.
fn value_of(line: &str) -> Option<String> {
    let (name, value) = line.split_once('=').or_else(|| line.split_once(": "))?;
    let is_name = !name.trim().contains(['"', '\'', '(']);
    telling(value).filter(|_| is_name)
}

/// A value that is no word of its own: letters of one kind alone, a path and a variable
/// stand in many places.
fn telling(value: &str) -> Option<String> {
    let bare = value.trim().trim_matches(['"', '\'']);
    let has = |is: fn(char) -> bool| bare.contains(is);
    let kinds = [
        has(|c| c.is_lowercase()),
        has(|c| c.is_uppercase()),
        has(|c| c.is_ascii_digit()),
        has(|c| !c.is_alphanumeric() && !"._-:/".contains(c)),
    ];
    let is_word = kinds.iter().filter(|is| **is).count() < 2;
    // `$6$…` is a hash.
    let is_variable =
        bare.strip_prefix('$').is_some_and(|name| !name.starts_with(char::is_numeric));
    let is_other = is_variable
        || bare.starts_with(['/', '{', '[', '*', '&', '|', '>'])
        || bare.contains(char::is_whitespace)
        || bare.contains("{{")
        || bare.contains("<hidden>");
    let fits = (SHORTEST..=LONGEST).contains(&bare.len());
    (fits && !is_word && !is_other).then(|| bare.to_owned())
}
