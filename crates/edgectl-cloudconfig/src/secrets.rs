//! Telling secrets from other texts.

mod command;
mod login;
mod pair;

pub(crate) use command::is_command_with_secret;
pub(crate) use login::{logins, without_logins};

use std::sync::LazyLock;

use regex_lite::Regex;

use crate::certificate::decode_bytes;
use pair::Pair;

/// Keys whose values are secrets, in lower case without `_` and `-`.
const KEYS: [&str; 22] = [
    "password",
    "passwd",
    "hashedpasswd",
    "plaintextpasswd",
    "edgehosttoken",
    "token",
    "identitytoken",
    "registrytoken",
    "secret",
    "clientsecret",
    "auth",
    "authorization",
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "clientkeydata",
    "dockercfg",
    "dockerconfigjson",
    "psk",
    "passphrase",
    "rsaprivate",
];

/// Ends of keys that say the same.
const ENDS: [&str; 6] = ["password", "passwd", "token", "secret", "apikey", "private"];

/// What `crypt` makes of a password: `$6$salt$hash`.
static HASH: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\$(1|2[abxy]?|5|6|7|g?y|sha1|scrypt|argon2i?d?)\$[./A-Za-z0-9$=,+]{8}").ok()
});

/// Whether a key's value is a secret.
pub(crate) fn is_secret_key(key: &str) -> bool {
    let plain = |c: &char| !matches!(c, '_' | '-');
    let key: String = key.chars().filter(plain).collect::<String>().to_ascii_lowercase();
    KEYS.contains(&key.as_str()) || ENDS.iter().any(|end| key.ends_with(end))
}

/// Whether a text has a secret in one of its lines, in the clear or as base64:
/// `password: x`, `"auth": "x"`, `TOKEN=x`, `docker login -p x`, a private key.
pub(crate) fn has_secret_line(text: &str) -> bool {
    let decoded = decode_bytes(text).unwrap_or_default();
    let decoded = String::from_utf8_lossy(&decoded);
    [text, &decoded].into_iter().any(|text| secret_lines(text).contains(&true))
}

/// Which lines of a text are a secret or a part of one.
pub(crate) fn secret_lines(text: &str) -> Vec<bool> {
    let first_words = text.lines().filter_map(|line| line.split_whitespace().next());
    let is_netrc = first_words.into_iter().any(|word| matches!(word, "machine" | "default"));
    let mut lines = Lines { open: Open::Nothing, is_netrc };
    text.lines().map(|line| lines.take(line)).collect()
}

/// What the lines so far have begun.
enum Open {
    Nothing,
    /// A private key.
    Key,
    /// Input of a command, to this line.
    Input(String),
    /// A value whose other lines stand further to the right.
    Value(usize),
    /// A key without a value: it may stand below, further to the right.
    Below(usize),
}

struct Lines {
    open: Open,
    is_netrc: bool,
}

impl Lines {
    fn take(&mut self, line: &str) -> bool {
        match &self.open {
            Open::Key => {
                if line.contains("-----END") {
                    self.open = Open::Nothing;
                }
                return true;
            }
            Open::Input(end) => {
                let is_end = line.trim() == end;
                if is_end {
                    self.open = Open::Nothing;
                }
                return !is_end;
            }
            Open::Value(_) | Open::Below(_) if line.trim().is_empty() => return false,
            Open::Value(column) if indent(line) > *column => return true,
            Open::Below(column) if indent(line) > *column && pair::is_lone(line) => {
                self.open = Open::Value(*column);
                return true;
            }
            _ => {}
        }
        self.open = Open::Nothing;
        self.fresh(line)
    }

    fn fresh(&mut self, line: &str) -> bool {
        if line.contains("PRIVATE KEY-----") {
            if line.contains("-----BEGIN") && !line.contains("-----END") {
                self.open = Open::Key;
            }
            return true;
        }
        if let Some(end) = command::input_of_chpasswd(line) {
            self.open = Open::Input(end.to_owned());
            return true;
        }
        let is_hash = HASH.as_ref().is_some_and(|hash| hash.is_match(line));
        match pair::secret_pair(line) {
            Some(Pair::Value(column)) => self.open = Open::Value(column),
            Some(Pair::Beside) => {}
            Some(Pair::Open(column)) => {
                self.open = Open::Below(column);
                return is_hash;
            }
            None => return is_hash || command::is_secret(line, self.is_netrc),
        }
        true
    }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_told_from_other_lines() {
        for text in [
            "password: x",
            "  \"auth\": \"eA==\",",
            "API_TOKEN=abc",
            "{auth: {password: p}}",
            "password: \"$ecret\"",
            "password: $ecret",
            "PASSWORD=$ecret",
            "PASSWORD=\"$SECRET\"",
            "password = \"{a\"",
            "password = \"[a\"",
            "password: \", a\"",
            "password: ;a",
            "password=&a",
            "password:\n  a",
            "password:\n\n  \"a: b\"",
            "x: {username: u, password: \"{\"}",
            "{\\\"auth\\\": \\\"x\\\"}",
            "//registry.local/:_authToken=abc",
            "spring.datasource.password=abc",
            "client-key-data: QUJD",
            "Authorization: Bearer abc",
            "root:$6$salt.salt$hash:19000:0:::::",
            "machine h login u password x",
            "machine h\n  login u\n  password x",
            "docker login reg.local -u me -p x",
            "podman login -px reg.local",
            "k3s agent --token x",
            "echo root:x | chpasswd",
            "echo 'root:x' | sudo chpasswd -e",
            "chpasswd <<EOF\nroot:x\nEOF",
            "curl -u me:x https://reg.local",
            "skopeo copy --src-creds me:x docker://a dir:b",
            "echo x | passwd --stdin root",
            "echo x | docker login -u me --password-stdin",
            // passphrase: lätin, in base64
            "cGFzc3BocmFzZTogbOR0aW4=",
        ] {
            assert!(has_secret_line(text), "{text}");
        }
        for text in [
            "password:",
            "password: \"\"",
            "auth: {username: u, password: ''}",
            "auth: {",
            "\"secret\": {\"secretName\": \"a\"}",
            "secret:\n  secretName: a",
            "authorization:\n  mode: Webhook",
            "see https://x/token: y",
            "author: me",
            "a",
            "TOKEN=$TOKEN ./join",
            "TOKEN=${TOKEN}",
            "password: ${PASSWORD}",
            "TOKEN=$(cat /run/token)",
            "k3s agent --token $TOKEN --server https://a",
            "docker login --password-stdin < /run/x",
            "echo $PASSWORD | docker login --password-stdin",
            "docker run -p 80:80 -u 1000:1000 nginx",
            "mkdir -p /a && curl -u $USER:$PASS https://a",
            "chpasswd -e < /run/x",
            "if [ -z \"$TOKEN\" ]; then exit 1; fi",
            "a password protected page",
        ] {
            assert!(!has_secret_line(text), "{text}");
        }
    }

    #[test]
    fn all_lines_of_a_secret_are_known() {
        let text = "a: 1\npassword: |\n  x\n\n  y\nb: 2\n-----BEGIN PRIVATE KEY-----\nQUJD\n-----END PRIVATE KEY-----\nc\n";
        let expected = [false, true, true, false, true, false, true, true, true, false];
        assert_eq!(secret_lines(text), expected);
    }
}
