//! The command line of `edgectl user-data`: types only.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::inject_cli::InjectArgs;

/// `edgectl user-data …`
#[derive(Debug, Subcommand)]
pub(crate) enum UserDataCommand {
    /// Put credentials, certificate and mirror rules of the registry into user data.
    Inject(InjectArgs),
    /// Find what is wrong with user data before it ships.
    Check(CheckArgs),
    /// Merge user data from several files, as Palette and Kairos do.
    Merge(MergeArgs),
    /// Show user data with its secrets hidden.
    Show(ShowArgs),
}

/// Form of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FindingsForm {
    /// A line each.
    Text,
    /// JSON.
    Json,
    /// SARIF 2.1.0, as code hosts read it.
    Sarif,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// User data; `-` for stdin [default: what edge.yaml names].
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The project file, for the user data and the lock.
    #[arg(short = 'f', long = "file", value_name = "FILE", default_value = "edge.yaml")]
    pub(crate) project: PathBuf,
    /// An image lock: every image must come from a registry of the user data
    /// [default: edge.yaml's, where no file is given].
    #[arg(long, value_name = "FILE")]
    pub(crate) lock: Option<PathBuf>,
    /// Form of the findings.
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    pub(crate) output: FindingsForm,
    /// Exit with 3 for warnings, too.
    #[arg(long)]
    pub(crate) strict: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// User data, the later ones over the earlier ones; `-` for stdin.
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Where to write it, with mode 0600; `-` for stdout.
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(crate) out: PathBuf,
    /// Only tell which file a value comes from, for example
    /// `stylus.site.projectName`.
    #[arg(long, value_name = "PATH", conflicts_with = "out")]
    pub(crate) explain: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// User data; `-` for stdin.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Hide passwords, tokens and keys (the default).
    #[arg(long, overrides_with = "secrets")]
    pub(crate) redact: bool,
    /// Show them.
    #[arg(long, overrides_with = "redact")]
    pub(crate) secrets: bool,
}
