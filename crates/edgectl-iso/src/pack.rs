//! From layers to the squashfs, the kernel and its initial RAM file system.

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ChildStdin;

use edgectl_process::{Running, file_error};

use crate::bake::{BakeRequest, BakeStep};
use crate::error::{IsoError, writing_error};
use crate::kernel::{KernelPair, find_kernel, may_boot};
use crate::layers::LayerSource;
use crate::packages::{self, SystemContents};
use crate::paths;
use crate::stream::Sums;
use crate::tree::Tree;
use crate::xorriso::MKSQUASHFS;

/// Where systems mount what is no part of them, whether an image has the
/// directories or not: container builders leave them out now and then.
const MOUNT_POINTS: [&str; 4] = ["dev", "proc", "run", "sys"];
/// Where a kernel's settings are, in front of its version.
const SETTINGS: &str = "boot/config-";
/// The stream doesn't speak of the root, and everyone may write to the one
/// that mksquashfs makes up.
const ROOT: [&str; 6] = ["-root-mode", "0755", "-root-uid", "0", "-root-gid", "0"];
/// Where the system is on the disc.
pub(crate) const SQUASHFS: &str = "live/filesystem.squashfs";
/// A list of thousands of packages has a few megabytes.
const LIST_LIMIT: u64 = 64 << 20;
/// What mksquashfs may gather, and takes a quarter of the machine's memory for if
/// it isn't told: touching new memory all the time costs more than waiting.
const GATHERED: [&str; 2] = ["-mem", "512M"];
/// In bytes: what a machine has to have for that.
const ROOMY: u64 = 2 << 30;
/// Small files are gathered; what is larger goes its way uncopied.
const PIPE_BUFFER: usize = 128 << 10;

/// How a system is packed; its kernel must be able to read that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// zstd's fast end: a fifth of gzip's time for a smaller image.
    #[default]
    Zstd,
    /// xz: small, and slow.
    Xz,
    /// gzip: for kernels that know nothing else.
    Gzip,
}

impl Compression {
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Zstd => &["-comp", "zstd", "-Xcompression-level", "3", "-b", "256K"],
            Self::Xz => &["-comp", "xz", "-b", "256K"],
            Self::Gzip => &["-comp", "gzip", "-b", "256K"],
        }
    }

    /// What a kernel that reads it has in its settings.
    fn setting(self) -> &'static str {
        match self {
            Self::Zstd => "CONFIG_SQUASHFS_ZSTD",
            Self::Xz => "CONFIG_SQUASHFS_XZ",
            Self::Gzip => "CONFIG_SQUASHFS_ZLIB",
        }
    }
}

/// A system in its squashfs.
#[derive(Debug)]
pub(crate) struct Packed {
    pub(crate) tree: Tree,
    /// What the squashfs was made of.
    pub(crate) sums: Sums,
    pub(crate) kernel: KernelPair,
    pub(crate) contents: SystemContents,
}

/// Streams the flattened system into a squashfs on the disc, and puts kernel
/// and initial RAM file system beside.
pub(crate) fn pack(
    request: &BakeRequest<'_>,
    scratch: &Path,
    disc: &Path,
    progress: &mut dyn FnMut(BakeStep),
) -> Result<Packed, IsoError> {
    progress(BakeStep::Squashfs);
    let squashfs = disc.join(SQUASHFS);
    let mut captured = Captured::new(scratch.join("boot-files"))?;
    let (tree, sums) = match at_once(request, &squashfs, &mut captured)? {
        Some(written) => written,
        None => in_two_readings(request, &squashfs, &mut captured)?,
    };
    let pair = find_kernel(&tree)?;
    ensure_readable(request, &tree, &pair, &captured)?;
    for (path, name) in [(&pair.kernel, "boot/kernel"), (&pair.initrd, "boot/initrd")] {
        let to = disc.join(name);
        match captured.file(path) {
            Some(from) => {
                std::fs::hard_link(from, &to).map_err(file_error("linking", to))?;
            }
            None => tree.extract(request.layers, path, create(&to)?)?,
        }
    }
    let contents = contents(&tree, &captured)?;
    Ok(Packed { tree, sums, kernel: pair, contents })
}

/// What the system says of itself; it may say nothing.
fn contents(tree: &Tree, captured: &Captured) -> Result<SystemContents, IsoError> {
    let mut contents = SystemContents::default();
    for path in packages::telling(tree.paths()) {
        let file = tree.resolve_file(path.as_bytes()).and_then(|path| captured.file(&path));
        let Some(file) = file else { continue };
        let mut text = Vec::new();
        let read = File::open(&file).and_then(|it| it.take(LIST_LIMIT).read_to_end(&mut text));
        read.map_err(file_error("reading", file))?;
        contents.read(path, &String::from_utf8_lossy(&text));
    }
    contents.sort();
    Ok(contents)
}

/// Fails where the kernel says of itself that it can't read what was packed.
fn ensure_readable(
    request: &BakeRequest<'_>,
    tree: &Tree,
    pair: &KernelPair,
    captured: &Captured,
) -> Result<(), IsoError> {
    let name = paths::split(&pair.kernel).1;
    let Some(version) = name.splitn(2, |byte| *byte == b'-').nth(1) else { return Ok(()) };
    let settings = [SETTINGS.as_bytes(), version].concat();
    let Some(settings) = tree.resolve_file(&settings).and_then(|path| captured.file(&path)) else {
        return Ok(());
    };
    let text = std::fs::read(&settings).map_err(file_error("reading", settings))?;
    let text = String::from_utf8_lossy(&text);
    let setting = request.compression.setting();
    // A kernel without squashfs at all may have it from elsewhere.
    let knows = !text.contains("CONFIG_SQUASHFS=") || text.contains(&format!("{setting}=y"));
    match knows {
        true => Ok(()),
        false => Err(IsoError::KernelLacks { kernel: paths::show(&pair.kernel), setting }),
    }
}

/// Layers with the directories that every system needs.
struct Rooted<'a>(&'a dyn LayerSource);

impl LayerSource for Rooted<'_> {
    fn count(&self) -> usize {
        self.0.count()
    }

    fn open(&self, index: usize) -> io::Result<Box<dyn Read + '_>> {
        self.0.open(index)
    }

    fn tells_inputs_afterwards(&self) -> bool {
        self.0.tells_inputs_afterwards()
    }

    fn implied(&self) -> &[&str] {
        &MOUNT_POINTS
    }
}

/// None if a single reading can't tell what the system looks like.
fn at_once(
    request: &BakeRequest<'_>,
    squashfs: &Path,
    captured: &mut Captured,
) -> Result<Option<(Tree, Sums)>, IsoError> {
    let (running, pipe) = mksquashfs(request, squashfs)?;
    let written =
        Tree::read_and_write(&Rooted(request.layers), pipe, &mut |path| captured.open(path));
    match written.transpose() {
        // The half-fed mksquashfs ends when it is dropped.
        None => Ok(None),
        Some(written) => finish(running, written, squashfs).map(Some),
    }
}

fn in_two_readings(
    request: &BakeRequest<'_>,
    squashfs: &Path,
    captured: &mut Captured,
) -> Result<(Tree, Sums), IsoError> {
    captured.forget();
    let layers = Rooted(request.layers);
    let tree = Tree::read(&layers)?;
    // Refused before the long work, where it can be.
    find_kernel(&tree)?;
    let (running, pipe) = mksquashfs(request, squashfs)?;
    let written = tree.write(&layers, pipe, &mut |path| captured.open(path));
    finish(running, written.map(|sums| (tree, sums)), squashfs)
}

fn mksquashfs(
    request: &BakeRequest<'_>,
    squashfs: &Path,
) -> Result<(Running, BufWriter<ChildStdin>), IsoError> {
    let cmd = MKSQUASHFS
        .cmd()?
        .arg("-")
        .arg(squashfs)
        .args(["-tar", "-noappend", "-no-progress", "-quiet"])
        .args(ROOT)
        .args(gathered())
        .args(request.compression.arguments())
        .env("SOURCE_DATE_EPOCH", request.epoch.to_string());
    let (running, stdin) = cmd.start_with_stdin()?;
    Ok((running, BufWriter::with_capacity(PIPE_BUFFER, stdin)))
}

fn gathered() -> &'static [&'static str] {
    let machine = rustix::system::sysinfo();
    let bytes = machine.totalram.saturating_mul(u64::from(machine.mem_unit));
    if bytes < ROOMY { &[] } else { &GATHERED }
}

/// Waits for the squashfs to be whole.
fn finish(
    running: Running,
    written: Result<(Tree, Sums), IsoError>,
    squashfs: &Path,
) -> Result<(Tree, Sums), IsoError> {
    match written {
        Ok(written) => {
            running.wait().map_err(writing_error(squashfs))?;
            Ok(written)
        }
        // A broken pipe says only that mksquashfs has stopped; it says why.
        Err(IsoError::Squashfs(error)) if error.kind() == ErrorKind::BrokenPipe => {
            running.wait().map_err(writing_error(squashfs))?;
            Err(IsoError::Squashfs(error))
        }
        Err(error) => Err(error),
    }
}

/// Copies of what could be a kernel or its initial RAM file system, or says
/// what the system is, taken while the layers stream by.
struct Captured {
    directory: PathBuf,
    /// The path in the system of each file, which is named by its number.
    paths: Vec<Vec<u8>>,
}

impl Captured {
    fn new(directory: PathBuf) -> Result<Self, IsoError> {
        std::fs::create_dir(&directory).map_err(file_error("creating", &directory))?;
        Ok(Self { directory, paths: Vec::new() })
    }

    /// A copy that can't be opened is missed, and extracted later.
    fn open(&mut self, path: &[u8]) -> Option<Box<dyn Write>> {
        let is_wanted =
            may_boot(path) || path.starts_with(SETTINGS.as_bytes()) || packages::tells(path);
        if !is_wanted {
            return None;
        }
        let file = File::create(self.directory.join(self.paths.len().to_string())).ok()?;
        self.paths.push(path.to_vec());
        Some(Box::new(file))
    }

    fn file(&self, path: &[u8]) -> Option<PathBuf> {
        let at = self.paths.iter().position(|captured| captured == path)?;
        Some(self.directory.join(at.to_string()))
    }

    fn forget(&mut self) {
        self.paths.clear();
    }
}

fn create(path: &Path) -> Result<File, IsoError> {
    Ok(File::create(path).map_err(file_error("creating", path))?)
}
