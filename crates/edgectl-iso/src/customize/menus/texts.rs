//! Files of an image that may be menus.

use std::collections::BTreeSet;

use edgectl_process::interrupted;

use super::{MENU_LIMIT, grub, syslinux};
use crate::disc::{Disc, DiscEntry, Kind};
use crate::error::IsoError;

/// Whether larger files are menus is found out up to here.
const READ_LIMIT: u64 = 8 << 20;
/// What is read of all such files; they may lie upon each other.
const READ_ALL: u64 = 256 << 20;
/// What all menus have; those of real images have some hundred kilobytes.
const KEPT_ALL: usize = 16 << 20;
/// Where systemd-boot has its entries.
const SYSTEMD: &str = "loader/entries";

/// A menu.
#[derive(Debug)]
pub(in super::super) struct Text {
    /// Its path, without a slash in front.
    pub(super) path: String,
    pub(super) bytes: Vec<u8>,
    /// Its permissions.
    pub(super) mode: u32,
}

/// The menus of an image as they are.
#[derive(Debug, Default)]
pub(in super::super) struct Texts {
    pub(super) menus: Vec<Text>,
    /// Those that can't be changed, whatever they say.
    pub(super) left: Vec<(String, &'static str)>,
}

/// What was read so far.
#[derive(Default)]
struct Amount {
    read: u64,
    kept: usize,
}

impl Texts {
    pub(in super::super) fn read(
        disc: &Disc,
        files: &[(String, DiscEntry)],
    ) -> Result<Self, IsoError> {
        let (mut texts, mut amount) = (Self::default(), Amount::default());
        let could = |path: &str| could_be(path) || is_of_systemd(path);
        texts.read_those(disc, files, &could, &mut amount)?;
        // Menus may be called anything, if another one names them.
        let named = texts.named();
        let is_named = |path: &str| {
            let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
            !could(path) && !is_brought(path) && named.contains(&name.to_ascii_lowercase())
        };
        texts.read_those(disc, files, &is_named, &mut amount)?;
        texts.menus.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(texts)
    }

    fn read_those(
        &mut self,
        disc: &Disc,
        files: &[(String, DiscEntry)],
        is_meant: &dyn Fn(&str) -> bool,
        amount: &mut Amount,
    ) -> Result<(), IsoError> {
        for (path, entry) in files {
            let path = path.trim_start_matches('/');
            if entry.kind != Kind::File || entry.bytes > READ_LIMIT || !is_meant(path) {
                continue;
            }
            interrupted()?;
            amount.read += entry.bytes;
            let bytes = disc.read(entry, READ_LIMIT)?;
            amount.kept += self.take(path, bytes, entry.mode.unwrap_or(0o444) & 0o7777);
            if amount.read > READ_ALL || amount.kept > KEPT_ALL {
                let what = "its boot menus (`.cfg`) have more text than all of a real image";
                return Err(disc.damaged(what).into());
            }
        }
        Ok(())
    }

    /// The names of files that menus go on in, in small letters.
    fn named(&self) -> BTreeSet<String> {
        const WORDS: [&str; 6] =
            ["source", ".", "configfile", "syslinux_configfile", "include", "config"];
        let mut names = BTreeSet::new();
        for menu in &self.menus {
            let text = String::from_utf8_lossy(&menu.bytes);
            for line in text.lines() {
                let mut words = line.split(|c: char| c.is_whitespace() || ";\"'".contains(c));
                let is_there =
                    words.any(|word| WORDS.contains(&word.to_ascii_lowercase().as_str()));
                let file = words.find(|word| !word.is_empty() && !word.starts_with('-'));
                let name = file.and_then(|file| file.rsplit(['/', ')']).next());
                names.extend(name.filter(|_| is_there).map(str::to_ascii_lowercase));
            }
        }
        names.remove("");
        names
    }

    /// Keeps what is a menu; gives its length.
    fn take(&mut self, path: &str, bytes: Vec<u8>, mode: u32) -> usize {
        if is_of_systemd(path) {
            let is_told = self.left.iter().any(|(told, _)| told == SYSTEMD);
            if !is_told && super::systemd::has_entry(&bytes) {
                self.left.push((SYSTEMD.to_owned(), "is one of systemd-boot's"));
            }
            return 0;
        }
        let is_large = bytes.len() as u64 > MENU_LIMIT;
        let is_menu = match syslinux::is_it(&bytes) {
            // Nobody includes one of that size.
            true if is_large => !syslinux::alone(path, &bytes).is_empty(),
            true => true,
            false => !grub::lines(&bytes).is_empty(),
        };
        if is_menu && is_large {
            self.left.push((path.to_owned(), "is larger than 256 KiB"));
        } else if is_menu {
            let length = bytes.len();
            self.menus.push(Text { path: path.to_owned(), bytes, mode });
            return length;
        }
        0
    }
}

fn could_be(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let is_config = lower.ends_with(".cfg") || lower.ends_with("/extlinux.conf");
    is_config && !is_brought(path)
}

/// Whether a file is one of an installer's or of a package's, which no loader reads.
fn is_brought(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    ["pool/", "dists/", "preseed/"].iter().any(|part| lower.starts_with(part))
}

fn is_of_systemd(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let name = lower.strip_prefix(SYSTEMD).and_then(|rest| rest.strip_prefix('/'));
    name.is_some_and(|name| name.ends_with(".conf") && !name.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn menus_are_known_by_their_paths() {
        assert!(!could_be("pool/main/x.cfg") && could_be("isolinux.cfg"));
        assert!(!could_be("loader/entries/a.conf") && could_be("extlinux/extlinux.conf"));
        assert!(is_of_systemd("loader/entries/a.conf") && !is_of_systemd("loader/loader.conf"));
    }

    #[test]
    fn menus_name_others() {
        let mut texts = Texts::default();
        let menu = b"menuentry a { linux /k }\nif [ -e $prefix/x ]; then source $prefix/More.inc; fi\nconfigfile (cd0)/b.conf\nmenu include \"c.menu\" C\nsource\n";
        texts.take("a.cfg", menu.to_vec(), 0);
        let named: Vec<String> = texts.named().into_iter().collect();
        assert_eq!(named, ["b.conf", "c.menu", "more.inc"]);
    }

    #[test]
    fn what_is_no_menu_is_not_kept() {
        let mut texts = Texts::default();
        assert_eq!(texts.take("a.cfg", b"set timeout=5\n".to_vec(), 0), 0);
        assert_eq!(texts.take("b.cfg", b"linux /k\n".to_vec(), 0), 9);
        let large = [b"linux /k\n".to_vec(), vec![b'\n'; 300 << 10]].concat();
        assert_eq!(texts.take("c.cfg", large, 0), 0);
        assert_eq!((texts.menus.len(), texts.left.len()), (1, 1));
    }
}
