//! What is wrong with user data, before it ships.
//!
//! Every finding has a rule; every rule is one file in `rules/`, one page in
//! `docs/user-data-rules/` and one directory of examples in `tests/check/`.

mod characters;
mod fault;
mod finding;
mod host_mirrors;
mod kind;
mod python;
mod registries;
mod rules;
mod schema;
mod subject;
mod template;
mod walk;

pub use finding::{Finding, Level};
pub use rules::{RULES, Rule};
pub use schema::USER_DATA_SCHEMA;
pub use subject::{Against, Flavor};

use crate::envelope::parts;
use crate::error::Place;
use crate::header::is_used_template;
use crate::template::{Template, is_template};
use crate::tree::Document;
use finding::Findings;
use subject::Subject;

/// Everything that is wrong with `text`, in the order of the text: each
/// cloud-config part of a MIME multipart message or a cloud-config-archive, or
/// the whole. With `against` the registry settings are held against what the
/// images need.
pub fn check(text: &str, against: Option<&Against>) -> Vec<Finding> {
    let Some(parts) = parts(text) else { return check_one(text, against) };
    let mut findings = Findings::default();
    if parts.is_empty() {
        rules::add_no_cloud_config(text, &mut findings);
    }
    rules::check_parts(&parts, &mut findings);
    // The registry's settings may be in one part alone; of several the last
    // one's replace the others.
    let settled = parts.iter().rposition(|part| names_registries(&part.text));
    for (number, part) in parts.iter().enumerate() {
        let against = against.filter(|_| number == settled.unwrap_or(0));
        if part.is_declared && is_used_template(&part.text) {
            rules::add_unrun_template(part.place_in_whole(Place::new(1, 1)), &mut findings);
        }
        let needs_none = part.is_declared && rules::has_no_header(&part.text);
        let found = check_one(&part.text, against).into_iter();
        for finding in found.filter(|finding| !needs_none || finding.rule != rules::HEADER.id) {
            findings.push(Finding { place: part.place_in_whole(finding.place), ..finding });
        }
    }
    findings.sorted()
}

/// The first character for which all readers drop a text, or read another one.
pub(crate) fn refused_by_all(text: &str) -> Option<(Place, String)> {
    characters::odd_characters(text).into_iter().next()
}

/// The first thing for which those who read a text drop it, and that ours reads:
/// cloud-init's YAML takes less than that of the agents.
pub(crate) fn refused_by(
    flavor: Flavor,
    text: &str,
    document: &Document,
) -> Option<(Place, &'static str)> {
    let refused = match flavor {
        Flavor::CloudInit => rules::refused(text, document),
        Flavor::Kairos | Flavor::Palette => rules::refused_by_agents(text, document),
    };
    refused.into_iter().min_by_key(|(place, _)| (place.line, place.column))
}

fn names_registries(text: &str) -> bool {
    let has = |text: &str| {
        Document::parse(text)
            .is_ok_and(|document| !Subject::new(text, &document, None).origins().is_empty())
    };
    match Template::of(text) {
        Ok(Some(template)) => has(template.text()),
        _ => has(text),
    }
}

fn check_one(text: &str, against: Option<&Against>) -> Vec<Finding> {
    let mut findings = Findings::default();
    if rules::add_other_kind(text, &mut findings) {
        return findings.sorted();
    }
    match Template::of(text) {
        Ok(template) if template.is_some() || is_template(text) => template::check(text, against),
        Ok(_) => check_yaml(text, against),
        Err(error) => {
            let mut findings = Findings::default();
            findings.add(&rules::SYNTAX, error.place, "", error.message);
            findings.sorted()
        }
    }
}

fn check_yaml(text: &str, against: Option<&Against>) -> Vec<Finding> {
    let mut findings = Findings::default();
    match Document::parse(text) {
        Err(error) => {
            // A character that nobody sees says more than where reading ended.
            let odd = rules::add_characters(text, &mut findings);
            let is_odd = error.message.contains("unexpected character") && !odd.is_empty();
            if !is_odd && odd.iter().all(|place| place.line != error.place.line) {
                findings.add(&rules::SYNTAX, error.place, "", error.message);
            }
            rules::check_header(text, &mut findings);
        }
        Ok(document) => {
            let subject = Subject::new(text, &document, against);
            for rule in RULES {
                (rule.check)(&subject, &mut findings);
            }
        }
    }
    findings.sorted()
}
