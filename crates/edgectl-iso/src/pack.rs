//! From layers to the squashfs, the kernel and its initial RAM file system.

use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ChildStdin;

use edgectl_process::{Running, file_error};

use crate::bake::{BakeRequest, BakeStep};
use crate::error::{IsoError, writing_error};
use crate::kernel::{KernelPair, find_kernel, may_boot};
use crate::tree::Tree;
use crate::xorriso::MKSQUASHFS;

/// zstd's fast end: a fifth of gzip's time for a smaller image.
const COMPRESSION: [&str; 6] = ["-comp", "zstd", "-Xcompression-level", "3", "-b", "256K"];
/// The stream doesn't speak of the root, and everyone may write to the one
/// that mksquashfs makes up.
const ROOT: [&str; 6] = ["-root-mode", "0755", "-root-uid", "0", "-root-gid", "0"];
/// Where the system is on the disc.
pub(crate) const SQUASHFS: &str = "live/filesystem.squashfs";
const PIPE_BUFFER: usize = 1 << 20;

/// Streams the flattened system into a squashfs on the disc, and puts kernel
/// and initial RAM file system beside.
pub(crate) fn pack(
    request: &BakeRequest<'_>,
    scratch: &Path,
    disc: &Path,
    progress: &mut dyn FnMut(BakeStep),
) -> Result<KernelPair, IsoError> {
    progress(BakeStep::Squashfs);
    let squashfs = disc.join(SQUASHFS);
    let mut captured = Captured::new(scratch.join("boot-files"))?;
    let tree = match at_once(request, &squashfs, &mut captured)? {
        Some(tree) => tree,
        None => in_two_readings(request, &squashfs, &mut captured)?,
    };
    let pair = find_kernel(&tree)?;
    for (path, name) in [(&pair.kernel, "boot/kernel"), (&pair.initrd, "boot/initrd")] {
        let to = disc.join(name);
        match captured.file(path) {
            Some(from) => {
                std::fs::hard_link(from, &to).map_err(file_error("linking", to))?;
            }
            None => tree.extract(request.layers, path, create(&to)?)?,
        }
    }
    Ok(pair)
}

/// None if a single reading can't tell what the system looks like.
fn at_once(
    request: &BakeRequest<'_>,
    squashfs: &Path,
    captured: &mut Captured,
) -> Result<Option<Tree>, IsoError> {
    let (running, pipe) = mksquashfs(request, squashfs)?;
    let tree = match Tree::read_and_write(request.layers, pipe, &mut |path| captured.open(path)) {
        // The half-fed mksquashfs ends when it is dropped.
        Ok(None) => return Ok(None),
        Ok(Some(tree)) => Ok(tree),
        Err(error) => Err(error),
    };
    finish(running, tree, squashfs).map(Some)
}

fn in_two_readings(
    request: &BakeRequest<'_>,
    squashfs: &Path,
    captured: &mut Captured,
) -> Result<Tree, IsoError> {
    captured.forget();
    let tree = Tree::read(request.layers)?;
    // Refused before the long work, where it can be.
    find_kernel(&tree)?;
    let (running, pipe) = mksquashfs(request, squashfs)?;
    let written = tree.write(request.layers, pipe, &mut |path| captured.open(path));
    finish(running, written.map(|()| tree), squashfs)
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
        .args(COMPRESSION)
        .env("SOURCE_DATE_EPOCH", request.epoch.to_string());
    let (running, stdin) = cmd.start_with_stdin()?;
    Ok((running, BufWriter::with_capacity(PIPE_BUFFER, stdin)))
}

/// Waits for the squashfs to be whole.
fn finish(
    running: Running,
    written: Result<Tree, IsoError>,
    squashfs: &Path,
) -> Result<Tree, IsoError> {
    match written {
        Ok(tree) => {
            running.wait().map_err(writing_error(squashfs))?;
            Ok(tree)
        }
        // A broken pipe says only that mksquashfs has stopped; it says why.
        Err(IsoError::Squashfs(error)) if error.kind() == ErrorKind::BrokenPipe => {
            running.wait().map_err(writing_error(squashfs))?;
            Err(IsoError::Squashfs(error))
        }
        Err(error) => Err(error),
    }
}

/// Copies of what could be a kernel or its initial RAM file system, taken
/// while the layers stream by.
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
        if !may_boot(path) {
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
