//! Secrets in files that everybody may read.

use super::{Findings, Level, Rule, Subject};
use crate::certificate::decode;
use crate::secrets::{
    has_secret_line_or, is_login_file, is_public_key, is_secret_file, is_secret_manifest,
    is_variable,
};
use crate::tree::{Document, Id};

pub(in crate::check) static RULE: Rule = Rule {
    id: "readable-secret",
    level: Level::Warning,
    summary: "a file with a secret that everybody on the host may read",
    check,
};

/// Files that hold logins, by the end of their name.
const LOGINS: [&str; 4] =
    ["/registries.yaml", "/.docker/config.json", "/containers/auth.json", "/kubelet/config.json"];
const READABLE_BY_OTHERS: u32 = 0o004;
/// For anybody.
const EXECUTABLE: u32 = 0o111;
/// What files get whose permissions aren't said.
const DEFAULT: u32 = 0o644;

fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for (path, file) in subject.files() {
        let content = subject.document.get(file, "content");
        let Some(content) = content.and_then(|id| subject.text_of(id)) else { continue };
        let name = subject.document.get(file, "path").and_then(|id| subject.text_of(id));
        let name = name.unwrap_or_default();
        let mode = mode(subject, file);
        if mode & READABLE_BY_OTHERS == 0 || !has_secret(name, content) {
            continue;
        }
        let at = subject.document.get(file, "permissions").unwrap_or(file);
        let own = if mode & EXECUTABLE == 0 { "0600" } else { "0700" };
        let message = format!(
            "the content looks like a login, and everybody on the host may read the file; give \
             it `permissions: '{own}'`"
        );
        findings.add(&RULE, subject.place(at), &path, message);
    }
}

fn mode(subject: &Subject<'_>, file: Id) -> u32 {
    let written = subject.document.get(file, "permissions").and_then(|id| subject.text_of(id));
    let digits = written.map(|text| text.trim_start_matches("0o"));
    digits.and_then(|digits| u32::from_str_radix(digits, 8).ok()).unwrap_or(DEFAULT)
}

fn has_secret(name: &str, content: &str) -> bool {
    let is_login = LOGINS.iter().any(|end| name.ends_with(end));
    (is_login && content.contains("auth"))
        || is_login_file(name, content)
        || (is_secret_file(name) && !content.is_empty() && !is_public_key(content))
        || has_secret_line_or(content, has_secret_manifest)
}

/// Whether a text has a Secret of Kubernetes' with a value in it, certificates and
/// variables aside. What can't be read may be one.
fn has_secret_manifest(text: &str) -> bool {
    let documents = text.split("\n---");
    documents.map(|text| text.trim_start_matches("---")).any(|text| match Document::parse(text) {
        Ok(document) => has_secret_data(&document),
        Err(_) => is_secret_manifest(text),
    })
}

fn has_secret_data(document: &Document) -> bool {
    let Some(root) = document.root else { return false };
    let text = |id| document.node(id).scalar().map(|(text, _)| text);
    let values = |key| {
        let section = document.get(root, key).and_then(|id| document.resolve(id));
        let entries = section.map(|id| document.entries(id)).unwrap_or_default();
        entries.iter().filter_map(|(_, value)| text(document.resolve(*value)?))
    };
    let is_said = |value: &str| {
        !value.trim().is_empty()
            && !is_variable(value.trim())
            && !value.contains("CERTIFICATE-----")
    };
    let is_secret = document.get(root, "kind").and_then(text) == Some("Secret");
    is_secret
        && (values("stringData").any(is_said)
            || values("data").any(|value| decode(value).is_some_and(|value| is_said(&value))))
}
