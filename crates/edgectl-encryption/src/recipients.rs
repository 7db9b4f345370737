//! Whom something is encrypted to.

use std::fmt;

use edgectl_model::Secret;
use thiserror::Error;

/// Digits of a public key: Bech32's, BIP 173.
const DIGITS: &str = "023456789acdefghjklmnpqrstuvwxyz";
/// What every public key begins with.
const PUBLIC: &str = "age1";
/// A public key's length: prefix, 52 digits, 6 of a checksum.
const LENGTH: usize = 62;
/// More keys than one medium is encrypted to.
pub(crate) const MOST: usize = 1000;

/// A public key of age, `age1…`.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(pub(crate) age::x25519::Recipient);

impl PublicKey {
    /// Reads one.
    pub fn parse(text: &str) -> Result<Self, PublicKeyError> {
        text.parse().map(Self).map_err(|_| PublicKeyError::of(text))
    }

    /// Reads a list: one key a line; empty lines and those with `#` in front are
    /// left out.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, ListError> {
        let mut keys = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let word = line.trim();
            if word.is_empty() || word.starts_with('#') {
                continue;
            }
            let indent = line.chars().take_while(|c| c.is_whitespace()).count();
            let at = |error: PublicKeyError| {
                let column = indent + 1 + error.offset(word);
                ListError::Key { line: number + 1, column, error }
            };
            keys.push(Self::parse(word).map_err(at)?);
        }
        if keys.is_empty() { Err(ListError::Empty) } else { Ok(keys) }
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a text is no public key. The text isn't quoted: it may be a secret one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PublicKeyError {
    /// The other half of a pair.
    #[error(
        "this is a secret key, which opens what is encrypted: give its public key (`age1…`), and keep this one elsewhere"
    )]
    SecretKey,
    /// A key of OpenSSH.
    #[error("keys of SSH aren't taken: `edgectl iso key` makes a key of age (`age1…`)")]
    Ssh,
    /// A key that a program beside age reads.
    #[error(
        "this is a key of a plugin of age, which the agent doesn't have: `edgectl iso key` makes one without"
    )]
    Plugin,
    /// A public key with a character that it can't have.
    #[error("the public key holds a character that is none of a key")]
    Digit,
    /// A public key of another length.
    #[error("the public key has {0} characters, and {LENGTH} are expected: was all of it copied?")]
    Length(usize),
    /// A public key whose checksum is wrong.
    #[error("the public key's checksum is wrong: a character was changed")]
    Checksum,
    /// Something else.
    #[error("this is no public key of age: expected `age1…`")]
    Other,
}

impl PublicKeyError {
    fn of(text: &str) -> Self {
        let lower = text.to_ascii_lowercase();
        if lower.starts_with("age-secret-key-") || lower.starts_with("age-plugin-") {
            return Self::SecretKey;
        }
        if lower.starts_with("ssh-") || lower.starts_with("ecdsa-") {
            return Self::Ssh;
        }
        let Some(digits) = text.strip_prefix(PUBLIC) else { return Self::Other };
        // What is before the last `1` says whose key it is.
        if digits.contains('1') {
            return Self::Plugin;
        }
        if digits.chars().any(|c| !DIGITS.contains(c)) {
            return Self::Digit;
        }
        match text.len() {
            LENGTH => Self::Checksum,
            length => Self::Length(length),
        }
    }

    /// Where in the text it is, in characters.
    fn offset(self, text: &str) -> usize {
        let digits = text.strip_prefix(PUBLIC).unwrap_or_default();
        match self {
            Self::Digit => {
                PUBLIC.len() + digits.chars().take_while(|c| DIGITS.contains(*c)).count()
            }
            _ => 0,
        }
    }
}

/// Why a list of public keys can't be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ListError {
    /// A line that is no key.
    #[error("line {line}, column {column}: {error}")]
    Key {
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What is wrong.
        error: PublicKeyError,
    },
    /// No key at all.
    #[error("it names no public key: expected one (`age1…`) a line")]
    Empty,
}

/// Whom something is encrypted to: owners of keys, or whoever knows a
/// passphrase. age has no files for both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipients(pub(crate) Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Keys(Vec<PublicKey>),
    Passphrase(Secret),
}

/// Why nothing can be encrypted to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RecipientsError {
    /// No key.
    #[error("there is no public key to encrypt to")]
    NoKey,
    /// Too many keys.
    #[error("there are {0} public keys, and a medium is encrypted to {MOST} at most")]
    TooMany(usize),
    /// An empty passphrase.
    #[error("the passphrase is empty")]
    NoPassphrase,
    /// A passphrase that can't be typed.
    #[error(
        "the passphrase holds a line's end or another control character, which nobody can type"
    )]
    Untypable,
}

impl Recipients {
    /// Owners of keys, each once.
    pub fn keys(keys: impl IntoIterator<Item = PublicKey>) -> Result<Self, RecipientsError> {
        let mut each = Vec::new();
        for key in keys {
            if !each.contains(&key) {
                each.push(key);
            }
        }
        match each.len() {
            0 => Err(RecipientsError::NoKey),
            1..=MOST => Ok(Self(Kind::Keys(each))),
            count => Err(RecipientsError::TooMany(count)),
        }
    }

    /// Whoever knows a passphrase. It must be one that can be typed at a
    /// console.
    pub fn passphrase(passphrase: Secret) -> Result<Self, RecipientsError> {
        if passphrase.is_empty() {
            return Err(RecipientsError::NoPassphrase);
        }
        match passphrase.expose().chars().any(char::is_control) {
            true => Err(RecipientsError::Untypable),
            false => Ok(Self(Kind::Passphrase(passphrase))),
        }
    }
}

impl fmt::Display for Recipients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Keys(keys) => crate::Opener::Keys(keys.len()).fmt(f),
            Kind::Passphrase(_) => crate::Opener::Passphrase.fmt(f),
        }
    }
}
