//! Keys and values on a line: `password: x`, `TOKEN=x`, `"auth": "x"`.

use std::sync::LazyLock;

use regex_lite::Regex;

use super::harmless::{is_given_by_env, is_harmless, is_question, may_go_on};
use super::key::CHALLENGE;
use super::output::{is_read, is_read_by_known};
use super::{is_login_key, is_secret_key, is_user_with_password};

/// Keys that also name collections, whose own keys tell what is secret.
const COLLECTIONS: [&str; 5] = ["auth", "secret", "token", "authorization", "chpasswd"];

/// What may stand before the secret of a header, in lower case.
const SCHEMES: [&str; 5] = ["bearer", "basic", "token", "apikey", "api-token"];

/// The beginning of a mapping or of a list of mappings on one line.
static COLLECTION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"^(\[\s*)?(\{\s*("[^"]*"|'[^']*'|[A-Za-z0-9_.-]+)\s*:(\s|["'{\[]|$)|\{\s*\}|\[?\s*\])"#,
    )
    .ok()
});

/// A variable of the shell: names that aren't in capitals may be passwords. What it is
/// where nothing is set may be nothing, an error or another variable.
static VARIABLE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"^\$(\{([A-Z_][A-Z0-9_]*|[0-9@*])(\}|:?\?[^}]*(\}|$)",
        r"|:?[-=](\$[A-Z_][A-Z0-9_]*|\$\{[A-Z_][A-Z0-9_]*\}|\$[0-9@*])?\})",
        r"|[A-Z_][A-Z0-9_]*|[0-9@*])([\s;&|),}\]]|$)",
    ))
    .ok()
});

/// `key:` and what may follow it.
static KEY: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"^[\s-]*("[^"]*"|'[^']*'|[A-Za-z0-9_./-]+)\s*(:(\s|$)|=)"#).ok());

/// A secret's key on a line.
pub(super) enum Pair {
    /// With its value, which may go on below where it stands further to the
    /// right than the key.
    Value(usize),
    /// Behind something else, with its value.
    Beside,
    /// Without a value.
    Open(usize),
    /// With one that is none, unless it goes on below.
    Harmless(usize),
}

/// The first secret of a line, else the key of one that may be below.
pub(super) fn secret_pair(line: &str) -> Option<Pair> {
    let separators = line.char_indices().filter(|(_, c)| matches!(c, ':' | '='));
    let mut open = None;
    for (at, separator) in separators {
        let Some(start) = secret_key(line, at, separator) else { continue };
        let (before, rest) = (&line[..start], &line[at + 1..]);
        if is_header_with_variable(before, rest)
            || is_question(before, rest)
            || is_given_by_env(before, rest)
        {
            continue;
        }
        let is_first = before.trim_start_matches([' ', '\t', '-', '"', '\'']).is_empty();
        let column = start - usize::from(before.ends_with(['"', '\'']));
        match is_value(&line[start..at], rest, separator) {
            true if is_first && separator == ':' => return Some(Pair::Value(column)),
            true => return Some(Pair::Beside),
            false if is_first && separator == ':' && is_blank(rest) => {
                open = Some(Pair::Open(column));
            }
            false
                if is_harmless(&line[start..at], rest, separator)
                    && may_go_on(rest, is_first && separator == ':') =>
            {
                let indent = line.len() - line.trim_start().len();
                open = Some(Pair::Harmless(indent));
            }
            false => {}
        }
    }
    open
}

/// Whether a line is a value without a key.
pub(super) fn is_lone(line: &str) -> bool {
    let is_key = || KEY.as_ref().is_some_and(|key| key.is_match(line));
    !line.trim_start().starts_with('#') && !is_key()
}

/// Whether a word stands for a value that is elsewhere.
pub(crate) fn is_variable(word: &str) -> bool {
    VARIABLE.as_ref().is_some_and(|variable| variable.is_match(word)) || word.starts_with("$(")
}

/// Where the key before a separator starts, if it is a secret's.
fn secret_key(line: &str, at: usize, separator: char) -> Option<usize> {
    let end = line[..at].trim_end_matches([' ', '\t', '"', '\'', '\\', ']']).len();
    let before = &line[..end];
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let word = before.chars().rev().take_while(|c| is_word(*c)).count();
    let start = end - if before.ends_with(CHALLENGE) { CHALLENGE.len() } else { word };
    let key = &before[start..];
    let before = &before[..start];
    let is_read = before.ends_with('$') || before.ends_with("${");
    // Prose has words before a colon, too.
    let begins = || {
        let is_quoted = before.ends_with(['"', '\'']);
        let before = before.trim_end_matches([' ', '\t', '-', '"', '\'', '\\']);
        is_quoted || before.is_empty() || before.ends_with([',', '{', ';', '&', '(', '[', '#', '.'])
    };
    let is_secret = is_secret_key(key) || (is_login_key(key) && begins_with_login(&line[at + 1..]));
    let is_key = is_secret && (separator == '=' || begins());
    let is_secret = !is_read && (is_key || is_said_in_prose(&line[..end], &line[at..]));
    is_secret.then(|| start + key.len() - key.trim_start_matches('-').len())
}

/// `the old password: x` and `license key: x`; more words behind it are prose.
fn is_said_in_prose(before: &str, from_colon: &str) -> bool {
    const WORDS: usize = 3;
    let Some(rest) = from_colon.strip_prefix(": ") else { return false };
    let mut words: Vec<&str> = before.split_whitespace().rev().take(WORDS).collect();
    words.reverse();
    let mut said = rest.split_whitespace();
    let value = said.next().unwrap_or_default().trim_matches(['"', '\'', '`', ',', ')', ']', '}']);
    let is_alone = said.next().is_none() || value.bytes().any(|c| c.is_ascii_digit());
    let is_word = words.last().is_some_and(|word| !word.contains(['/', '$']));
    is_word
        && is_alone
        && !value.is_empty()
        && !is_variable(value)
        && is_secret_key(&words.join(" "))
}

/// `credentials: user:password`
fn begins_with_login(rest: &str) -> bool {
    let word = rest.split_whitespace().next().unwrap_or_default();
    !word.contains("://") && is_user_with_password(word.trim_end_matches([',', ';', '}']))
}

/// Whether a text is a variable and nothing more.
fn is_whole_variable(text: &str) -> bool {
    let found = VARIABLE.as_ref().and_then(|variable| variable.find(text));
    found.is_some_and(|found| found.end() == text.len())
}

/// `$TOKEN`, `$(cat /run/token)`
fn is_elsewhere(value: &str) -> bool {
    match value.starts_with("$(") {
        true => is_read(value, false),
        false => (value.starts_with('$') && is_variable(value)) || is_read_by_known(value, false),
    }
}

/// `"${TOKEN}"`, `"$(cat /run/token)"`
fn is_quoted_variable(value: &str) -> bool {
    let Some(inside) = value.strip_prefix('"') else { return false };
    let (name, behind) = inside.split_once('"').unwrap_or((inside, ""));
    let goes_on = behind.starts_with(char::is_alphanumeric);
    (name.starts_with("${") && is_whole_variable(name) && !goes_on)
        || is_read_by_known(inside, true)
        || (inside.starts_with("$(<") && is_read(inside, true))
}

/// `-H "X-Token: $TOKEN"`, `-H "Authorization: Token $TOKEN"`
fn is_header_with_variable(before: &str, rest: &str) -> bool {
    let flag = before.strip_suffix('"').map(|before| before.trim_end_matches([' ', '=']));
    let is_header = flag.is_some_and(|flag| flag.ends_with("-H") || flag.ends_with("--header"));
    let value = rest.trim_start();
    let said = match value.split_once(' ') {
        Some((scheme, said)) if is_scheme(scheme) => said.trim_start(),
        _ => value,
    };
    let is_alone = || said.split('"').next().is_some_and(|said| is_whole_variable(said.trim_end()));
    is_header && (is_read(said, true) || is_alone())
}

fn is_scheme(word: &str) -> bool {
    SCHEMES.contains(&word.to_ascii_lowercase().as_str()) || is_whole_variable(word)
}

/// `Bearer $TOKEN`
fn is_variable_of_bearer(value: &str) -> bool {
    let value = value.trim_start_matches(['"', '\'']);
    let Some(said) = value.strip_prefix("Bearer ").map(str::trim_start) else { return false };
    let end = |text: &str| text.find(['"', '\'', '\\', ',', ';']).unwrap_or(text.len());
    let text = said.split(" #").next().unwrap_or_default();
    is_read(said, true) || is_whole_variable(text[..end(text)].trim_end())
}

fn is_blank(rest: &str) -> bool {
    let rest = rest.trim();
    rest.is_empty() || rest == "#" || rest.starts_with("# ")
}

/// Whether something is said behind a key and its separator.
pub(super) fn is_value(key: &str, rest: &str, separator: char) -> bool {
    let value = rest.trim();
    let is_empty_text = ["\"\"", "''"].into_iter().any(|quotes| {
        let behind = value.strip_prefix(quotes);
        behind.is_some_and(|b| {
            b.is_empty() || b.starts_with([' ', '\t', ',', '}', ']', ')', ';', '#'])
        })
    });
    if value.is_empty() || is_empty_text || matches!(value, "{" | "[") {
        return false;
    }
    if is_harmless(key, rest, separator) {
        return false;
    }
    match separator {
        ':' => !is_blank(rest) && !is_no_text(key, value) && !is_variable_of_bearer(value),
        _ => !(is_quoted_variable(rest) || is_elsewhere(rest) || is_flag(rest)),
    }
}

/// `enable-token-auth=true`
fn is_flag(rest: &str) -> bool {
    let word = rest.split([' ', '\t', ',', ';', '"', '\'', '}', ']']).next();
    matches!(word, Some("true" | "false"))
}

/// Whether YAML or JSON take an unquoted value for nothing or for a collection.
fn is_no_text(key: &str, value: &str) -> bool {
    let key = key.trim_end_matches([' ', '\t', '"', '\'', '\\']).to_ascii_lowercase();
    let is_collection = || COLLECTION.as_ref().is_some_and(|start| start.is_match(value));
    value.trim_matches(['}', ']', ',', ' ']).is_empty()
        || matches!(value, "true" | "false")
        || (value.starts_with("${") && is_variable(value))
        || (COLLECTIONS.contains(&key.as_str()) && is_collection())
}
