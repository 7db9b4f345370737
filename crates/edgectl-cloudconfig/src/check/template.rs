//! Templates of cloud-init's: what stands in them is checked, and what Jinja
//! will make of them isn't known.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::finding::{Finding, Findings};
use super::rules;
use super::{Against, Level, check_yaml};
use crate::error::Place;
use crate::holes;
use crate::host_files::{Written, written};
use crate::jinja::{Bad, By, Commented, Swallowed, commented_out, faults, swallowed};
use crate::lines;
use crate::rendered::{Extent, Fault, Rendered, Section, Untold, Ways};
use crate::target::keys;
use crate::template::explained;
use crate::tree::{Data, Document, Id};

const NOTHING: &str = "nothing of it was checked";
const SOME: &str = "only some of its ways were checked, and no registry can be put in";
const COMMENTED_OUT: &str = "a `#` before a statement makes it no comment: Jinja runs it, and takes the line end behind it along; write `{# … #}` around what it is to leave out";
const JOINED: &str = "this takes the line end behind it along, and the line below comes to stand behind the `#` in this one, as a part of the comment; give it a line of its own without a `#`, or end it with `+%}` or `+#}`";
const JOINED_HEADER: &str = "the `-` takes the line end behind `#cloud-config` along, and what comes next goes on in that line, so the file is passed over; take it out";
const SWALLOWED: &str = "this takes the line end behind it along, and the line below goes on in this one; add an empty line below it, or end it with `+%}` or `+#}`";
const SWALLOWED_BY_DASH: &str =
    "the `-` takes a line end along, and the line below goes on in the one above; take it out";
const MOVED: &str = "the blanks before this stay, and make the line below a part of the block of text above; begin it at the start of its line";
const HALF_KNOWN: &str = "no agent is known to read this key, of which an expression is a part; where a line was not meant to go on in the next one, take the `-` out of `{{-` and `-}}`, which take blanks and line ends along";
const NO_REGISTRY: &str = "no registry can be put in";

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
    let mut findings = Findings::default();
    let (found, untried) = match found_in_ways(text, &mark, against) {
        Ok((found, untried)) => (found, untried.map(|fault| (fault, SOME))),
        Err(fault) => (Vec::new(), Some((fault, NOTHING))),
    };
    let joined = joins_header(text).map(|at| lines::place(text, at));
    let of_header = |finding: &Finding| finding.rule == rules::HEADER.id;
    for finding in found {
        findings.push(match joined.filter(|_| of_header(&finding)) {
            Some(place) => Finding { place, message: JOINED_HEADER.to_owned(), ..finding },
            None => finding,
        });
    }
    let too_many = || Ways::of(text, Extent::Pairs).err().filter(|fault| fault.is_of_size());
    let starts = lines::Starts::of(text);
    let syntax = |level, at, message: String| {
        let (rule, path) = (rules::SYNTAX.id, String::new());
        Finding { rule, level, place: starts.place(text, at), path, message }
    };
    if let Some((fault, of_size)) = untried.or_else(|| Some((too_many()?, NO_REGISTRY))) {
        findings.push(match fault.is_of_size() {
            true => syntax(Level::Warning, fault.at, format!("{of_size}: {}", fault.message)),
            false => syntax(Level::Error, fault.at, fault.message.to_owned()),
        });
    }
    if let Some(commented) = commented_out(text) {
        let (at, message) = match commented {
            Commented::Run(at) => (at, COMMENTED_OUT),
            Commented::Joined(at) => (at, JOINED),
        };
        findings.push(syntax(Level::Warning, at, message.to_owned()));
    }
    for Swallowed { at, is_entry, by } in swallowed(text) {
        let level = if is_entry { Level::Error } else { Level::Warning };
        let message = match by {
            By::LineEnd => SWALLOWED,
            By::Dash => SWALLOWED_BY_DASH,
            By::Blanks => MOVED,
        };
        findings.push(syntax(level, at, message.to_owned()));
    }
    for Bad { at, message, is_late } in faults(text) {
        let who = if is_late { "hosts that come here drop" } else { "cloud-init's Jinja drops" };
        let message = format!("{message}: {who} the whole file for it");
        findings.add(&rules::SYNTAX, lines::place(text, at), "", message);
    }
    findings.sorted()
}

/// Where something takes the end of the header's line along.
fn joins_header(text: &str) -> Option<usize> {
    let header = text.find("\n#cloud-config")? + 1;
    let end = header + text[header..].find('\n')?;
    let behind = text[end..].trim_start();
    let takes = ["{%-", "{#-", "{{-"].iter().any(|open| behind.starts_with(open));
    (takes && text[..header].lines().count() == 1).then(|| text.len() - behind.len())
}

/// What is wrong in any way, told for all, and why other ways weren't tried.
fn found_in_ways(
    text: &str,
    mark: &str,
    against: Option<&Against>,
) -> Result<(Vec<Finding>, Option<Fault>), Fault> {
    let ways = Ways::of(text, Extent::Branches)?;
    let mut untried = ways.untried();
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for way in 0..ways.count() {
        let rendered = match ways.rendered(way, mark) {
            Ok(rendered) => rendered,
            Err(fault) => {
                untried = Some(fault);
                continue;
            }
        };
        if seen.insert(rendered.text.clone()) {
            found.push(check_way(&ways, &rendered, mark, against));
        }
    }
    if let Some(fault) = untried.filter(|_| found.is_empty()) {
        return Err(fault);
    }
    Ok((told_once(&found), untried))
}

/// What was found in some ways, in that order.
fn told_once(found: &[Vec<Finding>]) -> Vec<Finding> {
    let mut ways_with: HashMap<&Finding, usize> = HashMap::new();
    for others in found {
        let own: HashSet<&Finding> = others.iter().collect();
        own.into_iter().for_each(|finding| *ways_with.entry(finding).or_default() += 1);
    }
    let (mut seen, mut told) = (HashSet::new(), HashSet::new());
    let mut findings = Vec::new();
    for finding in found.iter().flatten().filter(|finding| seen.insert(*finding)) {
        let finding = match ways_with.get(finding) == Some(&found.len()) {
            true => Some(finding.clone()),
            false => on_some_hosts(finding),
        };
        findings.extend(finding.filter(|finding| told.insert(finding.clone())));
    }
    findings
}

/// A finding that other hosts don't have.
fn on_some_hosts(finding: &Finding) -> Option<Finding> {
    let as_warning = |why: &str| Finding {
        level: Level::Warning,
        message: format!("{}, {why}", finding.message),
        ..finding.clone()
    };
    let is_of_images = REGISTRY_RULES.contains(&finding.rule);
    match finding.rule {
        _ if finding.level == Level::Warning => Some(finding.clone()),
        rule if rule == rules::UNCOVERED.id => {
            Some(as_warning("on hosts where a condition takes it away"))
        }
        // It is used on others.
        _ if is_of_images => None,
        rule if is_of_nothing(rule, &finding.message) => {
            Some(as_warning("on hosts where a loop or a condition leaves nothing here"))
        }
        _ => Some(finding.clone()),
    }
}

/// Whether something is wrong because there is nothing.
fn is_of_nothing(rule: &str, message: &str) -> bool {
    (rule == rules::WRONG_TYPE.id && message.ends_with("given: null"))
        || (rule == rules::INVALID.id && message.contains(" at least "))
}

fn check_way(
    ways: &Ways<'_>,
    way: &Rendered,
    mark: &str,
    against: Option<&Against>,
) -> Vec<Finding> {
    let text = way.text.as_str();
    let Ok(document) = Document::parse(text) else {
        let found = unreadable(way, check_yaml(text, None));
        return match ways.untold() {
            Some(untold) => vec![unknown_lines(ways, untold)],
            None => found,
        };
    };
    let unknown = unknown(&document, mark);
    let unsettled = unsettled(&document, mark).filter(|_| against.is_some());
    let mut findings = check_yaml(text, against.filter(|_| unsettled.is_none()));
    findings.extend(unsettled);
    let half = |f: &Finding| unknown.contains(&(f.place.line, f.place.column));
    findings.iter_mut().filter(|f| half(f)).for_each(|f| tell_half_known(f, mark));
    let is_sure = |finding: &Finding| {
        // A mapping is one, whatever its keys are.
        let is_mapping =
            finding.rule == rules::WRONG_TYPE.id && finding.message.ends_with("given: object");
        let is_told = is_mapping
            || finding.message == HALF_KNOWN
            || finding.rule == rules::READABLE_SECRET.id;
        let is_unknown = unknown.contains(&(finding.place.line, finding.place.column));
        let quotes = finding.message.contains(mark) || finding.path.contains(mark);
        !quotes && (is_told || !is_unknown)
    };
    let findings = findings.into_iter().filter(is_sure);
    findings.map(|finding| in_template(ways, way, finding)).collect()
}

/// A key that no expression begins is no key that only hosts know.
fn tell_half_known(finding: &mut Finding, mark: &str) {
    // A key that looks like a login isn't shown.
    let before = finding.path.find(mark).map(|at| &finding.path[..at]);
    let before = before.or_else(|| finding.path.ends_with('…').then_some(finding.path.as_str()));
    let begun = before.filter(|before| !before.is_empty() && !before.ends_with('.'));
    if let Some(before) = begun.filter(|_| finding.rule == rules::UNKNOWN.id) {
        let above = before.rfind('.').unwrap_or(0);
        finding.path.truncate(above);
        finding.message = HALF_KNOWN.to_owned();
    }
}

fn in_template(ways: &Ways<'_>, way: &Rendered, finding: Finding) -> Finding {
    let own = way.offset(finding.place);
    let finding = Finding { place: way.place(finding.place), ..finding };
    match finding.rule == rules::DUPLICATE.id {
        true => twice(ways, way, finding, own),
        false => finding,
    }
}

/// A key that stands twice, `own` being the second place: with the line of the
/// template, and a warning where no host may have both.
fn twice(ways: &Ways<'_>, way: &Rendered, finding: Finding, own: usize) -> Finding {
    let named = finding.message.rsplit_once(" line ").and_then(|(before, rest)| {
        let (line, behind) = rest.split_once(' ')?;
        Some((before, Place { line: line.parse().ok()?, column: 1 }, behind))
    });
    let Some((before, first, behind)) = named else { return finding };
    let message = format!("{before} line {} {behind}", way.place(first).line);
    let (others, around) = (ways.around(way.offset(first)), ways.around(own));
    let starts = |sections: &[&Section]| -> Vec<usize> {
        sections.iter().map(|section| section.range.start).collect()
    };
    let (of_first, of_own) = (starts(&others), starts(&around));
    // Whoever has the inner one has the outer one.
    if of_first.starts_with(&of_own) || of_own.starts_with(&of_first) {
        return Finding { message, ..finding };
    }
    let asked = |sections: &[&Section]| {
        sections.last().map_or_else(String::new, |section| ways.opening(section).to_owned())
    };
    let why = format!("on hosts that have both `{}` and `{}`", asked(&others), asked(&around));
    Finding { level: Level::Warning, message: format!("{message}, {why}"), ..finding }
}

/// What isn't known to be YAML, as an expression has lines in it.
fn unknown_lines(ways: &Ways<'_>, untold: Untold<'_>) -> Finding {
    Finding {
        rule: rules::SYNTAX.id,
        level: Level::Warning,
        place: ways.place(untold.at),
        path: String::new(),
        message: format!(
            "what this makes of `{}`, a macro or what is set from one or to an `endset`, isn't \
             known before the template has run, so that nothing tells whether this is YAML; name \
             the macro alone (`{{{{ a }}}}`, `{{{{ m(b) }}}}`), or check the rendered file",
            untold.name
        ),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_many_ways_have_is_told_once() {
        let finding = |line| Finding {
            rule: rules::SYNTAX.id,
            level: Level::Error,
            place: Place::new(line, 1),
            path: String::new(),
            message: "odd".to_owned(),
        };
        let found: Vec<Vec<Finding>> =
            (0..200).map(|way| (0..2000).map(|n| finding(n + way + 1)).collect()).collect();
        let lines: Vec<u64> = told_once(&found).iter().map(|told| told.place.line).collect();
        assert!(lines.into_iter().eq(1..2200));
    }
}
