//! Checks of the whole medium that a menu asks for.

/// What dracut checks the medium by, and stops at where it finds no digest.
const CHECK: &[u8] = b"rd.live.check";
/// What others do it by, on demand.
const OTHER: &[u8] = b"mediacheck";

/// The text with blanks where it asks for a check; none where it doesn't.
pub(super) fn without(text: &[u8]) -> Option<Vec<u8>> {
    let mut quiet = text.to_vec();
    let mut from = 0;
    while let Some(at) = find(&quiet, CHECK, from) {
        from = at + CHECK.len();
        if is_word(&quiet, at, CHECK) {
            let ends = |byte: &u8| byte.is_ascii_whitespace() || b"\"';}".contains(byte);
            let length = quiet[at..].iter().position(ends).unwrap_or(quiet.len() - at);
            quiet[at..at + length].fill(b' ');
        }
    }
    (quiet != text).then_some(quiet)
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
        ] {
            assert_eq!(without(text.as_bytes()).unwrap(), expected.as_bytes());
        }
        assert_eq!(without(b"rd.live.checks ard.live.check x"), None);
        assert!(asks(b"linux /k mediacheck=1") && !asks(b"linux /k inst.mediachecks"));
    }
}
