//! The boot loaders, which depend on the label alone.

use std::path::{Path, PathBuf};

use edgectl_process::file_error;

use crate::bake::BakeRequest;
use crate::error::IsoError;
use crate::grub::{self, Cores};
use crate::secure_boot::Chain;

/// GRUB for the medium, and for the disk that is installed to.
#[derive(Debug)]
pub(crate) struct Loaders {
    pub(crate) medium: Cores,
    pub(crate) installed: Cores,
    /// The EFI system partition.
    pub(crate) esp: PathBuf,
}

impl Loaders {
    /// Makes them in the directory `scratch`.
    pub(crate) fn make(
        request: &BakeRequest<'_>,
        chain: Option<&Chain>,
        scratch: &Path,
    ) -> Result<Self, IsoError> {
        let cores = |label, name| {
            let directory = scratch.join(name);
            std::fs::create_dir_all(&directory).map_err(file_error("creating", &directory))?;
            grub::cores(label, chain, &directory)
        };
        let installed = cores(grub::INSTALLED_LABEL, "grub-installed")?;
        let medium = cores(request.label, "grub-installer")?;
        let esp = scratch.join("esp.img");
        grub::esp(&medium.efi, request.epoch, scratch, &esp)?;
        Ok(Self { medium, installed, esp })
    }
}
