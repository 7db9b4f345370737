//! User data of the Palette flavor (`#cloud-config` with a `stylus:` section):
//! typed reading, and edits that change only the bytes they must.
//!
//! This crate is pure: text goes in, text or values come out. Errors carry a
//! line and a column, and never a value of the text, because user data holds
//! passwords.

mod certificate;
mod edit;
mod error;
mod guard;
mod header;
mod inject;
mod lines;
mod place;
mod scalar;
mod settings;
mod tree;

pub use error::{InjectError, Place, ReadError};
pub use inject::{Injection, inject};
pub use settings::{InstallSettings, NodeSettings, RegistryAccess, read_settings};
