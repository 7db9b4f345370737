//! Characters that readers of YAML disagree on, or that some refuse.

use crate::error::Place;
use crate::scalar::is_old_line_end;

/// The first of each line, with what is wrong there.
pub(super) fn odd_characters(text: &str) -> Vec<(Place, String)> {
    let odd = |(number, line): (usize, &str)| {
        let chars = line.chars().enumerate();
        let (column, message) = chars
            .filter(|(at, _)| (number, *at) != (0, 0))
            .find_map(|(at, c)| Some((at, message(c)?)))?;
        Some((Place::new(number + 1, column + 1), message))
    };
    text.split('\n').enumerate().filter_map(odd).collect()
}

fn message(c: char) -> Option<String> {
    let code = u32::from(c);
    let escape = if code < 0x100 { format!("\\x{code:02X}") } else { format!("\\u{code:04X}") };
    match c {
        c if is_old_line_end(c) => Some(format!(
            "U+{code:04X} ends the line for cloud-init's YAML, and what follows is read as a new \
             one, also in a comment; write it as `{escape}` between double quotes, or remove it"
        )),
        c if is_refused(c) => Some(format!(
            "the character U+{code:04X}, which cloud-init's YAML refuses with the whole file; \
             write it as `{escape}` between double quotes, or remove it"
        )),
        _ => None,
    }
}

/// What PyYAML doesn't take for text.
fn is_refused(c: char) -> bool {
    let is_control = c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}');
    is_control || matches!(c, '\u{fffe}' | '\u{ffff}')
}
