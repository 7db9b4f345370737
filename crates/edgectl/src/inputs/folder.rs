//! Directories: packs, charts, kustomizations, and all else that lies there.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use edgectl_profile::{ChartSettings, PackFiles, Unit};

use super::chart_files::Collected;
use super::{Gatherer, kinds, reading};
use crate::failure::Failure;

/// Files of a pack that aren't manifests.
const NOT_MANIFESTS: [&str; 5] =
    ["values.yaml", "values.yml", "schema.yaml", "schema.yml", "logo.yaml"];
/// Deepest directory.
const MAX_DEPTH: usize = 64;

/// The entries of a directory, sorted, hidden ones and links out of it left
/// out.
pub(super) fn entries(directory: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !kinds::is_hidden(&name) {
            found.push((name, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

impl Gatherer<'_> {
    /// Reads a directory that the user named.
    pub(super) fn directory(&mut self, name: &str, path: &Path) -> Result<(), Failure> {
        let name = name.trim_end_matches('/');
        self.folder(&format!("{}/", if name.is_empty() { "" } else { name }), path, None)
    }

    /// Reads a directory; `label` is its name with what separates it from the
    /// names inside.
    pub(super) fn folder(
        &mut self,
        label: &str,
        path: &Path,
        unit: Option<Unit>,
    ) -> Result<(), Failure> {
        let mut walk = Walk {
            root: std::fs::canonicalize(path).map_err(reading(label))?,
            on_the_way: BTreeSet::new(),
            rendered: BTreeSet::new(),
        };
        walk.rendered = self.kustomizations(label, path)?;
        self.walk(&mut walk, label, path, unit, MAX_DEPTH)
    }

    fn walk(
        &mut self,
        walk: &mut Walk,
        label: &str,
        path: &Path,
        unit: Option<Unit>,
        depth: usize,
    ) -> Result<(), Failure> {
        let real = std::fs::canonicalize(path).map_err(reading(label))?;
        if depth == 0 || !walk.on_the_way.insert(real.clone()) {
            return Ok(());
        }
        let result = self.one(walk, label, path, unit, depth);
        walk.on_the_way.remove(&real);
        result
    }

    fn one(
        &mut self,
        walk: &mut Walk,
        label: &str,
        path: &Path,
        unit: Option<Unit>,
        depth: usize,
    ) -> Result<(), Failure> {
        if path.join("Chart.yaml").is_file() {
            return self.chart_directory(label.trim_end_matches('/'), path, unit, None);
        }
        let unit = match path.join("pack.json").is_file() {
            true => Some(self.pack(label, path)?),
            false => unit,
        };
        let is_pack = path.join("pack.json").is_file();
        let mut found = entries(path).map_err(reading(label))?;
        if unit.is_some() {
            // Packed charts go before what they were packed from.
            found.sort_by_key(|(_, entry)| entry.is_dir());
        }
        for (name, entry) in found {
            let label = format!("{label}{name}");
            if !walk.has_inside(&entry) {
                continue;
            }
            if entry.is_dir() {
                self.walk(walk, &format!("{label}/"), &entry, unit, depth - 1)?;
            } else if is_pack && (!kinds::is_yaml(&name) || NOT_MANIFESTS.contains(&&*name)) {
                // Beside its manifests a pack has logos, read-mes, notes.
            } else if let Some(expect) = kinds::expected(&entry)
                && !walk.is_rendered(&entry)
            {
                self.file(&label, &entry, unit, expect)?;
            }
        }
        Ok(())
    }

    fn pack(&mut self, label: &str, path: &Path) -> Result<Unit, Failure> {
        let text = |name: &str| -> Result<Option<String>, Failure> {
            let file = path.join(name);
            match file.is_file() {
                true => crate::files::read_text(&file, "the pack's file").map(Some),
                false => Ok(None),
            }
        };
        let pack_json = text("pack.json")?.unwrap_or_default();
        let values = match text("values.yaml")? {
            Some(values) => Some((format!("{label}values.yaml"), values)),
            None => text("values.yml")?.map(|values| (format!("{label}values.yml"), values)),
        };
        Ok(self.discoverer.pack(&PackFiles {
            directory: label.trim_end_matches(['/', ':']),
            pack_json: &pack_json,
            values: values.as_ref().map(|(file, text)| (file.as_str(), text.as_str())),
        }))
    }

    /// Takes a chart that isn't packed.
    pub(super) fn chart_directory(
        &mut self,
        name: &str,
        path: &Path,
        unit: Option<Unit>,
        settings: Option<ChartSettings>,
    ) -> Result<(), Failure> {
        let mut files = Collected::new(&format!("{name}/"));
        files.take_directory(path, "").map_err(reading(name))?;
        let files = files.into_files(name, unit);
        // Beside a packed chart, what it was packed from is no other one.
        if unit.is_some_and(|unit| self.discoverer.has_chart(unit, &files)) {
            return Ok(());
        }
        self.take_chart(files, path, settings)
    }
}

/// One walk through a directory.
struct Walk {
    root: PathBuf,
    /// Directories that are open: a link to one of them is a circle.
    on_the_way: BTreeSet<PathBuf>,
    /// Files that a kustomization has shown already.
    rendered: BTreeSet<PathBuf>,
}

impl Walk {
    /// Whether an entry is in the directory, and not a link to elsewhere.
    fn has_inside(&self, entry: &Path) -> bool {
        !entry.is_symlink()
            || std::fs::canonicalize(entry).is_ok_and(|real| real.starts_with(&self.root))
    }

    fn is_rendered(&self, entry: &Path) -> bool {
        !self.rendered.is_empty()
            && std::fs::canonicalize(entry).is_ok_and(|real| self.rendered.contains(&real))
    }
}
