//! User data that only a key or a passphrase opens, for media that get lost.
//!
//! [`encrypt`] turns a text into an [age](https://age-encryption.org/v1) file in
//! a cloud-config document of an empty mapping and comments. cloud-init and Kairos
//! take that for an empty one, so it can lie wherever user data lies; the agent finds
//! it there ([`Encrypted::find`]) and opens it ([`Encrypted::open`]).
//!
//! What is encrypted is secret, and that is all: anybody can encrypt something
//! else to the same public key, so it doesn't say who wrote it.
//!
//! This crate is pure: text goes in, text comes out. Randomness is the operating
//! system's, taken by `age`. No message quotes what it is given: it may be a key.

mod document;
mod encrypt;
mod key;
mod open;
mod recipients;

pub use document::{Encrypted, Opener};
pub use encrypt::{EncryptError, encrypt};
pub use key::{Identities, IdentityError, SiteKey, generate_key};
pub use open::{OpenError, Unlock};
pub use recipients::{ListError, PublicKey, PublicKeyError, Recipients, RecipientsError};

/// The label of the disc that the agent looks for: any file system with it, such
/// as that of a USB stick (FAT, whose labels are no longer than this one).
pub const KEY_DISC_LABEL: &str = "EDGECTL_KEY";
/// The file on it with secret keys.
pub const KEY_FILE: &str = "site.key";
/// The file on it with a passphrase, on its first line.
pub const PASSPHRASE_FILE: &str = "passphrase";
