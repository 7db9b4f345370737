//! The language of ISOLINUX and SYSLINUX, as far as it takes to find the lines
//! with a kernel's arguments.

use super::{Lines, Place, nocloud};

/// What starts with these is no Linux kernel.
const OTHERS: [&str; 8] = [".c32", ".com", ".cbt", ".bs", ".bin", ".bss", ".0", ".img"];
/// What an entry says that takes no arguments, not even those of all.
const NONE: &str = "-";

/// What was read of one entry.
#[derive(Default)]
struct Entry {
    kernel: Option<String>,
    /// Where the kernel's line ends.
    kernel_end: usize,
    /// The arguments, and where they begin.
    arguments: Option<(usize, String)>,
}

/// What was read of a menu.
#[derive(Default)]
struct Config {
    /// What stands in front of all labels: its arguments are those of entries
    /// without any, and of no others.
    common: Entry,
    entries: Vec<Entry>,
    /// Whether it has more entries in other files.
    includes: bool,
}

/// Whether a text has words that no other loader knows.
pub(super) fn is_it(text: &[u8]) -> bool {
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    lines.map(parse).any(|(keyword, ..)| ["label", "append"].contains(&keyword.as_str()))
}

/// Whether entries without arguments, in files that this one includes, take
/// its own.
pub(super) fn shares(text: &[u8]) -> bool {
    let config = read(text);
    config.includes && config.common.gives()
}

/// Where each entry that starts a kernel takes more arguments: in front of
/// `---`, or at the end of the line. `are_shared` says whether another file may
/// have arguments for the entries of this one.
pub(super) fn lines(text: &[u8], are_shared: bool) -> Lines {
    let config = read(text);
    let gives = config.common.gives();
    let mut lines = Lines::default();
    let is_used = config.includes || config.entries.iter().any(Entry::takes_common);
    if gives && (is_used || config.common.is_kernel()) {
        lines.places.extend(config.common.place());
    }
    for entry in config.entries.iter().filter(|entry| entry.is_kernel()) {
        match entry.place() {
            Some(place) => lines.places.push(place),
            // Its own line would take the place of those arguments.
            None if gives && entry.takes_common() => {}
            None if are_shared || !entry.takes_common() => lines.shut += 1,
            None => {
                let (at, before) = (entry.kernel_end, "\n  append ");
                lines.places.push(Place { at, before, ..Place::default() });
            }
        }
    }
    lines
}

fn read(text: &[u8]) -> Config {
    let (mut config, mut start, mut is_help) = (Config::default(), 0, false);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let (keyword, value, at) = parse(line);
        let entry = config.entries.last_mut().unwrap_or(&mut config.common);
        match keyword.as_str() {
            "endtext" => is_help = false,
            _ if is_help => {}
            "text" => is_help = true,
            "include" => config.includes = true,
            "menu" if value.to_ascii_lowercase().starts_with("include") => config.includes = true,
            "label" => config.entries.push(Entry::default()),
            "kernel" | "linux" => {
                entry.kernel_end = start + at + value.len();
                entry.kernel = Some(value);
            }
            "append" => entry.arguments = Some((start + at, value)),
            _ => {}
        }
        start += line.len();
    }
    config
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
        let kernel = self.kernel.as_deref().unwrap_or_default().to_ascii_lowercase();
        let is_other = OTHERS.iter().any(|ending| kernel.ends_with(ending))
            || ["memtest", "memdisk", "ipxe"].iter().any(|name| kernel.contains(name));
        // A menu's own words, and entries that take them all, come without one.
        let names_initrd = || self.arguments.as_ref().is_some_and(|(_, a)| a.contains("initrd="));
        !is_other && (self.kernel.is_some() || names_initrd())
    }

    /// Whether it has arguments that others may take.
    fn gives(&self) -> bool {
        self.arguments.as_ref().is_some_and(|(_, arguments)| arguments != NONE)
    }

    /// Whether it takes the arguments in front of all labels.
    fn takes_common(&self) -> bool {
        self.arguments.is_none() && self.is_kernel()
    }

    fn place(&self) -> Option<Place> {
        let (at, arguments) = self.arguments.as_ref().filter(|(_, text)| text != NONE)?;
        let nocloud = arguments.split_whitespace().find(|word| nocloud::is_it(word));
        let nocloud = nocloud.map(str::to_owned);
        Some(match dashes(arguments) {
            Some(dashes) => Place { at: at + dashes, before: "", after: " ", nocloud },
            None => Place { at: at + arguments.len(), before: " ", after: "", nocloud },
        })
    }
}

fn dashes(arguments: &str) -> Option<usize> {
    let is_space = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_whitespace);
    let bytes = arguments.as_bytes();
    let is_word = |at: &usize| {
        let front = at.checked_sub(1).and_then(|at| bytes.get(at));
        is_space(front) && is_space(bytes.get(at + 3))
    };
    arguments.match_indices("---").map(|(at, _)| at).find(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(text: &str) -> String {
        let mut marked = text.to_owned();
        let mut places = lines(text.as_bytes(), false).places;
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
        // Those of the file that includes this one.
        let front = b"append initrd=i\ninclude more.cfg\n";
        assert!(shares(front) && !shares(b"include more.cfg\n"));
        assert_eq!(lines(front, true).places.len(), 1);
        let more = lines(b"label a\nkernel k\n", true);
        assert_eq!((more.places.len(), more.shut), (0, 1));
        assert_eq!(lines(b"append x\nlabel a\nkernel k\nappend -\n", false).shut, 1);
    }
}
