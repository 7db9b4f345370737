//! Files that include each other: what ISOLINUX makes of them is what it would
//! make of one file.

use std::collections::{BTreeMap, BTreeSet};

use super::{Arguments, At, Entry, KINDS, Lines, Place, included, parse, split};

/// Files in each other; ISOLINUX itself has no more.
const DEPTH: usize = 16;
/// Lines of all menus, however often they are included.
const LINES: usize = 1_000_000;

/// A file in this language.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Source<'a> {
    /// Its path, without a slash in front.
    pub(in super::super) path: &'a str,
    pub(in super::super) text: &'a [u8],
}

/// Where each entry of these files that starts a kernel takes more arguments,
/// file by file.
pub(in super::super) fn lines(files: &[Source<'_>]) -> Vec<Lines> {
    let names: Vec<String> = files.iter().map(|file| file.path.to_ascii_lowercase()).collect();
    let mut reader = Reader { files, names, seen: vec![false; files.len()], ..Reader::default() };
    for root in reader.roots() {
        reader.start(root);
    }
    // Those that include each other in a circle.
    for file in 0..files.len() {
        if !reader.seen[file] {
            reader.start(file);
        }
    }
    let mut lines = reader.found.lines(files.len());
    // What wasn't read isn't told of anything.
    lines.iter_mut().for_each(|lines| lines.shut += usize::from(reader.is_cut));
    lines
}

/// Reads files as they include each other.
#[derive(Default)]
struct Reader<'a> {
    files: &'a [Source<'a>],
    /// Their paths in small letters: ISO 9660 has no others.
    names: Vec<String>,
    seen: Vec<bool>,
    /// The files that are open, one included by the other.
    open_files: Vec<usize>,
    read: usize,
    is_cut: bool,
    is_help: bool,
    common: Option<Arguments>,
    /// Whether a kernel stands in front of all labels.
    has_kernel: bool,
    open: Option<Entry>,
    found: Found,
}

impl Reader<'_> {
    /// Files that the loader may begin with: those that no other one includes.
    fn roots(&self) -> Vec<usize> {
        let mut included_ones = BTreeSet::new();
        for (number, file) in self.files.iter().enumerate() {
            let lines = file.text.split_inclusive(|byte| *byte == b'\n').map(parse);
            let names = lines.filter_map(|(keyword, value, _)| included(&keyword, &value));
            included_ones.extend(names.filter_map(|(name, _)| self.resolve(&name, number, number)));
        }
        (0..self.files.len()).filter(|number| !included_ones.contains(number)).collect()
    }

    /// Names are counted from the directory of the first file. Where that
    /// leads nowhere, any file of that name is taken for it: to hold two files
    /// for one menu is the safe side.
    fn resolve(&self, name: &str, root: usize, by: usize) -> Option<usize> {
        let name = name.to_ascii_lowercase();
        let beside = |file: usize| {
            let directory = self.names[file].rsplit_once('/').map_or("", |(front, _)| front);
            format!("{directory}/{name}")
        };
        let last = name.rsplit_once('/').map_or(name.as_str(), |(_, last)| last);
        let is_at = |path: &str| {
            let path = path.trim_start_matches('/');
            self.names.iter().position(|known| known == path)
        };
        let is_named =
            |known: &String| known.rsplit_once('/').map_or(known.as_str(), |(_, l)| l) == last;
        is_at(&beside(root))
            .or_else(|| is_at(&name))
            .or_else(|| is_at(&beside(by)))
            .or_else(|| self.names.iter().position(is_named).filter(|found| *found != by))
    }

    fn start(&mut self, file: usize) {
        (self.common, self.has_kernel, self.is_help) = (None, false, false);
        self.file(file);
        self.close();
        // Without labels the arguments of all are those of the kernel in front.
        let is_used = |common: &Arguments| self.has_kernel || common.names_initrd();
        if let Some(common) = self.common.take().filter(is_used) {
            self.found.places.extend(common.place().map(|place| ((common.at.0, place.at), place)));
        }
    }

    fn file(&mut self, file: usize) {
        if self.open_files.contains(&file) {
            return;
        }
        self.open_files.push(file);
        self.seen[file] = true;
        self.is_cut |= self.open_files.len() > DEPTH;
        self.lines(file);
        self.open_files.pop();
    }

    fn lines(&mut self, file: usize) {
        let (files, mut start) = (self.files, 0);
        for line in files[file].text.split_inclusive(|byte| *byte == b'\n') {
            self.read += 1;
            self.is_cut |= self.read > LINES;
            if self.is_cut {
                return;
            }
            let (keyword, value, at) = parse(line);
            let at = (file, start + at);
            start += line.len();
            match (keyword.as_str(), included(&keyword, &value)) {
                ("endtext", _) => self.is_help = false,
                _ if self.is_help => {}
                ("text", _) => self.is_help = true,
                (_, Some((name, is_menu))) => {
                    if is_menu {
                        self.close();
                    }
                    let root = self.open_files.first().copied().unwrap_or(file);
                    if let Some(other) = self.resolve(&name, root, file) {
                        self.file(other);
                    }
                    if is_menu {
                        self.close();
                    }
                }
                (keyword, None) => self.line(keyword, value, at),
            }
        }
    }

    fn line(&mut self, keyword: &str, value: String, at: At) {
        let end = (at.0, at.1 + value.len());
        match (keyword, &mut self.open) {
            ("label", _) => {
                self.close();
                self.open = Some(Entry { label: value, end, ..Entry::default() });
            }
            ("menu", Some(entry)) => match split(&value).0.to_ascii_lowercase().as_str() {
                // A separator stands between entries.
                "begin" | "end" | "separator" => self.close(),
                "exit" | "goto" | "quit" => entry.is_other = true,
                _ => {}
            },
            ("append", Some(entry)) => entry.own = Some(Arguments { at, text: value }),
            ("append", None) => self.common = Some(Arguments { at, text: value }),
            ("kernel" | "linux", Some(entry)) => {
                (entry.kernel, entry.end) = (Some((value, keyword == "linux")), end);
            }
            ("kernel" | "linux", None) => self.has_kernel = true,
            ("initrd", Some(entry)) => (entry.has_initrd, entry.end) = (true, end),
            (keyword, Some(entry)) => entry.is_other |= KINDS.contains(&keyword),
            _ => {}
        }
    }

    /// Takes in the entry that was read.
    fn close(&mut self) {
        if let Some(entry) = self.open.take() {
            let entry = Entry { common: self.common.clone(), ..entry };
            if entry.is_kernel() {
                self.found.take(&entry);
            } else if entry.names_kernel() {
                self.found.shut.insert(entry.end);
            }
        }
    }
}

/// What was found in all files. A file may be included more than once.
#[derive(Debug, Default)]
struct Found {
    places: BTreeMap<At, Place>,
    /// Entries without any arguments.
    bare: BTreeSet<At>,
    /// Those that take what stands in front of all labels.
    told: BTreeSet<At>,
    shut: BTreeSet<At>,
}

impl Found {
    fn take(&mut self, entry: &Entry) {
        let Some(arguments) = entry.arguments() else {
            self.bare.insert(entry.end);
            return;
        };
        if entry.own.is_none() {
            self.told.insert(entry.end);
        }
        match arguments.place() {
            Some(place) => {
                self.places.insert((arguments.at.0, place.at), place);
            }
            None => {
                self.shut.insert(entry.end);
            }
        }
    }

    /// File by file.
    fn lines(mut self, files: usize) -> Vec<Lines> {
        for at in self.bare {
            // A line of its own would take the place of those arguments.
            match self.told.contains(&at) {
                true => {
                    self.shut.insert(at);
                }
                false => {
                    let place = Place { at: at.1, before: "\n  append ", ..Place::default() };
                    self.places.insert(at, place);
                }
            }
        }
        let mut lines: Vec<Lines> = (0..files).map(|_| Lines::default()).collect();
        for ((file, _), place) in self.places {
            lines[file].places.push(place);
        }
        for (file, _) in self.shut {
            lines[file].shut += 1;
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts with `@` where there is room, and entries that have none.
    fn marked(files: &[(&str, &str)]) -> (Vec<String>, usize) {
        let sources: Vec<Source<'_>> =
            files.iter().map(|(path, text)| Source { path, text: text.as_bytes() }).collect();
        let found = lines(&sources);
        let mark = |((_, text), lines): (&(&str, &str), &Lines)| {
            let mut marked = (*text).to_owned();
            for place in lines.places.iter().rev() {
                marked.insert_str(place.at, &format!("{}@{}", place.before, place.after));
            }
            marked
        };
        let texts = files.iter().zip(&found).map(mark).collect();
        (texts, found.iter().map(|lines| lines.shut).sum())
    }

    #[test]
    fn arguments_in_front_are_those_of_all_files() {
        let bare = "label a\nkernel k\n";
        let (texts, shut) = marked(&[
            ("isolinux/isolinux.cfg", "include stdmenu.cfg\nmenu include /ISOLINUX/live.cfg\n"),
            ("isolinux/live.cfg", bare),
            ("isolinux/stdmenu.cfg", "append initrd=i boot=live\n"),
        ]);
        assert_eq!((texts[1].as_str(), shut), (bare, 0));
        assert_eq!(texts[2], "append initrd=i boot=live @\n");
        // Named without its own directory, and without an initrd of its own.
        let (texts, shut) = marked(&[
            ("a/b/common.cfg", "append boot=live"),
            ("a/isolinux.cfg", "include x/common.cfg\nlabel a\nlinux k\ninitrd i\n"),
        ]);
        assert_eq!((texts[0].as_str(), shut), ("append boot=live @", 0));
        assert_eq!(texts[1], "include x/common.cfg\nlabel a\nlinux k\ninitrd i\n");
    }

    #[test]
    fn what_comes_behind_an_entry_is_its_own() {
        let (texts, shut) =
            marked(&[("a.cfg", "include b.cfg\nappend x\n"), ("b.cfg", "label a\nkernel k\n")]);
        assert_eq!((texts[0].as_str(), shut), ("include b.cfg\nappend x @\n", 0));
        assert_eq!(texts[1], "label a\nkernel k\n");
        let text = "label a\nkernel k\nmenu begin\nappend x\nlabel b\nkernel l\nmenu end\n";
        let (texts, _) = marked(&[("a.cfg", text)]);
        let expected =
            "label a\nkernel k\n  append @\nmenu begin\nappend x @\nlabel b\nkernel l\nmenu end\n";
        assert_eq!(texts[0], expected);
    }

    /// As lorax writes it: the entry above a separator is as good as all others.
    #[test]
    fn separators_end_an_entry() {
        let text = "label check\n  menu default\n  kernel vmlinuz\n  append initrd=i quiet\n\nmenu separator # insert\n\nmenu begin ^More\n  label basic\n    kernel vmlinuz\n    append initrd=i nomodeset\n  menu separator\n  label returntomain\n    menu label ^Back\n    menu exit\n  menu end\nlabel off\n  menu disabled\n  kernel k\n  append x\n";
        let (texts, shut) = marked(&[("isolinux.cfg", text)]);
        let expected = ["quiet", "nomodeset", "x"].iter().fold(text.to_owned(), |text, word| {
            text.replace(&format!(" {word}\n"), &format!(" {word} @\n"))
        });
        assert_eq!((texts[0].as_str(), shut), (expected.as_str(), 0));
    }

    /// What is right for one of two menus is wrong for the other.
    #[test]
    fn entries_of_two_menus_stay_shut_where_these_differ() {
        let (texts, shut) = marked(&[
            ("a.cfg", "append initrd=i\ninclude c.cfg\n"),
            ("b.cfg", "include c.cfg\n"),
            ("c.cfg", "label a\nkernel k\n"),
        ]);
        assert_eq!((texts[2].as_str(), shut), ("label a\nkernel k\n", 1));
        assert_eq!(texts[0], "append initrd=i @\ninclude c.cfg\n");
    }

    #[test]
    fn circles_end() {
        let (texts, _) = marked(&[
            ("a.cfg", "include b.cfg\nlabel a\nkernel k\nappend x\n"),
            ("b.cfg", "include a.cfg\n"),
        ]);
        assert_eq!(texts[0], "include b.cfg\nlabel a\nkernel k\nappend x @\n");
    }
}
