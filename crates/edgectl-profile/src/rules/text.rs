//! Texts that should be YAML, and what is done when they aren't.

use std::borrow::Cow;

use crate::error::Fault;
use crate::tree::{Parsed, read};

/// What stands in for `{{` in a masked text.
const OPEN: char = '\u{e000}';

/// Further in than any key.
const MARGIN: usize = 256;
/// Lines that are mended at most; each costs another reading.
const MAX_MENDED: usize = 16;

/// A text that was read, perhaps with a little help.
pub(crate) struct Text<'t> {
    pub(crate) parsed: Parsed,
    /// What was read, line for line.
    pub(crate) text: Cow<'t, str>,
    /// Lines were left out because they hold nothing but template.
    pub(crate) is_template: bool,
}

/// Reads `text`, which has its macros masked. What other readers of YAML take
/// is mended; a template is read without the lines that hold nothing else.
pub(crate) fn read_leniently(text: &str) -> Result<Text<'_>, Fault> {
    match read_mended(Cow::Borrowed(text)) {
        Ok((parsed, text)) => Ok(Text { parsed, text, is_template: false }),
        Err(fault) if !text.contains(OPEN) && !text.contains("{{") => Err(fault),
        Err(fault) => match read_mended(Cow::Owned(without_control(text))) {
            Ok((parsed, text)) => Ok(Text { parsed, text, is_template: true }),
            Err(_) => Err(fault),
        },
    }
}

fn read_mended(text: Cow<'_, str>) -> Result<(Parsed, Cow<'_, str>), Fault> {
    let mut mended = match read(&text) {
        Ok(parsed) => return Ok((parsed, text)),
        Err(fault) => (mend(&text, &fault).ok_or(fault))?,
    };
    for _ in 1..MAX_MENDED {
        match read(&mended) {
            Ok(parsed) => return Ok((parsed, Cow::Owned(mended))),
            Err(fault) => mended = (mend(&mended, &fault).ok_or(fault))?,
        }
    }
    read(&mended).map(|parsed| (parsed, Cow::Owned(mended)))
}

/// Moves a line of a quoted text to the right: the specification wants it
/// further in than its key, the readers that Kubernetes uses don't.
fn mend(text: &str, fault: &Fault) -> Option<String> {
    if !fault.is_indentation {
        return None;
    }
    let line = usize::try_from(fault.line).ok()?;
    let start: usize = text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let (before, after) = (text.get(..start)?, text.get(start..)?);
    Some(format!("{before}{}{after}", " ".repeat(MARGIN)))
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
    fn quoted_texts_may_stand_too_far_left() {
        let text = read_leniently("a:\n  b: \"x\n  y\n  z\"\n  image: c\n").unwrap();
        let tree = &text.parsed.documents[0];
        assert_eq!(tree.at(&["a", "b"]).and_then(Node::scalar), Some("x y z"));
        assert_eq!(tree.at(&["a", "image"]).map(Node::line), Some(5));
        assert!(read_leniently(&format!("a: \"x\n{}\"\n", "y\n".repeat(99))).is_err());
    }

    #[test]
    fn other_texts_are_faults() {
        assert!(read_leniently("a: [\n").is_err());
        assert!(read_leniently("b: [\n{{ x }}\n").is_err());
        assert!(!read_leniently("a: 1\n").unwrap().is_template);
    }
}
