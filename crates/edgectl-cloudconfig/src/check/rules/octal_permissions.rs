//! File modes that mean another number.

use super::{Findings, Level, Rule, Subject};
use crate::check::kind::Kind;

pub(super) static RULE: Rule = Rule {
    id: "octal-permissions",
    level: Level::Error,
    summary: "file permissions that are read as another number",
    check,
};

fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for (path, file) in subject.files() {
        let Some(id) = subject.document.get(file, "permissions") else { continue };
        let is_number = Kind::of(subject.node(id)) == Kind::Integer;
        let text = subject.text_of(id).unwrap_or_default();
        let is_octal = text.starts_with('0');
        let message = match path.starts_with("write_files") {
            true if is_number => {
                "Invalid type. Expected: string, given: integer; quote it (`'0644'`), \
                 or it is read as another number"
            }
            false if is_number && !is_octal && text.len() == 3 => {
                "a decimal number: write a leading zero (`0644`), or the mode is another one"
            }
            _ => continue,
        };
        findings.add(&RULE, subject.place(id), &format!("{path}.permissions"), message);
    }
}
