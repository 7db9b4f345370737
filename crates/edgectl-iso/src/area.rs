//! Places on an image whose content can be replaced later without touching
//! anything else. Each has a fixed size and a filling that its readers skip.

use std::borrow::Cow;

use edgectl_model::grub_word;
use serde::{Deserialize, Serialize};

use crate::error::IsoError;

/// Where both cloud-init and, under another name, Kairos find user data.
pub(crate) const USER_DATA: &str = "nocloud/user-data";
/// Where cloud-init finds its network configuration.
pub(crate) const NETWORK: &str = "nocloud/network-config";
/// Room for it, in bytes.
pub(crate) const NETWORK_ROOM: u64 = 64 << 10;
/// The boot menu.
pub(crate) const MENU: &str = "boot/grub/grub.cfg";
/// What the rest of the image adds up to.
pub(crate) const SEAL: &str = "edgectl/seal";
/// Room for kernel arguments, in bytes; x86 takes 2047 in all.
pub(crate) const ARGUMENTS_ROOM: u64 = 1024;
/// A digest in hex and a line's end.
pub(crate) const SEAL_ROOM: u64 = 65;
/// An image without user data: both readers take this for an empty one.
const NO_USER_DATA: &[u8] = b"#cloud-config\n";
/// The same for Ignition.
const NO_IGNITION: &[u8] = b"{\"ignition\":{\"version\":\"3.0.0\"}}\n";

/// No network configuration: cloud-init takes an empty mapping for none, and
/// fails where there is nothing at all.
const NO_NETWORK: &[u8] = b"{}\n";

/// What an area is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AreaKind {
    /// User data.
    UserData,
    /// cloud-init's network configuration.
    NetworkConfig,
    /// More kernel arguments, in the boot menu.
    KernelArguments,
    /// The digest of what is no file and no area.
    Seal,
    /// A digest of a file with areas in it, in a list that came with the image.
    Checksum,
    /// One that a newer edgectl knows.
    #[serde(other)]
    Unknown,
}

impl std::fmt::Display for AreaKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::UserData => "user data",
            Self::NetworkConfig => "network configuration",
            Self::KernelArguments => "kernel arguments",
            Self::Seal => "seal",
            Self::Checksum => "checksum",
            Self::Unknown => "unknown",
        })
    }
}

/// The language of the file that kernel arguments stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Language {
    /// GRUB's.
    #[default]
    Grub,
    /// That of ISOLINUX and SYSLINUX, which hand everything on as it is.
    Syslinux,
}

impl Language {
    fn is_grub(&self) -> bool {
        *self == Self::Grub
    }

    /// A kernel argument in this language.
    pub(crate) fn word(self, word: &str) -> String {
        match self {
            Self::Grub => grub_word(word),
            Self::Syslinux => word.to_owned(),
        }
    }
}

/// One area.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Area {
    /// What it is for.
    pub kind: AreaKind,
    /// The file it is in, from the root.
    pub path: String,
    /// Bytes from the start of that file.
    pub offset: u64,
    /// Its length in bytes.
    pub bytes: u64,
    /// The language of the menu that it is in.
    #[serde(default, skip_serializing_if = "Language::is_grub")]
    pub language: Language,
    /// The file that a checksum is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
}

impl Area {
    /// An area in a file.
    pub(crate) fn new(kind: AreaKind, path: &str, offset: u64, bytes: u64) -> Self {
        let path = path.to_owned();
        Self { kind, path, offset, bytes, language: Language::Grub, of: None }
    }

    /// What stands there while nothing has been put there; none for a kind
    /// that isn't known.
    pub(crate) fn empty(&self) -> Option<Vec<u8>> {
        match self.kind {
            AreaKind::UserData => Some(filled(self.no_user_data(), self.bytes, b'\n')),
            AreaKind::NetworkConfig => Some(filled(NO_NETWORK, self.bytes, b'\n')),
            AreaKind::KernelArguments => Some(filled(b"", self.bytes, b' ')),
            AreaKind::Seal | AreaKind::Checksum => Some(filled(b"", self.bytes, b'0')),
            AreaKind::Unknown => None,
        }
    }

    /// What stands for no user data; it must be what its reader takes.
    fn no_user_data(&self) -> &'static [u8] {
        match self.path.ends_with(".ign") {
            true => NO_IGNITION,
            false => NO_USER_DATA,
        }
    }

    /// User data for this area.
    pub(crate) fn user_data(&self, text: &[u8]) -> Result<Vec<u8>, IsoError> {
        self.lines(&ended(text)).map_err(|(bytes, room)| IsoError::UserDataTooLarge { bytes, room })
    }

    /// A network configuration for this area.
    pub(crate) fn network_config(&self, text: &[u8]) -> Result<Vec<u8>, IsoError> {
        self.lines(&ended(text)).map_err(|(bytes, room)| IsoError::NetworkTooLarge { bytes, room })
    }

    /// Text for this area, or its bytes and those that there is room for.
    fn lines(&self, text: &[u8]) -> Result<Vec<u8>, (u64, u64)> {
        let bytes = text.len() as u64;
        // The last line must end before the filling.
        match bytes < self.bytes {
            true => Ok(filled(text, self.bytes, b'\n')),
            false => Err((bytes, self.bytes)),
        }
    }

    /// Kernel arguments for this area, in the language of the boot menu.
    pub(crate) fn kernel_arguments(&self, arguments: &[String]) -> Result<Vec<u8>, IsoError> {
        let is_broken = |argument: &&String| argument.chars().any(char::is_control);
        if let Some(argument) = arguments.iter().find(is_broken) {
            return Err(IsoError::KernelArgument(argument.clone()));
        }
        let words: Vec<String> = arguments.iter().map(|word| self.language.word(word)).collect();
        let text = words.join(" ");
        match text.len() as u64 <= self.bytes {
            true => Ok(filled(text.as_bytes(), self.bytes, b' ')),
            false => Err(IsoError::ArgumentsTooLong { bytes: text.len() as u64, room: self.bytes }),
        }
    }

    /// The seal.
    pub(crate) fn seal(&self, digest: &edgectl_model::Digest) -> Vec<u8> {
        filled(format!("{}\n", digest.hex()).as_bytes(), self.bytes, b'0')
    }
}

/// A line that ends a text of YAML whose line ends count.
const END: &[u8] = b"# end\n";

/// The text, with an end where the filling could become a part of it.
fn ended(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.split(|byte| *byte == b'\n').any(keeps_line_ends) {
        return Cow::Borrowed(text);
    }
    let line_end: &[u8] = if text.ends_with(b"\n") { b"" } else { b"\n" };
    Cow::Owned([text, line_end, END].concat())
}

/// Whether a line begins a block scalar of YAML to which all empty lines behind it
/// belong: `content: |+`.
fn keeps_line_ends(line: &[u8]) -> bool {
    let comment = line.windows(2).position(|pair| pair == b" #").unwrap_or(line.len());
    let head = line[..comment].trim_ascii_end();
    let scalar = head.iter().rposition(|byte| matches!(byte, b'|' | b'>'));
    scalar.is_some_and(|at| {
        let indicators = &head[at + 1..];
        let is_one = |byte: &u8| byte.is_ascii_digit() || *byte == b'+';
        indicators.len() <= 2 && indicators.contains(&b'+') && indicators.iter().all(is_one)
    })
}

fn filled(content: &[u8], bytes: u64, filling: u8) -> Vec<u8> {
    let mut filled = content.to_vec();
    filled.resize(usize::try_from(bytes).unwrap_or(usize::MAX), filling);
    filled
}

/// What was put into an area of user data or of a network configuration; none
/// where nothing was.
pub(crate) fn text_in(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().rposition(|byte| *byte != b'\n').map_or(0, |last| last + 1);
    let with_line_end = (end + 1).min(bytes.len());
    match bytes.get(..with_line_end) {
        Some(NO_USER_DATA | NO_IGNITION | NO_NETWORK | b"\n" | b"") | None => None,
        content => content,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(kind: AreaKind, bytes: u64) -> Area {
        Area::new(kind, "x", 0, bytes)
    }

    #[test]
    fn user_data_is_filled_up_and_too_much_is_refused() {
        let area = area(AreaKind::UserData, 16);
        assert_eq!(area.user_data(b"a: 1").unwrap(), b"a: 1\n\n\n\n\n\n\n\n\n\n\n\n");
        let error = area.user_data(b"1234567890123456").unwrap_err().to_string();
        assert!(error.contains("`iso.userDataKib`"), "{error}");
        assert_eq!(text_in(&area.user_data(b"a: 1\n\n").unwrap()), Some(&b"a: 1\n"[..]));
        assert_eq!(text_in(&area.empty().unwrap()), None);
        assert_eq!(text_in(b"\n\n"), None);
        let network = Area { kind: AreaKind::NetworkConfig, ..area };
        assert_eq!(network.empty().unwrap(), b"{}\n\n\n\n\n\n\n\n\n\n\n\n\n\n");
        assert_eq!(text_in(&network.empty().unwrap()), None);
        assert!(network.network_config(&[b'x'; 16]).is_err());
    }

    #[test]
    fn the_filling_becomes_no_part_of_the_text() {
        let area = area(AreaKind::UserData, 64);
        for text in ["a: |+\n  b\n", "a: >2+ # c\r\n  b\r\n", "- |+1\n b"] {
            let filled = area.user_data(text.as_bytes()).unwrap();
            let end = [text.trim_end().as_bytes(), b"\n# end\n"].concat();
            let shown = String::from_utf8(filled.clone()).unwrap().replace('\r', "");
            assert!(
                shown.starts_with(&String::from_utf8(end).unwrap().replace('\r', "")),
                "{shown}"
            );
            assert_eq!(area.network_config(text.as_bytes()).unwrap(), filled);
        }
        for text in ["a: |\n  b\n", "a: |-\n  b\n", "a: b|c+d\n", "a: 1 + 2\n", "x | y+\n"] {
            let filled = area.user_data(text.as_bytes()).unwrap();
            assert_eq!(text_in(&filled), Some(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn arguments_are_words_of_the_menu() {
        let area = area(AreaKind::KernelArguments, 8);
        assert_eq!(
            area.kernel_arguments(&["a;b".to_owned(), "c".to_owned()]).unwrap(),
            b"a\\;b c  "
        );
        assert!(area.kernel_arguments(&["123456789".to_owned()]).is_err());
        assert!(area.kernel_arguments(&["a\nb".to_owned()]).is_err());
    }
}
