//! Configuration files of the container runtime, out of the registries and
//! mirror rules that user data names.
//!
//! This crate is pure: it says which files there are and what is in them, and
//! never writes one.

mod access;
mod config;
mod containerd;
mod error;
mod file;
mod hosts;
mod mirrors;
mod proxy;
mod rancher;
mod registries;
mod text;

pub use access::{NodeRegistries, NodeRegistry};
pub use containerd::containerd_files;
pub use error::NodeError;
pub use file::RuntimeFile;
pub use proxy::NodeProxy;
pub use rancher::{Rancher, rancher_files};
