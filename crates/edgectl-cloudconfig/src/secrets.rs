//! Telling secrets from other texts.

mod command;
mod directive;
mod harmless;
mod key;
mod login;
mod manifest;
mod markup;
mod output;
mod pair;
mod shape;
mod words;

pub(crate) use command::{is_command_with_secret, is_user_with_password};
pub(crate) use key::{
    is_beside_secret, is_login_file, is_login_key, is_secret_file, is_secret_key, is_secrets_key,
};
pub(crate) use login::{logins, without_logins};
pub(crate) use manifest::is_secret as is_secret_manifest;
pub(crate) use pair::is_variable;
pub(crate) use shape::is_public_key;

use std::borrow::Cow;

use crate::certificate::decode_bytes;
use crate::scalar::is_old_line_end;
use pair::Pair;

/// Shortest word that is taken for base64 of something.
const SHORTEST: usize = 16;

/// Whether a text has a secret in one of its lines, in the clear or as base64:
/// `password: x`, `"auth": "x"`, `TOKEN=x`, `docker login -p x`, a private key.
pub(crate) fn has_secret_line(text: &str) -> bool {
    has_secret_line_or(text, is_secret_manifest)
}

/// The same with another opinion of which manifests are secrets.
pub(crate) fn has_secret_line_or(text: &str, is_manifest: impl Fn(&str) -> bool) -> bool {
    let text = text.replace(|c| c == '\r' || is_old_line_end(c), "\n");
    let is_secret = |text: &str| secret_lines(text).contains(&true) || is_manifest(text);
    // The whole, which may take several lines, or a word of it.
    let whole = decode_bytes(&text);
    let words = text.split(|c: char| c.is_whitespace() || "\"',;:()".contains(c));
    let words = words.filter(|word| word.len() >= SHORTEST && word.len() < text.len());
    let decoded = words.filter_map(decode_bytes).filter(|decoded| is_text(decoded));
    is_secret(&text)
        || whole.into_iter().chain(decoded).any(|text| is_secret(&String::from_utf8_lossy(&text)))
}

/// A key as it may be shown: `root:x: …`, `password x: …` and `TOKEN=x: …` have a secret in
/// it, where a value was meant, and so may a URL.
pub(crate) fn shown_key(key: &str) -> &str {
    let is_told = matches!(pair::secret_pair(key), Some(Pair::Value(_) | Pair::Beside))
        || logins(key) > 0
        || shape::has_secret(key);
    let mut words = key.split_whitespace();
    let is_behind_name = words.next().is_some_and(is_secret_key) && words.next().is_some();
    // `reg.local:5000` and `https://reg.local` are keys of registries.
    let is_address = |(name, said): (&str, &str)| {
        said.starts_with("//") || (name.contains('.') && said.bytes().all(|c| c.is_ascii_digit()))
    };
    // `users:- name`, where a statement of a template takes the line's end along.
    let is_joined = |said: &str| said.starts_with("- ") || said.starts_with(char::is_whitespace);
    let is_other = |parts: (&str, &str)| is_address(parts) || is_joined(parts.1);
    let is_login = is_user_with_password(key) && !key.split_once(':').is_some_and(is_other);
    if is_told || is_behind_name || is_login { "…" } else { key }
}

/// Whether bytes aren't those of a word that only looks like base64.
fn is_text(bytes: &[u8]) -> bool {
    let is_odd = |c: char| c.is_control() && !c.is_whitespace();
    std::str::from_utf8(bytes).is_ok_and(|text| !text.contains(is_odd))
}

/// Which lines of a text are a secret or a part of one.
pub(crate) fn secret_lines(text: &str) -> Vec<bool> {
    let first_words = text.lines().filter_map(|line| line.split_whitespace().next());
    let is_netrc = first_words.into_iter().any(|word| matches!(word, "machine" | "default"));
    let mut lines = Lines { open: Open::Nothing, is_netrc };
    let mut secret = Vec::new();
    for (line, count) in joined(text) {
        let is_secret = lines.take(&line);
        secret.extend(std::iter::repeat_n(is_secret, count));
    }
    let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
    for named in [manifest::named_secrets(text), markup::named_secrets(text)].concat() {
        let line = |at: usize| ends.partition_point(|end| *end < at);
        let lines = secret.get_mut(line(named.start)..=line(named.end));
        lines.unwrap_or_default().fill(true);
    }
    secret
}

/// The lines of a text, those that go on behind a `\` as one, with how many they are.
fn joined(text: &str) -> Vec<(Cow<'_, str>, usize)> {
    let mut all: Vec<(Cow<'_, str>, usize)> = Vec::new();
    let mut goes_on = false;
    for line in text.lines() {
        let bare = line.trim_end_matches('\\');
        match all.last_mut().filter(|_| goes_on) {
            Some((whole, count)) => {
                let open = whole.strip_suffix('\\').map_or(0, str::len);
                whole.to_mut().truncate(open);
                *whole.to_mut() += &format!(" {line}");
                *count += 1;
            }
            None => all.push((Cow::Borrowed(line), 1)),
        }
        goes_on = (line.len() - bare.len()) % 2 == 1;
    }
    all
}

/// What the lines so far have begun.
enum Open {
    Nothing,
    /// A private key.
    Key,
    /// A certificate or a public key: what its base64 looks like by chance.
    Public,
    /// Input of a command, to this line.
    Input(String),
    /// An element, to the line that has this.
    Element(String),
    /// A value whose other lines stand further to the right.
    Value(usize),
    /// A key without a value: it may stand below, further to the right.
    Below(usize),
}

struct Lines {
    open: Open,
    is_netrc: bool,
}

impl Lines {
    fn take(&mut self, line: &str) -> bool {
        match &self.open {
            Open::Key => {
                if line.contains("-----END") {
                    self.open = Open::Nothing;
                }
                return true;
            }
            Open::Public if is_base64(line.trim()) => return false,
            Open::Input(end) => {
                let is_end = line.trim() == end;
                if is_end {
                    self.open = Open::Nothing;
                }
                return !is_end;
            }
            Open::Element(end) => {
                if line.contains(end.as_str()) {
                    self.open = Open::Nothing;
                }
                return true;
            }
            Open::Value(_) | Open::Below(_) if line.trim().is_empty() => return false,
            Open::Value(column) if indent(line) > *column => return true,
            Open::Below(column) if indent(line) > *column && pair::is_lone(line) => {
                self.open = Open::Value(*column);
                return true;
            }
            _ => {}
        }
        self.open = Open::Nothing;
        self.fresh(line)
    }

    /// What a line is, and what it opens: a certificate or an element may begin in it
    /// behind something else.
    fn fresh(&mut self, line: &str) -> bool {
        if shape::is_private_key(line) {
            if line.contains("-----BEGIN") && !line.contains("-----END") {
                self.open = Open::Key;
            }
            return true;
        }
        if line.contains("-----BEGIN ") && !line.contains("-----END") {
            let before = line.split("-----BEGIN ").next().unwrap_or_default();
            let is_secret = self.judged(before);
            self.open = Open::Public;
            return is_secret;
        }
        self.judged(line)
    }

    fn judged(&mut self, line: &str) -> bool {
        if let Some(end) = command::input_with_secret(line) {
            self.open = Open::Input(end.to_owned());
            return true;
        }
        let element = markup::open_element(line);
        let is_secret = self.told(line);
        if let Some(end) = element {
            self.open = Open::Element(end);
        }
        is_secret
    }

    fn told(&mut self, line: &str) -> bool {
        let is_told = shape::has_secret(line) || markup::has_secret(line);
        match pair::secret_pair(line) {
            Some(Pair::Value(column)) => self.open = Open::Value(column),
            Some(Pair::Beside) => {}
            Some(Pair::Open(column)) => {
                self.open = Open::Below(column);
                return is_told;
            }
            other => {
                if let Some(Pair::Harmless(column)) = other {
                    self.open = Open::Below(column);
                }
                return is_told
                    || command::is_secret(line, self.is_netrc)
                    || directive::is_secret(line);
            }
        }
        true
    }
}

fn is_base64(line: &str) -> bool {
    let is_one = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    !line.is_empty() && line.bytes().all(is_one)
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests;
