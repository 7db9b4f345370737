//! Texts that are not YAML.

use super::{Findings, Level, Rule, Subject};

pub(in crate::check) static RULE: Rule = Rule {
    id: "yaml-syntax",
    level: Level::Error,
    summary: "not YAML; a tab in the indentation is the usual cause",
    check,
};

/// The parser's error is the finding; a text that has one gets no further.
fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for (n, line) in subject.text.lines().enumerate() {
        let indentation = line.len() - line.trim_start().len();
        let is_comment = line.trim_start().starts_with('#');
        if let Some(at) = line[..indentation].find('\t').filter(|_| !is_comment)
            && !subject.is_inside_scalar(n + 1)
            && !line.trim().is_empty()
        {
            let place = crate::error::Place::new(n + 1, at + 1);
            findings.add(&RULE, place, "", "a tab in the indentation; YAML takes blanks only");
        }
    }
}
