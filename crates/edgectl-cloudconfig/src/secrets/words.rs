//! The words of a line of the shell.

/// What begins a command inside of another one, and what ends it.
pub(super) const OPEN: &str = "$(";
pub(super) const CLOSE: &str = ")";

/// The words of a line, and the operators between commands, which need no blanks
/// around them: `echo a|b`. What stands in quotes may be a command as well.
pub(super) fn words(line: &str, is_in_quotes: bool) -> Vec<&str> {
    let mut reader = Reader { line, words: Vec::new(), start: None, is_open: false };
    let (mut quote, mut skip) = (None, 0);
    for (at, c) in line.char_indices() {
        if at < skip {
            continue;
        }
        match quote {
            Some(open) if c == open => quote = None,
            None if matches!(c, '"' | '\'') => quote = Some(c),
            _ => {}
        }
        let is_read = quote.is_none() || is_in_quotes;
        match operator(line, at).filter(|_| is_read) {
            Some(operator) => {
                reader.end(at);
                reader.operator(operator);
                skip = at + operator.len();
            }
            None if c.is_whitespace() || c == ',' => reader.end(at),
            None => _ = reader.start.get_or_insert(at),
        }
    }
    reader.end(line.len());
    reader.words
}

struct Reader<'a> {
    line: &'a str,
    words: Vec<&'a str>,
    start: Option<usize>,
    /// Whether a backtick was opened.
    is_open: bool,
}

impl<'a> Reader<'a> {
    fn end(&mut self, at: usize) {
        self.words.extend(self.start.take().map(|start| &self.line[start..at]));
    }

    fn operator(&mut self, operator: &'a str) {
        self.words.push(match operator {
            "`" if self.is_open => CLOSE,
            "`" | "(" => OPEN,
            other => other,
        });
        self.is_open ^= operator == "`";
    }
}

/// The operator at a place of a line.
fn operator(line: &str, at: usize) -> Option<&str> {
    let (before, rest) = line.split_at(at);
    let length = match rest.as_bytes() {
        [b'&', b'&', ..] | [b'|', b'|', ..] | [b'$', b'(', ..] => 2,
        // `2>&1`, `&>/dev/null`
        [b'&', b'>', ..] => return None,
        [b'&', ..] if before.ends_with(['>', '<']) => return None,
        [b'|' | b'&' | b';' | b'(' | b')' | b'`', ..] => 1,
        _ => return None,
    };
    Some(&rest[..length])
}
