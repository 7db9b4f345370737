//! A baked image for machines that start over a network: its kernel, its
//! initial RAM file system, the medium itself, and an iPXE script.
//!
//! What starts the system gets the same medium that it has on a CD, as a file
//! in memory, so that user data, network configuration and images are where
//! they always are. The reference system's boot script takes it from a second
//! initial RAM file system; the others fetch it.

mod cpio;
mod error;
mod script;

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use edgectl_process::{Staging, file_error, interrupted, write_private};

use crate::area::{AreaKind, text_in};
use crate::bake::length;
use crate::digest::digest_of;
use crate::disc::{Disc, DiscEntry, Kind};
use crate::error::IsoError;
use crate::initrd;
use crate::inject::{Shared, copy_with};
use crate::live::LiveSystem;
use crate::manifest::{FileDigest, Manifest};

pub use error::NetbootError;

const KERNEL: &str = "kernel";
const INITRD: &str = "initrd";
const SCRIPT: &str = "boot.ipxe";
/// The medium as what fetches it knows it.
const MEDIUM: &str = "medium.iso";
/// The same inside an initial RAM file system.
const PACKED: &str = "medium.cpio";
/// What `sha256sum -c` reads.
const SUMS: &str = "SHA256SUMS";
const OURS: [&str; 6] = [KERNEL, INITRD, SCRIPT, MEDIUM, PACKED, SUMS];
/// Loaders put one file behind the other, and what comes behind must begin at a
/// multiple of four; the kernel skips zeros.
const INITRD_UNIT: u64 = 512;
const AREA_LIMIT: u64 = 64 << 20;
/// What starts fetching in dracut once there is a network: of its modules
/// network-legacy, network-manager, systemd-networkd (from 060) and connman.
const STARTERS: [&str; 4] = ["sbin/ifup", "nm-run.sh", "networkd-run.sh", "cm-run.sh"];
const UNSTARTED: &str = "nothing in the initial RAM file system is known to start fetching once \
    there is a network, and a machine may wait for ever: make it with `dracut --add \"livenet \
    network-legacy\"`, or with `network-manager` (`systemd-networkd` does it from dracut 060 on)";

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetbootReport {
    /// What starts the system.
    pub live: LiveSystem,
    /// The address of the script.
    pub script: String,
    /// The file that is the medium; as secret as that.
    pub medium: PathBuf,
    /// Everything, in the order in which it is fetched.
    pub files: Vec<FileDigest>,
    /// Whether there is user data on the medium, or a network configuration.
    pub holds_user_data: bool,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// Fails for an address or a directory that [`netboot`] would refuse, before
/// there is an image.
pub fn ensure_netboot(url: &str, out: &Path) -> Result<(), IsoError> {
    script::checked(url)?;
    ensure_ours(out)
}

/// Writes a directory for a server that machines reach at `url`. It is replaced
/// as a whole.
pub fn netboot(iso: &Path, url: &str, out: &Path) -> Result<NetbootReport, IsoError> {
    let url = script::checked(url)?;
    ensure_ours(out)?;
    let disc = Shared::take(iso)?;
    let manifest = Manifest::of_ours(&disc)?;
    let live = manifest.live.as_ref().ok_or_else(|| {
        NetbootError::Image("what starts an image of others over a network isn't known".to_owned())
    })?;
    let live = live.system;
    let [kernel, initrd] = [file(&disc, "boot/kernel")?, file(&disc, "boot/initrd")?];
    let warnings = ensure_able(&disc, &initrd, live)?;
    let text = script::of(&disc, live, url)?;

    let staging = Staging::new(out)?;
    let place = |name: &str| staging.path().join(name);
    extract(&disc, &kernel, &place(KERNEL), 1)?;
    extract(&disc, &initrd, &place(INITRD), INITRD_UNIT)?;
    let medium = match live {
        LiveSystem::Edge => {
            pack_medium(&disc, manifest.epoch, &place(PACKED))?;
            PACKED
        }
        LiveSystem::Kairos | LiveSystem::LiveBoot | LiveSystem::Dracut => {
            copy_with(&disc, &[], &place(MEDIUM))?;
            MEDIUM
        }
    };
    put(&place(SCRIPT), text.as_bytes())?;
    let files = [SCRIPT, KERNEL, INITRD, medium].map(|name| sum(name, &place(name)));
    let files = files.into_iter().collect::<Result<Vec<_>, _>>()?;
    let line = |file: &FileDigest| format!("{}  {}\n", file.digest.hex(), file.path);
    put(&place(SUMS), files.iter().map(line).collect::<String>().as_bytes())?;
    staging.finish()?;
    Ok(NetbootReport {
        live,
        script: format!("{url}/{SCRIPT}"),
        medium: out.join(medium),
        files,
        holds_user_data: holds_user_data(&disc, &manifest)?,
        warnings,
    })
}

fn file(disc: &Disc, path: &str) -> Result<DiscEntry, IsoError> {
    let entry = disc.find(path)?.filter(|entry| entry.kind == Kind::File);
    Ok(entry.ok_or_else(|| NetbootError::Image(format!("it has no `/{path}`")))?)
}

/// Refuses what has nothing in its initial RAM file system that could do it; a
/// warning where that can't be looked into.
fn ensure_able(disc: &Disc, initrd: &DiscEntry, live: LiveSystem) -> Result<Vec<String>, IsoError> {
    let (sign, without) = match live {
        LiveSystem::Edge => (
            "scripts/edge-medium",
            "its boot script is of a former edgectl and knows of none: build the system anew with \
             `iso/reference-os`",
        ),
        LiveSystem::LiveBoot => (
            "live/boot/9990-mount-http.sh",
            "its live-boot has no script for it (`9990-mount-http.sh`)",
        ),
        LiveSystem::Kairos | LiveSystem::Dracut => (
            "sbin/livenetroot",
            "its initial RAM file system lacks dracut's module `livenet`: make it with \
             `dracut --add livenet`",
        ),
    };
    let is_dracut = matches!(live, LiveSystem::Kairos | LiveSystem::Dracut);
    let (mut is_there, mut is_started) = (false, !is_dracut);
    let is_read = initrd::for_each_path(disc.reader(initrd), &mut |path| {
        is_there |= path.ends_with(sign.as_bytes());
        is_started |= STARTERS.iter().any(|starter| path.ends_with(starter.as_bytes()));
    })
    .map_err(IsoError::Initrd)?;
    match (is_there, is_read) {
        (true, true) if !is_started => Ok(vec![UNSTARTED.to_owned()]),
        (true, _) => Ok(Vec::new()),
        (false, true) => Err(NetbootError::Image(without.to_owned()).into()),
        (false, false) => Ok(vec![format!(
            "the initial RAM file system can't be looked into, so whether it has `{sign}`, which \
             starting over a network takes, isn't known"
        )]),
    }
}

/// Copies a file of the medium, with zeros up to a multiple of `unit`.
fn extract(disc: &Disc, entry: &DiscEntry, to: &Path, unit: u64) -> Result<(), IsoError> {
    let mut out = File::create(to).map_err(file_error("creating", to))?;
    io::copy(&mut disc.reader(entry), &mut out).map_err(file_error("writing", to))?;
    let bytes = entry.bytes.next_multiple_of(unit);
    Ok(out.set_len(bytes).map_err(file_error("writing", to))?)
}

/// The medium as a file in an initial RAM file system.
fn pack_medium(disc: &Disc, epoch: u64, to: &Path) -> Result<(), IsoError> {
    interrupted()?;
    // It holds what the medium holds, so nobody else may read it.
    write_private(to, b"").map_err(file_error("creating", to))?;
    let out = File::options().write(true).open(to).map_err(file_error("opening", to))?;
    let mut out = io::BufWriter::new(out);
    let mut from = disc.file().map_err(file_error("reading", disc.path()))?;
    let Ok(bytes) = u32::try_from(disc.bytes()) else {
        let text = "it has 4 GiB or more, and machines hold it in memory".to_owned();
        return Err(NetbootError::Image(text).into());
    };
    let written = cpio::write(&mut out, "edgectl", MEDIUM, &mut from, bytes, epoch);
    Ok(written.and_then(|()| out.flush()).map_err(file_error("writing", to))?)
}

fn put(path: &Path, content: &[u8]) -> Result<(), IsoError> {
    Ok(std::fs::write(path, content).map_err(file_error("writing", path))?)
}

fn sum(name: &str, path: &Path) -> Result<FileDigest, IsoError> {
    Ok(FileDigest { path: name.to_owned(), bytes: length(path)?, digest: digest_of(path)? })
}

fn holds_user_data(disc: &Disc, manifest: &Manifest) -> Result<bool, IsoError> {
    for kind in [AreaKind::UserData, AreaKind::NetworkConfig] {
        let Some(area) = manifest.areas_of(kind).next() else { continue };
        let Some(entry) = disc.find(&area.path)? else { continue };
        if text_in(&disc.read(&entry, AREA_LIMIT)?).is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A directory that is replaced as a whole may hold nothing of others.
fn ensure_ours(out: &Path) -> Result<(), IsoError> {
    let refused = |path: &Path| Err(NetbootError::Place(path.to_owned()).into());
    if out.file_name().is_none() {
        return refused(out);
    }
    let entries = match std::fs::read_dir(out) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(file_error("reading", out))?,
    };
    let (mut names, mut strange) = (Vec::new(), None);
    for entry in entries {
        let name = entry.map_err(file_error("reading", out))?.file_name();
        let name = name.to_string_lossy().into_owned();
        if !OURS.contains(&name.as_str()) {
            strange = Some(out.join(&name));
        }
        names.push(name);
    }
    // A kernel alone may be anybody's.
    let is_ours = names.is_empty() || names.iter().any(|name| name == SCRIPT);
    match strange.or((!is_ours).then(|| out.to_owned())) {
        Some(path) => refused(&path),
        None => Ok(()),
    }
}
