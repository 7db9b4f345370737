//! What a template gives values to: a condition asks something else once what it
//! names was given another value. In doubt it was.

use std::collections::{BTreeMap, BTreeSet};

use crate::jinja::{inside, set_to, word};

/// Methods that change what they belong to, or give something else each time.
const CHANGING: [&str; 14] = [
    "add",
    "append",
    "clear",
    "discard",
    "extend",
    "insert",
    "next",
    "pop",
    "popitem",
    "remove",
    "reverse",
    "setdefault",
    "sort",
    "update",
];
/// Functions that do neither.
const PURE: [&str; 3] = ["dict", "namespace", "range"];
/// Words that are no names.
const KEYWORDS: [&str; 15] = [
    "and",
    "or",
    "not",
    "in",
    "is",
    "if",
    "else",
    "true",
    "false",
    "none",
    "True",
    "False",
    "None",
    "recursive",
    "scoped",
];

/// The names of a template while its statements are read.
#[derive(Default)]
pub(super) struct Names {
    /// How each was given its value last; none has the one of the host.
    versions: BTreeMap<String, usize>,
    last: usize,
    /// What stands for values that only some text tells apart.
    known: BTreeMap<String, usize>,
    /// Names in one statement, which may come to be the same thing, are of one group.
    groups: BTreeMap<String, usize>,
}

/// Names that may come to be the same thing.
#[derive(Default)]
struct Groups {
    of: BTreeMap<String, usize>,
    members: Vec<Vec<String>>,
}

impl Groups {
    fn join(&mut self, names: Vec<String>) {
        let known: BTreeSet<usize> =
            names.iter().filter_map(|name| self.of.get(name)).copied().collect();
        let largest = known.iter().copied().max_by_key(|group| self.members[*group].len());
        let own = largest.unwrap_or_else(|| {
            self.members.push(Vec::new());
            self.members.len() - 1
        });
        let others = known.into_iter().filter(|group| *group != own);
        let moved: Vec<String> =
            others.flat_map(|group| std::mem::take(&mut self.members[group])).collect();
        for name in names.into_iter().chain(moved) {
            if self.of.insert(name.clone(), own) != Some(own) {
                self.members[own].push(name);
            }
        }
    }
}

/// What names had before.
pub(super) struct Before(Vec<(String, Option<usize>, usize)>);

impl Names {
    /// With what the statements of a template make the same.
    pub(super) fn of<'a>(statements: impl Iterator<Item = &'a str>) -> Self {
        let linking = statements.filter(|whole| matches!(word(whole), "set" | "for" | "with"));
        let mut groups = Groups::default();
        linking.for_each(|whole| groups.join(roots(behind(whole))));
        Self { groups: groups.of, ..Self::default() }
    }

    /// Counts what a statement or an expression does to names.
    pub(super) fn read(&mut self, whole: &str) {
        self.changed_by(whole).into_iter().for_each(|name| self.set(name));
    }

    /// Counts what `names` are given.
    pub(super) fn set(&mut self, name: String) {
        self.last += 1;
        self.versions.insert(name, self.last);
    }

    /// Names that a statement or an expression gives something, or changes.
    pub(super) fn changed_by(&self, whole: &str) -> Vec<String> {
        let behind = behind(whole);
        let mut names = Vec::new();
        let is_set = word(whole) == "set";
        let (target, value) = match set_to(behind).filter(|_| is_set) {
            Some((target, value)) => (target, value),
            None if is_set => (behind, ""),
            None => ("", behind),
        };
        names.extend(roots(target));
        if target.contains('.') {
            names.extend(self.same_as(roots(target)));
        }
        if word(whole) == "do" || is_changing(value) {
            names.extend(self.same_as(roots(value)));
        }
        names
    }

    /// These, and what stands for all that may be the same thing as one of them.
    fn same_as(&self, names: Vec<String>) -> Vec<String> {
        let groups: BTreeSet<String> = names.iter().filter_map(|name| self.group(name)).collect();
        names.into_iter().chain(groups).collect()
    }

    /// What stands for all that may be the same thing as a name: no name has a `=`.
    fn group(&self, name: &str) -> Option<String> {
        Some(format!("={}", self.groups.get(name)?))
    }

    /// The names in a text, with what stands for those that may be the same things.
    pub(super) fn named(&self, text: &str) -> Vec<String> {
        self.same_as(roots(text))
    }

    /// Gives names other values to the end of what a statement is around: the same
    /// ones wherever `of` is the same.
    pub(super) fn bind(&mut self, names: &[String], of: Option<&str>) -> Before {
        let version = match of.map(|of| (of, self.known.get(of))) {
            Some((_, Some(known))) => *known,
            _ => self.last + 1,
        };
        self.last = self.last.max(version);
        self.known.extend(of.map(|of| (of.to_owned(), version)));
        let bind = |name: &String| {
            let before = self.versions.insert(name.clone(), version);
            (name.clone(), before, version)
        };
        Before(names.iter().map(bind).collect())
    }

    /// Behind that end. What was changed between stays so.
    pub(super) fn unbind(&mut self, before: Before) {
        for (name, was, version) in before.0.into_iter().rev() {
            match was {
                _ if self.versions.get(&name) != Some(&version) => self.set(name),
                Some(was) => _ = self.versions.insert(name, was),
                None => _ = self.versions.remove(&name),
            }
        }
    }

    /// A text that tells what `asked` has from what the same has elsewhere.
    pub(super) fn version(&self, asked: &str) -> String {
        let names: BTreeSet<String> = self.named(asked).into_iter().collect();
        let version = |name: &String| Some(format!(" {name}{}", self.versions.get(name)?));
        names.iter().filter_map(version).collect()
    }
}

/// What stands behind the name of a statement, or in an expression.
fn behind(whole: &str) -> &str {
    let inside = inside(whole);
    inside.strip_prefix(word(whole)).unwrap_or(inside)
}

/// The names at the beginning of paths such as `a.b`, quotes left aside.
pub(super) fn roots(text: &str) -> Vec<String> {
    let is_name = |piece: &&(char, &str)| {
        piece.0 != '.'
            && piece.1.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && !KEYWORDS.contains(&piece.1)
    };
    pieces(text).iter().filter(is_name).map(|(_, name)| (*name).to_owned()).collect()
}

/// Whether a text may give something else when it is read once more.
fn is_changing(text: &str) -> bool {
    let pieces = pieces(text);
    let name = |at: Option<usize>| at.and_then(|at| pieces.get(at)).map_or("", |piece| piece.1);
    pieces.iter().enumerate().any(|(at, (before, piece))| {
        let is_called = name(at.checked_add(1)) == "(";
        let is_test = name(at.checked_sub(1)) == "is" || name(at.checked_sub(2)) == "is";
        match before {
            '.' => is_called && CHANGING.contains(piece),
            '|' => *piece == "random",
            _ => {
                is_called
                    && !is_test
                    && piece.starts_with(|c: char| c.is_alphabetic() || c == '_')
                    && !KEYWORDS.contains(piece)
                    && !PURE.contains(piece)
            }
        }
    })
}

/// Names and brackets that open, each with the sign before it.
fn pieces(text: &str) -> Vec<(char, &str)> {
    let (mut pieces, mut quote, mut is_escaped) = (Vec::new(), None, false);
    let (mut before, mut start) = (' ', None);
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        let is_text = quote.is_some();
        match quote {
            Some(_) if is_escaped => is_escaped = false,
            Some(_) if c == '\\' => is_escaped = true,
            Some(open) if open == c => quote = None,
            None if matches!(c, '"' | '\'') => quote = Some(c),
            _ => {}
        }
        if !is_text && (c.is_alphanumeric() || c == '_') {
            start.get_or_insert(at);
            continue;
        }
        if let Some(start) = start.take() {
            pieces.push((before, &text[start..at]));
            before = 'a';
        }
        if !is_text && !c.is_whitespace() {
            if c == '(' {
                pieces.push((before, "("));
            }
            before = c;
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_something_is_told() {
        for (whole, changed) in [
            ("{% set a = b %}", vec!["a"]),
            ("{% set (a, b) = c.d, 1 %}", vec!["a", "b"]),
            ("{%- set ns.x = 'y.z' -%}", vec!["ns", "ns"]),
            ("{% do a.append(\"b\") %}", vec!["a"]),
            ("{{ a.b.append(c) }}", vec!["a", "c"]),
            ("{% if a.pop() %}", vec!["a"]),
            ("{% if m(a) %}", vec!["m", "a"]),
            ("{{ [a] | random }}", vec!["a", "random"]),
            ("{{ a.split('.') | join(b) }}", vec![]),
            ("{% if a is not divisibleby(3) and (b) %}", vec![]),
            ("{% for a in range(3) %}", vec![]),
        ] {
            assert_eq!(Names::default().changed_by(whole), changed, "{whole}");
        }
    }

    #[test]
    fn what_is_the_same_changes_with_it() {
        let mut names = Names::of(["{% set b = a %}", "{% for c in b %}"].into_iter());
        let other = names.version("d.c");
        names.read("{% do c.append(1) %}");
        assert_ne!(names.version("a.x"), "");
        assert_eq!(names.version("d.c"), other);
        let before = names.bind(&["d".to_owned()], None);
        assert_ne!(names.version("d"), "");
        names.unbind(before);
        assert_eq!(names.version("d"), "");
        let before = names.bind(&["d".to_owned()], None);
        names.read("{% do d.append(1) %}");
        names.unbind(before);
        assert_ne!(names.version("d"), "");
    }
}
