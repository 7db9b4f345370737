//! Checks of the whole medium that a menu asks for.

use super::grub;
use crate::area::Language;

/// What dracut checks the medium by, and stops at where it finds no digest.
const CHECK: &[u8] = b"rd.live.check";
/// What others do it by, on demand.
const OTHER: &[u8] = b"mediacheck";

/// The text with blanks where it asks for a check; none where it doesn't.
pub(super) fn without(text: &[u8], language: Language) -> Option<Vec<u8>> {
    let mut found = Vec::new();
    match language {
        Language::Grub => grub::words(text, &mut |start, end| {
            checks(text, start, end, &mut |at| found.push((at, grub_end(text, start, at))));
        }),
        Language::Syslinux => {
            checks(text, 0, text.len(), &mut |at| found.push((at, blank(text, at))));
        }
    }
    let mut quiet = text.to_vec();
    for (at, end) in found {
        quiet.get_mut(at..end)?.fill(b' ');
    }
    (quiet != text).then_some(quiet)
}

/// Where a check is asked for between two places.
fn checks(text: &[u8], start: usize, end: usize, take: &mut dyn FnMut(usize)) {
    let mut from = start;
    while let Some(at) = find(text.get(..end).unwrap_or(text), CHECK, from) {
        from = at + CHECK.len();
        if is_word(text, at, CHECK) {
            take(at);
        }
    }
}

fn blank(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    rest.iter().position(u8::is_ascii_whitespace).map_or(text.len(), |length| from + length)
}

/// Where what begins at `at` ends, in a word of GRUB's that begins at `start`:
/// with the quotes around it, or with the word.
fn grub_end(text: &[u8], start: usize, at: usize) -> usize {
    let (mut here, mut quote, mut around) = (start, None, None);
    while let Some(byte) = text.get(here) {
        if here == at {
            around = quote;
        }
        let is_behind = here >= at;
        let next = text.get(here + 1);
        match (quote, byte) {
            // A line that goes on with the next one still does.
            (_, b'\\') if matches!(next, Some(b'\n' | b'\r')) => return here,
            (None | Some(b'"'), b'\\') => here += 1,
            (None | Some(b'"'), b'$') if next == Some(&b'{') => {
                let rest = text.get(here..).unwrap_or_default();
                here += rest.iter().position(|byte| *byte == b'}').unwrap_or(0);
            }
            (Some(open), byte) if open == *byte => {
                if is_behind && around == quote {
                    return here;
                }
                quote = None;
            }
            (None, b'"' | b'\'') => quote = Some(*byte),
            (None, b';' | b'|' | b'&' | b'<' | b'>' | b'{' | b'}') if is_behind => return here,
            (inside, byte) if is_behind && inside == around && byte.is_ascii_whitespace() => {
                return here;
            }
            _ => {}
        }
        here += 1;
    }
    text.len()
}

/// Whether a text asks for a check that isn't taken out.
pub(super) fn asks(text: &[u8]) -> bool {
    let mut from = 0;
    while let Some(at) = find(text, OTHER, from) {
        if is_word(text, at, OTHER) {
            return true;
        }
        from = at + OTHER.len();
    }
    false
}

fn find(text: &[u8], word: &[u8], from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    rest.windows(word.len()).position(|window| window == word).map(|at| from + at)
}

/// Whether nothing else goes on around a word, but for its value.
fn is_word(text: &[u8], at: usize, word: &[u8]) -> bool {
    let goes_on = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    let front = at.checked_sub(1).and_then(|front| text.get(front));
    !front.is_some_and(goes_on) && !text.get(at + word.len()).is_some_and(goes_on)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_become_blanks() {
        let blanks = " ".repeat(13);
        for (text, expected) in [
            ("linux /k a rd.live.check quiet", format!("linux /k a {blanks} quiet")),
            ("linux /k rd.live.check\n", format!("linux /k {blanks}\n")),
            ("set a=\"rd.live.check=1\"", format!("set a=\"{blanks}  \"")),
            ("set a='b rd.live.check c'", format!("set a='b {blanks} c'")),
            ("linux /k rd.live.check\\\n quiet\n", format!("linux /k {blanks}\\\n quiet\n")),
            ("linux /k rd.live.check\\\r\n quiet", format!("linux /k {blanks}\\\r\n quiet")),
            ("linux /k rd.live.check=${c} b", format!("linux /k {blanks}      b")),
            ("linux /k rd.live.check=\"a b\" c", format!("linux /k {blanks}       c")),
            ("m { linux /k rd.live.check; }", format!("m {{ linux /k {blanks}; }}")),
            ("m {linux /k rd.live.check}", format!("m {{linux /k {blanks}}}")),
            ("# don't\nlinux /k rd.live.check b", format!("# don't\nlinux /k {blanks} b")),
        ] {
            let made = without(text.as_bytes(), Language::Grub).unwrap();
            assert_eq!(String::from_utf8(made).unwrap(), expected);
        }
        let made = without(b"append a rd.live.check=1;\n", Language::Syslinux).unwrap();
        assert_eq!(made, format!("append a {blanks}   \n").as_bytes());
        assert_eq!(without(b"k rd.live.checks ard.live.check x", Language::Grub), None);
        assert!(asks(b"linux /k mediacheck=1") && !asks(b"linux /k inst.mediachecks"));
    }
}
