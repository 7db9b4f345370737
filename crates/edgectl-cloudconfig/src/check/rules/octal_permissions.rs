//! File modes that mean another number.

use super::{Findings, Level, Rule, Subject};
use crate::check::kind::Kind;
use crate::tree::Id;

pub(super) static RULE: Rule = Rule {
    id: "octal-permissions",
    level: Level::Error,
    summary: "file permissions that are read as another number",
    check,
};

fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let of_stages = |(path, _): &(String, Id)| path.starts_with("stages");
    let (staged, written): (Vec<_>, Vec<_>) = subject.files().into_iter().partition(of_stages);
    for (path, file) in written {
        let message = "Invalid type. Expected: string, given: integer; quote it (`'0644'`), \
                       or it is read as another number";
        add(subject, findings, &path, file, |kind, _| (kind == Kind::Integer).then_some(message));
    }
    for (path, entry) in staged.into_iter().chain(directories(subject)) {
        add(subject, findings, &path, entry, of_stage);
    }
}

fn add(
    subject: &Subject<'_>,
    findings: &mut Findings,
    path: &str,
    entry: Id,
    judge: impl Fn(Kind, &str) -> Option<&'static str>,
) {
    let Some(id) = subject.document.get(entry, "permissions") else { return };
    let text = subject.text_of(id).unwrap_or_default();
    if let Some(message) = judge(Kind::of(subject.node(id)), text) {
        findings.add(&RULE, subject.place(id), &format!("{path}.permissions"), message);
    }
}

/// The mode of a stage's file is a number.
fn of_stage(kind: Kind, text: &str) -> Option<&'static str> {
    let is_mode = (3..=4).contains(&text.len()) && text.bytes().all(|c| matches!(c, b'0'..=b'7'));
    match kind {
        Kind::Integer if is_mode && !text.starts_with('0') => {
            Some("a decimal number: write a leading zero (`0644`), or the mode is another one")
        }
        Kind::String => Some(
            "Invalid type. Expected: integer, given: string; write the number (`0644`) without \
             quotes: the files of stages take no text",
        ),
        _ => None,
    }
}

/// The directories of all steps, with their paths.
fn directories(subject: &Subject<'_>) -> Vec<(String, Id)> {
    let mut found = Vec::new();
    for (path, step) in subject.steps() {
        let list = subject.document.get(step, "directories");
        let items = list.map(|list| subject.items(list)).unwrap_or_default().iter().enumerate();
        found.extend(items.map(|(n, id)| (format!("{path}.directories[{n}]"), *id)));
    }
    found
}
