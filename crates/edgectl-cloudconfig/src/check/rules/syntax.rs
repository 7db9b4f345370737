//! Texts that are not YAML.

use std::ops::Range;

use granit_parser::ScalarStyle;

use super::{Findings, Level, Rule, Subject};
use crate::check::characters::odd_characters;
use crate::check::finding::Finding;
use crate::check::python::{is_refused_by_go, refused_by_python};
use crate::check::subject::Flavor;
use crate::error::Place;
use crate::tree::{Data, Document};

pub(in crate::check) static RULE: Rule = Rule {
    id: "yaml-syntax",
    level: Level::Error,
    summary: "not YAML; a tab in place of blanks is the usual cause",
    check,
};

/// The parser's error is the finding; a text that has one gets no further.
///
/// Our parser takes tabs between values, and cloud-init's (PyYAML) takes them
/// nowhere but in quotes, in blocks of text and in comments. Where it isn't
/// cloud-init that reads a file, that is no more than a warning.
fn check(subject: &Subject<'_>, findings: &mut Findings) {
    add_characters(subject.text, findings);
    for (place, message) in refused(subject.text, subject.document) {
        let is_read = subject.flavor != Flavor::CloudInit && !is_refused_by_agents(message);
        let level = if is_read { Level::Warning } else { Level::Error };
        let (rule, path, message) = (RULE.id, String::new(), message.to_owned());
        findings.push(Finding { rule, level, place, path, message });
    }
}

/// Whether the agents of Kairos and Palette refuse what a message tells of, too.
fn is_refused_by_agents(message: &str) -> bool {
    message == TAB_AS_INDENT || is_refused_by_go(message)
}

const TAB_AS_INDENT: &str = "a tab in the indentation; YAML takes blanks only";

/// What our parser reads and the agents of Kairos and Palette don't.
pub(in crate::check) fn refused_by_agents(
    text: &str,
    document: &Document,
) -> Vec<(Place, &'static str)> {
    let mut all = refused(text, document);
    all.retain(|(_, message)| is_refused_by_agents(message));
    all
}

/// What our parser reads and cloud-init's doesn't.
pub(in crate::check) fn refused(text: &str, document: &Document) -> Vec<(Place, &'static str)> {
    [tabs(text, document), refused_by_python(text, document)].concat()
}

/// Adds what characters that nobody sees do, and tells where.
pub(in crate::check) fn add_characters(text: &str, findings: &mut Findings) -> Vec<Place> {
    let mut places = Vec::new();
    for (place, message) in odd_characters(text) {
        findings.add(&RULE, place, "", message);
        places.push(place);
    }
    places
}

fn tabs(text: &str, document: &Document) -> Vec<(Place, &'static str)> {
    let texts = texts(document);
    let mut found = Vec::new();
    let mut start = 0;
    for (n, line) in text.split_inclusive('\n').enumerate() {
        // A second document is a finding of its own, and isn't looked into.
        if document.second.is_some_and(|second| Place::new(n + 1, 1).line >= second.line) {
            break;
        }
        if let Some(at) = tab(line, start, &texts) {
            let place = Place::new(n + 1, line[..at].chars().count() + 1);
            let message = match line[..at].trim_start().is_empty() {
                true => TAB_AS_INDENT,
                false => "a tab between values, which cloud-init's YAML doesn't take; use blanks",
            };
            found.push((place, message));
        }
        start += line.len();
    }
    found
}

/// The bytes of quoted texts and blocks of text, in which tabs are content.
fn texts(document: &Document) -> Vec<Range<usize>> {
    let is_text = |data: &Data| match data {
        Data::Scalar { style, .. } => *style != ScalarStyle::Plain,
        _ => false,
    };
    let nodes = document.nodes.iter().filter(|node| is_text(&node.data));
    let mut texts: Vec<Range<usize>> = nodes.map(|node| node.range.clone()).collect();
    texts.sort_by_key(|range| range.start);
    texts
}

/// The first tab of a line that starts at `start` of the text, if it is neither
/// in one of the texts nor in a comment.
fn tab(line: &str, start: usize, texts: &[Range<usize>]) -> Option<usize> {
    let is_content = |at: usize| {
        let before = texts.partition_point(|range| range.start <= start + at);
        before.checked_sub(1).is_some_and(|n| start + at < texts[n].end)
    };
    let mut is_after_blank = true;
    for (at, c) in line.char_indices().filter(|(at, _)| !is_content(*at)) {
        match c {
            '\t' => return Some(at),
            '#' if is_after_blank => return None,
            _ => is_after_blank = matches!(c, ' ' | '\u{feff}'),
        }
    }
    None
}
