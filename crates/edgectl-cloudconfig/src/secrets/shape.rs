//! Secrets that are told by their looks, wherever they stand: hashes of
//! passwords, tokens of well-known services, private keys.

use std::sync::LazyLock;

use regex_lite::Regex;

use crate::certificate::decode;

/// What `crypt` makes of a password: `$6$salt$hash`.
static HASH: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"grub\.pbkdf2\.sha512\.|\$(1|2[abxy]?|5|6|7|g?y|sha1|scrypt|argon2i?d?)\$[./A-Za-z0-9$=,+]{8}").ok()
});

/// Tokens that say by their beginning what they are.
static TOKEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(^|[^A-Za-z0-9_-])(",
        r"gh[pousr]_[A-Za-z0-9]{16}|github_pat_[A-Za-z0-9_]{16}",
        r"|gl(pat|dt|rt|ptt|cbt|ft|soat|agent)-[A-Za-z0-9_-]{16}",
        r"|xox[abeoprs]-[A-Za-z0-9-]{8}|xapp-[A-Za-z0-9-]{8}",
        r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}\.",
        r"|sk-[A-Za-z0-9_-]{16}|[sr]k_(live|test)_[A-Za-z0-9]{8}",
        r"|AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{16}",
        r"|hf_[A-Za-z0-9]{16}|npm_[A-Za-z0-9]{16}|dop_v1_[a-f0-9]{16}|dckr_pat_[A-Za-z0-9_-]{8}",
        r"|pypi-[A-Za-z0-9_-]{16}|tskey-[a-z]+-[A-Za-z0-9-]{8}|hv[sb]\.[A-Za-z0-9_-]{16}",
        r"|K10[a-f0-9]{32,}::|AGE-SECRET-KEY-1[A-Z0-9]{8}",
        r"|(AKIA|ASIA)[A-Z0-9]{16}[^A-Za-z0-9].*[A-Za-z0-9/+]{40}",
        r")",
    ))
    .ok()
});

/// A URL that lets in whoever has it, by a parameter: SAS tokens of Azure,
/// presigned URLs of S3, GCS and others.
static SIGNED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)[?&;](sig|jwt|signature|x-amz-signature|x-amz-security-token|x-goog-signature",
        r"|private_token|sas)=[A-Za-z0-9%+/_=.-]{8}",
    ))
    .ok()
});

/// What a variable has where nothing is said: `${TOKEN:=x}`.
static DEFAULT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*):?[=-](?P<said>[^}$\s"'][^}]*)\}"#).ok()
});

/// A login before a host: `a:b@host`, `a:b@tcp(host)`, `a:b@10.0.0.1`.
static LOGIN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r#"(^|[\s"'=,(])(?P<name>[A-Za-z0-9_.-]+):(?P<password>[^\s@/"'][^\s@"']*)"#,
        r"@(?P<host>[A-Za-z\[(][A-Za-z0-9_.-]*|\d+\.\d+\.\d+\.\d+)",
    ))
    .ok()
});

/// Whether something on the line is a secret by its looks.
pub(super) fn has_secret(line: &str) -> bool {
    [&HASH, &TOKEN].into_iter().any(|regex| regex.as_ref().is_some_and(|r| r.is_match(line)))
        || is_header(line)
        || SIGNED.as_ref().is_some_and(|regex| regex.is_match(line))
        || line.contains("hooks.slack.com/services/")
        || has_login(line)
        || has_default(line)
}

fn has_default(line: &str) -> bool {
    let Some(regex) = DEFAULT.as_ref().filter(|_| line.contains("${")) else { return false };
    regex
        .captures_iter(line)
        .any(|found| found.name("name").is_some_and(|name| super::is_secret_key(name.as_str())))
}

/// Addresses and digests look like that, too.
fn has_login(line: &str) -> bool {
    const NAMES: [&str; 6] = ["mailto", "sip", "sips", "xmpp", "acct", "npm"];
    const HOSTS: [&str; 3] = ["sha256", "sha384", "sha512"];
    let Some(regex) = LOGIN.as_ref().filter(|_| line.contains('@')) else { return false };
    regex.captures_iter(line).any(|found| {
        let said = |name| found.name(name).map_or("", |found| found.as_str());
        !NAMES.contains(&said("name"))
            && !HOSTS.contains(&said("host"))
            && !said("password").starts_with(['$', '<', '{'])
    })
}

/// Whether a private key begins on the line, or ends.
pub(super) fn is_private_key(line: &str) -> bool {
    line.contains("PRIVATE KEY-----")
        || line.contains("PRIVATE KEY BLOCK-----")
        || line.contains("OpenVPN Static key V1-----")
}

/// Whether a text is one public key and nothing else, as files named `x.key` may be.
pub(crate) fn is_public_key(text: &str) -> bool {
    const NAMES: [&str; 3] =
        ["PGP PUBLIC KEY BLOCK-----", "PUBLIC KEY-----", "RSA PUBLIC KEY-----"];
    let text = text.trim();
    NAMES.iter().any(|name| {
        let rest = text.strip_prefix("-----BEGIN ").and_then(|rest| rest.strip_prefix(name));
        let inside = rest.and_then(|rest| rest.strip_suffix(name)?.strip_suffix("-----END "));
        inside.is_some_and(|inside| !inside.contains("-----"))
    })
}

/// What a request proves who it is with: `Bearer x`, `Basic x`.
fn is_header(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().map(bare).collect();
    words.windows(2).any(|pair| match pair[0].to_ascii_lowercase().as_str() {
        "bearer" => looks_random(pair[1]),
        "basic" => decode(pair[1]).is_some_and(|login| login.contains(':')),
        _ => false,
    })
}

/// No word of prose: long, or with a digit.
fn looks_random(word: &str) -> bool {
    let is_plain = |c: u8| c.is_ascii_alphanumeric() || b"._~+/=-".contains(&c);
    let has_digit = word.bytes().any(|c| c.is_ascii_digit());
    word.bytes().all(is_plain) && word.len() >= 8 && (has_digit || word.len() > 23)
}

fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| matches!(c, '"' | '\'' | '`' | ',' | ';' | ':' | '\\' | '[' | ']'))
}
