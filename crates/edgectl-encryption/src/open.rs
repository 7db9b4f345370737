//! Opening what is encrypted.

use std::io::{self, Read};

use age::{Decryptor, Identity, scrypt};
use edgectl_model::Secret;
use thiserror::Error;

use crate::document::{Encrypted, Opener};
use crate::encrypt::WORK_FACTOR;
use crate::key::Identities;
use crate::recipients::MOST;

/// More than any medium has room for, in bytes.
const LIMIT: u64 = 96 << 20;

/// What is tried on something encrypted.
#[derive(Debug, Clone)]
pub enum Unlock {
    /// Secret keys.
    Identities(Identities),
    /// A passphrase.
    Passphrase(Secret),
}

/// Why something can't be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Keys of somebody else.
    #[error("it is encrypted to other keys than the given one")]
    WrongKey,
    /// Another passphrase.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// A passphrase where keys open it.
    #[error("it is encrypted to a key: give the site key (`AGE-SECRET-KEY-1…`), not a passphrase")]
    NeedsKey,
    /// Keys where a passphrase opens it.
    #[error("it is encrypted with a passphrase, which keys can't replace")]
    NeedsPassphrase,
    /// A passphrase that takes a machine down to try.
    #[error(
        "its passphrase takes work beyond 2^{WORK_FACTOR} to try: it wasn't encrypted by edgectl"
    )]
    TooMuchWork,
    /// More keys than edgectl encrypts to.
    #[error("it is encrypted to {0} keys, and edgectl encrypts to {MOST} at most")]
    TooManyKeys(usize),
    /// Not what was written.
    #[error("it is damaged, or cut short: write the medium again")]
    Damaged(#[source] Option<io::Error>),
    /// More than there can be.
    #[error("it is larger than user data can be")]
    TooLarge,
    /// Not a text.
    #[error("what is encrypted is no text (UTF-8)")]
    NoText,
}

impl Encrypted {
    /// The user data as it was before it was encrypted.
    pub fn open(&self, with: &Unlock) -> Result<Secret, OpenError> {
        match (self.opener(), with) {
            (Opener::Unknown, _) => Err(OpenError::Damaged(None)),
            (Opener::Keys(count), _) if count > MOST => Err(OpenError::TooManyKeys(count)),
            (Opener::Keys(_), Unlock::Passphrase(_)) => Err(OpenError::NeedsKey),
            (Opener::Passphrase, Unlock::Identities(_)) => Err(OpenError::NeedsPassphrase),
            (Opener::Keys(_), Unlock::Identities(keys)) => {
                self.read(keys.0.iter().map(|key| key as &dyn Identity))
            }
            (Opener::Passphrase, Unlock::Passphrase(passphrase)) => {
                let mut identity = scrypt::Identity::new(passphrase.expose().into());
                identity.set_max_work_factor(WORK_FACTOR);
                self.read(std::iter::once(&identity as &dyn Identity)).map_err(
                    |error| match error {
                        // The one key that a passphrase makes opens it, or none does.
                        OpenError::WrongKey => OpenError::WrongPassphrase,
                        error => error,
                    },
                )
            }
        }
    }

    fn read<'a>(
        &self,
        identities: impl Iterator<Item = &'a dyn Identity>,
    ) -> Result<Secret, OpenError> {
        let decryptor = Decryptor::new_buffered(self.reader()).map_err(open_error)?;
        let reader = decryptor.decrypt(identities).map_err(open_error)?;
        let mut bytes = Vec::new();
        let read = reader.take(LIMIT + 1).read_to_end(&mut bytes);
        read.map_err(|error| OpenError::Damaged(Some(error)))?;
        if bytes.len() as u64 > LIMIT {
            return Err(OpenError::TooLarge);
        }
        String::from_utf8(bytes).map(Secret::new).map_err(|_| OpenError::NoText)
    }
}

/// age's own words are translated and hint at its own tools.
fn open_error(error: age::DecryptError) -> OpenError {
    use age::DecryptError as Age;
    match error {
        Age::NoMatchingKeys | Age::DecryptionFailed | Age::KeyDecryptionFailed => {
            OpenError::WrongKey
        }
        Age::ExcessiveWork { .. } => OpenError::TooMuchWork,
        Age::Io(error) => OpenError::Damaged(Some(error)),
        Age::InvalidHeader | Age::InvalidMac | Age::UnknownFormat => OpenError::Damaged(None),
    }
}
