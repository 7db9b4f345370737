//! The command line of saving: types only.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use edgectl_model::{Platform, Reference};

use crate::archive_cli::FromArgs;
use crate::cli::{DiscoverArgs, LockArgs, OutputArgs, ProjectArgs};

/// What images are saved as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// An OCI layout in a tar: images and indexes as they are.
    Oci,
    /// What `docker load` takes: one platform of each image.
    DockerArchive,
    /// An OCI layout directory; what is there already is kept.
    Dir,
}

#[derive(Debug, Args)]
pub(crate) struct SaveArgs {
    /// Inputs to read in place of edge.yaml's, as `edgectl images` does.
    #[arg(value_name = "INPUT")]
    pub(crate) profiles: Vec<PathBuf>,
    /// Save this image; can be given more than once. Without INPUT nothing
    /// else is saved.
    #[arg(long = "image", value_name = "IMAGE", value_parser = Reference::parse)]
    pub(crate) images: Vec<Reference>,
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    /// The file, or the directory of an OCI layout. The name tells how the
    /// file is packed: .tar, .tar.gz, .tar.zst or .tar.xz.
    #[arg(long, value_name = "PATH")]
    pub(crate) out: PathBuf,
    /// What the images are saved as [default: oci for the name of a tar, else
    /// dir].
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<FormatArg>,
    #[command(flatten)]
    pub(crate) archives: FromArgs,
    /// Save only this platform, OS/ARCHITECTURE[/VARIANT]; can be given more
    /// than once. The digests are then others than at the source.
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Vec<Platform>,
    /// Leave signatures and whatever else is attached to an image behind.
    #[arg(long)]
    pub(crate) no_attachments: bool,
    #[command(flatten)]
    pub(crate) discover: DiscoverArgs,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
