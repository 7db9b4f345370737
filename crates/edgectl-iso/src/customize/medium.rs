//! What system an image starts, and where that system looks for user data.

use serde::{Deserialize, Serialize};

use super::menus::Menu;
use crate::disc::{Disc, DiscEntry, Kind};
use crate::error::IsoError;

/// How a system finds its user data on the medium that it was started from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flavor {
    /// cloud-init on some other system: nothing tells it where the medium is.
    CloudInit,
    /// A disc labelled `cidata`.
    Cidata,
    /// Kairos, and Palette's agent on it.
    Kairos,
    /// Elemental.
    Elemental,
    /// Ubuntu's installer and live systems (casper).
    Ubuntu,
    /// Debian's live systems (live-boot).
    DebianLive,
    /// Debian's installer, which reads no user data.
    DebianInstaller,
    /// SL Micro and MicroOS: Combustion or Ignition.
    Combustion,
    /// One that a newer edgectl knows.
    #[serde(other)]
    Unknown,
}

impl std::fmt::Display for Flavor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::CloudInit => "cloud-init",
            Self::Cidata => "cloud-init (a disc labelled cidata)",
            Self::Kairos => "Kairos",
            Self::Elemental => "Elemental",
            Self::Ubuntu => "Ubuntu (casper)",
            Self::DebianLive => "Debian live",
            Self::DebianInstaller => "Debian's installer",
            Self::Combustion => "SL Micro (Combustion, Ignition)",
            Self::Unknown => "unknown",
        })
    }
}

/// Where user data goes, and who finds it there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Places {
    /// The file, without a slash in front.
    pub(super) user_data: &'static str,
    /// The directory of NoCloud's other files, with a slash at its end, where
    /// the system reads such.
    pub(super) seed: Option<&'static str>,
    /// What the kernel must be told so that the system looks there.
    pub(super) argument: Option<&'static str>,
    /// Why a system that is started from the medium won't look there.
    pub(super) doubt: Option<&'static str>,
    /// Why it can't read what it finds there now.
    pub(super) misfit: Option<&'static str>,
}

/// Labels under which Combustion and Ignition look for their files.
const COMBUSTION_LABELS: [&str; 3] = ["INSTALL", "COMBUSTION", "IGNITION"];

/// What the image starts, by what is on it.
pub(super) fn flavor(disc: &Disc, files: &[(String, DiscEntry)], menus: &[Menu]) -> Flavor {
    let has = |path: &str| files.iter().any(|(found, _)| found == path);
    let says = |word: &str| menus.iter().any(|menu| holds(&menu.bytes, word));
    let says_word = |word: &str| menus.iter().any(|menu| holds_word(&menu.bytes, word));
    let label = disc.label();
    let is_labelled = |other: &str| label.eq_ignore_ascii_case(other);
    let has_file_like = |front: &str, end: &str| {
        files.iter().any(|(path, entry)| {
            entry.kind == Kind::File && path.starts_with(front) && path.ends_with(end)
        })
    };
    if is_labelled("cidata") {
        Flavor::Cidata
    } else if says("elemental.setup=") || has("/iso-config") {
        Flavor::Elemental
    } else if has("/boot/grub2/harvester.cfg") || says("Harvester") {
        // Its label is Kairos', and its installer reads kernel arguments alone.
        Flavor::CloudInit
    } else if ["COS_LIVE", "UKI_ISO_INSTALL"].contains(&label)
        || says("rd.cos.")
        || says("rd.immucore")
    {
        Flavor::Kairos
    } else if has("/casper") {
        Flavor::Ubuntu
    } else if has_file_like("/live/", ".squashfs") || says_word("boot=live") {
        Flavor::DebianLive
    } else if has("/.disk/udeb_include")
        || has("/.disk/mini-info")
        || is_debian_installer(disc, files)
    {
        Flavor::DebianInstaller
    } else if is_combustion(&has, &says, label) || has_file_like("/", ".raw.xz") {
        Flavor::Combustion
    } else {
        Flavor::CloudInit
    }
}

fn is_combustion(has: &dyn Fn(&str) -> bool, says: &dyn Fn(&str) -> bool, label: &str) -> bool {
    let is_labelled = COMBUSTION_LABELS.iter().any(|one| label.eq_ignore_ascii_case(one));
    is_labelled || says("rd.kiwi.") || has("/combustion") || has("/ignition")
}

/// Its small image has a kernel and an initrd in the root, and nothing around.
fn is_debian_installer(disc: &Disc, files: &[(String, DiscEntry)]) -> bool {
    let has = |path: &str| files.iter().any(|(found, _)| found == path);
    let is_named = disc.label().starts_with("Debian") || disc.label() == "ISOIMAGE";
    is_named && has("/linux") && has("/initrd.gz")
}

/// Why nothing there reads user data.
pub(super) const NO_CLOUD_INIT: &str = "the live system's list of packages (`.manifest`, `.packages`) has no cloud-init, and nothing else there reads user data";
/// Lists of packages are some kilobytes.
const LIST_LIMIT: u64 = 8 << 20;
/// What is read of all of them; they may lie upon each other.
const LISTS_LIMIT: u64 = 64 << 20;

/// Whether the packages of a live system have cloud-init, as far as lists beside it tell.
pub(super) fn has_cloud_init(
    disc: &Disc,
    files: &[(String, DiscEntry)],
) -> Result<Option<bool>, IsoError> {
    let is_list = |path: &str| {
        path.starts_with("/casper/") && path.ends_with(".manifest")
            || path.starts_with("/live/") && path.ends_with(".packages")
    };
    let (mut found, mut read) = (None, 0);
    for (path, entry) in files {
        if entry.kind != Kind::File || entry.bytes > LIST_LIMIT || !is_list(path) {
            continue;
        }
        read += entry.bytes;
        if read > LISTS_LIMIT {
            let what = "its lists of packages have more text than all of a real image";
            return Err(disc.damaged(what).into());
        }
        let text = disc.read(entry, LIST_LIMIT)?;
        let mut names = text
            .split(|byte| *byte == b'\n')
            .map(|line| line.split(u8::is_ascii_whitespace).next().unwrap_or_default());
        if names.any(|name| name == b"cloud-init" || name.starts_with(b"cloud-init:")) {
            return Ok(Some(true));
        }
        found = Some(false);
    }
    Ok(found)
}

/// Where the system of an image looks, for this user data.
pub(super) fn places(flavor: Flavor, label: &str, user_data: &[u8]) -> Places {
    let nocloud = Places {
        user_data: "nocloud/user-data",
        seed: Some("nocloud/"),
        argument: None,
        doubt: None,
        misfit: None,
    };
    let plain = |user_data| Places { user_data, seed: None, ..nocloud.clone() };
    match flavor {
        Flavor::Cidata => Places { user_data: "user-data", seed: Some(""), ..nocloud },
        Flavor::Kairos => plain("config.yaml"),
        Flavor::Elemental => plain("iso-config/config.yaml"),
        Flavor::Ubuntu => Places { argument: Some("ds=nocloud;s=/cdrom/nocloud/"), ..nocloud },
        Flavor::DebianLive => {
            Places { argument: Some("ds=nocloud;s=file:///run/live/medium/nocloud/"), ..nocloud }
        }
        Flavor::DebianInstaller => Places {
            doubt: Some(
                "Debian's installer reads no user data: it takes a preseed file, which is another language",
            ),
            ..nocloud
        },
        Flavor::Combustion => combustion(label, user_data),
        Flavor::CloudInit | Flavor::Unknown => Places {
            doubt: Some(
                "nothing on the image is known to read user data: if its system has cloud-init, \
                 tell it where the medium is mounted with `--kernel-argument 'ds=nocloud;s=file:///PLACE/nocloud/'`",
            ),
            ..nocloud
        },
    }
}

/// What Combustion and Ignition read.
const SCRIPT: &str = "combustion/script";
const IGNITION: &str = "ignition/config.ign";

/// Fails where user data is in another language than the one that is read from
/// its place; languages with a check of their own aren't looked into.
pub(crate) fn ensure_fit(path: &str, text: &[u8]) -> Result<(), IsoError> {
    let text = text.trim_ascii_start();
    let (is_fit, expected) = match path {
        SCRIPT => (text.starts_with(b"#!"), "a Combustion script (`#!`)"),
        IGNITION => (text.starts_with(b"{"), "an Ignition configuration (JSON)"),
        _ => return Ok(()),
    };
    match is_fit || text.is_empty() {
        true => Ok(()),
        false => Err(IsoError::Misfit { path: path.to_owned(), expected }),
    }
}

fn combustion(label: &str, user_data: &[u8]) -> Places {
    let is_found = COMBUSTION_LABELS.iter().any(|one| label.eq_ignore_ascii_case(one));
    let (path, is_fit) = match user_data.trim_ascii_start() {
        [b'{', ..] => (IGNITION, true),
        [b'#', b'!', ..] => (SCRIPT, true),
        _ => (SCRIPT, user_data.is_empty()),
    };
    let misfit = (!is_fit).then_some(
        "SL Micro reads a Combustion script (`#!`) or an Ignition configuration (JSON), no cloud-config",
    );
    let doubt = (!is_found).then_some(
        "Combustion and Ignition look for their files on a volume labelled INSTALL, COMBUSTION or IGNITION",
    );
    Places { user_data: path, seed: None, argument: None, doubt, misfit }
}

/// Whether a text has a word that is no part of another one.
fn holds_word(bytes: &[u8], word: &str) -> bool {
    let is_part = |byte: Option<&u8>| {
        byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte))
    };
    let mut windows = bytes.windows(word.len()).enumerate();
    windows.any(|(at, window)| {
        let before = at.checked_sub(1).and_then(|at| bytes.get(at));
        window == word.as_bytes() && !is_part(before) && !is_part(bytes.get(at + word.len()))
    })
}

pub(super) fn holds(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|window| window == word.as_bytes())
}
