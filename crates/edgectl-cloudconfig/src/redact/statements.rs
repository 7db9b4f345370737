//! What stands between `{` and `}` in a template, with the secrets that are written there
//! hidden.

use super::comments::has_secret_inside;
use super::{Edit, HIDDEN, apply};
use crate::holes::Holes;
use crate::jinja::{self, raw_inside, word};
use crate::secrets::{has_secret_line, is_secret_key, logins};

/// What was hidden in a text with words, with what these stand for. What a macro is
/// called around may be used anywhere.
pub(super) fn filled(holes: &Holes, shown: &str) -> String {
    let (mut edits, mut open): (Vec<Edit>, Vec<usize>) = (Vec::new(), Vec::new());
    let text = holes.fill(shown, |_, put, before| {
        let shown = shown_of(put.written());
        match word(put.written()) {
            "call" => open.push(before.len() + shown.len()),
            "endcall" => edits.extend(open.pop().map(|at| (at..before.len(), HIDDEN.to_owned()))),
            _ => {}
        }
        shown
    });
    edits.retain(|(range, _)| !text[range.clone()].trim().is_empty());
    // The outermost one hides those inside of it.
    edits.sort_by_key(|(range, _)| (range.start, usize::MAX - range.end));
    apply(&text, edits, str::to_owned)
}

/// What Jinja reads, which may be several statements in a line.
fn shown_of(written: &str) -> String {
    let (mut shown, mut rest) = (String::new(), written);
    loop {
        let start = rest.len() - rest.trim_start().len();
        let first = &rest[start..];
        let length = jinja::section_length(first).or_else(|| jinja::length(first));
        let Some(end) = length.map(|length| start + length).filter(|end| *end < rest.len()) else {
            return shown + &shown_of_one(rest);
        };
        shown += &shown_of_one(&rest[..end]);
        rest = &rest[end..];
    }
}

/// One of these, which may hold a secret of its own. A raw block of several lines is
/// user data that isn't looked into.
fn shown_of_one(written: &str) -> String {
    let bare = written.trim_start();
    let is_raw = raw_inside(bare).is_some() && bare.contains('\n');
    let section = jinja::section_length(bare);
    let has_text = bare.contains(['"', '\'']);
    // What it is set to may be used anywhere, and what a macro is given.
    let is_set = match word(bare) {
        "set" => section.is_some() || has_text,
        "with" | "for" | "do" | "call" | "print" => has_text,
        _ => bare.starts_with("{{") && has_text && calls_macro(jinja::inside(bare)),
    };
    let is_told = is_set
        || is_secret_macro(bare)
        || (!bare.starts_with("{#") && raw_inside(bare).is_none() && names_secret(bare));
    let is_section = bare.starts_with("{#") || section.is_some();
    let has_inside = || is_section && has_secret_inside(bare);
    let is_secret = is_raw || is_told || has_secret_line(written) || has_login(bare);
    if !is_secret && !has_inside() {
        return written.to_owned();
    }
    match (bare.get(..2), bare.get(bare.len() - 2..)) {
        (Some(open), Some(close)) => format!("{open} <hidden> {close}"),
        _ => "<hidden>".to_owned(),
    }
}

/// Whether an expression calls something by a name: no filter, no test and no method.
fn calls_macro(inside: &str) -> bool {
    const OTHERS: [&str; 10] =
        ["and", "or", "not", "in", "is", "if", "else", "range", "dict", "namespace"];
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    inside.match_indices('(').any(|(at, _)| {
        let before = inside[..at].trim_end();
        let name = before.len() - before.trim_end_matches(is_word).len();
        let (before, name) = before.split_at(before.len() - name);
        let before = before.trim_end();
        let is_test = ["is", "is not"]
            .into_iter()
            .any(|test| before.strip_suffix(test).is_some_and(|rest| !rest.ends_with(is_word)));
        !name.is_empty() && !OTHERS.contains(&name) && !before.ends_with(['.', '|']) && !is_test
    })
}

/// Whether a macro makes a secret, by its name.
fn is_secret_macro(bare: &str) -> bool {
    let behind = jinja::inside(bare).strip_prefix("macro").filter(|_| word(bare) == "macro");
    behind.and_then(|behind| behind.trim().split('(').next()).is_some_and(is_secret_key)
}

/// Whether a text within what Jinja reads may be a secret, by a name beside it:
/// `{{ v1.pw | default("x") }}`.
pub(super) fn names_secret(written: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    written.contains(['"', '\'']) && written.split(|c| !is_word(c)).any(is_secret_key)
}

/// Whether what Jinja reads has a login of its own.
pub(super) fn has_login(written: &str) -> bool {
    written.get(2..).is_some_and(|inside| logins(inside) > 0)
}
