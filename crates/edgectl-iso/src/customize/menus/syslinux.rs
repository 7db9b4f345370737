//! The language of ISOLINUX and SYSLINUX, as far as it takes to find the lines
//! with a kernel's arguments.

mod family;

use super::programs::{is_kernel, is_program};
use super::{Lines, Place, nocloud};
pub(super) use family::{Source, lines};

/// What starts with these is no Linux kernel, unless the line says so.
const OTHERS: [&str; 8] = [".c32", ".com", ".cbt", ".bs", ".bin", ".bss", ".0", ".img"];
/// What makes an entry something else than a kernel.
const KINDS: [&str; 8] =
    ["com32", "config", "localboot", "boot", "bss", "pxe", "fdimage", "comboot"];
/// What an entry says that takes no arguments, not even those of all.
const NONE: &str = "-";

/// A place in one of several files.
type At = (usize, usize);

/// What an `append` says.
#[derive(Debug, Clone)]
struct Arguments {
    at: At,
    text: String,
}

/// What was read of one entry.
#[derive(Debug, Default)]
struct Entry {
    label: String,
    /// What it starts, and whether that is said to be Linux.
    kernel: Option<(String, bool)>,
    /// Where the last line ends that names a file to start.
    end: At,
    has_initrd: bool,
    is_other: bool,
    own: Option<Arguments>,
    /// What stands in front of all labels by then: the arguments of entries
    /// without any, and of no others.
    common: Option<Arguments>,
}

/// Whether a text has words that no other loader knows.
pub(super) fn is_it(text: &[u8]) -> bool {
    let lines = || text.split_inclusive(|byte| *byte == b'\n').map(parse);
    let is_grubs = |keyword: &str| ["menuentry", "submenu"].contains(&keyword);
    lines().any(|(keyword, value, _)| {
        ["label", "append"].contains(&keyword.as_str()) || included(&keyword, &value).is_some()
    }) && !lines().any(|(keyword, _, _)| is_grubs(&keyword))
}

/// What is found in a menu of one file.
pub(super) fn alone(path: &str, text: &[u8]) -> Lines {
    lines(&[Source { path, text }]).pop().unwrap_or_default()
}

/// The file that a line includes, and what the menu is called that it becomes.
fn included(keyword: &str, value: &str) -> Option<(String, bool)> {
    let (first, rest) = split(value);
    let (file, rest) = match keyword {
        "include" => (first, ""),
        "menu" if first.eq_ignore_ascii_case("include") => split(rest),
        _ => return None,
    };
    (!file.is_empty()).then(|| (file.to_owned(), !rest.is_empty()))
}

/// The first word, and what comes behind it.
fn split(text: &str) -> (&str, &str) {
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (first, rest.trim_start())
}

/// The keyword in small letters, its value, and where that begins.
fn parse(line: &[u8]) -> (String, String, usize) {
    // One byte, one character: places are those in the line.
    let line: String =
        line.iter().map(|byte| if byte.is_ascii() { *byte as char } else { '?' }).collect();
    let text = line.trim_end();
    let front = text.len() - text.trim_start().len();
    let keyword: String = text[front..].chars().take_while(|c| !c.is_whitespace()).collect();
    let rest = &text[front + keyword.len()..];
    let value = rest.trim_start();
    (keyword.to_ascii_lowercase(), value.to_owned(), text.len() - value.len())
}

impl Entry {
    fn is_kernel(&self) -> bool {
        let (name, is_linux) = match &self.kernel {
            Some((name, is_linux)) => (name, *is_linux),
            // Without a word for it the label is the kernel.
            None => (&self.label, false),
        };
        let name = name.to_ascii_lowercase();
        let is_other = self.is_other
            || !is_linux && OTHERS.iter().any(|ending| name.ends_with(ending))
            // gfxboot's own file: what its choices add to other entries.
            || self.kernel.is_none() && self.label.contains('=')
            || is_program(&name);
        let has_own = self.own.as_ref().is_some_and(|own| !own.text.is_empty());
        // Headings in menus come without anything.
        !is_other && (self.kernel.is_some() || self.has_initrd || has_own)
    }

    /// Whether it starts a kernel by something else: Xen by `mboot.c32`, for example.
    fn names_kernel(&self) -> bool {
        let arguments = self.arguments().map_or("", |arguments| arguments.text.as_str());
        !self.is_kernel() && arguments.split_whitespace().any(is_kernel)
    }

    /// The arguments that it is started with.
    fn arguments(&self) -> Option<&Arguments> {
        self.own.as_ref().or(self.common.as_ref())
    }
}

impl Arguments {
    /// Whether they name what an entry starts that says nothing else.
    fn names_initrd(&self) -> bool {
        self.text.contains("initrd=")
    }

    /// Where there is room for more: in front of what ends them, or at the end.
    fn place(&self) -> Option<Place> {
        if self.text == NONE {
            return None;
        }
        let nocloud = self.text.split_whitespace().find(|word| nocloud::is_it(word));
        let nocloud = nocloud.map(str::to_owned);
        let at = self.at.1;
        Some(match dashes(&self.text) {
            Some(dashes) => Place { at: at + dashes, before: "", after: " ", nocloud },
            None => Place { at: at + self.text.len(), before: " ", after: "", nocloud },
        })
    }
}

/// Where `---` stands, or `--`, behind which the kernel itself reads nothing.
fn dashes(arguments: &str) -> Option<usize> {
    let mut at = 0;
    arguments.split_inclusive(char::is_whitespace).find_map(|word| {
        let start = at;
        at += word.len();
        matches!(word.trim_end(), "--" | "---").then_some(start)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alone(text: &str) -> Lines {
        super::alone("a.cfg", text.as_bytes())
    }

    fn marked(text: &str) -> String {
        let mut marked = text.to_owned();
        let mut places = alone(text).places;
        places.sort_by_key(|place| place.at);
        for place in places.iter().rev() {
            marked.insert_str(place.at, &format!("{}@{}", place.before, place.after));
        }
        marked
    }

    #[test]
    fn entries_that_start_a_kernel_have_room() {
        for (text, expected) in [
            (
                "label install\n\tmenu label ^Install\n\tkernel linux\n\tappend vga=788 initrd=i --- quiet \n",
                "label install\n\tmenu label ^Install\n\tkernel linux\n\tappend vga=788 initrd=i @ --- quiet \n",
            ),
            ("LABEL a\r\nKERNEL k\r\nAPPEND b\r\n", "LABEL a\r\nKERNEL k\r\nAPPEND b @\r\n"),
            (
                "label a\nlinux k\nlabel b\nlinux l\nappend x",
                "label a\nlinux k\n  append @\nlabel b\nlinux l\nappend x @",
            ),
            (
                "label hd\nkernel chain.c32\nappend hd0\n",
                "label hd\nkernel chain.c32\nappend hd0\n",
            ),
            ("label m\nkernel memtest\n", "label m\nkernel memtest\n"),
            ("label m\nkernel netboot.xyz.lkrn\n", "label m\nkernel netboot.xyz.lkrn\n"),
            ("label a\nkernel k\nappend x -- y\n", "label a\nkernel k\nappend x @ -- y\n"),
            ("label oem=OEM\nappend oem=1\n", "label oem=OEM\nappend oem=1\n"),
            ("default vesamenu.c32\nmenu append x\n", "default vesamenu.c32\nmenu append x\n"),
            ("label a\nappend -\nkernel k\n", "label a\nappend -\nkernel k\n"),
            (
                "append initrd=i\nlabel a\nkernel k\nappend x\n",
                "append initrd=i @\nlabel a\nkernel k\nappend x @\n",
            ),
            ("label a\nkernel k\nappend x\t--- y\n", "label a\nkernel k\nappend x\t@ --- y\n"),
            (
                "label a\nkernel k\ntext help\n Append more with Tab\nendtext\nappend x\n",
                "label a\nkernel k\ntext help\n Append more with Tab\nendtext\nappend x @\n",
            ),
        ] {
            assert_eq!(marked(text), expected);
        }
    }

    /// An `append` of its own, empty or not, would take their place.
    #[test]
    fn arguments_of_all_stay_those_of_entries_without_any() {
        let text = "append initrd=i quiet\nlabel a\nkernel k\nlabel b\nkernel l\nappend x\n";
        let expected =
            "append initrd=i quiet @\nlabel a\nkernel k\nlabel b\nkernel l\nappend x @\n";
        assert_eq!(marked(text), expected);
        let text = "append boot=live\nlabel a\nkernel k\ninitrd i\n";
        assert_eq!(marked(text), "append boot=live @\nlabel a\nkernel k\ninitrd i\n");
        assert_eq!(alone("append x\nlabel a\nkernel k\nappend -\n").shut, 1);
        assert_eq!(alone("append -\nlabel a\nkernel k\n").shut, 1);
    }

    #[test]
    fn menus_of_grub_are_none() {
        assert!(is_it(b"label foo\n kernel k\n"));
        assert!(!is_it(b"menuentry a {\n linux /k\n echo \"\n label foo\n\"\n}\n"));
    }

    #[test]
    fn kernels_that_something_else_starts_are_counted() {
        for (text, shut) in [
            ("label x\nkernel mboot.c32\nappend /boot/xen.gz --- /live/vmlinuz a --- /i\n", 1),
            ("label x\ncom32 linux.c32\nappend /live/vmlinuz a\n", 1),
            ("label x\nkernel chain.c32\nappend hd0\n", 0),
            ("label x\nkernel memdisk\nappend initrd=/boot/dos.img\n", 0),
        ] {
            assert_eq!(alone(text).shut, shut, "{text}");
        }
    }

    #[test]
    fn kernels_are_told_from_what_else_an_entry_starts() {
        for (text, expected) in [
            (
                "label vmlinuz\ninitrd i\nappend quiet\n",
                "label vmlinuz\ninitrd i\nappend quiet @\n",
            ),
            ("label vmlinuz\n initrd i\n", "label vmlinuz\n initrd i\n  append @\n"),
            ("label a\nlinux k.img\nappend b\n", "label a\nlinux k.img\nappend b @\n"),
            ("label a\nkernel k.img\nappend b\n", "label a\nkernel k.img\nappend b\n"),
            ("label a\ncom32 x.c32\nappend b\n", "label a\ncom32 x.c32\nappend b\n"),
            (
                "label a\nmenu label More\nlabel b\nlocalboot 0\n",
                "label a\nmenu label More\nlabel b\nlocalboot 0\n",
            ),
            ("append initrd=i\nkernel k\n", "append initrd=i @\nkernel k\n"),
        ] {
            assert_eq!(marked(text), expected);
        }
    }
}
