//! Rule `line`: images in templates, scripts and whatever else is no tree.

use std::collections::HashSet;

use edgectl_model::Tier;

use super::names::{Says, says};
use super::pieces;
use super::plausible::{Look, is_template, look};
use super::table::{LINE, REFERENCE, Rule};
use super::walk::Walk;
use crate::collect::{Book, Scope};
use crate::mask::unmask;

/// Searches the text of a scope.
pub(crate) fn look_at_text(book: &mut Book, scope: &Scope<'_>) {
    let mut walk = Walk::new(book, scope.inside(scope.layer, scope.base.clone()));
    walk.ceiling = Tier::Likely;
    look_at(&mut walk, scope.layer.text, REFERENCE);
}

/// Searches a text line by line, comments left out; full references that
/// nothing speaks for are taken by the rule `other`.
pub(crate) fn look_at(walk: &mut Walk<'_, '_>, text: &str, other: Rule) {
    let mut scan = Scan { walk, other, taken: HashSet::new() };
    for (line, number) in text.lines().zip(1..) {
        let content = line.trim_start();
        let is_comment = content.starts_with('#') || content.starts_with("//");
        if !is_comment {
            Line { number, text: line }.look_at(&mut scan);
        }
    }
}

/// A search through the lines of a text.
struct Scan<'a, 'w, 's, 't> {
    walk: &'a mut Walk<'w, 's>,
    other: Rule,
    /// A line tells little of what a reference is for: the first place will do.
    taken: HashSet<(&'t str, &'static str)>,
}

struct Line<'t> {
    number: u64,
    text: &'t str,
}

impl<'t> Line<'t> {
    fn look_at(&self, scan: &mut Scan<'_, '_, '_, 't>) {
        // What the word before says, and what the name says that waits for a
        // value.
        let (mut before, mut asked) = (None, None);
        for (index, word) in self.words().enumerate() {
            if matches!(word, ":" | "=" | ":=") {
                asked = before.take();
                continue;
            }
            let name = word.trim_end_matches([':', '=']);
            if name.len() < word.len() {
                asked = says(name).map(|said| (said, index < 2));
                continue;
            }
            let said = asked.take();
            match word.split_once('=') {
                Some((name, value)) => self.setting(scan, name, value, index < 2),
                None => self.value(scan, word, said),
            }
            before = says(word).map(|said| (said, index < 2));
            if word.starts_with('-') {
                asked = before.map(|(said, _)| (said, false));
            }
        }
    }

    /// The words of the line; quotes and brackets stand between them.
    fn words(&self) -> impl Iterator<Item = &'t str> {
        let is_between = |c: char| c.is_whitespace() || "\"'`,;()[]{}<>|\\".contains(c);
        self.text.split(is_between).filter(|word| !word.is_empty() && *word != "-")
    }

    /// `name=value`, perhaps `--set=name=value`.
    fn setting(&self, scan: &mut Scan<'_, '_, '_, 't>, name: &str, value: &'t str, is_first: bool) {
        let said = says(name).map(|said| (said, is_first));
        match value.split_once('=') {
            Some((name, value)) if said.is_none() => {
                self.value(scan, value, says(name).map(|said| (said, false)));
            }
            _ => self.value(scan, value, said),
        }
    }

    fn value(&self, scan: &mut Scan<'_, '_, '_, 't>, word: &'t str, said: Option<(Says, bool)>) {
        // A colon at the end waits for a tag.
        let is_whole = !word.ends_with(':');
        let word = word.trim_end_matches(['.', ':']);
        let plain = unmask(word);
        if is_template(&plain) {
            return;
        }
        let Some(seen) = look(&plain) else { return };
        let is_believed = said.is_some_and(|(said, is_first)| {
            // In running text, words follow words that say `image`.
            let is_clear = is_first || seen <= Look::Short;
            is_whole && is_clear && pieces::is_believed(seen, said)
        });
        match is_believed {
            true => self.take(scan, word, &plain, LINE),
            false if seen == Look::Full => self.take(scan, word, &plain, scan.other),
            false => {}
        }
    }

    fn take(&self, scan: &mut Scan<'_, '_, '_, 't>, word: &'t str, text: &str, rule: Rule) {
        if !scan.taken.insert((word, rule.id)) {
            return;
        }
        let offset = word.as_ptr().addr().saturating_sub(self.text.as_ptr().addr());
        let before = self.text.get(..offset).unwrap_or_default();
        let column = u64::try_from(before.chars().count() + 1).unwrap_or(u64::MAX);
        scan.walk.take_at(self.number, column, text, rule);
    }
}
