//! Small trees of text files: read, hashed, written elsewhere.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use edgectl_model::Hasher;
use edgectl_process::write_file;

use super::error::{QuickstartError, file_error};

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    /// Path below the tree's root.
    pub(super) path: PathBuf,
    pub(super) mode: u32,
    pub(super) content: String,
}

/// The root of the source tree that this was compiled from.
pub(super) fn workspace() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors().nth(2).unwrap_or(own).to_owned()
}

/// All files below `root`, sorted by path.
pub(super) fn read_all(root: &Path) -> Result<Vec<Text>, QuickstartError> {
    let mut texts = Vec::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        let failed = |e| file_error("listing", &directory)(e);
        for entry in std::fs::read_dir(&directory).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            match path.is_dir() {
                true => directories.push(path),
                false => texts.push(read(root, &path)?),
            }
        }
    }
    texts.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(texts)
}

fn read(root: &Path, path: &Path) -> Result<Text, QuickstartError> {
    let content = std::fs::read_to_string(path).map_err(file_error("reading", path))?;
    let metadata = std::fs::metadata(path).map_err(file_error("reading", path))?;
    // Only what version control keeps: the rest differs between clones.
    let mode = if metadata.permissions().mode() & 0o100 == 0 { 0o644 } else { 0o755 };
    Ok(Text { path: path.strip_prefix(root).unwrap_or(path).to_owned(), mode, content })
}

/// Writes files below `root`; those that are right already stay untouched.
pub(super) fn write_all(texts: &[Text], root: &Path) -> Result<(), QuickstartError> {
    for text in texts {
        let path = root.join(&text.path);
        if std::fs::read(&path).is_ok_and(|now| now == text.content.as_bytes()) {
            continue;
        }
        write_file(&path, text.mode, text.content.as_bytes())?;
        make_readable(root, &text.path)?;
    }
    Ok(())
}

/// Whatever the umask is: another user reads these directories.
fn make_readable(root: &Path, below: &Path) -> Result<(), QuickstartError> {
    for parent in below.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty()) {
        let directory = root.join(parent);
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&directory, mode).map_err(file_error("opening", &directory))?;
    }
    Ok(())
}

/// Adds files to a hash, each with its length, so that no two trees look alike.
pub(super) fn hash(hasher: &mut Hasher, texts: &[Text]) {
    for text in texts {
        let head = format!("{} {:o} {}\n", text.path.display(), text.mode, text.content.len());
        hasher.update(head.as_bytes());
        hasher.update(text.content.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_copied_as_it_is() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write_file(&from.path().join("b/script"), 0o755, b"#!/bin/sh\n").unwrap();
        write_file(&from.path().join("a"), 0o600, b"text").unwrap();
        let texts = read_all(from.path()).unwrap();
        let names: Vec<_> = texts.iter().map(|text| text.path.to_str().unwrap()).collect();
        assert_eq!(names, ["a", "b/script"]);
        write_all(&texts, to.path()).unwrap();
        let copied = read_all(to.path()).unwrap();
        assert_eq!(copied, texts);
        let digest = |texts: &[Text]| {
            let mut hasher = Hasher::sha256();
            hash(&mut hasher, texts);
            hasher.finish()
        };
        assert_eq!(digest(&copied), digest(&texts));
        assert_ne!(digest(&copied[..1]), digest(&texts));
    }
}
