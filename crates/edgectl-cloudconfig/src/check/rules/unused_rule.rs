//! Rules for nothing.

use super::{Findings, Level, Rule, Subject};

pub(super) static RULE: Rule = Rule {
    id: "unused-rule",
    level: Level::Warning,
    summary: "a mirror rule that no image needs",
    check,
};

fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let Some(against) = subject.against else { return };
    for rule in &subject.origins().rules {
        let is_used = against.images.iter().any(|image| rule.source.remainder(image).is_some());
        if !is_used {
            let message = format!("no image is from `{}`; the rule may go", rule.source);
            findings.add(&RULE, rule.place, &rule.path, message);
        }
    }
}
