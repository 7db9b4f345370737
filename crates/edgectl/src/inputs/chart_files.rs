//! The files of a chart that say something without being rendered.

use std::io::{self, Read};
use std::path::Path;

use edgectl_profile::{ChartFile, ChartFiles, Unit};
use edgectl_registry::Compression;

use super::compression::{Bounded, allowance};
use super::packed::{Entry, each_of_stream};

/// Largest file that is looked at.
const MAX_FILE: u64 = 32 << 20;
/// Most bytes of one chart that are kept.
const MAX_CHART: usize = 128 << 20;
/// Charts in charts end here.
const MAX_NESTING: usize = 8;

/// What is kept of a chart.
pub(super) struct Collected {
    /// Name of the chart with what separates it from paths inside.
    label: String,
    pub(super) files: Vec<ChartFile>,
    bytes: usize,
    nesting: usize,
}

/// Whether files make a chart.
pub(super) fn is_chart(files: &[ChartFile]) -> bool {
    files.iter().any(|file| file.path == "Chart.yaml")
}

impl Collected {
    pub(super) fn new(label: &str) -> Self {
        Self { label: label.to_owned(), files: Vec::new(), bytes: 0, nesting: 0 }
    }

    pub(super) fn into_files(self, name: &str, unit: Option<Unit>) -> ChartFiles {
        ChartFiles { name: name.to_owned(), unit, files: self.files }
    }

    /// Keeps a file of the chart if it is one of those; sub-charts that are
    /// packed are opened.
    pub(super) fn take(&mut self, path: &str, reader: &mut dyn Read) -> io::Result<()> {
        if is_packed_chart(path) && self.nesting < MAX_NESTING {
            return self.take_packed(path, reader);
        }
        if !is_wanted(path) {
            return Ok(());
        }
        let bytes = read(path, reader, MAX_FILE)?;
        self.bytes += bytes.len();
        if self.bytes > MAX_CHART {
            return Err(io::Error::other("its texts are too large for a chart"));
        }
        // A file that isn't text says nothing; helm decides on it.
        if let Ok(text) = String::from_utf8(bytes) {
            let (name, path) = (format!("{}{path}", self.label), path.to_owned());
            self.files.push(ChartFile { name, path, text });
        }
        Ok(())
    }

    /// `charts/sub-1.0.0.tgz` holds `sub/…`, which goes by `charts/sub/…`.
    fn take_packed(&mut self, path: &str, reader: &mut dyn Read) -> io::Result<()> {
        let bytes = read(path, reader, MAX_FILE)?;
        let left = allowance(bytes.len() as u64);
        let stream = Compression::Gzip.decoder(io::Cursor::new(bytes))?;
        let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
        let label = std::mem::take(&mut self.label);
        self.label = format!("{label}{path}:");
        self.nesting += 1;
        let result = each_of_stream(Bounded { reader: stream, left }, "", &mut |entry| {
            let Entry { path, reader } = entry;
            self.take(&format!("{directory}/{path}"), reader)
        });
        self.nesting -= 1;
        self.label = label;
        // Helm says what is wrong with it.
        result.or(Ok(()))
    }

    /// Keeps those of a directory; `path` is that of `directory` in the chart.
    pub(super) fn take_directory(&mut self, directory: &Path, path: &str) -> io::Result<()> {
        for (name, entry) in super::folder::entries(directory)? {
            let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
            if entry.is_dir() {
                if matches!(path.split('/').next(), Some("templates" | "charts")) {
                    self.take_directory(&entry, &path)?;
                }
            } else if is_wanted(&path) || is_packed_chart(&path) {
                self.take(&path, &mut std::fs::File::open(&entry)?)?;
            }
        }
        Ok(())
    }
}

fn read(path: &str, reader: &mut dyn Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(limit + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > limit {
        true => Err(io::Error::other(format!("`{path}` is too large for a file of a chart"))),
        false => Ok(bytes),
    }
}

fn is_packed_chart(path: &str) -> bool {
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    path.ends_with(".tgz") && (directory == "charts" || directory.ends_with("/charts"))
}

/// Whether a path is that of a file that is looked at, in the chart or in one
/// of its sub-charts.
fn is_wanted(path: &str) -> bool {
    let mut rest = path;
    while let Some((_, below)) = rest.strip_prefix("charts/").and_then(|r| r.split_once('/')) {
        rest = below;
    }
    let is_template = || {
        rest.starts_with("templates/")
            && [".yaml", ".yml", ".tpl"].iter().any(|end| rest.ends_with(end))
    };
    matches!(rest, "Chart.yaml" | "values.yaml" | "Images.lock") || is_template()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_sub_charts_count() {
        for wanted in ["Chart.yaml", "charts/a/charts/b/values.yaml", "templates/a/b.yaml"] {
            assert!(is_wanted(wanted), "{wanted}");
        }
        for other in ["README.md", "files/values.yaml", "charts/values.yaml", "templates/NOTES.txt"]
        {
            assert!(!is_wanted(other), "{other}");
        }
        assert!(is_packed_chart("charts/a/charts/b-1.tgz"));
        assert!(!is_packed_chart("files/b-1.tgz"));
    }
}
