//! File modes that mean another number.

use super::{Findings, Level, Rule, Subject};
use crate::check::kind::Kind;
use crate::check::subject::Flavor;
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
        add(subject, findings, &path, file, |kind, text| of_file(subject.flavor, kind, text));
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

/// The mode of a file of `write_files` is a text.
fn of_file(flavor: Flavor, kind: Kind, text: &str) -> Option<&'static str> {
    // Python's own spelling is nothing to Kairos.
    let digits = match flavor {
        Flavor::CloudInit => text.strip_prefix("0o").or(text.strip_prefix("0O")).unwrap_or(text),
        Flavor::Kairos | Flavor::Palette => text,
    };
    match kind {
        // A text to cloud-init's reader (YAML 1.1).
        Kind::Integer if digits != text && is_mode(digits) => None,
        Kind::Integer => Some(
            "Invalid type. Expected: string, given: integer; quote it (`'0644'`), or it is read \
             as another number",
        ),
        // A template's value isn't known here.
        Kind::String if !is_mode(digits) && !text.contains("{{") => Some(
            "not a mode in octal digits, so that the file gets the default one, which everybody \
             may read; write it like `'0644'`",
        ),
        _ => None,
    }
}

/// Octal digits of a mode that a file can have.
fn is_mode(digits: &str) -> bool {
    const HIGHEST: u32 = 0o7777;
    u32::from_str_radix(digits, 8).is_ok_and(|mode| mode <= HIGHEST && !digits.starts_with('+'))
}

/// The mode of a stage's file is a number.
fn of_stage(kind: Kind, text: &str) -> Option<&'static str> {
    let is_octal = (3..=4).contains(&text.len()) && is_mode(text);
    let is_meant_octal =
        text.len() > 1 && text.starts_with('0') && text.bytes().all(|c| c.is_ascii_digit());
    match kind {
        Kind::Integer if is_meant_octal && !is_mode(text) => {
            Some("not a mode: octal digits are 0 to 7, up to `07777`")
        }
        Kind::Integer if is_octal && !text.starts_with('0') => {
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
