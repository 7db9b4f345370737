//! Templates of cloud-init's: what stands in them is checked, and what Jinja
//! will make of them isn't known.

use std::collections::BTreeSet;

use super::finding::Finding;
use super::rules;
use super::{Against, Level, check_yaml};
use crate::error::Place;
use crate::target::keys;
use crate::template::{Template, explained};
use crate::tree::{Data, Document, Id};

/// Where images come from.
const REGISTRIES: [&[&str]; 3] = [
    &["stylus", "registryCredentials"],
    &["stylus", "externalRegistries"],
    &["edgectl", "registry"],
];

/// What is wrong with a template, as far as that can be told before it has run.
pub(super) fn check(template: &Template, against: Option<&Against>) -> Vec<Finding> {
    let text = template.text();
    let Ok(document) = Document::parse(text) else {
        return unreadable(template, check_yaml(text, None));
    };
    let mark = template.holes.mark();
    let unknown = unknown(&document, mark);
    let unsettled = unsettled(&document, mark).filter(|_| against.is_some());
    let mut findings = check_yaml(text, against.filter(|_| unsettled.is_none()));
    findings.extend(unsettled);
    let is_sure = |finding: &Finding| {
        // A key of each branch is no second one.
        let is_branch = finding.rule == rules::DUPLICATE.id && template.has_statements();
        let is_told = finding.rule == rules::READABLE_SECRET.id;
        let is_unknown = unknown.contains(&(finding.place.line, finding.place.column));
        let quotes = finding.message.contains(mark) || finding.path.contains(mark);
        !is_branch && !quotes && (is_told || !is_unknown)
    };
    let findings = findings.into_iter().filter(is_sure);
    findings.map(|finding| Finding { place: template.place(finding.place), ..finding }).collect()
}

fn unreadable(template: &Template, findings: Vec<Finding>) -> Vec<Finding> {
    let told = |finding: Finding| Finding {
        place: template.place(finding.place),
        message: match finding.rule == rules::SYNTAX.id {
            true => explained(&finding.message),
            false => finding.message,
        },
        ..finding
    };
    findings.into_iter().map(told).collect()
}

/// The places of values and keys that Jinja makes.
fn unknown(document: &Document, mark: &str) -> BTreeSet<(u64, u64)> {
    let has_mark = |data: &Data| matches!(data, Data::Scalar { text, .. } if text.contains(mark));
    let nodes = document.nodes.iter().filter(|node| has_mark(&node.data));
    let place = |Place { line, column }: Place| (line, column);
    nodes.map(|node| place(node.place)).collect()
}

/// What the images can't be held against: the registries are made by Jinja.
fn unsettled(document: &Document, mark: &str) -> Option<Finding> {
    let unknown = |path: &&&[&str]| {
        document.at(&keys(path)).is_some_and(|section| is_unknown(document, section, mark))
    };
    let path = REGISTRIES.iter().find(unknown)?;
    let section = document.at(&keys(path))?;
    Some(Finding {
        rule: rules::UNCOVERED.id,
        level: Level::Warning,
        place: document.node(section).place,
        path: path.join("."),
        message: "an expression of the template stands in here, so that nothing tells whether \
                  all images are covered; write the values out, or check the rendered file"
            .to_owned(),
    })
}

fn is_unknown(document: &Document, section: Id, mark: &str) -> bool {
    let mut open = vec![section];
    while let Some(id) = open.pop() {
        match &document.node(id).data {
            Data::Scalar { text, .. } if text.contains(mark) => return true,
            Data::Scalar { .. } | Data::Alias(_) => {}
            Data::Sequence { items, .. } => open.extend(items),
            Data::Mapping { entries, .. } => {
                let names_images = |(key, _): &&(Id, Id)| {
                    let name = document.node(*key).scalar().map_or("", |(name, _)| name);
                    !matches!(name, "username" | "password")
                };
                let entries = entries.iter().filter(names_images);
                open.extend(entries.flat_map(|(key, value)| [*key, *value]));
            }
        }
    }
    false
}
