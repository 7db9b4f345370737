//! From what describes a cluster to the images it needs, each with every place
//! that names it: cluster profile exports and packs, Kubernetes manifests,
//! Helm charts, and the lists of other tools.
//!
//! This crate is pure: texts go in, images and problems come out. Whoever
//! calls it reads the files; programs that render come in through
//! [`Renderer`].

mod chart;
mod collect;
mod corrections;
mod discover;
mod documents;
mod elsewhere;
mod error;
mod escapes;
mod findings;
mod layer;
mod macros;
mod mask;
mod missing;
mod render;
mod report;
mod rules;
mod search;
mod sources;
mod tree;
mod units;
mod values_text;

pub use chart::{ChartFile, ChartFiles, ChartId};
pub use discover::{Discoverer, Expect, File, Input, discover};
pub use documents::{Document, Documents};
pub use elsewhere::{ChartName, ChartSettings, Elsewhere, Target};
pub use error::ProfileError;
pub use render::{ChartRequest, RenderError, Renderer, Unrendered};
pub use report::{DiscoveredImage, Discovery, Excluded, Problem, Severity};
pub use rules::{RULES, Rule};
pub use sources::pack::PackFiles;
pub use sources::table::{PROBLEMS, ProblemRule, SOURCE_RULES};
pub use units::Unit;
