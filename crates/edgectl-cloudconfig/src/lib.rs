//! User data of edge hosts: typed reading and edits that change only the bytes
//! they must ([`inject`]), what is wrong with it ([`check`]), several files as
//! one ([`merge`]), and a form that can be shown around ([`redact`]).
//!
//! This crate is pure: text goes in, text or values come out. Errors carry a
//! line and a column, and never a value of the text, because user data holds
//! passwords.

mod block_lines;
mod certificate;
mod check;
mod choice;
mod contained;
mod data_url;
mod edit;
mod envelope;
mod error;
mod fleet;
mod form;
mod guard;
mod header;
mod holes;
mod host_files;
mod inject;
mod injection;
mod jinja;
mod leftovers;
mod lines;
mod merge;
mod mime;
mod place;
mod plan;
mod redact;
mod remove;
mod rendered;
mod scalar;
mod secrets;
mod settings;
mod splice;
mod target;
mod template;
mod template_proof;
mod trace;
mod tree;
mod yip;

pub use check::{Against, Finding, Flavor, Level, RULES, Rule, USER_DATA_SCHEMA, check};
pub use envelope::cloud_configs;
pub use error::{InjectError, Place, ReadError};
pub use fleet::{
    RenderError, SiteTemplate, SiteValue, SitesError, TemplateError, read_site_values,
};
pub use header::has_mark;
pub use host_files::written_files;
pub use inject::{carries, inject};
pub use injection::{HostFile, Injection, RuntimeSetup, SiteSettings};
pub use leftovers::other_logins;
pub use merge::{KindClash, MergeError, Merged, Source, Step, merge};
pub use redact::{RedactError, redact};
pub use remove::{RemoveError, Removed, remove, remove_by_force};
pub use settings::{InstallSettings, NodeSettings, RegistryAccess, read_settings};
