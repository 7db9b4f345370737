//! Images that others made, with user data and room for more of it.
//!
//! Nothing is packed anew. The image is copied, gets longer behind its files,
//! and the directories that name something new are written there once more.
//! Boot images, boot records and every file stay where they are, so whatever
//! starts the image still does; what a disk has behind the files (appended
//! partitions, the copy of the GPT) moves back as a whole. The manifest keeps
//! what stood in the places that changed: from it the image as it was comes
//! back before it is customised again.

mod contents;
mod directories;
mod frame;
mod loader;
mod medium;
mod menus;
mod names;
mod origin;
mod plan;
mod proof;
mod sessions;
mod sums;
mod warnings;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use edgectl_model::Digest;
use edgectl_process::{Replacement, file_error, interrupted};

use crate::digest::digest_of;
use crate::disc::Disc;
use crate::error::IsoError;
use crate::inject::{Change, Shared, complete};
use crate::manifest::Manifest;
use crate::sidecar;
use crate::undo::forget_undo;

pub use medium::Flavor;
pub(crate) use medium::ensure_fit;
pub use origin::Customized;
use plan::Plan;
pub(crate) use sums::sum;

/// Room for user data, where nothing else is said: bytes.
pub const DEFAULT_USER_DATA_ROOM: u64 = 512 << 10;

/// What to make of an image.
pub struct CustomizeRequest<'a> {
    /// The image; it stays as it is.
    pub base: &'a Path,
    /// The user data; without it the image waits for some.
    pub user_data: Option<&'a [u8]>,
    /// Bytes kept for user data.
    pub user_data_room: u64,
    /// cloud-init's `meta-data`.
    pub meta_data: Option<&'a [u8]>,
    /// cloud-init's `network-config`.
    pub network_config: Option<&'a [u8]>,
    /// More kernel arguments.
    pub kernel_arguments: &'a [String],
    /// What the image starts; found out where it isn't said.
    pub flavor: Option<Flavor>,
    /// The date of what is new, in seconds since 1970; the image's own where
    /// it isn't said.
    pub epoch: Option<u64>,
    /// Where the new image is put.
    pub out: &'a Path,
}

impl std::fmt::Debug for CustomizeRequest<'_> {
    /// The user data holds passwords.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = f.debug_struct("CustomizeRequest");
        text.field("base", &self.base).field("out", &self.out).finish()
    }
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomizeReport {
    /// The image.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its digest.
    pub digest: Digest,
    /// What it was taken for.
    pub flavor: Flavor,
    /// Where the user data is.
    pub user_data: String,
    /// Whether a system that is started from it reads that.
    pub is_live: bool,
    /// Boot menus that take kernel arguments.
    pub menus: Vec<String>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// Makes an image of one that others made. It appears whole or not at all.
pub fn customize(request: &CustomizeRequest<'_>) -> Result<CustomizeReport, IsoError> {
    let base = Shared::take(request.base)?;
    let former = match Manifest::read(&base)? {
        None => None,
        Some(Manifest { customized: Some(former), .. }) => Some(former),
        Some(_) => return Err(IsoError::BakedHere(request.base.to_owned())),
    };
    // What can't be done is found before the image is copied, where that
    // needs no copy.
    let plan = match &former {
        None => Some(Plan::of(&base, request, None)?),
        Some(_) => None,
    };
    let mut out = Replacement::new(request.out, 0o600)?;
    let mut from = base.file().map_err(file_error("reading", request.base))?;
    std::io::copy(&mut from, out.file()).map_err(file_error("writing", request.out))?;
    let file = out.file().try_clone().map_err(file_error("opening", request.out))?;
    let plan = match (plan, &former) {
        (Some(plan), _) => plan,
        (None, former) => again(&file, request, former.as_ref())?,
    };
    interrupted()?;
    write(&file, &plan).map_err(file_error("writing", request.out))?;
    let change = Change {
        reset: false,
        user_data: request.user_data,
        is_encrypted: false,
        network_config: request.network_config,
        kernel_arguments: Some(request.kernel_arguments).filter(|words| !words.is_empty()),
    };
    complete(out.path(), &change)?;
    let made = Disc::open(out.path())?;
    proof::ensure_replayed(&base, &made, &plan.manifest, former.as_ref())?;
    let digest = digest_of(out.path())?;
    sidecar::remove(request.out)?;
    forget_undo(request.out)?;
    out.finish()?;
    sidecar::write(request.out, &digest, &plan.manifest_bytes)?;
    Ok(CustomizeReport {
        path: request.out.to_owned(),
        bytes: made.bytes(),
        digest,
        flavor: plan.flavor,
        user_data: plan.user_data,
        is_live: plan.is_live,
        menus: plan.menus,
        warnings: plan.warnings,
    })
}

/// Puts the base back into a copy of an image that was customised before, and
/// plans from there.
fn again(
    file: &File,
    request: &CustomizeRequest<'_>,
    former: Option<&Customized>,
) -> Result<Plan, IsoError> {
    if let Some(former) = former {
        origin::restore(file, request.base, former)?;
    }
    let file = file.try_clone().map_err(file_error("opening", request.out))?;
    Plan::of(&Disc::of(file, request.base)?, request, former)
}

/// Changes the copy as planned.
fn write(file: &File, plan: &Plan) -> std::io::Result<()> {
    origin::grow(file, plan.bytes, plan.growth)?;
    for extent in &plan.wiped {
        origin::clear(file, extent.offset, extent.bytes)?;
    }
    for patch in &plan.changed {
        file.write_all_at(&patch.bytes, plan.growth.moved(patch.offset))?;
    }
    for patch in &plan.added {
        file.write_all_at(&patch.bytes, patch.offset)?;
    }
    file.sync_data()
}
