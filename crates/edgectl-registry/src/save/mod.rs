//! Images into a file or a directory that can be carried away: an OCI layout,
//! as a directory or as a tar, or an archive that `docker load` takes. A tar is
//! written in one pass, each blob once, and is there whole or not at all.

mod compress;
mod index;
mod sink;
mod stream;

pub use compress::Packing;
pub use stream::SavedFile;

use std::path::PathBuf;

use crate::error::RegistryError;
use crate::layout::Layout;
use crate::source::Source;
use crate::upload::{Progress, UploadOutcome, UploadRequest, upload_from};
use sink::ArchiveSink;

/// What images are saved as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaveForm {
    /// An OCI layout directory.
    Directory,
    /// The same in a tar.
    OciArchive,
    /// The same with the list that `docker load` reads; one platform of each
    /// image.
    DockerArchive,
}

/// Where images are saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaveTarget {
    /// The file, or the directory.
    pub path: PathBuf,
    /// What it becomes.
    pub form: SaveForm,
    /// What a file is packed with.
    pub packing: Packing,
}

/// What came of saving.
#[derive(Debug)]
pub struct Saved {
    /// What came of each image.
    pub outcome: UploadOutcome,
    /// The file; none for a directory, and none where an image failed: an
    /// archive that lacks something isn't written.
    pub file: Option<SavedFile>,
}

/// Saves images under their targets' names. A directory keeps what it has, and
/// the next run goes on from there.
pub async fn save<S: Source>(
    request: UploadRequest,
    source: &S,
    target: &SaveTarget,
    progress: &dyn Progress,
) -> Result<Saved, RegistryError> {
    let before = source.requests();
    if target.form == SaveForm::Directory {
        let layout = Layout::create(&target.path)?;
        let mut outcome = upload_from(request, source, &layout, progress).await;
        outcome.source_requests = source.requests() - before;
        return Ok(Saved { outcome, file: None });
    }
    let sink = ArchiveSink::create(&target.path, target.form, target.packing)?;
    let mut outcome = upload_from(request, source, &sink, progress).await;
    outcome.source_requests = source.requests() - before;
    let is_whole = !outcome.interrupted && outcome.failed().next().is_none();
    let file = match is_whole {
        true => Some(sink.finish().await?),
        false => {
            outcome.leave_out_all();
            None
        }
    };
    Ok(Saved { outcome, file })
}
