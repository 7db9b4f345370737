//! Keys that open what is encrypted to their public ones.

use std::fmt;

use edgectl_model::Secret;
use thiserror::Error;

use crate::recipients::{MOST, PublicKey};

/// What every secret key begins with.
const SECRET: &str = "AGE-SECRET-KEY-1";

/// A pair of keys.
#[derive(Debug, Clone)]
pub struct SiteKey {
    /// Opens what is encrypted, `AGE-SECRET-KEY-1…`.
    pub secret: Secret,
    /// What is encrypted to it, `age1…`.
    pub public: PublicKey,
}

impl SiteKey {
    /// The text of a key file, as `age-keygen` and the agent read it.
    pub fn to_file(&self) -> Secret {
        let secret = self.secret.expose();
        Secret::new(format!("# public key: {}\n{secret}\n", self.public))
    }
}

/// Makes a pair of keys.
pub fn generate_key() -> SiteKey {
    use age::secrecy::ExposeSecret;
    let identity = age::x25519::Identity::generate();
    let public = PublicKey(identity.to_public());
    SiteKey { secret: Secret::new(identity.to_string().expose_secret()), public }
}

/// Secret keys, each of which may open something.
#[derive(Clone)]
pub struct Identities(pub(crate) Vec<age::x25519::Identity>);

impl Identities {
    /// Reads a key file: one secret key a line; empty lines and those with `#`
    /// in front are left out.
    pub fn parse(text: &Secret) -> Result<Self, IdentityError> {
        let mut keys = Vec::new();
        for (number, line) in text.expose().lines().enumerate() {
            let word = line.trim();
            if word.is_empty() || word.starts_with('#') {
                continue;
            }
            let line = number + 1;
            let wrong = |_| match word.starts_with(SECRET) {
                true => IdentityError::Damaged { line },
                false if word.starts_with("age1") => IdentityError::Public { line },
                false => IdentityError::Other { line },
            };
            keys.push(word.parse().map_err(wrong)?);
        }
        match keys.len() {
            0 => Err(IdentityError::Empty),
            1..=MOST => Ok(Self(keys)),
            count => Err(IdentityError::TooMany(count)),
        }
    }

    /// Their public keys.
    pub fn public_keys(&self) -> impl Iterator<Item = PublicKey> + '_ {
        self.0.iter().map(|identity| PublicKey(identity.to_public()))
    }
}

impl fmt::Debug for Identities {
    /// They are secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identities({})", self.0.len())
    }
}

/// Why a text holds no secret keys. None of it is quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum IdentityError {
    /// A key that isn't whole.
    #[error("line {line}: the secret key is damaged: was all of it copied?")]
    Damaged {
        /// Line, from 1.
        line: usize,
    },
    /// The other half of the pair.
    #[error("line {line}: this is a public key, which opens nothing: expected `AGE-SECRET-KEY-1…`")]
    Public {
        /// Line, from 1.
        line: usize,
    },
    /// Something else.
    #[error("line {line}: expected a secret key of age, `AGE-SECRET-KEY-1…`")]
    Other {
        /// Line, from 1.
        line: usize,
    },
    /// Nothing.
    #[error("there is no secret key in it: expected `AGE-SECRET-KEY-1…`")]
    Empty,
    /// Too many.
    #[error("there are {0} secret keys, and {MOST} are tried at most")]
    TooMany(usize),
}
