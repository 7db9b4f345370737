//! The command line of `edgectl iso netboot`: types only.

use std::path::PathBuf;

use clap::Args;

use crate::cli::{OutputArgs, ProjectArgs};

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  edgectl iso netboot installer.iso --url http://192.0.2.1:8080 --out netboot
  python3 -m http.server 8080 --directory netboot
The DHCP server names http://192.0.2.1:8080/boot.ipxe to iPXE as its boot file.")]
pub(crate) struct IsoNetbootArgs {
    /// The image [default: edge.yaml's].
    #[arg(value_name = "ISO")]
    pub(crate) iso: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    /// Where machines will find the files: http:// or https:// [default: edge.yaml's].
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Where the files go; the directory is replaced as a whole [default: edge.yaml's].
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
