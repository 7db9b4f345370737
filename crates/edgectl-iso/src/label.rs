//! Volume labels: what GRUB and the booting system find their medium by.

use crate::error::IsoError;
use crate::grub::INSTALLED_LABEL;

/// Joliet, which some readers prefer, keeps no more.
const MAX_LABEL: usize = 16;
/// Label of the partition that keeps the installed system's data.
const DATA_LABEL: &str = "EDGE_DATA";

pub(crate) fn check_label(label: &str) -> Result<(), IsoError> {
    let is_label_char = |c: u8| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_';
    if !(1..=MAX_LABEL).contains(&label.len()) || !label.bytes().all(is_label_char) {
        return Err(IsoError::Label(label.to_owned()));
    }
    // With the installer still in the machine there would be two of them.
    match [INSTALLED_LABEL, DATA_LABEL].contains(&label) {
        true => Err(IsoError::LabelTaken(label.to_owned())),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels() {
        assert!(check_label("EDGECTL").is_ok());
        for bad in ["", "edge", "A B", "ABCDEFGHIJKLMNOPQ", "\u{c4}"] {
            let text = check_label(bad).unwrap_err().to_string();
            let expected =
                format!("the volume label `{bad}` is not 1 to 16 of `A-Z`, `0-9` and `_`");
            assert_eq!(text, expected);
        }
        let text = check_label("EDGE_STATE").unwrap_err().to_string();
        assert!(text.ends_with("belongs to the installed system; choose another one"), "{text}");
    }
}
