//! How a system starts from a medium. What its initial RAM file system knows
//! decides; the same kernel arguments mean nothing to another one.

use std::fs::File;
use std::path::Path;

use edgectl_process::file_error;
use serde::{Deserialize, Serialize};

use crate::area::USER_DATA;
use crate::boot_files::CONFIG;
use crate::error::IsoError;
use crate::initrd;
use crate::pack::SQUASHFS;
use crate::tree::Tree;

/// Kairos skips files that are larger, and says so only in a log.
pub(crate) const KAIROS_LIMIT: u64 = (2 << 20) - 1;
/// Where Kairos' images have the system.
const KAIROS_SQUASHFS: &str = "rootfs.squashfs";

/// What starts a system from a medium.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LiveSystem {
    /// edgectl's own boot script (`boot=edge`); the agent installs.
    Edge,
    /// Kairos: dracut's live module, and an installer of its own that reads
    /// `/config.yaml`.
    Kairos,
    /// Debian's live-boot (`boot=live`).
    LiveBoot,
    /// dracut's module dmsquash-live (`root=live:…`).
    Dracut,
}

impl std::fmt::Display for LiveSystem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Edge => "edge",
            Self::Kairos => "kairos",
            Self::LiveBoot => "live-boot",
            Self::Dracut => "dracut",
        })
    }
}

impl LiveSystem {
    /// Where the medium has the system.
    pub(crate) fn squashfs(self) -> &'static str {
        match self {
            Self::Kairos => KAIROS_SQUASHFS,
            Self::Edge | Self::LiveBoot | Self::Dracut => SQUASHFS,
        }
    }

    /// The kernel arguments that find the medium by its label, and where the
    /// started system finds its user data. The last console is the one that
    /// programs write to.
    pub(crate) fn arguments(self, label: &str) -> Vec<String> {
        let seed = |medium: &str| format!("ds=nocloud;s=file://{medium}/nocloud/");
        let own = match self {
            Self::Edge => vec![
                "boot=edge".to_owned(),
                format!("edgectl.medium={label}"),
                "edgectl.mode=install".to_owned(),
                seed("/run/edgectl/medium"),
            ],
            Self::LiveBoot => vec!["boot=live".to_owned(), seed("/run/live/medium")],
            Self::Dracut => vec![
                format!("root=live:CDLABEL={label}"),
                "rd.live.image".to_owned(),
                "rd.live.dir=live".to_owned(),
                "rd.live.squashimg=filesystem.squashfs".to_owned(),
                "rd.live.overlay.overlayfs=1".to_owned(),
                seed("/run/initramfs/live"),
            ],
            Self::Kairos => vec![
                "cdroot".to_owned(),
                format!("root=live:CDLABEL={label}"),
                "rd.live.dir=/".to_owned(),
                format!("rd.live.squashimg={KAIROS_SQUASHFS}"),
                "rd.live.overlay.overlayfs".to_owned(),
                "rd.cos.disable".to_owned(),
                "net.ifnames=1".to_owned(),
                "install-mode".to_owned(),
                "selinux=0".to_owned(),
            ],
        };
        let consoles = ["console=tty0", "console=ttyS0,115200n8"].map(str::to_owned);
        own.into_iter().chain(consoles).collect()
    }

    /// Whether our agent installs it.
    pub(crate) fn takes_agent(self) -> bool {
        self == Self::Edge
    }

    /// Whether it is cloud-init that sets it up.
    pub(crate) fn reads_network_config(self) -> bool {
        self != Self::Kairos
    }

    /// The name of the user data on the medium that the system reads.
    pub(crate) fn user_data(self) -> &'static str {
        match self {
            Self::Kairos => CONFIG,
            Self::Edge | Self::LiveBoot | Self::Dracut => USER_DATA,
        }
    }
}

/// A system, and what is to be said of it.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) live: LiveSystem,
    /// The system's own files say so, and not only a guess.
    is_sure: bool,
}

impl Found {
    /// What the initial RAM file system at `initrd` starts from a medium; the
    /// rest of the system where it can't be read.
    pub(crate) fn of(tree: &Tree, initrd: &Path) -> Result<Self, IsoError> {
        let mut signs = Signs::default();
        let file = File::open(initrd).map_err(file_error("opening", initrd))?;
        let is_read =
            initrd::for_each_path(file, &mut |path| signs.see(path)).map_err(IsoError::Initrd)?;
        if !is_read && signs.live().is_none() {
            tree.paths().for_each(|path| signs.see(path));
        }
        let live = match signs.live() {
            Some(LiveSystem::Dracut) if is_kairos(tree) => Some(LiveSystem::Kairos),
            live => live,
        };
        match live {
            Some(live) => Ok(Self { live, is_sure: true }),
            None if is_read => Err(IsoError::NotLive),
            None => Ok(Self { live: LiveSystem::Edge, is_sure: false }),
        }
    }

    /// What the user says it is.
    pub(crate) fn told(live: LiveSystem) -> Self {
        Self { live, is_sure: true }
    }

    /// Fails where user data would reach nobody.
    pub(crate) fn ensure_read(
        &self,
        tree: &Tree,
        room: u64,
        is_given: bool,
    ) -> Result<(), IsoError> {
        match self.live {
            LiveSystem::Kairos if room > KAIROS_LIMIT => Err(IsoError::KairosLimit { room }),
            LiveSystem::Kairos => Ok(()),
            _ if self.is_sure && is_given && !has_cloud_init(tree) => Err(IsoError::NoReader),
            _ => Ok(()),
        }
    }

    /// What the user should know.
    pub(crate) fn warning(&self) -> Option<String> {
        (!self.is_sure).then(|| {
            "the initial RAM file system can't be looked into (it is neither cpio nor gzip, xz or \
             zstd), so the image takes it for one that knows `boot=edge`; `iso.live` names \
             another one"
                .to_owned()
        })
    }
}

/// What names of files tell.
#[derive(Debug, Default)]
struct Signs {
    edge: bool,
    live_boot: bool,
    dracut: bool,
}

impl Signs {
    /// In an initial RAM file system, or among the files that one is made of.
    fn see(&mut self, path: &[u8]) {
        let is =
            |name: &str| path == name.as_bytes() || path.ends_with(format!("/{name}").as_bytes());
        self.edge |= is("scripts/edge");
        self.live_boot |= is("scripts/live");
        self.dracut |= is("dmsquash-live-root") || is("dmsquash-live-root.sh");
    }

    fn live(&self) -> Option<LiveSystem> {
        let all = [
            (self.edge, LiveSystem::Edge),
            (self.live_boot, LiveSystem::LiveBoot),
            (self.dracut, LiveSystem::Dracut),
        ];
        all.into_iter().find(|(is_there, _)| *is_there).map(|(_, live)| live)
    }
}

fn is_kairos(tree: &Tree) -> bool {
    has_any(tree, &["etc/kairos-release", "usr/bin/kairos-agent"])
}

fn has_cloud_init(tree: &Tree) -> bool {
    has_any(tree, &["usr/bin/cloud-init", "usr/local/bin/cloud-init", "bin/cloud-init"])
}

fn has_any(tree: &Tree, paths: &[&str]) -> bool {
    paths.iter().any(|path| tree.resolve_file(path.as_bytes()).is_some())
}
