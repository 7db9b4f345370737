//! What the images say about the profile: declared and unused, used and
//! undeclared, floating.

use std::collections::{BTreeMap, BTreeSet};

use edgectl_model::{Reference, Role, Tier};

use crate::collect::{Book, Sighting};
use crate::report::{Problem, Severity};

/// What is known of a pack besides its images.
pub(crate) struct PackFacts {
    /// It has manifests with pods, and no chart that could hold more.
    pub(crate) shows_all_use: bool,
    pub(crate) name: String,
}

/// The problems that only show once everything is collected.
pub(crate) fn problems(book: &Book, packs: &[PackFacts]) -> Vec<Problem> {
    let declared: BTreeSet<&Reference> = references(book, |seen| seen.kind.declared);
    let used: BTreeSet<&Reference> = references(book, |seen| !seen.kind.declared);
    let firsts = firsts(book);
    let mut problems = Vec::new();
    for seen in firsts.values() {
        let image = &seen.reference;
        let pack = packs.get(seen.pack);
        let name = pack.map(|pack| pack.name.as_str()).unwrap_or_default();
        if !seen.kind.declared && seen.kind.role == Role::Workload && !declared.contains(image) {
            let message = format!("`{image}` is used by pack `{name}` but not declared");
            problems.push(warning(seen, "used-not-declared", message));
        }
        let shows_all_use = pack.is_some_and(|pack| pack.shows_all_use);
        if seen.kind.declared && shows_all_use && !used.contains(image) {
            let message = format!("`{image}` is declared by pack `{name}` but not used");
            problems.push(warning(seen, "declared-not-used", message));
        }
    }
    problems.extend(floating(book));
    problems
}

fn references(book: &Book, which: impl Fn(&Sighting) -> bool) -> BTreeSet<&Reference> {
    book.sightings.iter().filter(|seen| which(seen)).map(|seen| &seen.reference).collect()
}

/// Whether a sighting is surer than a guess.
fn counts(seen: &Sighting) -> bool {
    seen.kind.tier < Tier::Possible
}

/// The first place of each image in each pack, declared and used apart.
fn firsts(book: &Book) -> BTreeMap<(usize, bool, &Reference), &Sighting> {
    let mut firsts = BTreeMap::new();
    for seen in book.sightings.iter().filter(|seen| counts(seen)) {
        firsts.entry((seen.pack, seen.kind.declared, &seen.reference)).or_insert(seen);
    }
    firsts
}

fn floating(book: &Book) -> Vec<Problem> {
    let mut firsts = BTreeMap::new();
    let floating = |seen: &&Sighting| counts(seen) && seen.reference.is_floating();
    for seen in book.sightings.iter().filter(floating) {
        firsts.entry(&seen.reference).or_insert(seen);
    }
    let message = |image: &Reference| {
        format!("`{image}` can mean another image tomorrow; give it a tag or a digest")
    };
    firsts.into_iter().map(|(image, seen)| warning(seen, "floating-tag", message(image))).collect()
}

fn warning(seen: &Sighting, rule: &'static str, message: String) -> Problem {
    Problem {
        severity: Severity::Warning,
        file: seen.found.file.clone(),
        line: seen.found.line,
        column: seen.column,
        path: seen.found.path.clone(),
        object: seen.found.object.clone(),
        rule,
        message,
    }
}
