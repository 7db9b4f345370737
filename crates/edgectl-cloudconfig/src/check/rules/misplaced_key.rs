//! Keys that exist, in another place.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::{Findings, Level, Rule, Subject};
use crate::check::schema::{SCHEMA, Schema};

pub(super) static RULE: Rule = Rule {
    id: "misplaced-key",
    level: Level::Error,
    summary: "a key that belongs into another section",
    check,
};

fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for visit in subject.visits() {
        let (None, Some((key, name))) = (visit.schema, visit.key) else { continue };
        if let Some(home) = home_of(subject, name, &visit.path) {
            let message = format!("`{name}` belongs to `{home}`; here nobody reads it");
            findings.add(&RULE, subject.place(key), &visit.path, message);
        }
    }
}

/// Sections of Palette, Kairos and the agent. Those of cloud-init get new keys
/// with its releases.
const SECTIONS: [&str; 4] = ["stylus", "install", "stages", "edgectl"];

/// Where a key that isn't known at `path` is known: in the one place that has
/// it. A key that has several homes may be anything, and so may one whose home is in a
/// section that the file doesn't have, or in another one than it stands in; of names in
/// Palette's style only Palette has any.
pub(super) fn home_of(subject: &Subject<'_>, name: &str, path: &str) -> Option<String> {
    let top = path.split(['.', '[']).next().unwrap_or_default();
    let is_nested = top.len() < path.len();
    if is_nested && !SECTIONS.contains(&top) {
        return None;
    }
    let homes = homes(name);
    // Next to or around where it stands is likelier than elsewhere.
    let near = |home: &&String| home.as_str() == top || home.starts_with(&format!("{top}."));
    let is_palettes = name.contains(char::is_uppercase);
    let has_section = |home: &String| {
        home.split('.').next().is_some_and(|section| subject.at(&[section]).is_some())
    };
    let is_likely = |home: &String| match is_nested {
        true => near(&home) || (is_palettes && has_section(home)),
        false => is_palettes || has_section(home),
    };
    match homes {
        [only] => Some(only.clone()).filter(is_likely),
        several => {
            let mut near = several.iter().filter(near);
            near.next().filter(|_| near.next().is_none()).cloned()
        }
    }
}

/// The one section that has a key, which stands at the top of a file.
pub(super) fn only_home(name: &str, path: &str) -> Option<String> {
    match homes(name) {
        [only] if path == name => Some(only.clone()),
        _ => None,
    }
}

/// The places that have a key, but for the top of a file.
fn homes(name: &str) -> &'static [String] {
    static HOMES: LazyLock<HashMap<String, Vec<String>>> = LazyLock::new(|| {
        let mut homes = HashMap::new();
        collect(&SCHEMA.schema, "", &mut homes);
        homes
    });
    HOMES.get(name).map_or(&[], Vec::as_slice)
}

fn collect(schema: &Schema, path: &str, homes: &mut HashMap<String, Vec<String>>) {
    for (key, below) in &schema.properties {
        if !path.is_empty() {
            homes.entry(key.clone()).or_default().push(path.to_owned());
        }
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        // Only these sections have keys of their own that people move about.
        if matches!(path.split('.').next(), Some("stylus" | "install")) {
            collect(below, &path, homes);
        }
    }
}
