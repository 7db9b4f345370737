//! What a document names that is elsewhere: files beside it, charts.

use edgectl_model::Found;

use crate::units::{LOOSE, Unit};

/// Something that has to be read too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// Who names it.
    pub found: Found,
    /// Column of that.
    pub column: u64,
    /// What it counts for.
    pub(crate) unit: usize,
    /// What it is.
    pub target: Target,
}

impl Elsewhere {
    /// The pack that names it.
    pub fn unit(&self) -> Option<Unit> {
        (self.unit != LOOSE).then_some(Unit(self.unit))
    }
}

/// What is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A file or directory, relative to the file that names it.
    Path(String),
    /// A text in the network.
    Url(String),
    /// A chart.
    Chart(ChartName),
}

/// A chart by name, and what it is installed with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChartName {
    /// `https://…` or `oci://…`, the chart's own name left out; a path where
    /// it is beside the file that names it; empty where nothing is said.
    pub repository: String,
    /// Its name.
    pub name: String,
    /// Its version; the newest where absent.
    pub version: Option<String>,
    /// How it is installed.
    pub settings: ChartSettings,
}

/// How a chart is installed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChartSettings {
    /// Name of the release.
    pub release: Option<String>,
    /// Namespace of the release.
    pub namespace: Option<String>,
    /// Values, JSON texts, later ones over earlier ones.
    pub values: Vec<String>,
    /// Files of values, relative to the file that names the chart.
    pub value_files: Vec<String>,
}

impl std::fmt::Display for ChartName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.name)?;
        if let Some(version) = &self.version {
            write!(f, " {version}")?;
        }
        match self.repository.as_str() {
            "" => Ok(()),
            repository => write!(f, " of {repository}"),
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Path(path) => write!(f, "the file `{path}`"),
            Self::Url(url) => write!(f, "`{url}`"),
            Self::Chart(chart) => write!(f, "the chart {chart}"),
        }
    }
}
