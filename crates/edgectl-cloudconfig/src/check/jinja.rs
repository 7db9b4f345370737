//! Expressions that no Jinja can read: cloud-init then drops the whole file.
//!
//! Only what surely fails there is told. The engine at hand takes a little less
//! than Jinja2 and says so in other cases, too.

use minijinja::{Environment, ErrorKind};

use crate::jinja::{inside, length, next_opening, raw_inside, word};

/// The filters of Jinja2 3.1, to which cloud-init adds none.
const FILTERS: [&str; 54] = [
    "abs",
    "attr",
    "batch",
    "capitalize",
    "center",
    "count",
    "d",
    "default",
    "dictsort",
    "e",
    "escape",
    "filesizeformat",
    "first",
    "float",
    "forceescape",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "pprint",
    "random",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "string",
    "striptags",
    "sum",
    "title",
    "tojson",
    "trim",
    "truncate",
    "unique",
    "upper",
    "urlencode",
    "urlize",
    "wordcount",
    "wordwrap",
    "xmlattr",
];
/// Words that may stand beside another one.
const OPERATORS: [&str; 8] = ["and", "or", "not", "in", "is", "if", "else", "recursive"];

/// What can't be read, with its place in the template.
pub(super) fn unreadable(template: &str) -> Vec<(usize, String)> {
    let environment = Environment::new();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = next_opening(&template[at..]).map(|next| at + next) {
        let Some(length) = length(&template[start..]) else { break };
        let whole = &template[start..start + length];
        if let Some(fault) = expression(whole).and_then(|text| fault(&environment, text)) {
            found.push((start, fault));
        }
        at = start + length;
    }
    found
}

/// The expression that something of Jinja's has, where it has one alone.
fn expression(whole: &str) -> Option<&str> {
    if whole.starts_with("{{") {
        return Some(inside(whole));
    }
    if !whole.starts_with("{%") || raw_inside(whole).is_some() {
        return None;
    }
    let name = word(whole);
    let behind = inside(whole).strip_prefix(name)?.trim();
    match name {
        "if" | "elif" => Some(behind),
        "set" => behind.split_once('=').map(|(_, value)| value.trim()),
        _ => None,
    }
}

fn fault(environment: &Environment<'_>, text: &str) -> Option<String> {
    if text.is_empty() {
        return Some("nothing stands where an expression has to".to_owned());
    }
    let bare = without_texts(text);
    if let Some(filter) = unknown_filter(&bare) {
        return Some(format!("there is no filter `{filter}`"));
    }
    let error = environment.compile_expression(text).err()?;
    let is_syntax = error.kind() == ErrorKind::SyntaxError;
    let said = error.detail().unwrap_or_default();
    let is_cut = said.contains("unexpected end of input");
    (is_syntax && (is_cut || has_words_side_by_side(&bare)))
        .then(|| "this is no expression".to_owned())
}

/// With one character in place of each text in quotes.
fn without_texts(text: &str) -> String {
    let mut quote = None;
    let mut is_escaped = false;
    let mut bare = String::with_capacity(text.len());
    for c in text.chars() {
        match quote {
            Some(_) if is_escaped => is_escaped = false,
            Some(_) if c == '\\' => is_escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'') => {
                quote = Some(c);
                bare.push('"');
            }
            None => bare.push(c),
        }
    }
    bare
}

fn unknown_filter(bare: &str) -> Option<&str> {
    let names = bare.split('|').skip(1).map(|behind| {
        let behind = behind.trim_start();
        &behind[..behind.find(|c: char| !is_word(c)).unwrap_or(behind.len())]
    });
    names.filter(|name| !name.is_empty()).find(|name| !FILTERS.contains(name))
}

/// Two names with nothing between them; tests may have what they ask for so
/// (`is divisibleby 3`).
fn has_words_side_by_side(bare: &str) -> bool {
    let words: Vec<&str> = bare.split_whitespace().collect();
    let is_name = |text: &str| {
        text.starts_with(|c: char| c.is_alphabetic() || c == '_') && text.chars().all(is_word)
    };
    let ends_with_name =
        |text: &str| is_name(text.rsplit(|c| !is_word(c)).next().unwrap_or_default());
    let is_operator = |text: &str| OPERATORS.contains(&text);
    !words.contains(&"is")
        && words.windows(2).any(|pair| {
            let (left, right) = (pair[0], pair[1]);
            !is_operator(left)
                && !is_operator(right)
                && ends_with_name(left)
                && right.starts_with(|c: char| c.is_alphabetic())
        })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_jinja_reads_is_told_and_nothing_else() {
        for bad in [
            "{{ v1. }}",
            "{{ }}",
            "{% if %}",
            "{% elif  -%}",
            "{{ x | nosuch }}",
            "{{ see docs }}",
            "{{ (a }}",
            "{{ a and }}",
            "{% set a = v1. %}",
        ] {
            assert_eq!(unreadable(bad).len(), 1, "{bad}");
        }
        for good in [
            "{{ v1.a }}{# see docs #}{% raw %}{{ see docs }}{% endraw %}",
            "{{ 'see docs' }}{{ \"a\" \"b\" }}{{ a['see docs'] }}",
            "{{ a | default('x | y') | upper | d(1) }}",
            "{% if a is divisibleby 3 and not b %}{% if a is not defined %}",
            "{{ a if b else c }}{{ x.y(1, z=2) }}{{ [1, 2] | join(',') }}{{ a not in b }}",
            "{% set a, b = 1, 2 %}{% for a in b recursive %}{{ 1_000 }}{{ a ~ b }}",
            "{% set a %}see docs{% endset %}{% do a.append(b) %}",
        ] {
            assert_eq!(unreadable(good), [], "{good}");
        }
    }
}
