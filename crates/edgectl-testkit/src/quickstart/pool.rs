//! The files of a set of Debian packages, unpacked into one tar.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::debootstrap;
use super::error::{QuickstartError, file_error};

/// What a path is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    /// A file: mode, where in the tar it starts, and how long it is.
    File { mode: u32, offset: u64, size: u64 },
    /// A symbolic link.
    Link(String),
}

/// All files of the packages.
#[derive(Debug)]
pub(super) struct Pool {
    tar: File,
    entries: BTreeMap<String, Entry>,
}

impl Pool {
    /// Downloads the packages and whatever they depend on, and unpacks them
    /// into `tar`. Nothing of them is run, so any architecture goes.
    pub(super) fn fetch(
        architecture: &str,
        packages: &[&str],
        tar: &Path,
    ) -> Result<Self, QuickstartError> {
        let cmd = debootstrap::mmdebstrap(architecture, packages)?.arg("--variant=extract");
        debootstrap::run(cmd, tar)?;
        Self::open(tar)
    }

    /// Reads where everything is.
    pub(super) fn open(tar: &Path) -> Result<Self, QuickstartError> {
        let file = File::open(tar).map_err(file_error("opening", tar))?;
        let copy = file.try_clone().map_err(file_error("opening", tar))?;
        let entries = index(copy).map_err(file_error("reading", tar))?;
        Ok(Self { tar: file, entries })
    }

    /// What a path is, without a slash in front.
    pub(super) fn entry(&self, path: &str) -> Option<&Entry> {
        self.entries.get(path)
    }

    /// The content of a file.
    pub(super) fn read(
        &self,
        path: &str,
        offset: u64,
        size: u64,
    ) -> Result<Vec<u8>, QuickstartError> {
        let failed = |e| file_error("reading the packages'", Path::new(path))(e);
        let length = usize::try_from(size).map_err(|e| failed(std::io::Error::other(e)))?;
        let mut content = vec![0; length];
        self.tar.read_exact_at(&mut content, offset).map_err(failed)?;
        Ok(content)
    }
}

fn index(tar: File) -> std::io::Result<BTreeMap<String, Entry>> {
    let mut archive = tar::Archive::new(BufReader::with_capacity(1 << 20, tar));
    let mut entries = BTreeMap::new();
    let mut hard_links = Vec::new();
    for entry in archive.entries()? {
        let entry = entry?;
        let path = plain(&entry.path()?);
        let target = entry.link_name()?.map(|target| target.to_string_lossy().into_owned());
        let kind = entry.header().entry_type();
        if kind.is_file() {
            let (offset, size) = (entry.raw_file_position(), entry.size());
            entries.insert(path, Entry::File { mode: entry.header().mode()?, offset, size });
        } else if let Some(target) = target {
            match kind.is_hard_link() {
                true => hard_links.push((path, plain(Path::new(&target)))),
                false => drop(entries.insert(path, Entry::Link(target))),
            }
        }
    }
    for (path, target) in hard_links {
        if let Some(entry) = entries.get(&target).cloned() {
            entries.insert(path, entry);
        }
    }
    Ok(entries)
}

fn plain(path: &Path) -> String {
    path.to_string_lossy().trim_start_matches("./").trim_matches('/').to_owned()
}
