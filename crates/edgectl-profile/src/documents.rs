//! A stream of YAML documents, one at a time: as much is held in memory as
//! the largest of them needs.

use std::io::{self, BufRead};

/// One document of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Line of the stream on which `text` begins, from 1.
    pub first_line: u64,
    /// Byte of the stream at which `text` begins.
    offset: usize,
    /// The text, with its `---` line where it has one; what isn't UTF-8 in it
    /// is replaced.
    pub text: String,
}

/// The documents of a stream. Those of nothing but comments are left out.
///
/// A marker counts at the start of a line only, where YAML allows it nowhere
/// else: inside a block scalar it would be indented. Objects of JSON that
/// follow one another without a comma are documents too.
#[derive(Debug)]
pub struct Documents<R> {
    reader: R,
    /// The number of the line that was read last.
    line: u64,
    /// The byte on which the next document begins.
    offset: usize,
    /// The first line of the next document, if it was read already.
    ahead: Option<Vec<u8>>,
    is_over: bool,
}

/// What a line means for the stream.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// `---`, perhaps with a comment or content behind it.
    Start,
    /// `...`
    End,
    /// A comment, a directive or nothing.
    Nothing,
    Content,
}

impl<R: BufRead> Documents<R> {
    /// The documents of `reader`.
    pub fn new(reader: R) -> Self {
        Self { reader, line: 0, offset: 0, ahead: None, is_over: false }
    }

    fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        if let Some(line) = self.ahead.take() {
            return Ok(Some(line));
        }
        let mut line = Vec::new();
        if self.reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        self.line += 1;
        if self.line == 1 && line.starts_with(b"\xef\xbb\xbf") {
            line.drain(..3);
            self.offset = 3;
        }
        Ok(Some(line))
    }

    /// The next document, which may be empty; none at the end.
    fn next_text(&mut self) -> io::Result<Option<(u64, Vec<u8>, bool)>> {
        let mut text = Vec::new();
        let mut first_line = self.line + 1;
        let (mut is_open, mut has_content) = (false, false);
        let mut json = Json::default();
        while let Some(line) = self.next_line()? {
            if text.is_empty() {
                first_line = self.line;
            }
            let mark = mark(&line);
            let is_next = match mark {
                Mark::Start => is_open || has_content,
                Mark::Content => json.starts_another(&line),
                Mark::End | Mark::Nothing => false,
            };
            if is_next {
                self.ahead = Some(line);
                return Ok(Some((first_line, text, has_content)));
            }
            is_open |= mark == Mark::Start;
            has_content |= mark == Mark::Content || (mark == Mark::Start && has_more(&line));
            text.extend_from_slice(&line);
            if mark == Mark::End {
                return Ok(Some((first_line, text, has_content)));
            }
        }
        self.is_over = true;
        Ok((!text.is_empty()).then_some((first_line, text, has_content)))
    }
}

impl<R: BufRead> Iterator for Documents<R> {
    type Item = io::Result<Document>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.is_over {
            match self.next_text() {
                Ok(Some((first_line, text, has_content))) => {
                    let offset = self.offset;
                    self.offset += text.len();
                    if has_content {
                        return Some(Ok(Document { first_line, offset, text: into_text(text) }));
                    }
                }
                Ok(None) => {}
                Err(error) => {
                    self.is_over = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

/// The documents of a text as parts of it, each with its first line.
pub(crate) fn parts(text: &str) -> impl Iterator<Item = (u64, &str)> {
    // Only the places are kept, so that no two copies of a part are there.
    let places = Documents::new(text.as_bytes()).map_while(Result::ok);
    let places: Vec<_> = places.map(|d| (d.first_line, d.offset, d.text.len())).collect();
    places
        .into_iter()
        .filter_map(|(line, offset, length)| Some((line, text.get(offset..offset + length)?)))
}

fn into_text(bytes: Vec<u8>) -> String {
    match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }
}

fn mark(line: &[u8]) -> Mark {
    match line {
        _ if is_marker(line, b"---") => Mark::Start,
        _ if is_marker(line, b"...") => Mark::End,
        [b'%', ..] => Mark::Nothing,
        _ => match line.trim_ascii_start() {
            [] | [b'#', ..] => Mark::Nothing,
            _ => Mark::Content,
        },
    }
}

fn is_marker(line: &[u8], marker: &[u8]) -> bool {
    line.strip_prefix(marker)
        .is_some_and(|rest| rest.first().is_none_or(|c| c.is_ascii_whitespace()))
}

/// Whether content follows the marker on its own line.
fn has_more(line: &[u8]) -> bool {
    !matches!(line.get(3..).unwrap_or_default().trim_ascii_start(), [] | [b'#', ..])
}

/// Watches for an object that begins where the one before has ended.
#[derive(Default)]
struct Json {
    is_json: Option<bool>,
    has_ended: bool,
}

impl Json {
    fn starts_another(&mut self, line: &[u8]) -> bool {
        let is_json = *self.is_json.get_or_insert(line.trim_ascii_start().starts_with(b"{"));
        let is_another = is_json && self.has_ended && line.starts_with(b"{");
        self.has_ended = line.trim_ascii_end().ends_with(b"}");
        is_another
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<(u64, String)> {
        let documents = Documents::new(text.as_bytes());
        documents.map(|d| d.unwrap()).map(|d| (d.first_line, d.text)).collect()
    }

    fn pairs(expected: &[(u64, &str)]) -> Vec<(u64, String)> {
        expected.iter().map(|(line, text)| (*line, (*text).to_owned())).collect()
    }

    #[test]
    fn splits_at_markers() {
        for (text, expected) in [
            ("a: 1\n---\nb: 2\n", vec![(1, "a: 1\n"), (2, "---\nb: 2\n")]),
            ("a: 1\r\n---\r\nb: 2", vec![(1, "a: 1\r\n"), (2, "---\r\nb: 2")]),
            ("\u{feff}a: 1\n", vec![(1, "a: 1\n")]),
            ("# head\n---\n# none\n---\n---\nb: 2\n", vec![(5, "---\nb: 2\n")]),
            ("--- # one\na: 1\n--- {b: 2}\n", vec![(1, "--- # one\na: 1\n"), (3, "--- {b: 2}\n")]),
            ("--- |\n  x\n--- >\n  y", vec![(1, "--- |\n  x\n"), (3, "--- >\n  y")]),
            (
                "%YAML 1.2\n---\na: 1\n...\n%YAML 1.2\n---\nb: 2\n",
                vec![(1, "%YAML 1.2\n---\na: 1\n...\n"), (5, "%YAML 1.2\n---\nb: 2\n")],
            ),
            ("a: 1\n...\nb: 2\n", vec![(1, "a: 1\n...\n"), (3, "b: 2\n")]),
            ("a: |\n  ---\n  x\n", vec![(1, "a: |\n  ---\n  x\n")]),
            ("---x\n----\n", vec![(1, "---x\n----\n")]),
            ("", vec![]),
            ("---\n---\n# x\n", vec![]),
        ] {
            assert_eq!(split(text), pairs(&expected), "{text:?}");
        }
    }

    #[test]
    fn splits_objects_of_json() {
        assert_eq!(
            split("{\"a\": 1}\n{\"a\": 2}\n"),
            pairs(&[(1, "{\"a\": 1}\n"), (2, "{\"a\": 2}\n")])
        );
        assert_eq!(split("{\n}\n\n{\n}\n"), pairs(&[(1, "{\n}\n\n"), (4, "{\n}\n")]));
        assert_eq!(split("{\"a\": [{}\n,\n{}]}\n").len(), 1);
        assert_eq!(split("a: 1\n{x}\n").len(), 1);
    }

    #[test]
    fn never_loses_a_line() {
        let text = "a\n---\n\n# x\nb\n...\n# y\n--- c\nd";
        let whole: String = split(text).into_iter().map(|(_, text)| text).collect();
        assert_eq!(whole, text);
    }

    #[test]
    fn parts_are_the_documents() {
        for text in ["a\n---\n\n# x\nb\n...\n# y\n--- c\nd", "\u{feff}# x\n---\n---\na: ü\n---\nb"]
        {
            let parts: Vec<(u64, String)> =
                parts(text).map(|(line, part)| (line, part.to_owned())).collect();
            assert_eq!(parts, split(text));
        }
    }

    #[test]
    fn replaces_what_is_no_text() {
        let mut documents = Documents::new(&b"a: \xff\n"[..]);
        assert_eq!(documents.next().unwrap().unwrap().text, "a: \u{fffd}\n");
    }
}
