//! Keys that nobody reads.

use std::cell::RefCell;
use std::collections::HashMap;

use edgectl_model::did_you_mean;

use super::misplaced_key::{home_of, only_home};
use super::{Findings, Level, Rule, Subject};
use crate::check::schema::Schema;
use crate::secrets::shown_key;

pub(in crate::check) static RULE: Rule = Rule {
    id: "unknown-key",
    level: Level::Warning,
    summary: "a key that no agent is known to read",
    check,
};

fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for visit in subject.visits() {
        let (None, Some((key, name)), Some(parent)) = (visit.schema, visit.key, visit.parent)
        else {
            continue;
        };
        // Extensions that people keep anchors in.
        if home_of(subject, name, &visit.path).is_some() || name.starts_with("x-") {
            continue;
        }
        let near = nearest(name, parent);
        let home = only_home(name, &visit.path);
        let name = shown_key(name);
        let message = match (near, home) {
            (Some(near), _) => {
                format!("Additional property {name} is not allowed; did you mean `{near}`?")
            }
            (None, Some(home)) => format!(
                "Additional property {name} is not allowed here; `{home}` has a key of this name"
            ),
            (None, None) => format!("Additional property {name} is not allowed"),
        };
        findings.add(&RULE, subject.place(key), &visit.path, message);
    }
}

thread_local! {
    /// What was found for keys: a template has the same ones in all its ways.
    static FOUND: RefCell<HashMap<(usize, String), Option<&'static str>>> = RefCell::default();
}

/// The known key that is most like another one.
fn nearest(name: &str, parent: &'static Schema) -> Option<&'static str> {
    /// So many of a file are kept.
    const MOST: usize = 10_000;
    let known = || did_you_mean(name, parent.properties.keys().map(String::as_str));
    let key = (std::ptr::from_ref(parent).addr(), name.to_owned());
    FOUND.with_borrow_mut(|found| {
        if found.len() >= MOST {
            found.clear();
        }
        *found.entry(key).or_insert_with(known)
    })
}
