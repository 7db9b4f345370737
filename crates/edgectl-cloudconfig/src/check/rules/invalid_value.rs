//! Values that must be one of a few, of a form, or of a size.

use serde_json::Value;

use super::{Findings, Level, Rule, Subject};
use crate::check::fault::Fault;

pub(in crate::check) static RULE: Rule = Rule {
    id: "invalid-value",
    level: Level::Error,
    summary: "a value that is none of those allowed",
    check,
};

fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for visit in subject.visits() {
        // A rule of its own says it for these.
        let is_elsewhere = |fault: &&Fault| {
            matches!(fault, Fault::Pattern(_)) && visit.path.ends_with(".permissions")
        };
        let faults = visit.faults.iter().filter(|fault| !is_elsewhere(fault));
        for message in faults.filter_map(message) {
            findings.add(&RULE, subject.place(visit.id), &visit.path, message);
        }
        if is_registry(&visit.path) && subject.text_of(visit.id).is_some_and(has_scheme) {
            let message = "a registry is `host[:port][/path]`, without a scheme; plain HTTP is \
                           `insecure: true`";
            findings.add(&RULE, subject.place(visit.id), &visit.path, message);
        }
    }
}

/// Whether a path names a registry, or where a rule leads.
pub(super) fn is_registry(path: &str) -> bool {
    const RULES: [&str; 2] =
        ["stylus.externalRegistries.registryMappingRules.", "edgectl.registry.rules."];
    let is_section = path.starts_with("stylus.") || path.starts_with("edgectl.registry.");
    (is_section && path.ends_with(".domain")) || RULES.iter().any(|rules| path.starts_with(rules))
}

fn has_scheme(text: &str) -> bool {
    text.contains("://")
}

const LONGEST_PATTERN: usize = 200;

fn message(fault: &Fault) -> Option<String> {
    Some(match fault {
        Fault::Choice(choices) => {
            let named = choices.iter().filter(|choice| choice.as_str() != Some(""));
            let named: Vec<String> = named.map(Value::to_string).collect();
            format!("must be one of the following: {}", named.join(", "))
        }
        // A long one lists names, and nobody reads it.
        Fault::Pattern(pattern) if pattern.len() > LONGEST_PATTERN => {
            "none of the names that are taken here; the documentation of cloud-init lists them"
                .to_owned()
        }
        Fault::Pattern(pattern) => format!("Does not match pattern '{pattern}'"),
        Fault::Below(least) => format!("Must be greater than or equal to {least}"),
        Fault::FewItems(least) => format!("Array must have at least {least} items"),
        Fault::ManyItems(most) => format!("Array must have at most {most} items"),
        Fault::FewKeys(least) => format!("Must have at least {least} properties"),
        Fault::Repeated => "array items must be unique".to_owned(),
        Fault::Ambiguous(keys) => format!("only one of {} may be there", keys.join(", ")),
        Fault::Type | Fault::Missing(_) | Fault::UnknownKey => return None,
    })
}
