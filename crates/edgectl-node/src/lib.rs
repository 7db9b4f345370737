//! Configuration files of the container runtime, out of the registries and
//! mirror rules that user data names.
//!
//! This crate is pure: it says which files there are and what is in them, and
//! never writes one.

mod config;
mod containerd;
mod error;
mod file;
mod hosts;
mod mirrors;
mod toml_text;

pub use containerd::{NodeRegistries, NodeRegistry, containerd_files};
pub use error::NodeError;
pub use file::RuntimeFile;
