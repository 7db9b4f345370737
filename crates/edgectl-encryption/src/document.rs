//! The form on a medium: an armored age file as the comments of a cloud-config
//! that says nothing.

use std::io::{BufRead, BufReader};

use age::armor::ArmoredReader;

/// What cloud-init and Kairos know a cloud-config by.
const HEADER: &str = "#cloud-config";
/// What people read who look at a medium.
const NOTE: &str = "\
# The user data of this medium is encrypted (https://age-encryption.org). edge-agent
# opens it when it installs: with a key disc (label EDGECTL_KEY), or it asks.
";
/// cloud-init warns of a document with nothing at all.
const NOTHING: &str = "{}";
const BEGIN: &str = "-----BEGIN AGE ENCRYPTED FILE-----";
const END: &str = "-----END AGE ENCRYPTED FILE-----";
/// The first line of every age file; a version is a line of its own.
const AGE: &[u8] = b"age-encryption.org/v1\n";
/// Where the keys end in an age file.
const MAC: &[u8] = b"--- ";
/// More than any medium has room for, in bytes.
const LIMIT: usize = 128 << 20;

/// What opens encrypted user data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opener {
    /// Any of so many keys.
    Keys(usize),
    /// A passphrase.
    Passphrase,
    /// It is damaged, or of a kind that isn't known.
    Unknown,
}

impl std::fmt::Display for Opener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Keys(1) => f.write_str("1 recipient"),
            Self::Keys(n) => write!(f, "{n} recipients"),
            Self::Passphrase => f.write_str("passphrase"),
            Self::Unknown => f.write_str("damaged, or of an unknown kind"),
        }
    }
}

/// Encrypted user data, found in what a medium holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encrypted {
    /// An armored age file.
    armored: String,
}

impl Encrypted {
    /// Finds it in user data; none where that is no cloud-config, or says more
    /// than comments do: those are somebody's own.
    pub fn find(text: &str) -> Option<Self> {
        if text.len() > LIMIT {
            return None;
        }
        let mut lines = text.lines();
        if lines.next()?.trim_end() != HEADER {
            return None;
        }
        let mut armored = String::new();
        let mut is_inside = false;
        for line in lines.map(str::trim_end) {
            if line.is_empty() || line == NOTHING {
                continue;
            }
            let comment = line.strip_prefix('#')?.trim_start();
            is_inside |= comment == BEGIN && armored.is_empty();
            if is_inside {
                armored.push_str(comment);
                armored.push('\n');
            }
            is_inside &= comment != END;
        }
        (!armored.is_empty()).then_some(Self { armored })
    }

    /// What opens it, as the age file says in the clear.
    pub fn opener(&self) -> Opener {
        let Some(header) = self.header() else { return Opener::Unknown };
        let count = |kind: &str| header.lines().filter(|line| line.starts_with(kind)).count();
        match (count("-> X25519 "), count("-> scrypt ")) {
            (0, 1) => Opener::Passphrase,
            (keys @ 1.., 0) => Opener::Keys(keys),
            _ => Opener::Unknown,
        }
    }

    /// The age file.
    pub(crate) fn reader(&self) -> ArmoredReader<BufReader<&[u8]>> {
        ArmoredReader::new(self.armored.as_bytes())
    }

    /// The part of the age file in front of the encrypted bytes.
    fn header(&self) -> Option<String> {
        let mut reader = BufReader::new(self.reader());
        let mut header = Vec::new();
        loop {
            let start = header.len();
            match reader.read_until(b'\n', &mut header) {
                Ok(1..) => {}
                _ => return None,
            }
            if !header.starts_with(AGE) {
                return None;
            }
            if header.get(start..)?.starts_with(MAC) {
                return String::from_utf8(header).ok();
            }
        }
    }
}

/// Puts an armored age file into a document.
pub(crate) fn document(armored: &str) -> String {
    let lines = armored.lines().map(|line| format!("# {line}\n"));
    format!("{HEADER}\n{NOTE}{NOTHING}\n{}", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_document_of_comments_is_encrypted() {
        let armored = format!("{BEGIN}\nYWdl\n{END}\n");
        let text = document(&armored);
        assert_eq!(Encrypted::find(&text).unwrap().armored, armored);
        assert_eq!(Encrypted::find(&text.replace('\n', "\r\n")).unwrap().armored, armored);
        assert_eq!(Encrypted::find(&format!("{text}\n\n\n")).unwrap().armored, armored);
        for other in [
            String::new(),
            HEADER.to_owned(),
            format!("{HEADER}\n# a comment\n"),
            format!("{text}hostname: x\n"),
            text.replace(HEADER, "#!/bin/sh"),
            armored,
        ] {
            assert_eq!(Encrypted::find(&other), None, "{other}");
        }
    }

    #[test]
    fn what_is_no_age_file_has_no_opener() {
        for inside in ["", "YWdl\n", "####\n"] {
            let text = document(&format!("{BEGIN}\n{inside}{END}\n"));
            assert_eq!(Encrypted::find(&text).unwrap().opener(), Opener::Unknown, "{inside}");
        }
    }
}
