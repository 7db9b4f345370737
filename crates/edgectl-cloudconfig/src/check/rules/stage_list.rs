//! Stages that are silently dropped.

use super::{Findings, Level, Rule, Subject};
use crate::check::kind::Kind;

pub(super) static RULE: Rule = Rule {
    id: "stage-list",
    level: Level::Error,
    summary: "a stage that is not a list of steps, and is dropped without a word",
    check,
};

fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let Some(stages) = subject.at(&["stages"]) else { return };
    for (key, stage, steps) in subject.entries(stages) {
        let Some(steps) = subject.document.resolve(steps) else { continue };
        let path = format!("stages.{stage}");
        if Kind::of(subject.node(steps)) != Kind::Array {
            let message = "a stage is a list of steps (`- name: …`); anything else is dropped \
                           without a word";
            findings.add(&RULE, subject.place(key), &path, message);
            continue;
        }
        for (n, step) in subject.items(steps).iter().enumerate() {
            let step = subject.document.resolve(*step).unwrap_or(*step);
            if Kind::of(subject.node(step)) != Kind::Object {
                let message = "a step is a mapping (`name:`, `commands:`, `files:`, …)";
                findings.add(&RULE, subject.place(step), &format!("{path}[{n}]"), message);
            }
        }
    }
}
