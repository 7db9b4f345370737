//! Logins that nothing needs.

use super::{Findings, Level, Rule, Subject};

pub(super) static RULE: Rule = Rule {
    id: "unused-credentials",
    level: Level::Warning,
    summary: "credentials for a registry that no rule and no image uses",
    check,
};

fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let Some(against) = subject.against else { return };
    let registries = subject.origins();
    for listed in &registries.listed {
        let is_target =
            registries.rules.iter().any(|rule| rule.target.domain() == listed.domain.domain());
        let is_source = against.images.iter().any(|image| image.domain() == listed.domain.domain());
        if !is_target && !is_source {
            let message = format!(
                "no rule leads to `{}` and no image is from there; the host stores this login for \
                 nothing",
                listed.domain
            );
            findings.add(&RULE, listed.place, &listed.path, message);
        }
    }
}
