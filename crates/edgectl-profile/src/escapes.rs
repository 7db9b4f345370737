//! How wide the start of a double-quoted scalar is in its source.

use crate::error::wide;

/// Characters of the scalar from one mark to the next.
const STEP: usize = 256;

/// The source of a double-quoted scalar on one line, with marks in it, so that
/// a place is found without reading it from its start.
#[derive(Debug)]
pub(crate) struct Escapes {
    /// The source between the quotes.
    raw: Box<str>,
    /// The scalar's characters before each of its lines.
    lines: Vec<u32>,
    /// Byte and characters of the source before every [`STEP`]th character.
    marks: Vec<(u32, u32)>,
}

impl Escapes {
    /// Reads what follows the place of a scalar, whose text is `text`. None if
    /// the scalar goes over several lines.
    pub(crate) fn read(source: &str, text: &str) -> Option<Self> {
        let source = source.strip_prefix('"')?;
        let mut marks = Vec::new();
        let (mut rest, mut width, mut characters) = (source, 0, 0_usize);
        loop {
            if characters.is_multiple_of(STEP) {
                let byte = source.len() - rest.len();
                marks.push((u32::try_from(byte).ok()?, u32::try_from(width).ok()?));
            }
            match rest.chars().next()? {
                '"' => break,
                '\n' => return None,
                _ => {}
            }
            width += skip(&mut rest);
            characters += 1;
        }
        let raw = source.get(..source.len() - rest.len())?.into();
        Some(Self { raw, lines: line_starts(text)?, marks })
    }

    /// Width of the source before a place of the text.
    pub(crate) fn width_before(&self, line: u64, column: u64) -> u64 {
        let index = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
        let start = self.lines.get(index).or(self.lines.last()).copied().unwrap_or_default();
        let column = usize::try_from(column.saturating_sub(1)).unwrap_or_default();
        let characters = (start as usize).saturating_add(column);
        let mark = (characters / STEP).min(self.marks.len().saturating_sub(1));
        let (byte, width) = self.marks.get(mark).copied().unwrap_or_default();
        let mut rest = self.raw.get(byte as usize..).unwrap_or_default();
        let left = characters - (mark * STEP).min(characters);
        let more: usize = std::iter::repeat_with(|| skip(&mut rest)).take(left.min(STEP)).sum();
        u64::from(width) + wide(more)
    }
}

fn line_starts(text: &str) -> Option<Vec<u32>> {
    let mut starts = vec![0];
    let mut characters: u32 = 0;
    for c in text.chars() {
        characters = characters.checked_add(1)?;
        if c == '\n' {
            starts.push(characters);
        }
    }
    Some(starts)
}

/// Leaves out the source of one character; says how wide it is.
fn skip(rest: &mut &str) -> usize {
    let mut chars = rest.chars();
    let width = match chars.next() {
        None => 0,
        Some('\\') => {
            let digits = match chars.next() {
                Some('x') => 2,
                Some('u') => 4,
                Some('U') => 8,
                _ => 0,
            };
            chars.by_ref().take(digits).count() + 2
        }
        Some(_) => 1,
    };
    *rest = chars.as_str();
    width
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_those_of_the_source() {
        let raw = format!("{}\\n\\u00e9\\x41b", "é".repeat(300));
        let text = format!("{}\né\u{41}b", "é".repeat(300));
        let escapes = Escapes::read(&format!("\"{raw}\" x"), &text).unwrap();
        for (line, column, width) in
            [(1, 1, 0), (1, 290, 289), (2, 1, 302), (2, 2, 308), (2, 3, 312), (2, 4, 313)]
        {
            assert_eq!(escapes.width_before(line, column), width, "{line}:{column}");
        }
        assert_eq!(escapes.width_before(9, 900), 313);
        assert!(Escapes::read("\"a\nb\"", "a b").is_none());
        assert!(Escapes::read("\"a", "a").is_none());
    }
}
