//! Values past the template engines that run user data on the host, so that they
//! arrive as they are.

use crate::host_files::without_templates;
use crate::yip;

/// A text that Kairos' engine (Go) makes the given one of.
pub(super) fn past_go(text: &str) -> String {
    let escaped = without_templates(text);
    // What comes next may complete the mark.
    match escaped.strip_suffix('{') {
        Some(start) => format!("{start}{{{{ \"{{\" }}}}"),
        None => escaped,
    }
}

/// Whether Kairos' engine would make something else of it.
pub(super) fn is_run_by_go(text: &str) -> bool {
    yip::without_escapes(text).contains("{{")
}

/// Bytes that cloud-init's engine (Jinja) makes the given ones of.
pub(super) fn past_jinja(written: &str) -> String {
    let mut out = String::with_capacity(written.len());
    let mut chars = written.chars().peekable();
    while let Some(c) = chars.next() {
        let is_mark = c == '{' && matches!(chars.peek(), None | Some('{' | '%' | '#'));
        match is_mark {
            true => out.push_str("{{ \"{\" }}"),
            false => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_escaped() {
        for (text, expected) in [
            ("a{b}", "a{b}"),
            ("{{{", "{{ \"{\" }}{{ \"{\" }}{{ \"{\" }}"),
            ("{% x %} {#", "{{ \"{\" }}% x %} {{ \"{\" }}#"),
        ] {
            assert_eq!(past_jinja(text), expected);
        }
        for (text, expected) in
            [("{{ x }}", "{{ \"{{\" }} x }}"), ("{{{", "{{ \"{{\" }}{{ \"{\" }}"), ("{% x", "{% x")]
        {
            assert_eq!(past_go(text), expected);
            assert!(!is_run_by_go(&past_go(text)));
        }
    }
}
