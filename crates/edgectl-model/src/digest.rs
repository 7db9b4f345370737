//! Content digests, as the OCI image specification defines them.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::digest::common::hazmat::{SerializableState, SerializedState};
use sha2::{Digest as _, Sha256, Sha512};
use thiserror::Error;

/// Why a text isn't a digest.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DigestError {
    /// No `algorithm:hex` form.
    #[error("`{0}` is not a digest: expected `sha256:` and 64 hexadecimal digits")]
    Form(String),
    /// An algorithm that nothing here can check.
    #[error("digest `{0}` uses an algorithm other than sha256 and sha512")]
    Algorithm(String),
}

/// A digest `algorithm:hex` whose algorithm is sha256 or sha512 and whose hex
/// has the right length and is lower case.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(String);

impl Digest {
    /// Parses `sha256:…` or `sha512:…`.
    pub fn parse(text: &str) -> Result<Self, DigestError> {
        let (algorithm, hex) =
            text.split_once(':').ok_or_else(|| DigestError::Form(text.to_owned()))?;
        let length = match algorithm {
            "sha256" => 64,
            "sha512" => 128,
            _ => return Err(DigestError::Algorithm(text.to_owned())),
        };
        let is_hex = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
        if hex.len() != length || !hex.bytes().all(is_hex) {
            return Err(DigestError::Form(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The sha256 digest of `bytes`.
    pub fn sha256(bytes: &[u8]) -> Self {
        let mut hasher = Hasher::sha256();
        hasher.update(bytes);
        hasher.finish()
    }

    /// `sha256` or `sha512`.
    pub fn algorithm(&self) -> &str {
        self.0.split_once(':').map_or("", |(a, _)| a)
    }

    /// The hexadecimal part.
    pub fn hex(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, h)| h)
    }

    /// The whole text, `algorithm:hex`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 12 hexadecimal digits, for people.
    pub fn short(&self) -> &str {
        &self.hex()[..12]
    }

    /// A hasher that computes a digest of this one's algorithm.
    pub fn hasher(&self) -> Hasher {
        match self.algorithm() {
            "sha512" => Hasher(State::Sha512(Box::default())),
            _ => Hasher::sha256(),
        }
    }

    /// A hasher that goes on where [`Hasher::state`] was taken; none if that
    /// isn't a state of this digest's algorithm.
    pub fn hasher_from(&self, state: &[u8]) -> Option<Hasher> {
        Some(match self.algorithm() {
            "sha512" => Hasher(State::Sha512(Box::new(restored(state)?))),
            _ => Hasher(State::Sha256(Box::new(restored(state)?))),
        })
    }
}

fn restored<T: SerializableState>(state: &[u8]) -> Option<T> {
    let state = SerializedState::<T>::try_from(state).ok()?;
    T::deserialize(&state).ok()
}

/// Computes a digest while bytes stream by.
#[derive(Clone)]
pub struct Hasher(State);

#[derive(Clone)]
enum State {
    Sha256(Box<Sha256>),
    Sha512(Box<Sha512>),
}

impl Hasher {
    /// A sha256 hasher.
    pub fn sha256() -> Self {
        Self(State::Sha256(Box::default()))
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Sha256(h) => h.update(bytes),
            State::Sha512(h) => h.update(bytes),
        }
    }

    /// What it has taken so far, as bytes that [`Digest::hasher_from`] goes on
    /// from in another process. Not a digest: it may hold the last few bytes
    /// taken as they are.
    pub fn state(&self) -> Vec<u8> {
        match &self.0 {
            State::Sha256(h) => h.serialize().to_vec(),
            State::Sha512(h) => h.serialize().to_vec(),
        }
    }

    /// The digest of everything taken.
    pub fn finish(self) -> Digest {
        match self.0 {
            State::Sha256(h) => Digest(format!("sha256:{}", hex::encode(h.finalize()))),
            State::Sha512(h) => Digest(format!("sha512:{}", hex::encode(h.finalize()))),
        }
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher")
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Digest {
    type Err = DigestError;
    fn from_str(text: &str) -> Result<Self, DigestError> {
        Self::parse(text)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Digest {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Digest".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^sha(256:[0-9a-f]{64}|512:[0-9a-f]{128})$"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_and_parses() {
        let empty = Digest::sha256(b"");
        assert_eq!(
            empty.as_str(),
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(Digest::parse(empty.as_str()).unwrap(), empty);
        let mut long = Digest::parse(&format!("sha512:{}", "a".repeat(128))).unwrap().hasher();
        long.update(b"x");
        assert_eq!(long.finish().algorithm(), "sha512");
    }

    #[test]
    fn goes_on_from_a_state() {
        for digest in [Digest::sha256(b"").to_string(), format!("sha512:{}", "a".repeat(128))] {
            let digest = Digest::parse(&digest).unwrap();
            let mut first = digest.hasher();
            first.update(&[7; 100]);
            let mut second = digest.hasher_from(&first.state()).unwrap();
            second.update(&[8; 100]);
            first.update(&[8; 100]);
            assert_eq!(first.finish(), second.finish());
            assert!(digest.hasher_from(b"short").is_none());
        }
    }

    #[test]
    fn refuses_other_forms() {
        for bad in ["", "sha256", "sha256:", "sha256:ABC", "md5:d41d8cd98f00b204e9800998ecf8427e"] {
            assert!(Digest::parse(bad).is_err(), "{bad}");
        }
        let upper = format!("sha256:{}", "A".repeat(64));
        assert!(Digest::parse(&upper).is_err());
    }
}
