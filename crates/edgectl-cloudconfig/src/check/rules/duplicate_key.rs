//! Keys that stand twice in one mapping.

use std::collections::HashMap;

use crate::secrets::shown_key;
use crate::tree::Data;

use super::{Findings, Level, Rule, Subject};

pub(in crate::check) static RULE: Rule = Rule {
    id: "duplicate-key",
    level: Level::Error,
    summary: "a key that stands twice: only one of them counts",
    check,
};

fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for node in &subject.document.nodes {
        let Data::Mapping { entries, .. } = &node.data else { continue };
        let mut seen: HashMap<&str, u64> = HashMap::new();
        for (key, _) in entries {
            let Some((name, _)) = subject.node(*key).scalar() else { continue };
            let place = subject.place(*key);
            if let Some(first) = seen.insert(name, place.line) {
                let name = shown_key(name);
                let message = format!("`{name}` stands in line {first} already; keep one of them");
                findings.add(&RULE, place, name, message);
            }
        }
    }
}
