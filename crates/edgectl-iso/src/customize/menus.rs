//! Boot menus of others: where a line that starts a kernel takes more
//! arguments.

mod grub;
mod media_check;
mod nocloud;
mod programs;
mod syslinux;
mod systemd;
mod texts;

use crate::area::{Area, AreaKind, Language};
use crate::error::IsoError;
pub(super) use systemd::{has_entry, has_unified_kernel};
pub(super) use texts::Texts;

/// Menus are some kilobytes.
const MENU_LIMIT: u64 = 256 << 10;
/// Rooms in one menu.
const ROOMS: usize = 200;
/// Rooms in all menus.
const ALL_ROOMS: usize = 2000;
/// GRUB takes lines of any length; the kernel takes 2047 bytes in all.
const GRUB_ROOM: usize = 1024;
/// ISOLINUX hands the spaces on to the kernel.
const SYSLINUX_ROOM: usize = 512;

/// Where something is to be put into a menu.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Place {
    at: usize,
    before: &'static str,
    after: &'static str,
    /// The argument that names a place for NoCloud, where the line has one.
    nocloud: Option<String>,
}

/// What was found in a menu.
#[derive(Debug, Default)]
struct Lines {
    places: Vec<Place>,
    /// Entries that start a kernel and have no place for arguments.
    shut: usize,
}

impl Lines {
    fn is_empty(&self) -> bool {
        self.places.is_empty() && self.shut == 0
    }
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
    /// Those that name another place for user data than is used.
    pub(super) strangers: usize,
    /// Whether it asked for a check of the medium (`rd.live.check`), and
    /// whether it asks for another.
    pub(super) was_checking: bool,
    pub(super) is_checking: bool,
}

/// The menus of an image.
#[derive(Debug, Default)]
pub(super) struct Menus {
    /// Those with room for arguments.
    pub(super) with_room: Vec<Menu>,
    /// Those that stay as they are, and why.
    pub(super) left: Vec<(String, &'static str)>,
}

/// What menus are to say.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wish<'a> {
    /// An argument for each kernel that has no such one of its own (`ds=nocloud`).
    pub(super) argument: Option<&'a str>,
    /// Whether the medium keeps the digest that media checks compare it with.
    pub(super) keeps_checks: bool,
}

/// All menus of an image that start a kernel, with room for arguments.
pub(super) fn menus(
    texts: &Texts,
    is_reached: &dyn Fn(&str) -> Result<bool, IsoError>,
    wish: Wish<'_>,
) -> Result<Menus, IsoError> {
    let mut menus = Menus { left: texts.left.clone(), ..Menus::default() };
    let mut rooms = 0;
    for (text, (language, lines)) in texts.menus.iter().zip(read(texts)) {
        if lines.is_empty() {
            continue;
        }
        let more = rooms + lines.places.len();
        match why_left(&lines, more, is_reached(&text.path)?) {
            Some(why) => menus.left.push((text.path.clone(), why)),
            None => {
                rooms = more;
                let read = (language, lines);
                menus.with_room.extend(menu(&text.path, &text.bytes, text.mode, read, wish));
            }
        }
    }
    Ok(menus)
}

/// Why nothing is put into a menu.
fn why_left(lines: &Lines, rooms: usize, is_reached: bool) -> Option<&'static str> {
    if lines.places.len() > ROOMS {
        Some("has more than 200 entries that start a kernel")
    } else if rooms > ALL_ROOMS {
        Some("is one of many that start kernels in more than 2000 entries")
    } else if lines.places.is_empty() {
        Some("has no entry that is known to take arguments")
    } else {
        (!is_reached).then_some("lies too deep, in a directory that Rock Ridge relocates")
    }
}

/// What language each menu is in, and its lines that start a kernel.
fn read(texts: &Texts) -> Vec<(Language, Lines)> {
    // Both know `linux`; only one of them knows labels.
    let is_syslinux: Vec<bool> =
        texts.menus.iter().map(|text| syslinux::is_it(&text.bytes)).collect();
    let own = texts.menus.iter().zip(&is_syslinux).filter(|(_, is_it)| **is_it);
    let sources: Vec<syslinux::Source<'_>> =
        own.map(|(text, _)| syslinux::Source { path: &text.path, text: &text.bytes }).collect();
    let mut found = syslinux::lines(&sources).into_iter();
    let of = |(text, is_syslinux): (&texts::Text, bool)| {
        let (language, mut lines) = match is_syslinux {
            true => (Language::Syslinux, found.next().unwrap_or_default()),
            false => (Language::Grub, grub::lines(&text.bytes)),
        };
        lines.places.sort_by_key(|place| place.at);
        (language, lines)
    };
    texts.menus.iter().zip(is_syslinux).map(of).collect()
}

/// A menu with room at the places that were found in it.
fn menu(
    path: &str,
    text: &[u8],
    mode: u32,
    (language, Lines { places, shut }): (Language, Lines),
    Wish { argument, keeps_checks }: Wish<'_>,
) -> Option<Menu> {
    // As long as the text was, so places stay the same.
    let quiet = media_check::without(text, language).filter(|_| !keeps_checks);
    let was_checking = quiet.is_some();
    let is_checking = !keeps_checks && media_check::asks(text);
    let bytes = quiet.as_deref().unwrap_or(text);
    let room = match language {
        Language::Grub => GRUB_ROOM,
        Language::Syslinux => SYSLINUX_ROOM,
    };
    let fixed = argument.map(|word| language.word(word) + " ").unwrap_or_default();
    let is_stranger = |own: &&str| argument.is_some_and(|used| !nocloud::are_same(own, used));
    let own = places.iter().filter_map(|place| place.nocloud.as_deref());
    let strangers = own.filter(is_stranger).count();
    let (mut with_room, mut areas, mut from) = (Vec::new(), Vec::new(), 0);
    for Place { at, before, after, nocloud } in places {
        let fixed = if nocloud.is_some() { "" } else { &fixed };
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
    Some(Menu {
        path: path.to_owned(),
        bytes: with_room,
        areas,
        mode,
        shut,
        strangers,
        was_checking,
        is_checking,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(argument: &str) -> Wish<'_> {
        Wish { argument: Some(argument), keeps_checks: true }
    }

    fn menu(path: &str, text: &[u8], wish: Wish<'_>) -> Option<Menu> {
        let text = texts::Text { path: path.to_owned(), bytes: text.to_vec(), mode: 0o444 };
        let texts = Texts { menus: vec![text], ..Texts::default() };
        menus(&texts, &|_| Ok(true), wish).unwrap().with_room.pop()
    }

    #[test]
    fn fixed_arguments_stand_in_front_of_the_room() {
        let text = b"menuentry 'x' {\n\tlinux /casper/vmlinuz  ---\n\tinitrd /casper/initrd\n}\n";
        let menu = menu("boot/grub/grub.cfg", text, told("ds=nocloud;s=/cdrom/nocloud/")).unwrap();
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

    /// Whoever names a place for NoCloud is asked line by line.
    #[test]
    fn lines_keep_their_own_places_for_user_data() {
        let used = "ds=nocloud;s=/cdrom/nocloud/";
        for (own, strangers) in [
            (r"ds=nocloud\;s=/cdrom/nocloud/", 0),
            (r#""ds=nocloud;s=/cdrom/nocloud/""#, 0),
            (r"ds=nocloud\;s=http://10.0.0.1/nocloud/", 1),
            ("ds=nocloud", 1),
        ] {
            let text = format!("# ds=nocloud here\nlinux /k a\nlinux /k {own} ---\n");
            let menu = menu("grub.cfg", text.as_bytes(), told(used)).unwrap();
            let made = String::from_utf8(menu.bytes).unwrap();
            let (first, second) = made
                .split_once("\nlinux /k ds")
                .unwrap_or_else(|| made.split_once("\nlinux /k \"ds").unwrap());
            assert!(first.contains("linux /k a ds=nocloud\\;s=/cdrom/nocloud/ "), "{made}");
            assert!(!second.contains("ds=nocloud"), "{made}");
            assert_eq!((menu.areas.len(), menu.strangers), (2, strangers), "{own}");
        }
        let text = b"append ds=nocloud-net;s=file:///cdrom/nocloud/\nlabel a\nkernel k\n";
        let menu = menu("a.cfg", text, told(used)).unwrap();
        assert_eq!((menu.areas.len(), menu.strangers), (1, 0));
    }

    #[test]
    fn both_languages_know_linux() {
        let text = b"label live\n\tlinux /live/vmlinuz\n\tappend quiet\n";
        let menu = menu("live.cfg", text, told("a;b")).unwrap();
        assert_eq!(menu.areas[0].language, Language::Syslinux);
        assert!(menu.bytes.starts_with(b"label live\n\tlinux /live/vmlinuz\n\tappend quiet a;b  "));
    }

    #[test]
    fn files_without_a_kernel_are_no_menus() {
        assert_eq!(menu("a.cfg", b"set timeout=5\n", Wish::default()), None);
    }
}
