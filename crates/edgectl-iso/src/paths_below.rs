//! The files of a directory tree.

use std::path::Path;

use edgectl_process::file_error;

use crate::error::IsoError;

/// Paths of all regular files below `root`, in their order, `/` between names.
pub(crate) fn files(root: &Path) -> Result<Vec<String>, IsoError> {
    let mut found = Vec::new();
    let mut waiting = vec![String::new()];
    while let Some(directory) = waiting.pop() {
        let path = root.join(&directory);
        let reading = || file_error("reading", &path);
        for entry in std::fs::read_dir(&path).map_err(reading())? {
            let entry = entry.map_err(reading())?;
            // We laid out the tree ourselves: all names are text.
            let name = entry.file_name().to_string_lossy().into_owned();
            let name = if directory.is_empty() { name } else { format!("{directory}/{name}") };
            match entry.file_type().map_err(reading())?.is_dir() {
                true => waiting.push(name),
                false => found.push(name),
            }
        }
    }
    found.sort();
    Ok(found)
}
