//! What can go wrong on the host.

use edgectl_cloudconfig::ReadError;
use edgectl_encryption::OpenError;
use edgectl_model::{HostRuleError, LockError};
use edgectl_node::NodeError;
use edgectl_process::{CmdError, FileError, PersistError};
use thiserror::Error;

/// Why a stage failed.
#[derive(Debug, Error)]
pub(crate) enum AgentError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("reading the user data that cloud-init handed over")]
    UserData(#[from] ReadError),
    #[error("reading the image lock on the medium")]
    Lock(#[from] LockError),
    #[error("naming the mirrors of the images in the lock")]
    Rules(#[from] HostRuleError),
    #[error("configuring the container runtime")]
    Node(#[from] NodeError),
    #[error(transparent)]
    Cmd(#[from] CmdError),
    #[error(transparent)]
    Persist(#[from] PersistError),
    #[error(
        "the user data on the medium is encrypted, and was not opened ({0}): plug in a disc or stick labelled `EDGECTL_KEY` with the site key in `site.key`, or the passphrase in `passphrase`, and start again; or type it at the console when it is asked for"
    )]
    Locked(String),
    #[error("the user data on the medium is encrypted, and can't be opened")]
    Encrypted(#[from] OpenError),
    #[error("the kernel arguments hold no `edgectl.mode=install` or `edgectl.mode=installed`")]
    NoMode,
    #[error("`install.auto` is not true in the user data, so nothing is installed")]
    NotAutomatic,
    #[error("no disk to install to: {0}")]
    NoDisk(String),
    #[error("`{device}` has {bytes} bytes, at least {needed} are needed")]
    DiskTooSmall { device: String, bytes: u64, needed: u64 },
    #[error("the partition `{0}` did not appear")]
    NoPartition(String),
    #[error("`{name}` on the medium is damaged: its sha256 is not the one it was written with")]
    Damaged { name: String },
    #[error("`{0}` on the medium is not what GRUB's tools write")]
    BootLoader(&'static str),
    #[error("restarting the machine")]
    Restart(#[source] std::io::Error),
    #[error("filling the boot menu")]
    Menu(#[from] minijinja::Error),
    #[error("{0}")]
    Runtime(String),
    #[error("the container runtime did not answer on `{socket}` within {seconds} s: {last}")]
    RuntimeAway { socket: &'static str, seconds: u64, last: String },
}

/// The whole chain on one line: there is nobody to ask for more on a console.
pub(crate) fn chain(error: &AgentError) -> String {
    let mut text = error.to_string();
    let mut at: &dyn std::error::Error = error;
    while let Some(source) = at.source() {
        text = format!("{text}: {source}");
        at = source;
    }
    text
}
