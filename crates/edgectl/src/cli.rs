//! The command line: types only.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::archive_cli::{FromArgs, PushArgs};
use crate::exit;
use crate::iso_cli::IsoCommand;
use crate::key_disc::KeyDiscArgs;
use crate::prune_cli::PruneArgs;
use crate::registry_cli::RegistryArgs;
use crate::save_cli::SaveArgs;
use crate::shard_cli::ShardArg;
use crate::transfer_cli::TransferArgs;
use crate::user_data_cli::UserDataCommand;

/// Edge installer images with a private registry.
///
/// Finds every container image of a cluster profile, uploads them to a
/// private registry, puts that registry's credentials and mirror rules into
/// the user data, bakes an installer ISO, and proves in QEMU that it installs
/// and that every image comes out of that registry.
#[derive(Debug, Parser)]
#[command(name = "edgectl", version, after_help = exit::HELP, max_term_width = 100)]
pub(crate) struct Cli {
    /// Say more: -v what is done, -vv what is run, -vvv everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Say nothing but errors.
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The whole job: images, upload-profile, user-data inject, iso build, iso boot.
    Build(BuildArgs),
    /// List the external tools: what is found, what is missing and how to get it.
    Doctor(OutputArgs),
    /// Write a commented edge.yaml.
    Init(InitArgs),
    /// Find every image of a profile, a chart, manifests, lists.
    Images(Box<ImagesArgs>),
    /// Mirror every image of a profile into the private registry.
    UploadProfile(Box<UploadArgs>),
    /// Push every image that archives hold.
    Push(Box<PushArgs>),
    /// Save images to a file or a directory that can be carried away.
    Save(Box<SaveArgs>),
    /// Look whether the private registry has every image of the lock, unchanged.
    Verify(Box<VerifyArgs>),
    /// Delete what a former lock has put into the private registry and nothing
    /// needs any more.
    Prune(Box<PruneArgs>),
    /// Edit, check, merge and show user data.
    #[command(subcommand)]
    UserData(UserDataCommand),
    /// Bake and boot installer images.
    #[command(subcommand)]
    Iso(IsoCommand),
    /// For debugging edgectl.
    #[command(subcommand, hide = true)]
    Dev(DevCommand),
}

/// `edgectl dev …`
#[derive(Debug, Subcommand)]
pub(crate) enum DevCommand {
    /// Hand stdin and stdout to a TCP connection.
    Forward {
        /// host:port to connect to.
        to: String,
        /// File that gets a line per connection.
        #[arg(long)]
        record: Option<PathBuf>,
    },
}

/// Where the project file is.
#[derive(Debug, Clone, Args)]
pub(crate) struct ProjectArgs {
    /// The project file.
    #[arg(short, long, value_name = "FILE", default_value = "edge.yaml")]
    pub(crate) file: PathBuf,
}

/// Form of the result on stdout.
#[derive(Debug, Clone, Args)]
pub(crate) struct OutputArgs {
    /// Form of the result.
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    pub(crate) output: Output,
}

/// Forms of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Table,
    /// JSON with a schema version.
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Where to write it; `-` for stdout.
    #[arg(long, value_name = "FILE", default_value = "edge.yaml")]
    pub(crate) out: PathBuf,
    /// Replace an existing file.
    #[arg(long)]
    pub(crate) force: bool,
}

/// Forms of image lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ImagesOutput {
    /// For people.
    Table,
    /// JSON with a schema version.
    Json,
    /// The same as YAML.
    Yaml,
    /// One reference a line: what is mirrored.
    List,
    /// The lock file.
    Lock,
}

/// How sure discovery must be of an image that is mirrored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TierArg {
    /// Pod specifications and lists.
    Certain,
    /// Fields of custom resources that are known, too.
    Known,
    /// Keys, variables and arguments that look like it, too.
    Likely,
    /// Any text that could be a reference, too.
    Possible,
}

/// How the inputs are read.
#[derive(Debug, Clone, Args)]
pub(crate) struct DiscoverArgs {
    /// Mirror the images of this tier and of those that are surer.
    #[arg(long, value_name = "TIER", default_value = "likely")]
    pub(crate) tier: TierArg,
    /// Values for every chart, a YAML file; later ones over earlier ones.
    #[arg(long, value_name = "FILE")]
    pub(crate) values: Vec<PathBuf>,
    /// A value for every chart, as helm takes it.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// The version of Kubernetes that charts are rendered for.
    #[arg(long, value_name = "VERSION")]
    pub(crate) kube_version: Option<String>,
    /// An API version that the cluster has, for charts that ask.
    #[arg(long, value_name = "GROUP/VERSION")]
    pub(crate) api_versions: Vec<String>,
    /// Go on where a chart can't be rendered, with what its values and
    /// annotations say.
    #[arg(long)]
    pub(crate) allow_unrendered: bool,
    /// Fetch charts and kustomizations that are only named.
    #[arg(long)]
    pub(crate) fetch: bool,
    /// What a macro means: spectro.macro.NAME=VALUE.
    #[arg(long = "macro", value_name = "NAME=VALUE")]
    pub(crate) macros: Vec<String>,
}

/// What is read and where the lock is.
#[derive(Debug, Clone, Args)]
pub(crate) struct LockArgs {
    /// Forget the digests of an older lock.
    #[arg(long, conflicts_with = "locked")]
    pub(crate) update: bool,
    /// Fail if the lock isn't what the profile needs today.
    #[arg(long)]
    pub(crate) locked: bool,
    /// Treat warnings as findings (exit code 3).
    #[arg(long)]
    pub(crate) strict: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ImagesArgs {
    /// Inputs to read in place of edge.yaml's: profile exports, packs,
    /// manifests, charts, kustomizations, lists of images; files, directories,
    /// archives, addresses of charts; `-` for stdin.
    #[arg(value_name = "INPUT")]
    pub(crate) profiles: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    /// Form of the result.
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    pub(crate) output: ImagesOutput,
    /// Tell everything about one image.
    #[arg(long, value_name = "IMAGE")]
    pub(crate) explain: Option<String>,
    /// Ask the source registries for digests and platforms.
    #[arg(long)]
    pub(crate) resolve: bool,
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
    #[command(flatten)]
    pub(crate) discover: DiscoverArgs,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
}

#[derive(Debug, Args)]
pub(crate) struct UploadArgs {
    /// Inputs to read in place of edge.yaml's, as `edgectl images` does.
    #[arg(value_name = "INPUT", requires = "registry")]
    pub(crate) profiles: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    #[command(flatten)]
    pub(crate) archives: FromArgs,
    /// Only look whether the registry would take the images.
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) check: bool,
    /// Ask sources and registry, print the plan, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Upload only part I of N of the lock, counted from 0: images that share
    /// layers are in one part.
    #[arg(long, value_name = "I/N", conflicts_with = "check")]
    pub(crate) shard: Option<ShardArg>,
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
    #[command(flatten)]
    pub(crate) transfer: TransferArgs,
    #[command(flatten)]
    pub(crate) discover: DiscoverArgs,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The lock in place of edge.yaml's.
    #[arg(value_name = "LOCK")]
    pub(crate) lock: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    /// Read every manifest and every blob, and compare their digests.
    #[arg(long)]
    pub(crate) deep: bool,
    /// Images looked at at once.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) jobs: u16,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct AgentArgs {
    /// The static agent [default: beside edgectl].
    #[arg(long, value_name = "FILE", env = "EDGECTL_AGENT")]
    pub(crate) agent: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    #[command(flatten)]
    pub(crate) agent: AgentArgs,
    #[command(flatten)]
    pub(crate) discover: DiscoverArgs,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
    #[command(flatten)]
    pub(crate) key_disc: KeyDiscArgs,
    /// Stop after the image is baked.
    #[arg(long)]
    pub(crate) no_boot: bool,
}
