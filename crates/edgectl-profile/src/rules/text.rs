//! Texts that should be YAML, and what is done when they aren't.

use crate::error::Fault;
use crate::tree::{Parsed, read};

/// What stands in for `{{` in a masked text.
const OPEN: char = '\u{e000}';

/// A text that was read, perhaps without the control lines of a template.
pub(crate) struct Text {
    pub(crate) parsed: Parsed,
    pub(crate) is_template: bool,
}

/// Reads `text`, which has its macros masked. If it isn't YAML and a template,
/// then it is read without the lines that hold nothing but template.
pub(crate) fn read_leniently(text: &str) -> Result<Text, Fault> {
    match read(text) {
        Ok(parsed) => Ok(Text { parsed, is_template: false }),
        Err(fault) if !text.contains(OPEN) && !text.contains("{{") => Err(fault),
        Err(fault) => match read(&without_control(text)) {
            Ok(parsed) => Ok(Text { parsed, is_template: true }),
            Err(_) => Err(fault),
        },
    }
}

/// The same text with lines of template alone made comments, at the same
/// places.
fn without_control(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut is_open = false;
    for line in text.split_inclusive('\n') {
        let (content, end) = line.split_at(line.trim_end_matches(['\r', '\n']).len());
        let bare = content.trim();
        let starts = bare.starts_with("{{") || bare.starts_with(OPEN);
        let ends = bare.ends_with("}}") || bare.ends_with('\u{e003}');
        let is_control = is_open || (starts && (ends || !bare.contains("}}")));
        match is_control {
            true => out.extend(std::iter::repeat_n('#', content.len())),
            false => out.push_str(content),
        }
        is_open = (is_open || (starts && bare.starts_with("{{"))) && !bare.contains("}}") && !ends;
        out.push_str(end);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::mask;
    use crate::tree::Node;

    #[test]
    fn templates_are_read_without_their_control_lines() {
        let text = "a:\n{{- if .x }}\n  image: b\n  {{- else }}\n  other: {{ .y }}\n{{- /* a\n  comment */}}\n{{ end -}}\n";
        let masked = mask(text);
        let text = read_leniently(&masked).unwrap();
        assert!(text.is_template);
        let tree = &text.parsed.documents[0];
        let image = tree.at(&["a", "image"]).unwrap();
        assert_eq!((image.scalar(), image.line(), image.column()), (Some("b"), 3, 10));
        assert_eq!(tree.at(&["a", "other"]).and_then(Node::scalar), Some("{{ .y }}"));
    }

    #[test]
    fn other_texts_are_faults() {
        assert!(read_leniently("a: [\n").is_err());
        assert!(read_leniently("b: [\n{{ x }}\n").is_err());
        assert!(!read_leniently("a: 1\n").unwrap().is_template);
    }
}
