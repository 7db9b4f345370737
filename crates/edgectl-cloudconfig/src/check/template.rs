//! Templates of cloud-init's: what stands in them is checked, and what Jinja
//! will make of them isn't known.

use std::collections::BTreeSet;

use super::finding::{Finding, Findings};
use super::rules;
use super::{Against, Level, check_yaml};
use crate::error::Place;
use crate::holes;
use crate::host_files::{Written, written};
use crate::rendered::{Rendered, Way};
use crate::target::keys;
use crate::template::explained;
use crate::tree::{Data, Document, Id};

/// What the images are held against.
const REGISTRY_RULES: [&str; 3] = ["uncovered-image", "unused-rule", "unused-credentials"];
/// Where images come from.
const REGISTRIES: [&[&str]; 3] = [
    &["stylus", "registryCredentials"],
    &["stylus", "externalRegistries"],
    &["edgectl", "registry"],
];

/// What is wrong with a template, as far as that can be told before it has run:
/// whatever way its conditions go.
pub(super) fn check(text: &str, against: Option<&Against>) -> Vec<Finding> {
    let mark = holes::marks(text).next().unwrap_or_default();
    let ways = Way::ALL.into_iter().map(|way| Rendered::of(text, &mark, way));
    let Some(ways) = ways.collect::<Option<Vec<Rendered>>>() else {
        let mut findings = Findings::default();
        let message = "a statement of the template (`## template: jinja`) is not closed, or ends \
                       what was not begun";
        findings.add(&rules::SYNTAX, Place::new(1, 1), "", message);
        return findings.sorted();
    };
    let found: Vec<Vec<Finding>> = ways.iter().map(|way| check_way(way, &mark, against)).collect();
    let mut findings = Findings::default();
    for finding in found.iter().flatten() {
        let is_everywhere = found.iter().all(|others| others.contains(finding));
        match REGISTRY_RULES.contains(&finding.rule) && !is_everywhere {
            false => findings.push(finding.clone()),
            true if finding.level == Level::Warning => findings.push(finding.clone()),
            true if finding.rule == rules::UNCOVERED.id => findings.push(Finding {
                level: Level::Warning,
                message: format!("{}, on hosts where a condition takes it away", finding.message),
                ..finding.clone()
            }),
            // It is used on others.
            true => {}
        }
    }
    findings.sorted()
}

fn check_way(way: &Rendered, mark: &str, against: Option<&Against>) -> Vec<Finding> {
    let text = way.text.as_str();
    let Ok(document) = Document::parse(text) else {
        return unreadable(way, check_yaml(text, None));
    };
    let unknown = unknown(&document, mark);
    let unsettled = unsettled(&document, mark).filter(|_| against.is_some());
    let mut findings = check_yaml(text, against.filter(|_| unsettled.is_none()));
    findings.extend(unsettled);
    let is_sure = |finding: &Finding| {
        let is_told = finding.rule == rules::READABLE_SECRET.id;
        let is_unknown = unknown.contains(&(finding.place.line, finding.place.column));
        let quotes = finding.message.contains(mark) || finding.path.contains(mark);
        !quotes && (is_told || !is_unknown)
    };
    let findings = findings.into_iter().filter(is_sure);
    findings.map(|finding| in_template(way, finding)).collect()
}

fn in_template(way: &Rendered, finding: Finding) -> Finding {
    let place = way.place(finding.place);
    let message = match finding.rule == rules::DUPLICATE.id {
        true => with_line(way, &finding.message),
        false => finding.message,
    };
    Finding { place, message, ..finding }
}

/// A message that names a line, with that of the template.
fn with_line(way: &Rendered, message: &str) -> String {
    let named = message.rsplit_once(" line ").and_then(|(before, rest)| {
        let (line, behind) = rest.split_once(' ')?;
        let place = way.place(Place { line: line.parse().ok()?, column: 1 });
        Some(format!("{before} line {} {behind}", place.line))
    });
    named.unwrap_or_else(|| message.to_owned())
}

fn unreadable(way: &Rendered, findings: Vec<Finding>) -> Vec<Finding> {
    let told = |finding: Finding| Finding {
        place: way.place(finding.place),
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
    let section = REGISTRIES.iter().find(unknown);
    let section = section.and_then(|path| Some((path.join("."), document.at(&keys(path))?)));
    let is_mirror = |file: &Written<'_>| {
        ["certs.d", "registries.yaml"].iter().any(|name| file.path.contains(name))
            && is_unknown(document, file.item, mark)
    };
    let file = || written(document).into_iter().find(is_mirror);
    let (path, id) = section.or_else(|| file().map(|file| (String::new(), file.item)))?;
    Some(Finding {
        rule: rules::UNCOVERED.id,
        level: Level::Warning,
        place: document.node(id).place,
        path,
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
