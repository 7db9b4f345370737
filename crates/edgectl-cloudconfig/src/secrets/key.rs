//! Telling a secret by the name of its key: `DB_PASS`, `sshPrivateKey`,
//! `pre-shared-key`.

use super::command::is_user_with_password;
use super::pair::is_variable;

/// Last words of names whose values are secrets.
const SECRETS: [&str; 27] = [
    "password",
    "passwords",
    "passwd",
    "pass",
    "pwd",
    "pw",
    "passphrase",
    "passphrases",
    "passcode",
    "psk",
    "secret",
    "token",
    "pat",
    "auth",
    "authtok",
    "authorization",
    "bearer",
    "cookie",
    "dockercfg",
    "dockerconfigjson",
    "sessionid",
    "apikey",
    "cipherkey",
    "bindpw",
    "rootbindpw",
    "rootpw",
    "masterauth",
];
/// Ends of words that say the same: `MYPASS`, `authtoken`.
const ENDS: [&str; 8] =
    ["password", "passwords", "passwd", "passphrase", "passcode", "token", "secret", "pass"];
/// Words that only end like that.
const OTHERS: [&str; 7] =
    ["nopasswd", "bypass", "compass", "encompass", "trespass", "surpass", "underpass"];
/// What a key is for, where it is a secret.
const KEYS: [&str; 42] = [
    "private",
    "secret",
    "access",
    "api",
    "license",
    "licence",
    "registration",
    "activation",
    "validation",
    "shared",
    "preshared",
    "encryption",
    "decryption",
    "master",
    "signing",
    "auth",
    "account",
    "wpa",
    "wep",
    "unlock",
    "recovery",
    "enrollment",
    "enrolment",
    "enroll",
    "product",
    "join",
    "storage",
    "symmetric",
    "hmac",
    "session",
    "deploy",
    "app",
    "application",
    "service",
    "consumer",
    "integration",
    "subscription",
    "pairing",
    "provisioning",
    "bootstrap",
    "setup",
    "token",
];
/// Kinds of private keys, as cloud-init names them: `rsa_private`.
const KINDS: [&str; 6] = ["rsa", "dsa", "ecdsa", "ed25519", "ssh", "key"];
/// Last words that say in what form a secret is.
const FORMS: [&str; 20] = [
    "value",
    "text",
    "plain",
    "plaintext",
    "base64",
    "b64",
    "hash",
    "hashed",
    "encrypted",
    "data",
    "string",
    "md5",
    "sha256",
    "sha512",
    "new",
    "old",
    "current",
    "prod",
    "dev",
    "test",
];
/// What else stands beside a secret, in a mapping that is one as a whole.
const BESIDE: [&str; 19] = [
    "name",
    "user",
    "username",
    "domain",
    "server",
    "url",
    "host",
    "registry",
    "endpoint",
    "lock",
    "expire",
    "type",
    "mode",
    "enabled",
    "algorithm",
    "email",
    "realm",
    "path",
    "file",
];

/// PKCS #9's challengePassword, which Puppet's `csr_attributes` have by its number.
pub(super) const CHALLENGE: &str = "1.2.840.113549.1.9.7";

/// Whether a key's value is a secret.
pub(crate) fn is_secret_key(key: &str) -> bool {
    // The shell's own.
    if matches!(key.trim(), "PWD" | "OLDPWD") {
        return false;
    }
    if key.trim() == CHALLENGE {
        return true;
    }
    // Artifactory's.
    if key.trim().to_ascii_lowercase().ends_with("x-jfrog-art-api") {
        return true;
    }
    let words = words(key);
    // Rails'.
    if words.ends_with(&["secret", "key", "base"].map(str::to_owned)) {
        return true;
    }
    let mut said = words.as_slice();
    while let [before @ .., last] = said {
        let is_form = FORMS.contains(&last.as_str()) || last.bytes().all(|c| c.is_ascii_digit());
        if !is_form || before.is_empty() {
            break;
        }
        said = before;
    }
    // Charts' name of a Secret that is there.
    if said.ends_with(&["existing", "secret"].map(str::to_owned)) {
        return false;
    }
    let [before @ .., last] = said else { return false };
    let last = last.trim_end_matches(|c: char| c.is_ascii_digit());
    match last {
        "key" | "keys" => is_key_of(before) || is_key_data(before, &words),
        "cert" => before.last().is_some_and(|word| word == "private"),
        "private" => before.last().is_some_and(|kind| KINDS.contains(&kind.as_str())),
        last => SECRETS.contains(&last) || is_compound(last),
    }
}

/// Whether a key's mapping or list is one of secrets: `tokens`, `api-secrets`.
/// Kubernetes' `imagePullSecrets` has names.
pub(crate) fn is_secrets_key(key: &str) -> bool {
    let words = words(key);
    let is_pull = words.iter().any(|word| word == "pull");
    let is_alone = matches!(&words[..], [only] if only == "credentials");
    let is_said = words.last().is_some_and(|last| matches!(last.as_str(), "secrets" | "tokens"));
    is_alone || (!is_pull && is_said)
}

/// Whether a key's single value is a login where it looks like one.
pub(crate) fn is_login_key(key: &str) -> bool {
    let last = words(key).pop().unwrap_or_default();
    matches!(last.as_str(), "credentials" | "credential" | "creds" | "login")
}

/// Whether a file is nothing but logins, a key or a password, by its name.
pub(crate) fn is_secret_file(path: &str) -> bool {
    const NAMES: [&str; 13] = [
        ".pgpass",
        "chap-secrets",
        "pap-secrets",
        "ipsec.secrets",
        "chrony.keys",
        ".netrc",
        ".git-credentials",
        ".vault-token",
        ".htpasswd",
        "shadow",
        "gshadow",
        "id_rsa",
        "id_ed25519",
    ];
    let Some((folder, name)) = path.rsplit_once('/') else { return false };
    NAMES.contains(&name) || (!is_of_programs(folder, path) && is_secret_name(name, folder))
}

/// Whether a file is a login, by its name and its lines: `user:password`, or each on a
/// line of its own.
pub(crate) fn is_login_file(path: &str, content: &str) -> bool {
    const NAMES: [&str; 7] =
        ["auth", "credentials", "credential", "creds", "cred", "login", "logins"];
    let name = path.rsplit('/').next().unwrap_or_default();
    let words = words(name.strip_suffix(".txt").unwrap_or(name));
    if !words.last().is_some_and(|last| NAMES.contains(&last.as_str())) {
        return false;
    }
    let lines = content.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<&str> = lines.take(3).collect();
    let is_word = |line: &str| !line.contains(char::is_whitespace);
    let is_name = |line: &str| is_word(line) && !line.contains(['=', ':', '{', '[', '<', '#']);
    match lines[..] {
        [login] => is_word(login) && !login.contains("://") && is_user_with_password(login),
        [name, password] => is_name(name) && is_word(password) && !is_variable(password),
        _ => false,
    }
}

/// Whether files have names of their own there: `/etc/pam.d/passwd`.
fn is_of_programs(folder: &str, path: &str) -> bool {
    const FOLDERS: [&str; 5] = ["bin", "sbin", "pam.d", "bash_completion.d", "completions"];
    let last = folder.rsplit('/').next().unwrap_or_default();
    FOLDERS.contains(&last) || matches!(path, "/etc/passwd" | "/etc/passwd-")
}

/// `token`, `registry-password.txt`, `luks.key`; what has lines is looked into.
fn is_secret_name(name: &str, folder: &str) -> bool {
    const BARE: [&str; 10] =
        ["txt", "key", "psk", "secret", "token", "pass", "password", "passwd", "b64", "pw"];
    let (stem, end) = name.rsplit_once('.').unwrap_or((name, ""));
    let is_key = end == "key" && {
        let open = ["keyring", "gpg", "pgp", "pub", "apt", "signing"];
        !open.iter().any(|open| folder.contains(open) || stem.contains(open))
    };
    let is_bare = stem.is_empty() || end.is_empty() || BARE.contains(&end);
    is_key
        || end == "psk"
        || (is_bare && (is_secret_key(stem) || (end != "txt" && is_secret_key(name))))
}

/// Whether a key beside a secret, in a mapping, names something that isn't one.
pub(crate) fn is_beside_secret(key: &str) -> bool {
    words(key).last().is_some_and(|last| BESIDE.contains(&last.as_str()))
}

/// Several words that are written as one.
fn is_compound(word: &str) -> bool {
    let is_key = word.strip_suffix("keys").or(word.strip_suffix("key")).is_some_and(|purpose| {
        KEYS.iter().any(|key| purpose == *key || (key.len() > 3 && purpose.ends_with(key)))
    });
    let is_private = word.strip_suffix("private").is_some_and(|kind| KINDS.contains(&kind));
    let is_secret = ENDS.iter().any(|end| word.ends_with(end)) && !OTHERS.contains(&word);
    is_key || is_private || is_secret
}

fn is_key_of(words: &[String]) -> bool {
    let is_open = words.iter().any(|word| matches!(word.as_str(), "public" | "authorized"));
    let is_purpose = |word: &String| KEYS.contains(&word.as_str());
    let is_file = matches!(words, [only] if only == "tls");
    !is_open && (is_file || words.iter().any(is_purpose))
}

/// `client-key-data` of Kubernetes.
fn is_key_data(before: &[String], words: &[String]) -> bool {
    let is_client = before.last().is_some_and(|word| word == "client");
    is_client && words.last().is_some_and(|word| word == "data")
}

/// The words of a name, in lower case: parted by anything that is no letter and
/// no digit, and by capitals (`sshPrivateKey`, `APIKey`).
fn words(key: &str) -> Vec<String> {
    let chars: Vec<char> = key.chars().collect();
    let mut words = Vec::new();
    let mut word = String::new();
    for (at, c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| chars.get(at));
        let begins = c.is_uppercase()
            && before.is_some_and(|before| {
                let is_last_capital = chars.get(at + 1).is_some_and(|next| next.is_lowercase());
                before.is_lowercase()
                    || before.is_numeric()
                    || (before.is_uppercase() && is_last_capital)
            });
        if (begins || !c.is_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parted_into_words() {
        for (key, expected) in [
            ("AWS_SECRET_ACCESS_KEY", "aws secret access key"),
            ("sshPrivateKey", "ssh private key"),
            ("APIKey", "api key"),
            ("pre-shared-key", "pre shared key"),
            ("a.b/c d", "a b c d"),
            ("password2", "password2"),
        ] {
            assert_eq!(words(key).join(" "), expected);
        }
    }

    #[test]
    fn files_of_secrets_are_told_from_others() {
        for path in [
            "/var/lib/rancher/k3s/server/token",
            "/run/secrets/registry-password",
            "/etc/edge/password",
            "/etc/edge/password.txt",
            "/etc/wireguard/private.key",
            "/etc/wifi/net.psk",
            "/etc/luks.key",
            "/etc/chrony/chrony.keys",
            "/srv/git/.ssh/id_rsa",
        ] {
            assert!(is_secret_file(path), "{path}");
        }
        for path in [
            "/etc/passwd",
            "/etc/pam.d/common-auth",
            "/usr/bin/rotate-token",
            "/opt/rotate-token.sh",
            "/etc/apt/keyrings/docker.key",
            "/etc/edge/name",
            "/srv/git/.ssh/authorized_keys",
            "/etc/edge/token.yaml",
        ] {
            assert!(!is_secret_file(path), "{path}");
        }
    }

    #[test]
    fn files_of_logins_are_told_by_their_lines() {
        for (path, content) in [
            ("/etc/edge/credentials", "puller\nx"),
            ("/etc/edge/registry.auth", "puller:x\n"),
            ("/etc/smb-creds.txt", "\nu\n\nx=y:\n"),
        ] {
            assert!(is_login_file(path, content), "{path}");
        }
        for (path, content) in [
            ("/etc/edge/credentials", "[default]\nregion=eu"),
            ("/etc/edge/credentials", "puller\n$PASSWORD"),
            ("/etc/edge/credentials", "see the wiki"),
            ("/etc/edge/credentials", "a\nb\nc"),
            ("/etc/edge/registry.auth", "puller:$PASSWORD"),
            ("/etc/edge/registry.auth", "https://reg.local"),
            ("/etc/edge/hosts", "puller:x"),
            ("/etc/edge/authors", "puller\nx"),
        ] {
            assert!(!is_login_file(path, content), "{path} {content}");
        }
    }

    #[test]
    fn keys_of_secrets_are_told_from_others() {
        for key in [
            "password",
            "AWS_SECRET_ACCESS_KEY",
            "aws_secret_access_key",
            "DB_PASS",
            "MYPASS",
            "db_pwd",
            "GITHUB_PAT",
            "sshPrivateKey",
            "licenseKey",
            "registration_key",
            "activation-key",
            "activationkey",
            "validation_key",
            "psk",
            "wifi-sec.psk",
            "pre-shared-key",
            "PresharedKey",
            "--authkey",
            "--auth-key",
            "X-API-Key",
            "edgeHostToken",
            "_authToken",
            "hashed_passwd",
            "hashed-passwd",
            "plain_text_passwd",
            "passwordHash",
            "POSTGRES_PASSWORD_2",
            "password1",
            "rsa_private",
            "ed25519_private",
            "client-key-data",
            "ldap_default_authtok",
            "tls.key",
            ".dockerconfigjson",
            "curl -H \"Authorization",
            "old password",
            "AccountKey",
            "token_key",
            "private-cert",
            "clientSecret",
            "api_keys",
            "1.2.840.113549.1.9.7",
        ] {
            assert!(is_secret_key(key), "{key}");
        }
        for key in [
            "",
            "key",
            "keys",
            "keyboard",
            "keyid",
            "publicKey",
            "ssh_public_key",
            "ssh_authorized_keys",
            "authorized_keys",
            "ssh_keys",
            "ssh_pwauth",
            "ssh_deletekeys",
            "lock",
            "bypass",
            "compass",
            "PWD",
            "path",
            "pattern",
            "secretName",
            "existingSecret",
            "passwordFile",
            "password-stdin",
            "ldap_default_authtok_type",
            "token_ttl",
            "discovery-token-ca-cert-hash",
            "AWS_ACCESS_KEY_ID",
            "imagePullSecrets",
            "author",
            "authority",
            "auth_mode",
            "private",
            "private_network",
            "primary_key",
            "1.2.840.113549.1.9.2",
            "certificate-authority-data",
            "client-certificate-data",
            "host",
            "data",
            "new",
        ] {
            assert!(!is_secret_key(key), "{key}");
        }
    }
}
