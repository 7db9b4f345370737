//! A password that says it is base64 and is not.

use super::{Findings, Level, Rule, Subject};
use crate::certificate::decode;
use crate::scalar::boolean;

pub(super) static RULE: Rule = Rule {
    id: "base64-password",
    level: Level::Error,
    summary: "`encodedPassword: true` beside a password that is not base64",
    check,
};

fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for (path, id) in subject.registries() {
        let get = |key| subject.document.get(id, key);
        let is_encoded = get("encodedPassword").and_then(|id| subject.text_of(id));
        let Some(password) = get("password") else { continue };
        let text = subject.text_of(password).unwrap_or_default();
        if is_encoded.and_then(boolean) == Some(true) && decode(text).is_none() {
            let message = "`encodedPassword` is `true`, but this is not base64; \
                           encode it, or say `encodedPassword: false`";
            findings.add(&RULE, subject.place(password), &format!("{path}.password"), message);
        }
    }
}
