//! From the layers of an image to an installer.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use edgectl_model::Hasher;
use edgectl_process::{Replacement, Staging, file_error, interrupted};

use crate::boot_files;
use crate::error::{IsoError, writing_error};
use crate::grub;
use crate::kernel::{KernelPair, find_kernel};
use crate::layers::LayerSource;
use crate::tree::Tree;
use crate::xorriso::{Disc, MKSQUASHFS, TOOLS, XORRISO};

/// zstd's fast end: a fifth of gzip's time for a smaller image.
const COMPRESSION: [&str; 6] = ["-comp", "zstd", "-Xcompression-level", "3", "-b", "256K"];
/// The stream doesn't speak of the root, and everyone may write to the one
/// that mksquashfs makes up.
const ROOT: [&str; 6] = ["-root-mode", "0755", "-root-uid", "0", "-root-gid", "0"];
/// Where the system is on the disc.
const SQUASHFS: &str = "live/filesystem.squashfs";
const PIPE_BUFFER: usize = 1 << 20;

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
    /// Reading the headers of all layers.
    Flatten,
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
            Self::Flatten => "reading the operating system image",
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
        (flatten_and_pack(request, &disc, progress), esp.join())
    });
    let (kernel, squashfs) = packed?;
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

fn flatten_and_pack(
    request: &BakeRequest<'_>,
    disc: &Path,
    progress: &mut dyn FnMut(BakeStep),
) -> Result<(KernelPair, PathBuf), IsoError> {
    progress(BakeStep::Flatten);
    let tree = Tree::read(request.layers)?;
    let kernel = find_kernel(&tree)?;
    progress(BakeStep::Squashfs);
    let squashfs = pack(request, &tree, &kernel, disc)?;
    Ok((kernel, squashfs))
}

/// Streams the flattened tree into mksquashfs and keeps kernel and initial
/// RAM file system beside.
fn pack(
    request: &BakeRequest<'_>,
    tree: &Tree,
    pair: &KernelPair,
    disc: &Path,
) -> Result<PathBuf, IsoError> {
    let squashfs = disc.join(SQUASHFS);
    let mut kernel = Some(create(&disc.join("boot/kernel"))?);
    let mut initrd = Some(create(&disc.join("boot/initrd"))?);
    let cmd = MKSQUASHFS
        .cmd()?
        .arg("-")
        .arg(&squashfs)
        .args(["-tar", "-noappend", "-no-progress", "-quiet"])
        .args(ROOT)
        .args(COMPRESSION)
        .env("SOURCE_DATE_EPOCH", request.epoch.to_string());
    let (running, stdin) = cmd.start_with_stdin()?;
    let pipe = BufWriter::with_capacity(PIPE_BUFFER, stdin);
    let written = tree.write(request.layers, pipe, &mut |path| {
        let copy = if path == pair.kernel { &mut kernel } else { &mut initrd };
        let wanted = path == pair.kernel || path == pair.initrd;
        wanted.then(|| copy.take()).flatten().map(|file| Box::new(file) as Box<dyn Write>)
    });
    match written {
        Ok(()) => running.wait().map_err(writing_error(&squashfs))?,
        // A broken pipe says only that mksquashfs has stopped; it says why.
        Err(IsoError::Squashfs(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            running.wait().map_err(writing_error(&squashfs))?;
            return Err(IsoError::Squashfs(error));
        }
        Err(error) => return Err(error),
    }
    Ok(squashfs)
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
    let mut buffer = vec![0; PIPE_BUFFER];
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

fn create(path: &Path) -> Result<File, IsoError> {
    Ok(File::create(path).map_err(file_error("creating", path))?)
}

fn length(path: &Path) -> Result<u64, IsoError> {
    Ok(std::fs::metadata(path).map(|m| m.len()).map_err(file_error("measuring", path))?)
}
