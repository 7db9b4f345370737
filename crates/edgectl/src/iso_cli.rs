//! The command line of `edgectl iso`: types only.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::{AgentArgs, OutputArgs, ProjectArgs};
use crate::iso_authority::AuthorityArgs;
use crate::iso_encrypt::EncryptArgs;
use crate::iso_key_cli::IsoKeyArgs;
use crate::iso_netboot_cli::IsoNetbootArgs;
use crate::key_disc::KeyDiscArgs;

/// `edgectl iso …`
#[derive(Debug, Subcommand)]
pub(crate) enum IsoCommand {
    /// Bake an installer image.
    Build(IsoBuildArgs),
    /// Replace user data and kernel arguments of an image that is baked already.
    Inject(IsoInjectArgs),
    /// Put user data onto an image that others made; it still starts as before.
    Customize(IsoCustomizeArgs),
    /// Make an image, or a small seed, for each of many sites.
    Fleet(IsoFleetArgs),
    /// Write what machines need to start an image over a network.
    Netboot(IsoNetbootArgs),
    /// Say what is on an image, whoever made it; secrets are hidden.
    Inspect(IsoInspectArgs),
    /// Say what differs between two images; secrets are hidden.
    Diff(IsoDiffArgs),
    /// Compare every byte of an image with its manifest.
    Verify(IsoVerifyArgs),
    /// Make a key that user data on media can be encrypted to.
    Key(IsoKeyArgs),
    /// Boot an installer image in QEMU and prove that it works.
    Boot(IsoBootArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  edgectl save --out content
  edgectl iso build --content content --sbom installer.spdx.json
  edgectl iso build --recipients-file site-keys")]
pub(crate) struct IsoBuildArgs {
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    #[command(flatten)]
    pub(crate) agent: AgentArgs,
    /// Leave the place of the user data empty; `iso inject` fills it.
    #[arg(long)]
    pub(crate) no_user_data: bool,
    #[command(flatten)]
    pub(crate) with: MediumArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// What else goes onto the medium or beside it, in place of what edge.yaml says.
#[derive(Debug, Default, Args)]
pub(crate) struct MediumArgs {
    /// Images to put onto the medium, which the agent preloads on the node: an
    /// OCI layout directory, as `edgectl save` writes it.
    #[arg(long, value_name = "DIR")]
    pub(crate) content: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
    #[command(flatten)]
    pub(crate) encrypt: EncryptArgs,
    /// Write a bill of materials (SPDX 2.3, JSON): the system, its packages, the
    /// files on the medium, its images.
    #[arg(long, value_name = "FILE")]
    pub(crate) sbom: Option<PathBuf>,
}

/// The network of the system.
#[derive(Debug, Default, Args)]
pub(crate) struct NetworkArgs {
    /// cloud-init's `network-config`.
    #[arg(long, value_name = "FILE")]
    pub(crate) network_config: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  edgectl iso inject installer.iso --user-data site-a --network-config site-a.net \\
      --out site-a.iso
  edgectl iso inject installer.iso --user-data site-a --recipient $(cat site-a.pub)
  edgectl iso inject installer.iso --reset")]
pub(crate) struct IsoInjectArgs {
    /// The image [default: edge.yaml's].
    #[arg(value_name = "ISO")]
    pub(crate) iso: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    /// The user data; `-` for stdin [default: edge.yaml's, with its network
    /// configuration, where nothing else is to be changed].
    #[arg(long, value_name = "FILE")]
    pub(crate) user_data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
    #[command(flatten)]
    pub(crate) authority: AuthorityArgs,
    #[command(flatten)]
    pub(crate) encrypt: EncryptArgs,
    /// A kernel argument, in place of those that were put there before; may be
    /// given several times.
    #[arg(long = "kernel-argument", value_name = "ARGUMENT", allow_hyphen_values = true)]
    pub(crate) kernel_arguments: Vec<String>,
    /// Take the kernel arguments away that were put there before.
    #[arg(long, conflicts_with = "kernel_arguments")]
    pub(crate) no_kernel_arguments: bool,
    /// Take everything away that was put there since the image was baked
    /// without any: the same bytes as `iso build --no-user-data` made.
    #[arg(long)]
    pub(crate) reset: bool,
    /// Leave the image alone and write a changed copy; `-` for stdout.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Replace a file that stands where the copy goes.
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
    /// Write the checksum beside the image, which takes reading all of it.
    #[arg(long)]
    pub(crate) checksum: bool,
    /// Don't check the user data.
    #[arg(long)]
    pub(crate) no_check: bool,
}

/// How the system on an image finds its user data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FlavorArg {
    /// By what is on the image.
    Auto,
    /// cloud-init, told by a kernel argument of yours: /nocloud/.
    CloudInit,
    /// cloud-init on a disc labelled cidata: /user-data.
    Cidata,
    /// Kairos and Palette: /config.yaml.
    Kairos,
    /// Elemental: /iso-config/config.yaml.
    Elemental,
    /// Ubuntu's installer and live systems: /nocloud/.
    Ubuntu,
    /// Debian's live systems: /nocloud/.
    DebianLive,
    /// Debian's installer, which reads no user data.
    DebianInstaller,
    /// SL Micro: /combustion/script or /ignition/config.ign.
    Combustion,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  edgectl iso customize ubuntu.iso --user-data site-a --out site-a.iso \\
      --kernel-argument autoinstall
  edgectl iso inject site-a.iso --user-data site-b --out site-b.iso")]
pub(crate) struct IsoCustomizeArgs {
    /// The image; it stays as it is.
    #[arg(value_name = "ISO")]
    pub(crate) iso: PathBuf,
    /// The user data; `-` for stdin. Without it the image waits for `iso inject`.
    #[arg(long, value_name = "FILE")]
    pub(crate) user_data: Option<PathBuf>,
    /// cloud-init's `meta-data` [default: an instance id].
    #[arg(long, value_name = "FILE")]
    pub(crate) meta_data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
    #[command(flatten)]
    pub(crate) authority: AuthorityArgs,
    /// A kernel argument for every entry of the boot menus; may be given several
    /// times.
    #[arg(long = "kernel-argument", value_name = "ARGUMENT", allow_hyphen_values = true)]
    pub(crate) kernel_arguments: Vec<String>,
    /// What the image starts.
    #[arg(long, value_name = "FLAVOR", default_value = "auto")]
    pub(crate) flavor: FlavorArg,
    /// Room for user data, for now and for `iso inject`.
    #[arg(long, value_name = "KIB", default_value = "512",
          value_parser = clap::value_parser!(u32).range(1..=262_144))]
    pub(crate) user_data_kib: u32,
    /// Where the new image goes.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Replace a file that stands there.
    #[arg(long)]
    pub(crate) force: bool,
    /// Don't check the user data.
    #[arg(long)]
    pub(crate) no_check: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct IsoFleetArgs {
    /// The image that all are made from [default: edge.yaml's].
    #[arg(value_name = "ISO", conflicts_with = "seeds")]
    pub(crate) iso: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    /// The directory that `user-data inject --sites` has written: SITE.yaml for each.
    #[arg(long, value_name = "DIR")]
    pub(crate) sites: PathBuf,
    /// Where SITE.iso and SHA256SUMS go. Images that are there already stay;
    /// with --seeds the directory is replaced as a whole.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// cloud-init's `network-config`: a file for all sites, or a directory with
    /// SITE.yaml for those that have one of their own.
    #[arg(long, value_name = "PATH")]
    pub(crate) network_config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) authority: AuthorityArgs,
    #[command(flatten)]
    pub(crate) encrypt: EncryptArgs,
    /// Only the user data of each site, on a small disc labelled `cidata`, for
    /// installers that look for one.
    #[arg(long)]
    pub(crate) seeds: bool,
    /// Don't check the user data.
    #[arg(long)]
    pub(crate) no_check: bool,
}

#[derive(Debug, Args)]
pub(crate) struct IsoInspectArgs {
    /// The image [default: edge.yaml's].
    #[arg(value_name = "ISO")]
    pub(crate) iso: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    /// List all files, too.
    #[arg(long)]
    pub(crate) files: bool,
    /// Show the user data, too, with its secrets hidden.
    #[arg(long)]
    pub(crate) user_data: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct IsoDiffArgs {
    /// The one image.
    #[arg(value_name = "OLD")]
    pub(crate) old: PathBuf,
    /// The other one.
    #[arg(value_name = "NEW")]
    pub(crate) new: PathBuf,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct IsoVerifyArgs {
    /// The image [default: edge.yaml's].
    #[arg(value_name = "ISO")]
    pub(crate) iso: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// How an installer is plugged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MediumArg {
    /// As a CD.
    Cd,
    /// As a USB disk.
    Usb,
}

/// What starts a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FirmwareArg {
    /// SeaBIOS.
    Bios,
    /// OVMF.
    Uefi,
}

#[derive(Debug, Args)]
pub(crate) struct IsoBootArgs {
    /// The image to boot in place of edge.yaml's.
    #[arg(value_name = "ISO")]
    pub(crate) iso: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    /// How the image is plugged in.
    #[arg(long, value_name = "MEDIUM", default_value = "cd")]
    pub(crate) medium: MediumArg,
    /// What the machine is started by, for installing and for the installed
    /// disk. UEFI is OVMF (Debian's package `ovmf`).
    #[arg(long, value_name = "FIRMWARE", default_value = "bios")]
    pub(crate) firmware: FirmwareArg,
    #[command(flatten)]
    pub(crate) key_disc: KeyDiscArgs,
    /// Prove this installed disk (it stays as it is) in place of installing.
    #[arg(long, value_name = "DISK", conflicts_with_all = ["iso", "medium", "keep_disk", "key_disc"])]
    pub(crate) installed: Option<PathBuf>,
    /// Keep the installed disk in this file.
    #[arg(long, value_name = "DISK")]
    pub(crate) keep_disk: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
