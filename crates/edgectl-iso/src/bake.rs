//! From the layers of an image to an installer.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use edgectl_model::Hasher;
use edgectl_process::{Replacement, Staging, file_error, interrupted};

use crate::boot_files;
use crate::error::{IsoError, writing_error};
use crate::grub;
use crate::layers::LayerSource;
use crate::pack::{SQUASHFS, pack};
use crate::xorriso::{Disc, TOOLS, XORRISO};

const READ_BUFFER: usize = 1 << 20;

/// What to bake.
pub struct BakeRequest<'a> {
    /// The operating system, lowest layer first.
    pub layers: &'a dyn LayerSource,
    /// Volume label; GRUB and the kernel find the medium by it.
    pub label: &'a str,
    /// Finished user data.
    pub user_data: &'a [u8],
    /// Bytes kept for user data.
    pub user_data_room: u64,
    /// Text of the image lock.
    pub lock: &'a str,
    /// The image that the proof starts a container from.
    pub run: Option<&'a str>,
    /// The static agent.
    pub agent: &'a Path,
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
}

impl std::fmt::Display for BakeStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Squashfs => "packing the operating system",
            Self::BootFiles => "making the boot loaders",
            Self::Iso => "writing the image",
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
    /// The kernel it boots, as a path in the operating system image.
    pub kernel: String,
}

/// Bakes an installer image. The image appears whole or not at all.
pub fn bake(
    request: &BakeRequest<'_>,
    progress: &mut dyn FnMut(BakeStep),
) -> Result<BakeReport, IsoError> {
    for tool in &TOOLS {
        tool.find()?;
    }
    boot_files::check(request)?;
    let scratch = Staging::new(&request.out.with_extension("work"))?;
    let disc = scratch.path().join("disc");
    for directory in ["boot/grub", "live"] {
        let directory = disc.join(directory);
        std::fs::create_dir_all(&directory).map_err(file_error("creating", directory))?;
    }
    // The boot loaders need nothing of the system, and little of the machine.
    let (packed, esp) = std::thread::scope(|scope| {
        let esp = scope.spawn(|| boot_files::lay_out(request, scratch.path(), &disc));
        (pack(request, scratch.path(), &disc, progress), esp.join())
    });
    let kernel = packed?;
    let squashfs = disc.join(SQUASHFS);
    progress(BakeStep::BootFiles);
    let esp = esp.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    write_checksums(&disc)?;
    boot_files::set_modes(&disc)?;

    progress(BakeStep::Iso);
    interrupted()?;
    write_iso(request, &esp, &disc)?;
    Ok(BakeReport {
        path: request.out.to_owned(),
        bytes: length(request.out)?,
        squashfs_bytes: length(&squashfs)?,
        kernel: String::from_utf8_lossy(&kernel.kernel).into_owned(),
    })
}

/// The agent compares what it reads from the medium with these.
fn write_checksums(disc: &Path) -> Result<(), IsoError> {
    let mut lines = String::new();
    for name in [SQUASHFS, "boot/kernel", "boot/initrd"] {
        lines.push_str(&format!("{}  {name}\n", sha256(&disc.join(name))?));
    }
    let path = disc.join("edgectl/SHA256SUMS");
    Ok(std::fs::write(&path, lines).map_err(file_error("writing", path))?)
}

fn sha256(path: &Path) -> Result<String, IsoError> {
    let mut file = File::open(path).map_err(file_error("opening", path))?;
    let mut hasher = Hasher::sha256();
    let mut buffer = vec![0; READ_BUFFER];
    loop {
        match file.read(&mut buffer).map_err(file_error("reading", path))? {
            0 => return Ok(hasher.finish().hex().to_owned()),
            n => hasher.update(&buffer[..n]),
        }
    }
}

fn write_iso(request: &BakeRequest<'_>, esp: &Path, disc: &Path) -> Result<(), IsoError> {
    // The image holds credentials, so nobody else may read it.
    let out = Replacement::new(request.out, 0o600)?;
    let disc = Disc {
        label: request.label,
        hybrid_record: grub::hybrid_record(),
        esp,
        grafts: vec![("/".to_owned(), disc.to_owned())],
        epoch: request.epoch,
        out: out.path(),
    };
    // Dates on the disc are local ones; the builder's time zone must not show.
    let cmd = XORRISO.cmd()?.args(disc.arguments()).env("TZ", "UTC");
    cmd.ensure_success().map_err(writing_error(request.out))?;
    Ok(out.finish()?)
}

fn length(path: &Path) -> Result<u64, IsoError> {
    Ok(std::fs::metadata(path).map(|m| m.len()).map_err(file_error("measuring", path))?)
}
