//! Directories that are laid over the operating system.

use std::io::{self, Read};

use edgectl_iso::{DirectoryLayer, Input, IsoError, LayerSource, Owners};

use crate::exit;
use crate::failure::Failure;
use crate::os_base::OsBase;
use crate::project::Project;

/// The operating system with what is laid over it.
pub(crate) struct Laid {
    base: OsBase,
    overlays: Vec<(String, DirectoryLayer)>,
}

impl Laid {
    /// Lays the project's directories over the system.
    pub(crate) fn over(base: OsBase, project: &Project) -> Result<Self, Failure> {
        let mut overlays = Vec::new();
        for name in &project.config.iso.overlay {
            let path = project.path(name);
            if !path.is_dir() {
                let text = format!("`iso.overlay` names `{name}`, which is no directory");
                return Err(Failure::new(exit::FAILED, text));
            }
            let layer = DirectoryLayer::new(path, Owners::Root(base.epoch()?));
            overlays.push((name.clone(), layer));
        }
        Ok(Self { base, overlays })
    }

    /// What the whole is made of, for the manifest on the installer.
    pub(crate) fn inputs(&self) -> Result<Vec<Input>, IsoError> {
        let mut inputs = self.base.inputs()?;
        for (name, layer) in &self.overlays {
            inputs.push(layer.input(&format!("overlay {name}"))?);
        }
        Ok(inputs)
    }

    /// The date of everything on the installer.
    pub(crate) fn epoch(&self) -> Result<u64, Failure> {
        self.base.epoch()
    }
}

impl LayerSource for Laid {
    fn count(&self) -> usize {
        self.base.count() + self.overlays.len()
    }

    fn open(&self, index: usize) -> io::Result<Box<dyn Read + '_>> {
        let overlay = index.checked_sub(self.base.count()).and_then(|at| self.overlays.get(at));
        match overlay {
            Some((_, layer)) => layer.open(),
            None => self.base.open(index),
        }
    }

    fn tells_inputs_afterwards(&self) -> bool {
        self.base.tells_inputs_afterwards()
    }
}
