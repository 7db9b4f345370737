//! Encrypting.

use std::io::{self, Write};

use age::armor::{ArmoredWriter, Format};
use age::{Encryptor, Recipient, scrypt};
use edgectl_model::Secret;
use thiserror::Error;

use crate::document::document;
use crate::recipients::{Kind, Recipients};

/// scrypt's work for a passphrase, N = 2^18 as the tool `age` has it: 256 MiB
/// of memory and about a second. Not measured on this machine: it is another
/// one that opens it.
pub(crate) const WORK_FACTOR: u8 = 18;

/// Why something can't be encrypted.
#[derive(Debug, Error)]
pub enum EncryptError {
    /// The recipients don't go together.
    #[error("age can't encrypt to these recipients")]
    Recipients,
    /// There is no room for the result.
    #[error("writing what is encrypted")]
    Write(#[source] io::Error),
}

/// User data of which nobody but the recipients can read anything: a document to
/// put in the place of `text`. It is another one each time.
pub fn encrypt(text: &Secret, recipients: &Recipients) -> Result<String, EncryptError> {
    let armored = match &recipients.0 {
        Kind::Keys(keys) => armored(text, keys.iter().map(|key| &key.0 as &dyn Recipient)),
        Kind::Passphrase(passphrase) => {
            let mut recipient = scrypt::Recipient::new(passphrase.expose().into());
            recipient.set_work_factor(WORK_FACTOR);
            armored(text, std::iter::once(&recipient as &dyn Recipient))
        }
    }?;
    Ok(document(&String::from_utf8_lossy(&armored)))
}

fn armored<'a>(
    text: &Secret,
    recipients: impl Iterator<Item = &'a dyn Recipient>,
) -> Result<Vec<u8>, EncryptError> {
    let encryptor = Encryptor::with_recipients(recipients).map_err(|_| EncryptError::Recipients)?;
    let write = || {
        let armor = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor)?;
        let mut out = encryptor.wrap_output(armor)?;
        out.write_all(text.expose().as_bytes())?;
        out.finish()?.finish()
    };
    write().map_err(EncryptError::Write)
}
