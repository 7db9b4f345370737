//! The first lines, which decide what a user data file is.

use crate::{jinja, lines};

const MARK: char = '\u{feff}';
const CLOUD_CONFIG: &str = "#cloud-config";

/// Whether the text is cloud-config: `#cloud-config` on the first line, or on
/// the second after `## template: jinja`. A byte order mark is let through.
pub(crate) fn is_cloud_config(text: &str) -> bool {
    let header = text[start(text)..].lines().next().unwrap_or_default();
    header
        .strip_prefix(CLOUD_CONFIG)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
}

/// What stands where the line of `#cloud-config` has to.
pub(crate) fn behind_template(text: &str) -> &str {
    &text[start(text)..]
}

/// Whether something else stands in the line of `#cloud-config`: cloud-init takes
/// it, and Kairos' agents, which compare the whole line, pass the file over.
pub(crate) fn has_more_than_header(text: &str) -> bool {
    let header = text[start(text)..].lines().next().unwrap_or_default();
    is_cloud_config(text) && header.trim_end() != CLOUD_CONFIG
}

/// Whether a byte order mark stands before all: agents that look for the header
/// at the very first byte pass such a file over.
pub fn has_mark(text: &str) -> bool {
    text.starts_with(MARK)
}

/// Where the line of `#cloud-config` has to start: behind a template's first line,
/// and behind what leaves nothing there but blanks, which cloud-init passes over.
fn start(text: &str) -> usize {
    let mark = if text.starts_with(MARK) { MARK.len_utf8() } else { 0 };
    if !is_jinja_template(text) {
        return mark;
    }
    let mut at = lines::next(text, mark);
    loop {
        let rest = text[at..].trim_start();
        at = text.len() - rest.len();
        match nothing(rest) {
            Some(length) => at += length,
            None => return at,
        }
    }
}

/// How long a comment of Jinja's, a `set` or a macro is; none where a text begins
/// with something else.
fn nothing(text: &str) -> Option<usize> {
    let length = jinja::length(text)?;
    let is_set = text.starts_with("{%") && jinja::word(text) == "set";
    let is_value = is_set && jinja::set_to(jinja::inside(&text[..length])).is_some();
    match text.starts_with("{#") || is_value {
        true => Some(length),
        false => jinja::section_length(text),
    }
}

/// Whether the text has one of the headers that Kairos takes beside
/// `#cloud-config`.
pub(crate) fn is_kairos_config(text: &str) -> bool {
    let header = text.lines().next().unwrap_or_default().trim_end();
    matches!(header, "#kairos-config" | "#node-config")
}

/// Whether the text is a template of cloud-init's.
pub(crate) fn is_jinja_template(text: &str) -> bool {
    is_jinja(text.strip_prefix(MARK).unwrap_or(text).lines().next().unwrap_or_default())
}

/// Whether a text has Jinja's header and something to run.
pub(crate) fn is_used_template(text: &str) -> bool {
    is_jinja_template(text) && ["{{", "{%"].into_iter().any(|mark| text.contains(mark))
}

/// Where the header ends: behind the line end of its last line. Parts of a declared
/// type may have none.
pub(crate) fn end(text: &str) -> usize {
    let start = start(text);
    if !text[start..].starts_with('#') {
        return start;
    }
    text[start..].find('\n').map_or(text.len(), |end| start + end + 1)
}

/// cloud-init takes capitals, and no other blanks.
fn is_jinja(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    line.strip_prefix("## template: jinja").is_some_and(|rest| rest.trim().is_empty())
}

/// The line where a template's header stands too late, from 1.
pub(crate) fn late_jinja(text: &str) -> Option<usize> {
    const NEAR: usize = 20;
    let is_it = |line: &str| line.starts_with("##") && (is_jinja(line) || is_nearly_jinja(line));
    text.lines().take(NEAR).skip(1).position(is_it).map(|at| at + 2)
}

/// Whether a line was meant for a template's header; a comment may say `template:`, too.
pub(crate) fn is_nearly_jinja(line: &str) -> bool {
    let is_word = |c: &char| !c.is_whitespace();
    let bare: String = line.chars().filter(is_word).collect::<String>().to_ascii_lowercase();
    bare.starts_with("##template:jinja") && !is_jinja(line)
}

/// The line end of the file, by its first line.
pub(crate) fn line_end(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        for good in [
            "#cloud-config",
            "#cloud-config\r\na: 1\r\n",
            "\u{feff}#cloud-config\n",
            "## template: jinja\n#cloud-config\n",
            "#cloud-config # ours\n",
            "## Template: Jinja \n#cloud-config\n",
            "## template: jinja\n{% set a = 1 %}\n{# b #}\n#cloud-config\n",
            "## template: jinja\n{# a +#}\n{%- set a = 1 -%}\n\n#cloud-config\n",
            "## template: jinja\n{% set a %}b{% endset %}\n{% macro m() %}\nc\n{% endmacro %}\n#cloud-config\n",
            "## template: jinja\n{# a #} #cloud-config\n",
        ] {
            assert!(is_cloud_config(good), "{good:?}");
        }
        for bad in [
            "",
            "\n#cloud-config\n",
            " #cloud-config\n",
            "#cloud-config-archive\n",
            "#!/bin/sh\n",
            "## template:jinja\n#cloud-config\n",
            "## template: jinja\n{% if a %}\n#cloud-config\n{% endif %}\n",
            "## template: jinja\na\n#cloud-config\n",
            "stylus: {}\n",
        ] {
            assert!(!is_cloud_config(bad), "{bad:?}");
        }
    }
}
