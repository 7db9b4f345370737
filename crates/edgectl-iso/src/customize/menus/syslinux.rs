//! The language of ISOLINUX and SYSLINUX, as far as it takes to find the lines
//! with a kernel's arguments.

use super::Place;

/// What starts with these is no Linux kernel.
const OTHERS: [&str; 8] = [".c32", ".com", ".cbt", ".bs", ".bin", ".bss", ".0", ".img"];

/// What was read of one entry.
#[derive(Default)]
struct Entry {
    kernel: Option<String>,
    /// Where the kernel's line ends.
    kernel_end: usize,
    /// The arguments, and where they begin.
    arguments: Option<(usize, String)>,
}

/// Whether a text has words that no other loader knows.
pub(super) fn is_it(text: &[u8]) -> bool {
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    lines.map(parse).any(|(keyword, ..)| ["label", "append"].contains(&keyword.as_str()))
}

/// Where each entry that starts a kernel takes more arguments: in front of
/// `---`, or at the end of the line.
pub(super) fn places(text: &[u8]) -> Vec<Place> {
    let (mut places, mut entry) = (Vec::new(), Entry::default());
    let (mut is_menu, mut start) = (false, 0);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let (keyword, value, at) = parse(line);
        match keyword.as_str() {
            "label" => {
                places.extend(place(&std::mem::take(&mut entry), is_menu));
                is_menu = true;
            }
            "kernel" | "linux" => {
                entry.kernel_end = start + at + value.len();
                entry.kernel = Some(value);
            }
            "append" => entry.arguments = Some((start + at, value)),
            _ => {}
        }
        start += line.len();
    }
    places.extend(place(&entry, is_menu));
    places.sort_by_key(|place| place.at);
    places
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

fn place(entry: &Entry, is_entry: bool) -> Option<Place> {
    let kernel = entry.kernel.as_deref().unwrap_or_default().to_ascii_lowercase();
    let is_other = OTHERS.iter().any(|ending| kernel.ends_with(ending))
        || ["memtest", "memdisk", "ipxe"].iter().any(|name| kernel.contains(name));
    // A menu's own words, and entries that take them all, come without one.
    let is_kernel = entry.kernel.is_some()
        || entry.arguments.as_ref().is_some_and(|(_, a)| a.contains("initrd="));
    if is_other || !is_kernel {
        return None;
    }
    match &entry.arguments {
        Some((_, arguments)) if arguments == "-" => None,
        Some((at, arguments)) => Some(match dashes(arguments) {
            Some(dashes) => Place { at: at + dashes, before: "", after: " " },
            None => Place { at: at + arguments.len(), before: " ", after: "" },
        }),
        None if is_entry => Some(Place { at: entry.kernel_end, before: "\n  append ", after: "" }),
        None => None,
    }
}

fn dashes(arguments: &str) -> Option<usize> {
    let mut at = 0;
    for word in arguments.split(' ') {
        if word == "---" {
            return Some(at);
        }
        at += word.len() + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(text: &str) -> String {
        let mut marked = text.to_owned();
        for place in places(text.as_bytes()).iter().rev() {
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
        ] {
            assert_eq!(marked(text), expected);
        }
    }
}
