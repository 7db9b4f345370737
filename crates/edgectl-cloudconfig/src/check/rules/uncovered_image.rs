//! Images that no rule leads to the private registry.

use std::collections::BTreeSet;

use edgectl_model::{Prefix, Reference};

use super::invalid_value::is_registry;
use super::{Findings, Level, Rule, Subject};
use crate::check::finding::Finding;
use crate::check::registries::Registries;
use crate::check::subject::Against;

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
    elsewhere(against, registries, findings);
    unreadable(subject, findings);
    if let Some(more) = uncovered.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        findings.add(&RULE, place, "", format!("{more} more images are not covered"));
    }
}

/// Rules that lead images to another place than the lock has them in: a mirror that
/// somebody else fills, or one that doesn't have them. Said once a rule.
fn elsewhere(against: &Against, registries: &Registries, findings: &mut Findings) {
    let mut said = BTreeSet::new();
    for image in &against.images {
        let Some(target) = against.targets.get(&image.canonical()) else { continue };
        let (place, path) = match (registries.rule_of(image), &registries.single) {
            (Some(rule), _) if !rule.leads_to(image, target) => (rule.place, rule.path.clone()),
            (None, Some(single)) if !is_below(single, target) => {
                (registries.place, "stylus.registryCredentials.domain".to_owned())
            }
            _ => continue,
        };
        if said.insert(path.clone()) {
            let (image, target) = (image.canonical(), target.repository());
            let message = format!(
                "`{image}` is led to another place than the one that it is copied to, `{target}`; \
                 `edgectl user-data inject` writes the rules for that one"
            );
            findings.push(Finding { rule: RULE.id, level: Level::Warning, place, path, message });
        }
    }
}

/// Registries that nothing can be held against.
fn unreadable(subject: &Subject<'_>, findings: &mut Findings) {
    let is_none = |text: &str| {
        let text = text.trim_end_matches('/');
        !text.is_empty() && !text.contains("://") && Prefix::parse(text).is_err()
    };
    for visit in subject.visits().iter().filter(|visit| is_registry(&visit.path)) {
        if subject.text_of(visit.id).is_some_and(is_none) {
            let message = "this can't be read as `host[:port][/path]`, so nothing tells what it \
                           covers; a host has a dot or a port"
                .to_owned();
            findings.push(Finding {
                rule: RULE.id,
                level: Level::Warning,
                place: subject.place(visit.id),
                path: visit.path.clone(),
                message,
            });
        }
    }
}

fn is_below(prefix: &Prefix, target: &Reference) -> bool {
    let below = target.path().strip_prefix(prefix.path());
    prefix.domain() == target.domain()
        && below.is_some_and(|below| prefix.path().is_empty() || below.starts_with('/'))
}
