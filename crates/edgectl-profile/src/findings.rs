//! What the images say about the inputs: declared and unused, used and
//! undeclared, floating, not pinned.

use std::collections::{BTreeMap, BTreeSet};

use edgectl_model::{Reference, Role, Tier};

use crate::collect::{Book, Sighting};
use crate::report::{Problem, Severity};
use crate::units::Units;

/// The problems that only show once everything is collected.
pub(crate) fn problems(book: &Book, units: &Units) -> Vec<Problem> {
    let declared: BTreeSet<&Reference> = references(book, |seen| seen.kind.declared);
    let used: BTreeSet<&Reference> = references(book, |seen| !seen.kind.declared);
    let mut problems = Vec::new();
    for seen in firsts(book).values() {
        let image = &seen.reference;
        let unit = units.get(seen.pack);
        let object = &unit.object;
        let is_use = !seen.kind.declared && seen.kind.role == Role::Workload;
        // Values that no rendered object shows belong to what is switched off.
        let is_shown = !unit.shows_all_use() || shows(seen);
        if is_use && unit.declares && is_mirrored(seen) && is_shown && !declared.contains(image) {
            let message = format!("`{image}` is used by {} but not declared", quoted(object));
            problems.push(about(seen, Severity::Warning, "used-not-declared", message));
        }
        if seen.kind.declared && unit.declares && unit.shows_all_use() && !used.contains(image) {
            let message = format!("`{image}` is declared by {} but not used", quoted(object));
            problems.push(about(seen, Severity::Warning, "declared-not-used", message));
        }
    }
    problems.extend(unpinned(book));
    problems
}

/// Whether it is more than a value that a chart may or may not use.
fn shows(seen: &Sighting) -> bool {
    !seen.is_value
}

fn is_mirrored(seen: &Sighting) -> bool {
    seen.kind.tier < Tier::Possible
}

/// `pack demo` as ``pack `demo` ``.
fn quoted(object: &str) -> String {
    match object.split_once(' ') {
        Some((kind, name)) => format!("{kind} `{name}`"),
        None => object.to_owned(),
    }
}

fn references(book: &Book, which: impl Fn(&Sighting) -> bool) -> BTreeSet<&Reference> {
    book.sightings.iter().filter(|seen| which(seen)).map(|seen| &seen.reference).collect()
}

/// The first place of each image in each unit, declared and used apart; what
/// shows a use goes before what only may be one.
fn firsts(book: &Book) -> BTreeMap<(usize, bool, &Reference), &Sighting> {
    let mut firsts: BTreeMap<_, &Sighting> = BTreeMap::new();
    for seen in &book.sightings {
        let first = firsts.entry((seen.pack, seen.kind.declared, &seen.reference)).or_insert(seen);
        if shows(seen) && !shows(first) {
            *first = seen;
        }
    }
    firsts
}

/// Floating tags are warnings; other tags can move too, which is only told.
fn unpinned(book: &Book) -> Vec<Problem> {
    let mut firsts = BTreeMap::new();
    let open = book.sightings.iter().filter(|seen| seen.reference.digest().is_none());
    for seen in open.filter(|seen| is_mirrored(seen)) {
        firsts.entry(&seen.reference).or_insert(seen);
    }
    let problem = |(image, seen): (&Reference, &Sighting)| {
        let (severity, rule, message) = match image.is_floating() {
            true => (
                Severity::Warning,
                "floating-tag",
                format!("`{image}` can mean another image tomorrow; give it a tag or a digest"),
            ),
            false => (
                Severity::Info,
                "not-pinned",
                format!("`{image}` has no digest; `--resolve` pins it in the lock"),
            ),
        };
        about(seen, severity, rule, message)
    };
    firsts.into_iter().map(problem).collect()
}

fn about(seen: &Sighting, severity: Severity, rule: &'static str, message: String) -> Problem {
    Problem {
        severity,
        file: seen.found.file.clone(),
        line: seen.found.line,
        column: seen.column,
        path: seen.found.path.clone(),
        object: seen.found.object.clone(),
        rule,
        message,
    }
}
