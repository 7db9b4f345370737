//! Top-level keys of a part that a later part replaces.

use std::collections::HashMap;

use super::{Findings, Level, Rule};
use crate::choice::{MERGE_KEYS, says_how};
use crate::envelope::Part;
use crate::tree::Document;

pub(in crate::check) static RULE: Rule = Rule {
    id: "replaced-key",
    level: Level::Error,
    summary: "a top-level key of several parts: only the last one counts",
    // One part by itself has nothing to replace.
    check: |_, _| {},
};

pub(in crate::check) fn check(parts: &[Part], findings: &mut Findings) {
    let mut seen: HashMap<String, (usize, u64)> = HashMap::new();
    for (number, part) in parts.iter().enumerate() {
        // What isn't YAML is a finding of its own, and replaces nothing.
        let Ok(document) = Document::parse(&part.text) else { continue };
        let is_merged = says_how(part, &document);
        let entries = document.root.map(|root| document.entries(root)).unwrap_or_default();
        for (key, _) in entries {
            let Some((name, _)) = document.node(*key).scalar() else { continue };
            let place = part.place_in_whole(document.node(*key).place);
            let Some((before, line)) = seen.insert(name.to_owned(), (number, place.line)) else {
                continue;
            };
            if before != number && !is_merged && !MERGE_KEYS.contains(&name) {
                let message = format!(
                    "replaces all of `{name}` in line {line}, which is in an earlier part; put \
                     both into one part, or say how this part is merged (`merge_how`)"
                );
                findings.add(&RULE, place, name, message);
            }
        }
    }
}
