//! What discovery hands back.

use edgectl_model::{Digest, Found, Reference, Role, Tier};

/// One image, and why it is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscoveredImage {
    /// The source reference.
    pub reference: Reference,
    /// What it is for.
    pub role: Role,
    /// How sure discovery is; that of the surest place.
    pub tier: Tier,
    /// Whether a list names it.
    pub declared: bool,
    /// Every place that names it.
    pub found: Vec<Found>,
}

/// An image that is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excluded {
    /// The image.
    pub image: DiscoveredImage,
    /// Why, as the user says.
    pub reason: String,
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Worth a look.
    Warning,
    /// An image may be missing.
    Error,
}

impl Severity {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Something wrong with the profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The input.
    pub file: String,
    /// Line, from 1; 0 where it can't be told.
    pub line: u64,
    /// Column, from 1; 0 where it can't be told.
    pub column: u64,
    /// Path of keys and indexes inside the file.
    pub path: String,
    /// The object that holds it: `pack cni-demo` or `Deployment default/web`.
    pub object: String,
    /// The rule that found it.
    pub rule: &'static str,
    /// What is wrong.
    pub message: String,
}

/// Everything that discovery found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    /// The images, sorted by reference.
    pub images: Vec<DiscoveredImage>,
    /// What the user left out.
    pub excluded: Vec<Excluded>,
    /// The problems, sorted by place.
    pub problems: Vec<Problem>,
    /// Digest over everything that was read; file names don't count.
    pub inputs: Digest,
}
