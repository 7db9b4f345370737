//! What the user adds and leaves out.

use edgectl_model::{Found, ImagesConfig, Role, Tier};

use crate::collect::{Book, Kind, Sighting};
use crate::report::{Excluded, Problem, Severity};

/// Where inclusions and exclusions stand.
const CONFIG: &str = "edge.yaml";

/// Takes out what is excluded and gives it, with the reasons.
pub(crate) fn exclude(book: &mut Book, images: &ImagesConfig) -> Vec<Excluded> {
    let mut excluded = Vec::new();
    for (index, listed) in images.exclude.iter().enumerate() {
        let (out, kept) = std::mem::take(&mut book.sightings)
            .into_iter()
            .partition(|seen| listed.image.matches(&seen.reference));
        book.sightings = kept;
        let out = Book { sightings: out, ..Book::default() };
        let gone = out.into_images().into_values();
        let before = excluded.len();
        excluded.extend(gone.map(|image| Excluded { image, reason: listed.reason.clone() }));
        if excluded.len() == before {
            book.problems.push(Problem {
                severity: Severity::Warning,
                file: CONFIG.to_owned(),
                line: 0,
                column: 0,
                path: format!("images.exclude[{index}]"),
                object: CONFIG.to_owned(),
                rule: "exclude-unmatched",
                message: format!("`{}` is excluded, but nothing names it", listed.image),
            });
        }
    }
    excluded
}

/// Adds what is included.
pub(crate) fn include(book: &mut Book, images: &ImagesConfig) {
    let kind = Kind { rule: "include", tier: Tier::Certain, role: Role::Workload, declared: false };
    for (index, listed) in images.include.iter().enumerate() {
        let found = Found {
            file: CONFIG.to_owned(),
            line: 0,
            path: format!("images.include[{index}]"),
            object: CONFIG.to_owned(),
            rule: kind.rule.to_owned(),
        };
        let reference = listed.image.clone();
        book.sightings.push(Sighting {
            reference,
            kind,
            pack: usize::MAX,
            found,
            column: 0,
            is_value: false,
        });
    }
}

/// The corrections as a text that two different sets don't share.
pub(crate) fn text(images: &ImagesConfig) -> String {
    let include = images.include.iter().map(|listed| format!("+{}", listed.image.canonical()));
    let exclude = images.exclude.iter().map(|listed| format!("-{}", listed.image));
    let macros = images.macros.iter().map(|(name, value)| format!("{name}={value:?}"));
    let known = images.known_fields.iter().map(|field| format!("{field:?}"));
    include.chain(exclude).chain(known).chain(macros).collect::<Vec<_>>().join("\n")
}
