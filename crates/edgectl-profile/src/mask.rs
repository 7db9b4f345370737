//! Makes templates and JSON digestible for a YAML parser without moving
//! anything by a column.

use std::borrow::Cow;

/// What stands in for `{{` and `}}`, so that an unquoted macro is a plain
/// scalar and not a mapping.
const OPEN: &str = "\u{e000}\u{e001}";
const CLOSE: &str = "\u{e002}\u{e003}";

/// `text` with the braces of complete `{{…}}` on one line masked.
pub(crate) fn mask(text: &str) -> Cow<'_, str> {
    match text.contains(is_foreign) {
        true => Cow::Owned(mask_macros(&text.replace(is_foreign, "\u{fffd}")).into_owned()),
        false => mask_macros(text),
    }
}

/// Characters that JSON takes as they are, and YAML not at all.
fn is_foreign(c: char) -> bool {
    matches!(c, '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}')
}

fn mask_macros(text: &str) -> Cow<'_, str> {
    if !text.contains("{{") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some(open) = rest.find("{{") {
        let inside = &rest[open + 2..];
        let end = inside.find(['{', '}', '\n']).unwrap_or(inside.len());
        out.push_str(&rest[..open]);
        match inside[end..].strip_prefix("}}") {
            // Nothing between the braces is an empty mapping.
            Some(after) if end > 0 => {
                out.push_str(OPEN);
                out.push_str(&inside[..end]);
                out.push_str(CLOSE);
                rest = after;
            }
            _ => {
                out.push('{');
                rest = &rest[open + 1..];
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The braces back in a scalar of a masked text.
pub(crate) fn unmask(text: &str) -> Cow<'_, str> {
    match text.contains(['\u{e000}', '\u{e002}']) {
        true => Cow::Owned(text.replace(OPEN, "{{").replace(CLOSE, "}}")),
        false => Cow::Borrowed(text),
    }
}

/// JSON writes characters beyond U+FFFF as two escapes, YAML as one. The rest
/// of such a line moves by two columns.
pub(crate) fn join_surrogates(text: &str) -> Cow<'_, str> {
    let is_json = text.trim_start().starts_with(['{', '[']);
    if !is_json || !(text.contains("\\ud") || text.contains("\\uD")) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = match pair(rest) {
            Some(c) => {
                out.push_str(&format!("\\U{:08X}", u32::from(c)));
                12
            }
            None => {
                let taken = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
                out.push_str(&rest[..taken]);
                taken
            }
        };
        rest = &rest[taken..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The character that a pair of escapes at the start of `text` means.
fn pair(text: &str) -> Option<char> {
    let unit = |part: &str| u16::from_str_radix(part.strip_prefix("\\u")?, 16).ok();
    let units = [unit(text.get(..6)?)?, unit(text.get(6..12)?)?];
    let mut decoded = char::decode_utf16(units);
    match (decoded.next(), decoded.next()) {
        (Some(Ok(c)), None) => Some(c),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_complete_macros_only() {
        for text in ["a: {{ .x }}", "{{a}}{{b}}", "é {{{x}}}"] {
            let masked = mask(text);
            assert!(!masked.contains("{{"), "{masked}");
            assert_eq!(masked.chars().count(), text.chars().count());
            assert_eq!(unmask(&masked), text);
        }
        for text in ["{a: {b: {}}}", "{{ open\n}}", "{{", "}}", "{{{}}}"] {
            assert_eq!(mask(text), text);
        }
    }

    #[test]
    fn replaces_what_yaml_does_not_take() {
        assert_eq!(mask("a\u{7f}{{b}}\u{9f}\u{85}"), mask("a\u{fffd}{{b}}\u{fffd}\u{85}"));
    }

    #[test]
    fn joins_surrogates_in_json() {
        assert_eq!(
            join_surrogates(r#"{"a": "\ud83d\uDD11\\ud83d"}"#),
            r#"{"a": "\U0001F511\\ud83d"}"#
        );
        assert_eq!(join_surrogates(r#"{"a": "\ud83d"}"#), r#"{"a": "\ud83d"}"#);
        assert_eq!(join_surrogates(r"a: \ud83d\udd11"), r"a: \ud83d\udd11");
    }
}
