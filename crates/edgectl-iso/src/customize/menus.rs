//! Boot menus of others: where a line that starts a kernel takes more
//! arguments.

mod grub;
mod syslinux;

use crate::area::{Area, AreaKind, Language};
use crate::disc::{Disc, DiscEntry, Kind};
use crate::error::IsoError;

/// Menus are some kilobytes.
const MENU_LIMIT: u64 = 256 << 10;
/// Rooms in one menu.
const ROOMS: usize = 200;
/// GRUB takes lines of any length; the kernel takes 2047 bytes in all.
const GRUB_ROOM: usize = 1024;
/// ISOLINUX hands the spaces on to the kernel.
const SYSLINUX_ROOM: usize = 512;

/// Where something is to be put into a menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    at: usize,
    before: &'static str,
    after: &'static str,
}

/// What was found in a menu.
#[derive(Debug, Default)]
struct Lines {
    places: Vec<Place>,
    /// Entries that start a kernel and have no place for arguments.
    shut: usize,
}

/// A menu with room for kernel arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Menu {
    /// Its path, without a slash in front.
    pub(super) path: String,
    pub(super) bytes: Vec<u8>,
    pub(super) areas: Vec<Area>,
    /// Its permissions, as they were.
    pub(super) mode: u32,
    /// Entries that start a kernel and take no arguments.
    pub(super) shut: usize,
}

/// All menus of an image that start a kernel, with `fixed` arguments and with
/// room for more.
pub(super) fn menus(
    disc: &Disc,
    files: &[(String, DiscEntry)],
    fixed: &[&str],
) -> Result<Vec<Menu>, IsoError> {
    let mut texts = Vec::new();
    for (path, entry) in files {
        if entry.kind != Kind::File || entry.bytes > MENU_LIMIT || !could_be(path) {
            continue;
        }
        let bytes = disc.read(entry, MENU_LIMIT)?;
        let mode = entry.mode.unwrap_or(0o444) & 0o7777;
        texts.push((path.trim_start_matches('/'), bytes, mode));
    }
    let are_shared = texts.iter().any(|(_, text, _)| syslinux::shares(text));
    let menu = |(path, bytes, mode): &(&str, Vec<u8>, u32)| {
        Some(Menu { mode: *mode, ..menu(path, bytes, fixed, are_shared)? })
    };
    Ok(texts.iter().filter_map(menu).collect())
}

fn could_be(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    // Other files that end in `.conf` are of systemd-boot, which knows no such lines.
    let is_config = lower.ends_with(".cfg") || lower.ends_with("/extlinux.conf");
    // What an installer or a package brings is nothing that a loader reads.
    is_config && !["/pool/", "/dists/", "/preseed/"].iter().any(|part| lower.starts_with(part))
}

fn menu(path: &str, bytes: &[u8], fixed: &[&str], are_shared: bool) -> Option<Menu> {
    // Both know `linux`; only one of them knows labels.
    let (language, Lines { mut places, shut }, room) = match syslinux::is_it(bytes) {
        true => (Language::Syslinux, syslinux::lines(bytes, are_shared), SYSLINUX_ROOM),
        false => (Language::Grub, Lines { places: grub::places(bytes), shut: 0 }, GRUB_ROOM),
    };
    places.sort_by_key(|place| place.at);
    if places.is_empty() || places.len() > ROOMS {
        return None;
    }
    let fixed: String = fixed.iter().map(|word| language.word(word) + " ").collect();
    let (mut with_room, mut areas, mut from) = (Vec::new(), Vec::new(), 0);
    for Place { at, before, after } in places {
        with_room.extend(bytes.get(from..at)?);
        with_room.extend(before.bytes().chain(fixed.bytes()));
        areas.push(Area {
            language,
            ..Area::new(AreaKind::KernelArguments, path, with_room.len() as u64, room as u64)
        });
        with_room.extend(std::iter::repeat_n(b' ', room));
        with_room.extend(after.bytes());
        from = at;
    }
    with_room.extend(bytes.get(from..)?);
    Some(Menu { path: path.to_owned(), bytes: with_room, areas, mode: 0, shut })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_arguments_stand_in_front_of_the_room() {
        let text = b"menuentry 'x' {\n\tlinux /casper/vmlinuz  ---\n\tinitrd /casper/initrd\n}\n";
        let menu =
            menu("boot/grub/grub.cfg", text, &["ds=nocloud;s=/cdrom/nocloud/"], false).unwrap();
        let area = &menu.areas[0];
        assert_eq!((area.bytes, menu.areas.len()), (1024, 1));
        let (front, back) = menu.bytes.split_at(area.offset as usize);
        let front = String::from_utf8_lossy(front);
        assert!(
            front.ends_with("linux /casper/vmlinuz  ds=nocloud\\;s=/cdrom/nocloud/ "),
            "{front}"
        );
        assert!(back[1024..].starts_with(b" ---\n\tinitrd"));
    }

    #[test]
    fn both_languages_know_linux() {
        let text = b"label live\n\tlinux /live/vmlinuz\n\tappend quiet\n";
        let menu = menu("live.cfg", text, &["a;b"], false).unwrap();
        assert_eq!(menu.areas[0].language, Language::Syslinux);
        assert!(menu.bytes.starts_with(b"label live\n\tlinux /live/vmlinuz\n\tappend quiet a;b  "));
    }

    #[test]
    fn files_without_a_kernel_are_no_menus() {
        assert_eq!(menu("a.cfg", b"set timeout=5\n", &[], false), None);
        assert!(!could_be("/pool/main/x.cfg") && could_be("/isolinux.cfg"));
        assert!(!could_be("/loader/entries/a.conf") && could_be("/extlinux/extlinux.conf"));
    }
}
