//! Cluster profile exports (JSON or YAML) to the images they need, each with
//! every place that names it.
//!
//! This crate is pure: texts go in, images and problems come out.

mod chart_values;
mod collect;
mod content;
mod discover;
mod documents;
mod error;
mod escapes;
mod export;
mod findings;
mod layer;
mod macros;
mod manifests;
mod mask;
mod os_pack;
mod report;
mod rules;
mod tree;

pub use discover::{Input, discover};
pub use documents::{Document, Documents};
pub use error::ProfileError;
pub use report::{DiscoveredImage, Discovery, Problem, Severity};
pub use rules::{RULES, Rule};
