//! The language of `grub.cfg`, as far as it takes to find the commands that
//! load a kernel.

use super::programs::{is_kernel, is_program};
use super::{Lines, Place, nocloud};

/// A word, by its place.
#[derive(Debug, Clone, Copy)]
struct Word {
    start: usize,
    end: usize,
}

/// What starts with these has no kernel to start, whatever it names.
const HARMLESS: [&[u8]; 42] = [
    b"echo",
    b"set",
    b"unset",
    b"export",
    b"[",
    b"test",
    b"menuentry",
    b"submenu",
    b"insmod",
    b"initrd",
    b"initrd16",
    b"initrdefi",
    b"search",
    b"search.file",
    b"search.fs_label",
    b"search.fs_uuid",
    b"loopback",
    b"cat",
    b"ls",
    b"for",
    b"configfile",
    b"source",
    b"function",
    b"verify_detached",
    b"hashsum",
    b"hiddenentry",
    b"file",
    b"cmp",
    b"probe",
    b"regexp",
    b"print",
    b"true",
    b"kfreebsd",
    b"kfreebsd_loadenv",
    b"kfreebsd_module",
    b"kfreebsd_module_elf",
    b"kopenbsd",
    b"kopenbsd_ramdisk",
    b"knetbsd",
    b"knetbsd_module",
    b"xnu_kernel",
    b"xnu_kernel64",
];
/// What ends the kernel's own arguments: installers of Debian and Ubuntu say the one, older
/// ones the other, behind which the kernel itself reads nothing.
const ENDS: [&[u8]; 2] = [b"---", b"--"];

/// Where each command that loads a kernel takes more arguments: in front of
/// what ends them, or at its end. Whatever else seems to load one takes none.
pub(super) fn lines(text: &[u8]) -> Lines {
    let mut lines = Lines::default();
    each(text, &mut |words| match place(text, words) {
        Some(place) => lines.places.push(place),
        None => lines.shut += usize::from(is_strange(text, words)),
    });
    lines
}

/// Words of a text that stand in commands.
pub(super) fn words(text: &[u8], take: &mut dyn FnMut(usize, usize)) {
    each(text, &mut |words| words.iter().for_each(|word| take(word.start, word.end)));
}

/// Each command by its words.
fn each(text: &[u8], take: &mut dyn FnMut(&[Word])) {
    let (mut words, mut at) = (Vec::<Word>::new(), 0);
    let mut end_command = |words: &mut Vec<Word>| {
        take(words);
        words.clear();
    };
    while let Some(byte) = text.get(at) {
        match byte {
            b' ' | b'\t' | b'\r' => at += 1,
            b'\\' if is_line_end(text, at + 1) => at += 2,
            b'\\' if text.get(at + 1) == Some(&b'\r') && is_line_end(text, at + 2) => at += 3,
            b'\n' | b';' | b'|' | b'&' => {
                end_command(&mut words);
                at += 1;
            }
            b'#' => at = line_end(text, at),
            _ => {
                let end = word_end(text, at);
                match text.get(at..end) {
                    Some(b"{" | b"}") => end_command(&mut words),
                    Some(word) if words.is_empty() && is_reserved(word) => {}
                    _ => words.push(Word { start: at, end }),
                }
                at = end;
            }
        }
    }
    end_command(&mut words);
}

fn place(text: &[u8], words: &[Word]) -> Option<Place> {
    let word = |at: usize| words.get(at).and_then(|word| text.get(word.start..word.end));
    let (command, kernel) = (word(0)?, word(1)?);
    let trimmed: Vec<u8> = command.iter().filter(|b| !b"${}\"'".contains(b)).copied().collect();
    let loads = [&b"linux"[..], b"linux16", b"linuxefi", b"linux_cmd"];
    if !loads.contains(&&trimmed[..]) || is_program(&plain(kernel)) {
        return None;
    }
    let behind = || words.iter().skip(2);
    let nocloud = behind().filter_map(|word| text.get(word.start..word.end)).map(plain);
    let nocloud = nocloud.into_iter().find(|word| nocloud::is_it(word));
    let is_end = |word: &&Word| text.get(word.start..word.end).is_some_and(|it| ENDS.contains(&it));
    match behind().find(is_end) {
        Some(word) => Some(Place { at: word.start, before: "", after: " ", nocloud }),
        None => Some(Place { at: words.last()?.end, before: " ", after: "", nocloud }),
    }
}

/// Whether a command names a kernel and is none of those that are known: other
/// loaders', or in a variable.
fn is_strange(text: &[u8], words: &[Word]) -> bool {
    let mut words = words.iter().filter_map(|word| text.get(word.start..word.end));
    let Some(command) = words.next() else { return false };
    if command == b"eval" {
        // Commands in a text, or in a variable.
        return words.any(|word| {
            let text = plain(word);
            ["linux", "menuentry", "$"].iter().any(|part| text.contains(part))
        });
    }
    let is_known = HARMLESS.contains(&command) || command.contains(&b'=');
    !is_known && words.map(plain).any(|word| is_kernel(&word))
}

/// A word without what quotes it.
fn plain(word: &[u8]) -> String {
    let kept: Vec<u8> = word.iter().copied().filter(|byte| !b"\\\"'".contains(byte)).collect();
    String::from_utf8_lossy(&kept).into_owned()
}

/// Words that a command can follow on the same line.
fn is_reserved(word: &[u8]) -> bool {
    let words = [&b"if"[..], b"then", b"else", b"elif", b"do", b"while", b"until", b"!"];
    words.contains(&word)
}

fn is_line_end(text: &[u8], at: usize) -> bool {
    text.get(at) == Some(&b'\n')
}

fn line_end(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    rest.iter().position(|byte| *byte == b'\n').map_or(text.len(), |length| from + length)
}

/// Where a word ends: quotes and backslashes keep it together.
fn word_end(text: &[u8], start: usize) -> usize {
    let (mut at, mut quote) = (start, None);
    while let Some(byte) = text.get(at) {
        match (quote, byte) {
            (None, b'\\') if is_line_end(text, at + 1) => return at,
            (None | Some(b'"'), b'\\') => at += 1,
            (None, b' ' | b'\t' | b'\r' | b'\n' | b';' | b'|' | b'&') => return at,
            (None, b'"' | b'\'') => quote = Some(*byte),
            (Some(open), byte) if open == *byte => quote = None,
            _ => {}
        }
        at += 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text with `@` where there is room.
    fn marked(text: &str) -> String {
        let mut marked = text.to_owned();
        for place in lines(text.as_bytes()).places.iter().rev() {
            marked.insert_str(place.at, &format!("{}@{}", place.before, place.after));
        }
        marked
    }

    #[test]
    fn kernels_are_found_however_they_are_written() {
        for (text, expected) in [
            ("linux /k a b\ninitrd /i\n", "linux /k a b @\ninitrd /i\n"),
            ("linux /k a --- quiet\n", "linux /k a @ --- quiet\n"),
            ("linux /k a -- quiet ---\n", "linux /k a @ -- quiet ---\n"),
            ("linux16 /boot/netboot.xyz.lkrn\n", "linux16 /boot/netboot.xyz.lkrn\n"),
            ("linuxefi /k\r\ninitrd x\r\n", "linuxefi /k @\r\ninitrd x\r\n"),
            (
                "menuentry 'a b' { linux /k x; initrd /i; }",
                "menuentry 'a b' { linux /k x @; initrd /i; }",
            ),
            ("\t$linux ($root)/k ${args} # why\n", "\t$linux ($root)/k ${args} @ # why\n"),
            ("linux /k a\\;b 'c # d' \\\n  e\n", "linux /k a\\;b 'c # d' \\\n  e @\n"),
            ("if [ a = b ]; then linux16 /k; fi", "if [ a = b ]; then linux16 /k @; fi"),
            ("\"linux\" /k", "\"linux\" /k @"),
            ("linux16 /boot/memtest86+\n", "linux16 /boot/memtest86+\n"),
            ("# linux /k\nset x=linux\nlinux\n", "# linux /k\nset x=linux\nlinux\n"),
            ("echo linux /k\n", "echo linux /k\n"),
        ] {
            assert_eq!(marked(text), expected);
        }
    }

    /// What isn't understood isn't passed over.
    #[test]
    fn other_ways_to_start_a_kernel_are_counted() {
        for (text, shut) in [
            ("multiboot2 /live/xen.gz\nmodule2 /live/vmlinuz a\nmodule2 /live/initrd\n", 1),
            ("${linux_cmd2} /live/vmlinuz a\n", 1),
            ("start_it \"($root)/boot/bzImage\" quiet\n", 1),
            ("if [ -f /live/vmlinuz ]; then set k=/live/vmlinuz; fi\n", 0),
            ("search --file /live/vmlinuz\nmenuentry \"a /vmlinuz\" { linux /vmlinuz }\n", 0),
            ("if file --is-x86-linux /live/vmlinuz; then true; fi\n", 0),
            ("kfreebsd /boot/kernel/kernel\nhiddenentry 'a /vmlinuz' { halt }\n", 0),
            ("eval \"\nmenuentry 'a' {\n linux /live/vmlinuz\n}\n\"\n", 1),
            ("set cmd=\"linux $k\"; eval $cmd\n", 1),
            ("eval \"set a=b\"\n", 0),
            ("chainloader /EFI/BOOT/grubx64.efi\nlinux16 /boot/memtest86\n", 0),
        ] {
            assert_eq!(lines(text.as_bytes()).shut, shut, "{text}");
        }
    }

    #[test]
    fn broken_texts_end() {
        for text in ["linux '", "linux \\", "\"", "linux /k \\", "{", "linux /k \"a\\"] {
            lines(text.as_bytes());
        }
    }
}
