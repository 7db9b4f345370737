//! Texts that are not YAML.

use super::{Findings, Level, Rule, Subject};
use crate::error::Place;

pub(in crate::check) static RULE: Rule = Rule {
    id: "yaml-syntax",
    level: Level::Error,
    summary: "not YAML; a tab in the indentation is the usual cause",
    check,
};

/// The parser's error is the finding; a text that has one gets no further.
fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let scalars = subject.long_scalars();
    let mut start = 0;
    for (n, line) in subject.text.split_inclusive('\n').enumerate() {
        let is_content = scalars.iter().any(|range| range.start < start && start < range.end);
        if let Some(at) = tab_in_indentation(line).filter(|_| !is_content) {
            let place = Place::new(n + 1, at + 1);
            findings.add(&RULE, place, "", "a tab in the indentation; YAML takes blanks only");
        }
        start += line.len();
    }
}

/// Where it stands; comments and blank lines may have any.
fn tab_in_indentation(line: &str) -> Option<usize> {
    let content = line.trim_start();
    if content.is_empty() || content.starts_with('#') {
        return None;
    }
    line[..line.len() - content.len()].find('\t')
}
