//! Two ends of an installation at once.

use super::{Findings, Level, Rule, Subject};
use crate::scalar::boolean;

pub(super) static RULE: Rule = Rule {
    id: "reboot-and-poweroff",
    level: Level::Error,
    summary: "`install.reboot` and `install.poweroff` together",
    check,
};

fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let set = |key| {
        let id = subject.at(&["install", key])?;
        (boolean(subject.text_of(id)?) == Some(true)).then_some(id)
    };
    if let (Some(_), Some(poweroff)) = (set("reboot"), set("poweroff")) {
        let message = "`reboot` and `poweroff` exclude each other; keep one";
        findings.add(&RULE, subject.place(poweroff), "install.poweroff", message);
    }
}
