//! Images that go onto an installer: read, compared with their digests, and
//! only then put there.

use std::path::Path;

use edgectl_iso::{Content, ContentBlob};
use edgectl_model::count;
use edgectl_registry::Layout;

use crate::exit;
use crate::failure::{Doing, Failure};
use crate::printer::{Printer, bytes};

/// The layout in a directory, every byte of it looked at.
pub(crate) fn content(directory: &Path, printer: Printer) -> Result<Content, Failure> {
    let doing = || format!("reading the content `{}`", directory.display());
    if directory.is_file() {
        return Err(Failure::new(exit::FAILED, "it is a file, and the content is a directory")
            .doing(doing())
            .hint("`edgectl save --format dir --out DIR` writes one"));
    }
    let layout = Layout::open(directory).doing(doing())?;
    let whole = layout.whole().map_err(|error| {
        Failure::from(error).doing(doing()).hint("`edgectl save` into it again mends a layout")
    })?;
    let blobs = whole.blobs.into_iter().map(|(blob, path)| ContentBlob {
        digest: blob.digest,
        bytes: blob.size,
        path,
    });
    let content = Content { index: whole.index, names: whole.names, blobs: blobs.collect() };
    if content.blobs.is_empty() {
        return Err(Failure::new(exit::FAILED, "it holds no image").doing(doing()));
    }
    let size = content.blobs.iter().map(|blob| blob.bytes).sum();
    printer.say(&format!("  content: {}, {}", count(content.names.len(), "image"), bytes(size)));
    Ok(content)
}
