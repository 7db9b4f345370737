//! From the layers of an image to an installer.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use edgectl_model::Digest;
use edgectl_process::{Staging, file_error, interrupted};

use crate::boot_files;
use crate::content::{self, Content};
use crate::digest::digest_of;
use crate::error::IsoError;
use crate::layers::LayerSource;
use crate::live::{Found, LiveSystem};
use crate::loaders::Loaders;
use crate::manifest::{self, Input, Live, Manifest};
use crate::pack::{Compression, Packed, SQUASHFS, pack};
use crate::packages::SystemContents;
use crate::read_back::read_back;
use crate::secure_boot::{Chain, SecureBoot};
use crate::written::Image;
use crate::xorriso::TOOLS;

/// What to bake.
pub struct BakeRequest<'a> {
    /// The operating system, lowest layer first.
    pub layers: &'a dyn LayerSource,
    /// Volume label; GRUB and the kernel find the medium by it.
    pub label: &'a str,
    /// Finished user data; without it the image waits for some.
    pub user_data: Option<&'a [u8]>,
    /// Whether that is encrypted, so that only the agent can read it.
    pub is_encrypted: bool,
    /// Bytes kept for user data.
    pub user_data_room: u64,
    /// cloud-init's network configuration.
    pub network_config: Option<&'a [u8]>,
    /// Says what the system was made of, for the manifest; asked beside the
    /// packing, because it may take reading everything, or after it where the
    /// layers say so.
    pub inputs: &'a (dyn Fn() -> Result<Vec<Input>, IsoError> + Sync),
    /// Text of the image lock.
    pub lock: &'a str,
    /// The image that the proof starts a container from.
    pub run: Option<&'a str>,
    /// The static agent, for a system that it installs.
    pub agent: Option<&'a Path>,
    /// What starts the system; found out by what is in it where absent.
    pub live: Option<LiveSystem>,
    /// Whether it starts under Secure Boot.
    pub secure_boot: SecureBoot,
    /// How the system is packed.
    pub compression: Compression,
    /// Images that go onto the medium beside the system.
    pub content: Option<&'a Content>,
    /// More kernel arguments.
    pub kernel_arguments: &'a [String],
    /// Seconds since 1970 for every date in the image; the same inputs and
    /// epoch give the same bytes.
    pub epoch: u64,
    /// Where the image is put.
    pub out: &'a Path,
}

impl std::fmt::Debug for BakeRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The user data holds a password.
        f.debug_struct("BakeRequest").field("label", &self.label).field("out", &self.out).finish()
    }
}

/// Steps of baking, for progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BakeStep {
    /// Packing the system.
    Squashfs,
    /// Making boot loaders.
    BootFiles,
    /// Writing the image.
    Iso,
    /// All of it once more: the packing went wrong.
    Again,
}

impl std::fmt::Display for BakeStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Squashfs => "packing the operating system",
            Self::BootFiles => "making the boot loaders",
            Self::Iso => "writing the image",
            Self::Again => "what was packed can't be read back as it went in: once more",
        })
    }
}

/// What was baked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BakeReport {
    /// The image.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// Size of the squashfs on it, in bytes.
    pub squashfs_bytes: u64,
    /// How long packing it took.
    pub squashfs_time: Duration,
    /// The kernel it boots, as a path in the operating system image.
    pub kernel: String,
    /// The initial RAM file system, likewise.
    pub initrd: String,
    /// What the system says is installed in it.
    pub contents: SystemContents,
    /// What starts it from the medium.
    pub live: LiveSystem,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// The digest of the image, which also stands in a file beside it.
    pub digest: Digest,
}

/// Bakes an installer image. The image appears whole or not at all, and only
/// with a system that can be read back as it went in; where the packing went
/// wrong it is done once more.
pub fn bake(
    request: &BakeRequest<'_>,
    progress: &mut dyn FnMut(BakeStep),
) -> Result<BakeReport, IsoError> {
    match bake_once(request, progress) {
        Err(IsoError::ReadBack(why)) => {
            tracing::warn!("the squashfs is damaged: {why}");
            progress(BakeStep::Again);
            bake_once(request, progress)
        }
        done => done,
    }
}

fn bake_once(
    request: &BakeRequest<'_>,
    progress: &mut dyn FnMut(BakeStep),
) -> Result<BakeReport, IsoError> {
    for tool in &TOOLS {
        tool.find()?;
    }
    let chain = Chain::find(request.secure_boot)?;
    boot_files::check(request)?;
    let scratch = Staging::new(&request.out.with_extension("work"))?;
    let disc = scratch.path().join("disc");
    for directory in ["boot/grub", "live"] {
        let directory = disc.join(directory);
        std::fs::create_dir_all(&directory).map_err(file_error("creating", directory))?;
    }
    let started = Instant::now();
    // The boot loaders need nothing of the system, and little of the machine.
    let (packed, loaders, inputs) = std::thread::scope(|scope| {
        let loaders = scope.spawn(|| Loaders::make(request, chain.as_ref(), scratch.path()));
        let is_later = request.layers.tells_inputs_afterwards();
        let inputs = (!is_later).then(|| scope.spawn(request.inputs));
        let packed = pack(request, scratch.path(), &disc, progress);
        let inputs = inputs.map(|inputs| inputs.join());
        (packed, loaders.join(), inputs)
    });
    let packed = packed?;
    let squashfs_time = started.elapsed();
    progress(BakeStep::BootFiles);
    let loaders = loaders.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    let inputs = inputs.unwrap_or_else(|| Ok((request.inputs)()));
    let inputs = inputs.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    let found = find_live(request, &packed, &disc)?;
    let live = found.live;
    let squashfs = place_squashfs(live, &disc)?;
    let image = std::thread::scope(|scope| {
        let proof = scope.spawn(|| read_back(&squashfs, &packed.tree, &packed.sums));
        boot_files::lay_out(request, live, &loaders, &disc)?;
        let mut sums = write_checksums(request, live, &disc)?;
        sums.extend(request.content.iter().flat_map(|content| content.sums()));
        let manifest = write_manifest(request, inputs, live, &disc, &sums)?;
        boot_files::set_modes(&disc)?;
        progress(BakeStep::Iso);
        interrupted()?;
        let image = Image::write(request, &loaders.esp, &disc, manifest);
        proof.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        image
    })?;
    let digest = image.finish(request.out)?;
    Ok(BakeReport {
        digest,
        path: request.out.to_owned(),
        bytes: length(request.out)?,
        squashfs_bytes: length(&squashfs)?,
        squashfs_time,
        kernel: String::from_utf8_lossy(&packed.kernel.kernel).into_owned(),
        initrd: String::from_utf8_lossy(&packed.kernel.initrd).into_owned(),
        contents: packed.contents,
        live,
        warnings: found.warning().into_iter().collect(),
    })
}

fn find_live(request: &BakeRequest<'_>, packed: &Packed, disc: &Path) -> Result<Found, IsoError> {
    let found = match request.live {
        Some(live) => Found::told(live),
        None => Found::of(&packed.tree, &disc.join("boot/initrd"))?,
    };
    if request.is_encrypted && !found.live.takes_agent() {
        return Err(IsoError::NoAgentToDecrypt);
    }
    let is_given = request.user_data.is_some();
    found.ensure_read(&packed.tree, request.user_data_room, is_given)?;
    if request.network_config.is_some() && !found.live.reads_network_config() {
        return Err(IsoError::NoNetworkReader);
    }
    Ok(found)
}

/// Puts the system where what starts it looks for it.
fn place_squashfs(live: LiveSystem, disc: &Path) -> Result<PathBuf, IsoError> {
    let (from, to) = (disc.join(SQUASHFS), disc.join(live.squashfs()));
    if from != to {
        std::fs::hard_link(&from, &to).map_err(file_error("linking", &to))?;
        let directory = disc.join("live");
        std::fs::remove_dir_all(&directory).map_err(file_error("removing", directory))?;
    }
    Ok(to)
}

/// The agent compares what it reads from the medium with these.
fn write_checksums(
    request: &BakeRequest<'_>,
    live: LiveSystem,
    disc: &Path,
) -> Result<Vec<(String, Digest)>, IsoError> {
    let sum = |name: &str| Ok::<_, IsoError>((name.to_owned(), digest_of(&disc.join(name))?));
    // Blobs are named by their digests.
    let index = request.content.map(|_| content::INDEX);
    let sums = [live.squashfs(), "boot/kernel", "boot/initrd"].into_iter().chain(index).map(sum);
    let sums = sums.collect::<Result<Vec<_>, _>>()?;
    let lines: String = sums.iter().map(|(name, sum)| format!("{}  {name}\n", sum.hex())).collect();
    let path = disc.join("edgectl/SHA256SUMS");
    std::fs::write(&path, lines).map_err(file_error("writing", path))?;
    Ok(sums)
}

/// Says on the disc what is on it; gives the same for beside the image.
fn write_manifest(
    request: &BakeRequest<'_>,
    mut inputs: Vec<Input>,
    live: LiveSystem,
    disc: &Path,
    sums: &[(String, Digest)],
) -> Result<Vec<u8>, IsoError> {
    let mut input = |name: &str, digest| inputs.push(Input { name: name.to_owned(), digest });
    if let Some(agent) = request.agent.filter(|_| live.takes_agent()) {
        input("agent", digest_of(agent)?);
    }
    input("image lock", Digest::sha256(request.lock.as_bytes()));
    if let Some(content) = request.content {
        input("content", Digest::sha256(&content.index));
    }
    let (user_data, decrypts) = (live.user_data().to_owned(), live.takes_agent());
    let live = Live { system: live, user_data, decrypts };
    let mut manifest = Manifest::of(request.epoch, inputs, live, disc, sums)?;
    manifest.content = request.content.map(Content::summary);
    let bytes = manifest.to_json()?;
    let path = disc.join(manifest::PATH);
    std::fs::write(&path, &bytes).map_err(file_error("writing", path))?;
    Ok(bytes)
}

/// The size of a file in bytes.
pub(crate) fn length(path: &Path) -> Result<u64, IsoError> {
    Ok(std::fs::metadata(path).map(|m| m.len()).map_err(file_error("measuring", path))?)
}
