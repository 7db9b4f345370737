//! What an installer is baked from: an image in a layout directory or a
//! registry, or a root file system in a tar or a directory.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use edgectl_iso::{DirectoryLayer, Input, IsoError, LayerSource, Owners};
use edgectl_model::{Digest, ImageLock, Platform, Reference};
use edgectl_registry::{Layout, LayoutImage, PullRequest, interruptible, pull_to_layout};

use crate::exit;
use crate::failure::{Doing, Failure};
use crate::inputs::{Form, tar_form, unfolded};
use crate::printer::Printer;
use crate::progress::UploadProgress;
use crate::project::Project;
use crate::read_ahead::ReadAhead;
use crate::read_digest::ReadDigest;
use crate::runtime::on_runtime;

/// Blobs in flight when the operating system image is pulled.
const PULL_JOBS: usize = 4;
/// A root file system has no date of its own: 1980, the first that all systems know.
const BARE_EPOCH: u64 = 315_532_800;

/// The end of the year 9999.
const LAST_EPOCH: u64 = 253_402_300_799;

/// The operating system.
pub(crate) enum OsBase {
    /// An image.
    Image(LayoutImage),
    /// A root file system in a tar, plain or compressed.
    Tar(ReadDigest, Form),
    /// The same in a directory.
    Directory(DirectoryLayer),
}

impl OsBase {
    /// What edge.yaml names; an image that is in a registry is pulled into a
    /// layout that is kept.
    pub(crate) fn of(
        project: &Project,
        lock: &ImageLock,
        printer: Printer,
    ) -> Result<Self, Failure> {
        let os = ensure_named(project)?;
        let doing = || format!("reading the operating system image `{os}`");
        let path = project.path(os);
        if path.is_file() {
            let form = tar_form(&path).map_err(|e| Failure::of(exit::FAILED, &e));
            return match form.doing(doing())? {
                Some(form) => Ok(Self::Tar(ReadDigest::of(path), form)),
                None => Err(Failure::new(exit::FAILED, "it is a file, but no tar").doing(doing())),
            };
        }
        if is_root(&path) {
            return Ok(Self::Directory(DirectoryLayer::new(path, Owners::Kept)));
        }
        image(project, lock, printer, doing).map(Self::Image)
    }

    /// What the system is made of, for the manifest on the installer.
    pub(crate) fn inputs(&self) -> Result<Vec<Input>, IsoError> {
        let input = |name: String, digest: &Digest| Input { name, digest: digest.clone() };
        match self {
            Self::Tar(file, _) => Ok(vec![input("operating system".to_owned(), &file.digest()?)]),
            Self::Directory(directory) => Ok(vec![directory.input("operating system")?]),
            Self::Image(image) => {
                let mut inputs = vec![input("operating system".to_owned(), &image.digest)];
                let layers = image.layers.iter().enumerate();
                inputs.extend(layers.map(|(n, l)| input(format!("layer {}", n + 1), &l.digest)));
                Ok(inputs)
            }
        }
    }

    /// The date of everything on the installer: `SOURCE_DATE_EPOCH`, else the
    /// day the image was made, so that the same inputs give the same bytes.
    pub(crate) fn epoch(&self) -> Result<u64, Failure> {
        if let Some(epoch) = source_date_epoch()? {
            return Ok(epoch);
        }
        let Self::Image(image) = self else { return Ok(BARE_EPOCH) };
        let created = image.config.created.as_deref().and_then(|text| {
            let format = &time::format_description::well_known::Rfc3339;
            time::OffsetDateTime::parse(text, format).ok()
        });
        Ok(created.and_then(|date| u64::try_from(date.unix_timestamp()).ok()).unwrap_or(0))
    }
}

/// The date that the environment asks for, if it does.
pub(crate) fn source_date_epoch() -> Result<Option<u64>, Failure> {
    let Ok(text) = std::env::var("SOURCE_DATE_EPOCH") else { return Ok(None) };
    // ISO 9660 ends with the year 9999.
    let epoch = text.parse().ok().filter(|epoch| *epoch <= LAST_EPOCH);
    let text = "SOURCE_DATE_EPOCH is not a number of seconds since 1970 before the year 10000";
    epoch.map(Some).ok_or_else(|| Failure::new(exit::USAGE, text))
}

/// Layers, lowest first; a root file system is the only one.
impl LayerSource for OsBase {
    fn count(&self) -> usize {
        match self {
            Self::Image(image) => image.layers.len(),
            Self::Tar(..) | Self::Directory(_) => 1,
        }
    }

    fn open(&self, index: usize) -> io::Result<Box<dyn Read + '_>> {
        match self {
            Self::Image(image) => {
                let reader = image.layers[index].open().map_err(io::Error::other)?;
                Ok(Box::new(ReadAhead::new(reader)))
            }
            Self::Directory(directory) => directory.open(),
            Self::Tar(file, form) => {
                let (file, size) = file.open()?;
                Ok(Box::new(ReadAhead::new(unfolded(file, size, *form)?)))
            }
        }
    }

    /// A tar's digest is what its reader has seen of it.
    fn tells_inputs_afterwards(&self) -> bool {
        matches!(self, Self::Tar(..))
    }
}

/// What edge.yaml names; whoever only uploads names nothing.
pub(crate) fn ensure_named(project: &Project) -> Result<&str, Failure> {
    match project.config.iso.os.as_str() {
        "" => Err(Failure::new(exit::USAGE, "edge.yaml names no operating system for the image")
            .hint("`iso: {os: ./os}`: a layout directory, a registry reference, or a root file system")),
        os => Ok(os),
    }
}

/// Whether a directory is a root file system, and not a layout.
fn is_root(path: &Path) -> bool {
    path.join("usr").is_dir() && !path.join("oci-layout").exists()
}

fn image(
    project: &Project,
    lock: &ImageLock,
    printer: Printer,
    doing: impl Fn() -> String,
) -> Result<LayoutImage, Failure> {
    let os = &project.config.iso.os;
    let platform = Platform::new("linux", "amd64");
    let directory = project.path(os);
    if os.starts_with(['.', '/']) || directory.join("oci-layout").exists() {
        let layout = Layout::open(&directory).doing(doing())?;
        return layout.image(&platform).doing(doing());
    }
    let reference =
        Reference::parse(os).map_err(|e| Failure::of(exit::USAGE, &e).doing(doing()))?;
    let pinned = lock.images.iter().find(|image| image.source == reference);
    let digest = pinned.and_then(|image| image.digest.clone());
    pulled(project, &reference, digest, &platform, printer).doing(doing())
}

fn pulled(
    project: &Project,
    reference: &Reference,
    digest: Option<Digest>,
    platform: &Platform,
    printer: Printer,
) -> Result<LayoutImage, Failure> {
    // One directory for each content, so that two projects never meet in one.
    let name = digest.clone().unwrap_or_else(|| Digest::sha256(reference.canonical().as_bytes()));
    let directory = cache_directory()?.join("os").join(name.hex());
    if digest.is_some()
        && let Ok(image) = Layout::open(&directory).and_then(|layout| layout.image(platform))
    {
        return Ok(image);
    }
    printer.say(&format!("  pulling {reference}"));
    let sources = project.scope().source_registries([reference])?;
    let request = PullRequest {
        source: reference.clone(),
        digest,
        platform: Some(platform.clone()),
        directory,
        jobs: PULL_JOBS,
    };
    let progress = UploadProgress::new(printer);
    let pulled = on_runtime(async {
        Ok(interruptible(pull_to_layout(request, &sources, &progress)).await?)
    });
    progress.finish();
    let (layout, _) = pulled?;
    Ok(layout.image(platform)?)
}

/// `$XDG_CACHE_HOME/edgectl`, else `~/.cache/edgectl`.
fn cache_directory() -> Result<PathBuf, Failure> {
    let own = std::env::var_os("XDG_CACHE_HOME").filter(|v| !v.is_empty()).map(PathBuf::from);
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"));
    own.or_else(home).map(|base| base.join("edgectl")).ok_or_else(|| {
        Failure::new(exit::FAILED, "neither XDG_CACHE_HOME nor HOME is set, so there is no cache")
    })
}
