//! Looks through tracked files for what should never be committed.

use std::path::Path;

use edgectl_process::Cmd;

use crate::Result;
use crate::cargo::root;

/// Texts that are wrong in source code, put together so that this file
/// doesn't hold them.
const FORBIDDEN: [(&str, &str); 3] = [
    (concat!("todo", "!("), "unfinished code"),
    (concat!("dbg", "!("), "a debugging aid"),
    (concat!("#[", "ignore"), "a test that is left out"),
];
/// Directories of one machine.
const MACHINE: [&str; 3] = [concat!("/", "work/"), concat!("/", "root/"), concat!("/", "home/")];

/// Fails with every finding.
pub(crate) fn check() -> Result {
    let root = root();
    let listed = Cmd::new("git").current_dir(&root).args(["ls-files", "-z"]).read_stdout()?;
    let listed = String::from_utf8(listed)?;
    let mut findings = Vec::new();
    for name in listed.split('\0').filter(|name| !name.is_empty()) {
        // Files that aren't texts, or were deleted and not yet committed.
        let Ok(text) = std::fs::read_to_string(root.join(name)) else { continue };
        findings.extend(look(name, &text));
    }
    match findings.is_empty() {
        true => Ok(()),
        false => Err(format!("not tidy:\n{}", findings.join("\n")).into()),
    }
}

fn look(name: &str, text: &str) -> Vec<String> {
    let is_rust = Path::new(name).extension().is_some_and(|extension| extension == "rs");
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let mut found = |what: &str| findings.push(format!("{name}:{}: {what}", index + 1));
        if line.ends_with([' ', '\t']) {
            found("blanks at the end of the line");
        }
        if MACHINE.iter().any(|path| names_machine(line, path)) {
            found("a path of one machine");
        }
        for (pattern, what) in FORBIDDEN {
            if is_rust && line.contains(pattern) {
                found(what);
            }
        }
    }
    findings
}

/// Whether a path starts with `path`, not just holds it.
fn names_machine(line: &str, path: &str) -> bool {
    let begins = |at: usize| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !"._-})$*/".contains(c))
    };
    line.match_indices(path).any(|(at, _)| begins(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_should_not_be_there() {
        let [work, ..] = MACHINE;
        let [(unfinished, _), ..] = FORBIDDEN;
        let text = format!("fine\nblank \nlet p = \"{work}x\";\n{unfinished});\n");
        let found = look("a.rs", &text);
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(found[0], "a.rs:2: blanks at the end of the line");
        assert_eq!(look("a.md", &text).len(), 2);
    }

    #[test]
    fn directories_of_other_names_are_fine() {
        let [work, ..] = MACHINE;
        assert!(!names_machine(&format!("upper=$memory{work}x"), work));
        assert!(!names_machine(&format!("src{work}x"), work));
        assert!(names_machine(&format!("cd {work}x"), work));
    }
}
