//! The image, written and put in its place.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use edgectl_model::Digest;
use edgectl_process::{Replacement, file_error};

use crate::bake::BakeRequest;
use crate::content;
use crate::error::{IsoError, writing_error};
use crate::follow::{Followed, Writing};
use crate::grub;
use crate::inject::{Change, complete};
use crate::sidecar;
use crate::undo::forget_undo;
use crate::xorriso::{self, Disc, XORRISO};

/// What is replaced later, or was made to be: behind everything else, so that
/// little is read again for the digest of an image with other content.
const LAST: [&str; 5] = [
    "/config.yaml",
    "/nocloud/user-data",
    "/nocloud/network-config",
    "/boot/grub/grub.cfg",
    "/edgectl/seal",
];

/// An image that is written, but not in its place.
pub(crate) struct Image {
    out: Replacement,
    digest: Digest,
    manifest: Vec<u8>,
}

impl Image {
    /// Writes what is in the directory `disc`.
    pub(crate) fn write(
        request: &BakeRequest<'_>,
        esp: &Path,
        disc: &Path,
        manifest: Vec<u8>,
    ) -> Result<Self, IsoError> {
        // The image holds credentials, so nobody else may read it.
        let out = Replacement::new(request.out, 0o600)?;
        let is_there = |path: &&str| disc.join(path.trim_start_matches('/')).exists();
        let last: Vec<&str> = LAST.into_iter().filter(is_there).collect();
        let disc = Disc {
            label: request.label,
            hybrid_record: grub::hybrid_record(),
            esp,
            grafts: vec![("/".to_owned(), disc.to_owned())],
            last: &last,
            linked: request.content.map(|_| content::DIRECTORY),
            epoch: request.epoch,
            out: out.path(),
        };
        let (followed, crashes) = run(&disc, request.out)?;
        let change = Change {
            user_data: request.user_data,
            is_encrypted: request.is_encrypted,
            network_config: request.network_config,
            ..Change::default()
        };
        let changed = complete(out.path(), &change)?;
        // A run that crashed has written, and another one over that.
        let changed = if crashes == 0 { changed } else { 0 };
        let digest = followed.digest(out.path(), changed)?;
        Ok(Self { out, digest, manifest })
    }

    /// Puts it in its place, with what stands beside it.
    pub(crate) fn finish(self, path: &Path) -> Result<Digest, IsoError> {
        // What stands beside an image is never of another one.
        sidecar::remove(path)?;
        forget_undo(path)?;
        self.out.finish()?;
        sidecar::write(path, &self.digest, &self.manifest)?;
        Ok(self.digest)
    }
}

/// Has xorriso write, and reads after it; says how often it crashed as well.
fn run(disc: &Disc<'_>, image: &Path) -> Result<(Followed, u32), IsoError> {
    // Dates on the disc are local ones; the builder's time zone must not show.
    let cmd = XORRISO.cmd()?.args(disc.arguments()).env("TZ", "UTC");
    let is_written = AtomicBool::new(true);
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| Followed::of(disc.out, &is_written));
        let writing = Writing(&is_written);
        let crashes = xorriso::run(&cmd, disc.out).map_err(writing_error(image));
        drop(writing);
        let followed = reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let crashes = crashes?;
        Ok((followed.map_err(file_error("reading", disc.out))?, crashes))
    })
}
