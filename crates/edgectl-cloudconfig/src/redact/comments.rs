//! Secrets in comments.

use super::{apply, document_edits};
use crate::jinja;
use crate::secrets::{has_secret_line, is_secret_key, secret_lines, without_logins};
use crate::trace;

/// What was commented out may still be a password, also over several lines.
pub(super) fn hide_comments(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let is_comment = |line: &&str| line.trim_start().starts_with('#');
    for lines in lines.chunk_by(|a, b| is_comment(a) && is_comment(b)) {
        let comments: Vec<&str> =
            lines.iter().map(|line| parted(line).map_or("", |(_, text)| text)).collect();
        let bare: Vec<&str> = comments.iter().map(|text| text.trim_end_matches('\n')).collect();
        let is_secret = secret_lines(&bare.join("\n"));
        let commented_out = secrets_commented_out(&bare);
        for (n, line) in lines.iter().enumerate() {
            let is_secret =
                is_secret.get(n).is_some_and(|is_secret| *is_secret) || commented_out[n];
            shown.push_str(&hide_comment(line, is_secret || has_secret_line(bare[n])));
        }
    }
    shown
}

/// What a line has to the `#` of its comment, or to the last one of `##`, and what
/// behind.
fn parted(line: &str) -> Option<(&str, &str)> {
    let start = line.find('#')?;
    let comment = line[start..].trim_start_matches('#');
    Some((&line[..line.len() - comment.len()], comment))
}

/// Whether a comment or a macro of Jinja's hides something when it is read as user
/// data.
pub(super) fn has_secret_inside(whole: &str) -> bool {
    let text = jinja::with_expressions_as(jinja::inside(whole), |_| "x".to_owned());
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("{%"));
    secrets_commented_out(&lines.collect::<Vec<_>>()).contains(&true)
}

/// Which lines of a comment hide something when they are read as user data, which
/// may have prose above, below and between.
fn secrets_commented_out(lines: &[&str]) -> Vec<bool> {
    let mut secret = secrets_in_a_row(lines);
    let entries = without_prose(lines);
    let kept: Vec<&str> = entries.iter().map(|n| lines[*n]).collect();
    for (n, is_secret) in entries.iter().zip(secrets_in_a_row(&kept)) {
        secret[*n] |= is_secret;
    }
    secret
}

/// The lines that begin entries, or may go on with one.
fn without_prose(lines: &[&str]) -> Vec<usize> {
    let mut last = 0;
    let is_kept = |n: &usize| {
        let line = lines[*n];
        let indent = line.len() - line.trim_start().len();
        let is_entry = is_entry(line);
        if is_entry {
            last = indent;
        }
        is_entry || indent > last
    };
    (0..lines.len()).filter(is_kept).collect()
}

/// The same, with prose above and below alone.
fn secrets_in_a_row(lines: &[&str]) -> Vec<bool> {
    /// What begins so often and can't be read is hidden from there on.
    const MOST: usize = 200;
    let mut secret = vec![false; lines.len()];
    let (mut at, mut tries) = (0, 0);
    while at < lines.len() {
        let length = entry_length(&lines[at..]);
        // A single line is judged by itself.
        if length < 2 {
            at += 1;
            continue;
        }
        tries += 1;
        if tries > MOST {
            secret[at..].fill(true);
            break;
        }
        at += match hidden_lines(&lines[at..at + length]) {
            Some(hidden) => {
                secret[at..at + length].copy_from_slice(&hidden);
                length
            }
            None => 1,
        };
    }
    secret
}

/// How many lines an entry has that begins at the first one, with those of its
/// kind that follow; none where it begins with something else.
fn entry_length(lines: &[&str]) -> usize {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let Some(first) = lines.first().filter(|first| is_entry(first)) else { return 0 };
    let goes_on = |line: &&&str| {
        let is_below = indent(line) > indent(first);
        line.trim().is_empty() || is_below || (indent(line) == indent(first) && is_entry(line))
    };
    1 + lines[1..].iter().take_while(goes_on).count()
}

/// Whether a line begins a key or an item.
fn is_entry(line: &str) -> bool {
    let line = line.trim();
    let is_key = line.split_once(':').is_some_and(|(key, rest)| {
        let is_quoted = key.starts_with(['"', '\'']) && key.ends_with(['"', '\'']);
        (is_quoted || !key.contains(char::is_whitespace))
            && (rest.is_empty() || rest.starts_with(' '))
    });
    is_key || line == "-" || line.starts_with("- ") || line.starts_with(['{', '['])
}

/// Which lines of user data have something to hide; none where it isn't that.
fn hidden_lines(lines: &[&str]) -> Option<Vec<bool>> {
    let text = lines.join("\n") + "\n";
    let mut edits = Vec::new();
    document_edits(&text, None, &mut edits).ok()?;
    let shown = apply(&text, edits, str::to_owned);
    let is_kept = |line: &&str| shown.lines().any(|shown| shown == *line);
    Some(lines.iter().map(|line| !is_kept(line)).collect())
}

fn hide_comment(line: &str, is_secret: bool) -> String {
    let end = if line.ends_with('\n') { "\n" } else { "" };
    // Its digests can prove what somebody guesses of a password.
    if line.starts_with(trace::START) {
        return format!("{}<hidden>{end}", trace::START);
    }
    let Some((before, comment)) = parted(line) else { return line.to_owned() };
    if !is_secret {
        let comment = without_logins(comment).unwrap_or_else(|| comment.to_owned());
        return format!("{before}{comment}");
    }
    let key = comment.split([':', '=']).next().unwrap_or_default();
    // What isn't a key may be a part of the secret.
    let is_key = comment.len() > key.len() && is_secret_key(key.trim()) && !has_secret_line(key);
    let key = if is_key { format!("{key}:") } else { String::new() };
    format!("{before}{key} <hidden>{end}")
}
