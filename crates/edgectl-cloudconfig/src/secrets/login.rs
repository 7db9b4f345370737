//! Logins in URLs.

use crate::jinja;

/// The text without the logins of its URLs (`http://user:password@host`); none
/// where there is none.
pub(crate) fn without_logins(text: &str) -> Option<String> {
    let (shown, count) = hidden(text);
    (count > 0).then_some(shown)
}

/// How many URLs of a text have a login.
pub(crate) fn logins(text: &str) -> usize {
    hidden(text).1
}

fn hidden(text: &str) -> (String, usize) {
    let (mut shown, mut rest, mut count) = (String::with_capacity(text.len()), text, 0);
    // An expression is a part of its URL, whatever blanks and slashes it has.
    let solid = jinja::with_expressions_as(text, |whole| "0".repeat(whole.len()));
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + "://".len());
        let end = login_end(&solid[text.len() - after.len()..]);
        shown.push_str(before);
        if end > 0 {
            shown.push_str("<hidden>");
            count += 1;
        }
        rest = &after[end..];
    }
    shown.push_str(rest);
    (shown, count)
}

/// Where the `@` of a login is, 0 where there is none.
fn login_end(after: &str) -> usize {
    let word = after.split(char::is_whitespace).next().unwrap_or_default();
    let word = word.split("://").next().unwrap_or_default();
    let authority = word.split('/').next().unwrap_or_default();
    if let Some(at) = authority.rfind('@') {
        return at;
    }
    // What stands where the port would, and is none, is a password with a slash.
    let behind_name = authority.split_once(':').map_or("", |(_, port)| port);
    let is_port = behind_name.bytes().all(|c| c.is_ascii_digit());
    match is_port || authority.starts_with('[') {
        true => 0,
        false => word.rfind('@').unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_hidden() {
        for (text, expected) in [
            ("http://u:p@h:1/x", Some("http://<hidden>@h:1/x")),
            ("http://h/x@y", None),
            ("https://h:5000/x@sha256:0", None),
            ("https://[fd00::1]:5000/x@sha256:0", None),
            ("http://u:p/w@h", Some("http://<hidden>@h")),
            ("a=http://h\nb=http://u:p@h\n", Some("a=http://h\nb=http://<hidden>@h\n")),
            (
                "[\"http://a:b@c\",\"http://d@e\"]",
                Some("[\"http://<hidden>@c\",\"http://<hidden>@e\"]"),
            ),
            ("http://<hidden>@h", Some("http://<hidden>@h")),
            ("ssh://a", None),
            ("http://{{ v1.u }}:p@h/x", Some("http://<hidden>@h/x")),
            ("http://u:p{{ v1.u / 2 }}@h b", Some("http://<hidden>@h b")),
            ("http://h:{{ v1.port }}/x@sha256:0", None),
        ] {
            assert_eq!(without_logins(text).as_deref(), expected, "{text}");
        }
    }
}
