//! The language of `grub.cfg`, as far as it takes to find the commands that
//! load a kernel.

use super::{Place, nocloud};

/// A word, by its place.
#[derive(Debug, Clone, Copy)]
struct Word {
    start: usize,
    end: usize,
}

/// Where each of these commands takes more arguments: in front of `---`, which
/// installers of Debian and Ubuntu end their own arguments with, or at its end.
pub(super) fn places(text: &[u8]) -> Vec<Place> {
    let (mut places, mut words) = (Vec::new(), Vec::<Word>::new());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b' ' | b'\t' | b'\r' => at += 1,
            b'\\' if is_line_end(text, at + 1) => at += 2,
            b'\\' if text.get(at + 1) == Some(&b'\r') && is_line_end(text, at + 2) => at += 3,
            b'\n' | b';' | b'|' | b'&' => {
                places.extend(place(text, &std::mem::take(&mut words)));
                at += 1;
            }
            b'#' => at = line_end(text, at),
            _ => {
                let end = word_end(text, at);
                match text.get(at..end) {
                    Some(b"{" | b"}") => places.extend(place(text, &std::mem::take(&mut words))),
                    Some(word) if words.is_empty() && is_reserved(word) => {}
                    _ => words.push(Word { start: at, end }),
                }
                at = end;
            }
        }
    }
    places.extend(place(text, &words));
    places
}

fn place(text: &[u8], words: &[Word]) -> Option<Place> {
    let word = |at: usize| words.get(at).and_then(|word| text.get(word.start..word.end));
    let (command, kernel) = (word(0)?, word(1)?);
    let trimmed: Vec<u8> = command.iter().filter(|b| !b"${}\"'".contains(b)).copied().collect();
    let loads = [&b"linux"[..], b"linux16", b"linuxefi", b"linux_cmd"];
    let is_test = kernel.windows(7).any(|part| part.eq_ignore_ascii_case(b"memtest"));
    if !loads.contains(&&trimmed[..]) || is_test {
        return None;
    }
    let behind = || words.iter().skip(2);
    let nocloud = behind().filter_map(|word| text.get(word.start..word.end)).map(plain);
    let nocloud = nocloud.into_iter().find(|word| nocloud::is_it(word));
    match behind().find(|word| text.get(word.start..word.end) == Some(b"---")) {
        Some(word) => Some(Place { at: word.start, before: "", after: " ", nocloud }),
        None => Some(Place { at: words.last()?.end, before: " ", after: "", nocloud }),
    }
}

/// A word without what quotes it.
fn plain(word: &[u8]) -> String {
    let kept: Vec<u8> = word.iter().copied().filter(|byte| !b"\\\"'".contains(byte)).collect();
    String::from_utf8_lossy(&kept).into_owned()
}

/// Words that a command can follow on the same line.
fn is_reserved(word: &[u8]) -> bool {
    let words = [&b"if"[..], b"then", b"else", b"elif", b"do", b"while", b"until", b"!"];
    words.contains(&word)
}

fn is_line_end(text: &[u8], at: usize) -> bool {
    text.get(at) == Some(&b'\n')
}

fn line_end(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    rest.iter().position(|byte| *byte == b'\n').map_or(text.len(), |length| from + length)
}

/// Where a word ends: quotes and backslashes keep it together.
fn word_end(text: &[u8], start: usize) -> usize {
    let (mut at, mut quote) = (start, None);
    while let Some(byte) = text.get(at) {
        match (quote, byte) {
            (None, b'\\') if is_line_end(text, at + 1) => return at,
            (None | Some(b'"'), b'\\') => at += 1,
            (None, b' ' | b'\t' | b'\r' | b'\n' | b';' | b'|' | b'&') => return at,
            (None, b'"' | b'\'') => quote = Some(*byte),
            (Some(open), byte) if open == *byte => quote = None,
            _ => {}
        }
        at += 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text with `@` where there is room.
    fn marked(text: &str) -> String {
        let mut marked = text.to_owned();
        for place in places(text.as_bytes()).iter().rev() {
            marked.insert_str(place.at, &format!("{}@{}", place.before, place.after));
        }
        marked
    }

    #[test]
    fn kernels_are_found_however_they_are_written() {
        for (text, expected) in [
            ("linux /k a b\ninitrd /i\n", "linux /k a b @\ninitrd /i\n"),
            ("linux /k a --- quiet\n", "linux /k a @ --- quiet\n"),
            ("linuxefi /k\r\ninitrd x\r\n", "linuxefi /k @\r\ninitrd x\r\n"),
            (
                "menuentry 'a b' { linux /k x; initrd /i; }",
                "menuentry 'a b' { linux /k x @; initrd /i; }",
            ),
            ("\t$linux ($root)/k ${args} # why\n", "\t$linux ($root)/k ${args} @ # why\n"),
            ("linux /k a\\;b 'c # d' \\\n  e\n", "linux /k a\\;b 'c # d' \\\n  e @\n"),
            ("if [ a = b ]; then linux16 /k; fi", "if [ a = b ]; then linux16 /k @; fi"),
            ("\"linux\" /k", "\"linux\" /k @"),
            ("linux16 /boot/memtest86+\n", "linux16 /boot/memtest86+\n"),
            ("# linux /k\nset x=linux\nlinux\n", "# linux /k\nset x=linux\nlinux\n"),
            ("echo linux /k\n", "echo linux /k\n"),
        ] {
            assert_eq!(marked(text), expected);
        }
    }

    #[test]
    fn broken_texts_end() {
        for text in ["linux '", "linux \\", "\"", "linux /k \\", "{", "linux /k \"a\\"] {
            places(text.as_bytes());
        }
    }
}
