//! How images are sent: the options of commands that upload, and the journal
//! that lets the next run continue.

use std::path::PathBuf;

use clap::Args;
use edgectl_model::{ByteSize, Platform, UploadConfig};
use edgectl_registry::{Again, Journal, Registries};

use crate::failure::with_causes;
use crate::printer::Printer;

/// How images are sent, in place of what edge.yaml says.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Transfer")]
pub(crate) struct TransferArgs {
    /// Blobs in flight at once.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) jobs: Option<u16>,
    /// Largest body of one request, such as 32MiB: for front ends that take
    /// no more.
    #[arg(long, value_name = "SIZE")]
    pub(crate) chunk_size: Option<ByteSize>,
    /// Copy only this platform, OS/ARCHITECTURE[/VARIANT]; can be given more
    /// than once. The digests in the registry are then others than at the
    /// source.
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Vec<Platform>,
    /// Leave signatures and whatever else is attached to an image behind.
    #[arg(long)]
    pub(crate) no_attachments: bool,
    /// Look for what was attached since to images that are there, too; takes
    /// more than the one request for each.
    #[arg(long, conflicts_with = "no_attachments")]
    attachments_again: bool,
    /// Look inside images that are there, too, and send whatever of them is
    /// missing; a request for each blob and each manifest.
    #[arg(long, conflicts_with = "attachments_again")]
    repair: bool,
}

impl TransferArgs {
    /// What is looked at again of images that are there.
    pub(crate) fn again(&self) -> Again {
        match (self.repair, self.attachments_again) {
            (true, _) => Again::All,
            (false, true) => Again::Attachments,
            (false, false) => Again::Nothing,
        }
    }

    /// The project's settings with these on top.
    pub(crate) fn over(&self, config: &UploadConfig) -> UploadConfig {
        UploadConfig {
            jobs: self.jobs.unwrap_or(config.jobs),
            chunk_size: self.chunk_size.or(config.chunk_size),
            platforms: match self.platform.is_empty() {
                true => config.platforms.clone(),
                false => self.platform.clone(),
            },
            attachments: config.attachments && !self.no_attachments,
        }
    }
}

/// A destination that takes bodies of the right size and keeps a journal of
/// its uploads. `host` is the registry's `host[:port]`.
pub(crate) fn prepared(
    destination: Registries,
    host: &str,
    config: &UploadConfig,
    printer: Printer,
) -> Registries {
    let destination = match config.chunk_size {
        Some(ByteSize(bytes)) => destination.with_chunk_size(bytes),
        None => destination,
    };
    destination.with_journal(journal(host, printer))
}

/// One journal per registry. Where another upload to the same registry is
/// running, this one keeps its own in memory.
fn journal(host: &str, printer: Printer) -> Journal {
    let Some(directory) = state_directory() else { return Journal::default() };
    // A colon never stands in a host's name itself.
    let name = format!("{}.jsonl", host.replace(':', "_"));
    let path = directory.join("uploads").join(name);
    match Journal::open(&path) {
        Ok(journal) => journal.unwrap_or_default(),
        Err(error) => {
            printer.say(&format!(
                "warning: an upload that is interrupted can't be continued later: {}",
                with_causes(&error)
            ));
            Journal::default()
        }
    }
}

/// `$XDG_STATE_HOME/edgectl`, else `~/.local/state/edgectl`.
fn state_directory() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let own = set("XDG_STATE_HOME").filter(|path| path.is_absolute());
    let base = own.or_else(|| Some(set("HOME")?.join(".local/state")))?;
    Some(base.join("edgectl"))
}
