//! Whether a text is a part of another one, by its keys and items.

use std::collections::HashMap;

use crate::tree::{Data, Document, Id};

/// Whether every key and item of `small` stands in `large` under the same
/// keys. Where `may_differ`, values may be others than in `large`; empty ones
/// always may.
pub(crate) fn is_contained(small: &Document, large: &Document, may_differ: bool) -> bool {
    match (small.root, large.root) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(one), Some(other)) => Both { small, large, may_differ }.holds(one, other),
    }
}

struct Both<'a> {
    small: &'a Document,
    large: &'a Document,
    may_differ: bool,
}

impl Both<'_> {
    fn holds(&self, small: Id, large: Id) -> bool {
        match (&self.small.node(small).data, &self.large.node(large).data) {
            (Data::Mapping { entries, .. }, _) if entries.is_empty() => true,
            (Data::Sequence { items, .. }, _) if items.is_empty() => true,
            (Data::Scalar { text, .. }, _) if matches!(text.as_str(), "" | "~" | "null") => true,
            (Data::Mapping { entries, .. }, Data::Mapping { entries: more, .. }) => {
                let more: HashMap<Option<&str>, Id> =
                    more.iter().map(|(key, value)| (key_of(self.large, *key), *value)).collect();
                entries.iter().all(|(key, value)| {
                    let key = key_of(self.small, *key);
                    more.get(&key).is_some_and(|other| key.is_some() && self.holds(*value, *other))
                })
            }
            (Data::Sequence { items, .. }, Data::Sequence { items: more, .. }) => {
                let mut more = more.iter();
                items.iter().all(|item| more.any(|other| self.holds(*item, *other)))
            }
            (Data::Scalar { text, .. }, Data::Scalar { text: other, .. }) => {
                self.may_differ || text == other
            }
            (Data::Alias(_), Data::Alias(_)) => true,
            _ => false,
        }
    }
}

fn key_of(document: &Document, key: Id) -> Option<&str> {
    document.node(key).scalar().map(|(text, _)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_moved_is_no_part() {
        let is_part = |small: &str, large: &str| {
            let (Ok(small), Ok(large)) = (Document::parse(small), Document::parse(large)) else {
                panic!("{small}")
            };
            is_contained(&small, &large, false)
        };
        let large = "a: {b: 1}\nl: [1, {x: y, z: w}, 3]\nn: {c: {d: 2}}\n";
        for small in
            ["", "a: {b: 1}", "l: [1, 3]", "l: [{x: y}]", "n:", "n: {}", "n: {c: ~}", large]
        {
            assert!(is_part(small, large), "{small}");
        }
        for small in ["b: 1", "a: {b: 2}", "l: [3, 1]", "a: {d: 2}", "l: {x: y}", "a: [1]"] {
            assert!(!is_part(small, large), "{small}");
        }
    }
}
