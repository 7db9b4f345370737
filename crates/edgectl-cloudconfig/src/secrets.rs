//! Telling secrets from other texts.

use crate::certificate::decode;

/// Keys whose values are secrets, in lower case without `_` and `-`.
const KEYS: [&str; 18] = [
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
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "psk",
    "passphrase",
    "rsaprivate",
];

/// Ends of keys that say the same.
const ENDS: [&str; 6] = ["password", "passwd", "token", "secret", "apikey", "private"];

/// Whether a key's value is a secret.
pub(crate) fn is_secret_key(key: &str) -> bool {
    let plain = |c: &char| !matches!(c, '_' | '-');
    let key: String = key.chars().filter(plain).collect::<String>().to_ascii_lowercase();
    KEYS.contains(&key.as_str()) || ENDS.iter().any(|end| key.ends_with(end))
}

/// Whether a text has a secret in one of its lines, in the clear or as base64:
/// `password: x`, `"auth": "x"`, `TOKEN=x`, a private key.
pub(crate) fn has_secret_line(text: &str) -> bool {
    let decoded = decode(text).filter(|decoded| decoded.is_ascii()).unwrap_or_default();
    [text, decoded.as_str()]
        .into_iter()
        .any(|text| text.contains("PRIVATE KEY-----") || text.lines().any(is_secret_line))
}

fn is_secret_line(line: &str) -> bool {
    let parts = line.split([',', '{', ';', '&']);
    let words = line.split(' ').filter(|word| word.contains('='));
    parts.chain(words).any(is_secret_pair)
}

fn is_secret_pair(pair: &str) -> bool {
    let Some((key, value)) = pair.split_once([':', '=']) else { return false };
    let key = key.trim_matches([' ', '\t', '"', '\'', '-', '{', '#']);
    let value = value.trim_matches([' ', '\t', '"', '\'', ',', '}']);
    let is_word = !key.is_empty() && !key.contains([' ', '/']);
    is_word && is_secret_key(key) && !value.is_empty() && !value.starts_with(['{', '[', '$'])
}

/// `http://user:password@host` without the login; none where there is none.
pub(crate) fn without_login(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let end = rest.find(['/', ' ', '\n']).unwrap_or(rest.len());
    let at = rest[..end].rfind('@')?;
    Some(format!("{scheme}://<hidden>{}", &rest[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs() {
        for text in
            ["password: x", "  \"auth\": \"eA==\",", "API_TOKEN=abc", "{auth: {password: p}}"]
        {
            assert!(has_secret_line(text), "{text}");
        }
        for text in ["password:", "auth: {", "see https://x/token: y", "author: me", "a"] {
            assert!(!has_secret_line(text), "{text}");
        }
        assert_eq!(without_login("http://u:p@h:1/x").as_deref(), Some("http://<hidden>@h:1/x"));
        assert_eq!(without_login("http://h/x@y"), None);
    }
}
