//! Secrets in comments.

use super::{apply, document_edits};
use crate::secrets::{has_secret_line, is_secret_key, secret_lines, without_logins};
use crate::trace;

/// What was commented out may still be a password, also over several lines.
pub(super) fn hide_comments(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let is_comment = |line: &&str| line.trim_start().starts_with('#');
    for lines in lines.chunk_by(|a, b| is_comment(a) && is_comment(b)) {
        let comments: Vec<&str> =
            lines.iter().map(|line| line.split_once('#').map_or("", |(_, text)| text)).collect();
        let bare: Vec<&str> = comments.iter().map(|text| text.trim_end_matches('\n')).collect();
        let is_secret = secret_lines(&bare.join("\n"));
        let commented_out = secrets_commented_out(&bare);
        for (n, line) in lines.iter().enumerate() {
            let is_secret = is_secret.get(n).is_some_and(|is_secret| *is_secret)
                || commented_out.get(n).is_some_and(|is_secret| *is_secret);
            shown.push_str(&hide_comment(line, is_secret || has_secret_line(bare[n])));
        }
    }
    shown
}

/// Which lines of a comment hide something when they are read as user data.
fn secrets_commented_out(lines: &[&str]) -> Vec<bool> {
    // Prose, or the header, may stand above.
    const ABOVE: usize = 3;
    // A single line is judged by itself.
    for above in 0..ABOVE.min(lines.len().saturating_sub(1)) {
        let text = lines[above..].join("\n") + "\n";
        let mut edits = Vec::new();
        if document_edits(&text, None, &mut edits).is_err() || edits.is_empty() {
            continue;
        }
        let shown = apply(&text, edits, str::to_owned);
        let is_kept = |line: &&str| shown.lines().any(|shown| shown == *line);
        return lines.iter().enumerate().map(|(n, line)| n >= above && !is_kept(line)).collect();
    }
    Vec::new()
}

fn hide_comment(line: &str, is_secret: bool) -> String {
    let end = if line.ends_with('\n') { "\n" } else { "" };
    // Its digests can prove what somebody guesses of a password.
    if line.starts_with(trace::START) {
        return format!("{}<hidden>{end}", trace::START);
    }
    let Some((before, comment)) = line.split_once('#') else { return line.to_owned() };
    if !is_secret {
        let comment = without_logins(comment).unwrap_or_else(|| comment.to_owned());
        return format!("{before}#{comment}");
    }
    let key = comment.split([':', '=']).next().unwrap_or_default();
    // What isn't a key may be a part of the secret.
    let is_key = comment.len() > key.len() && is_secret_key(key.trim()) && !has_secret_line(key);
    let key = if is_key { format!("{key}:") } else { String::new() };
    format!("{before}#{key} <hidden>{end}")
}
