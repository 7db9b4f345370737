//! Writing and judging single values, so that every reader (YAML 1.1 and 1.2,
//! a Jinja or Go template engine before it) gets exactly the text.

/// A double-quoted scalar on one line. Openings of template markers are
/// written as escapes, so that no template engine takes a password for code.
pub(crate) fn quoted(text: &str) -> String {
    double_quoted(text, false)
}

/// The same for a text that shall be a template: its markers stay.
pub(crate) fn quoted_with_templates(text: &str) -> String {
    double_quoted(text, true)
}

fn double_quoted(text: &str, with_templates: bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '{' if !with_templates && matches!(chars.peek(), Some('{' | '%' | '#')) => {
                out.push_str("\\x7B")
            }
            c if is_printable(c) => out.push(c),
            c => out.push_str(&escape(c)),
        }
    }
    out.push('"');
    out
}

fn escape(c: char) -> String {
    let code = u32::from(c);
    match code {
        0..=0xff => format!("\\x{code:02X}"),
        0x100..=0xffff => format!("\\u{code:04X}"),
        _ => format!("\\U{code:08X}"),
    }
}

/// Whether a character can stand in a YAML stream as it is. Line separators
/// and the byte order mark could, but not every reader agrees.
pub(crate) fn is_printable(c: char) -> bool {
    let is_trap = matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}');
    !c.is_control() && !is_trap && !is_old_line_end(c)
}

/// Whether a character ends a line in YAML 1.1 (cloud-init's and Kairos'
/// readers), and is like any other in YAML 1.2.
pub(crate) fn is_old_line_end(c: char) -> bool {
    matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// A mapping key: bare where it is a plain word, else quoted.
pub(crate) fn key(name: &str) -> String {
    match is_word(name) {
        true => name.to_owned(),
        false => quoted(name),
    }
}

fn is_word(name: &str) -> bool {
    let is_safe = |c: u8| c.is_ascii_alphabetic() || c == b'_';
    !name.is_empty() && name.bytes().all(is_safe) && is_surely_text(name)
}

/// A registry name: bare where nobody can take it for anything else.
pub(crate) fn name(text: &str) -> String {
    let is_safe = |c: u8| c.is_ascii_alphanumeric() || b"._-/:".contains(&c);
    match is_surely_text(text) && text.bytes().all(is_safe) && !text.ends_with(':') {
        true => text.to_owned(),
        false => quoted(text),
    }
}

/// A path of a file or another name: bare where nobody can take it for anything
/// else.
pub(crate) fn path(text: &str) -> String {
    let is_safe = |c: u8| c.is_ascii_alphanumeric() || b"._-/".contains(&c);
    match text.starts_with('/') && text.bytes().all(is_safe) {
        true => text.to_owned(),
        false => quoted(text),
    }
}

/// Whether every reader takes this plain scalar for a text. Says no in doubt.
pub(crate) fn is_surely_text(plain: &str) -> bool {
    const WORDS: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    plain.starts_with(|c: char| c.is_ascii_alphabetic())
        && !WORDS.iter().any(|word| plain.eq_ignore_ascii_case(word))
}

/// What a plain scalar means as a boolean, in YAML 1.1 and 1.2.
pub(crate) fn boolean(plain: &str) -> Option<bool> {
    match plain {
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_what_others_would_misread() {
        for (text, expected) in [
            ("a", r#""a""#),
            ("a\"b\\", r#""a\"b\\""#),
            ("{{x}} {% y", r#""\x7B{x}} \x7B% y""#),
            ("ä\u{85}\u{2028}\0", r#""ä\x85\u2028\x00""#),
        ] {
            assert_eq!(quoted(text), expected);
        }
        assert_eq!(key("domain"), "domain");
        assert_eq!(key("on"), "\"on\"");
        assert_eq!(key("quay.io"), "\"quay.io\"");
        assert_eq!(name("reg.local:5000/edge"), "reg.local:5000/edge");
        assert_eq!(name("10.0.0.1:5000/edge"), "\"10.0.0.1:5000/edge\"");
        assert_eq!(name("[fd00::1]:5000"), "\"[fd00::1]:5000\"");
    }
}
