//! Images that no rule leads to the private registry.

use super::{Findings, Level, Rule, Subject};

pub(in crate::check) static RULE: Rule = Rule {
    id: "uncovered-image",
    level: Level::Error,
    summary: "an image that the host would look for on the internet",
    check,
};

/// More are counted, and not listed.
const SHOWN: usize = 10;

fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let Some(against) = subject.against else { return };
    let registries = subject.origins();
    let place = registries.place;
    let uncovered: Vec<String> = against
        .images
        .iter()
        .filter(|image| !registries.covers(image))
        .map(|image| image.canonical())
        .collect();
    for image in uncovered.iter().take(SHOWN) {
        let message = format!(
            "no rule leads `{image}` to a registry of this file, so the host asks the internet; \
             `edgectl user-data inject` adds the rules"
        );
        findings.add(&RULE, place, image, message);
    }
    if let Some(more) = uncovered.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        findings.add(&RULE, place, "", format!("{more} more images are not covered"));
    }
}
