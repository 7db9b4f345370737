//! From what the user names to what discovery reads: files, directories,
//! archives, charts, stdin.

mod archive;
mod chart_files;
mod compression;
mod elsewhere;
mod folder;
mod helm;
mod image_archive;
mod kinds;
mod kustomize;
mod packed;
mod stdin;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File as DiskFile;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use edgectl_model::{ImagesConfig, RenderConfig};
use edgectl_process::interrupted;
use edgectl_profile::{
    ChartFiles, ChartId, ChartSettings, Discoverer, Discovery, Expect, File, ProfileError,
    Severity, Unit, Unrendered,
};
use tempfile::TempDir;

use crate::exit;
use crate::failure::{Doing, Failure};
use crate::project::Scope;

pub(crate) use compression::{Form, tar_form, unfolded};
pub(crate) use helm::TOOL as HELM;
pub(crate) use kustomize::TOOLS as KUSTOMIZE;

/// Archives in archives end here.
const MAX_ARCHIVES: usize = 4;

/// Reads everything the scope names and finds the images in it.
pub(crate) fn discover_inputs(scope: &Scope) -> Result<Discovery, Failure> {
    let mut gatherer = Gatherer::new(scope);
    for (name, path) in &scope.profiles {
        gatherer.input(name, path)?;
    }
    gatherer.finish()
}

/// Reads inputs and remembers what has to be rendered.
struct Gatherer<'a> {
    scope: &'a Scope,
    discoverer: Discoverer<'a>,
    /// Where each chart is on this machine.
    charts: BTreeMap<ChartId, PathBuf>,
    /// Where the files are that go by a name.
    places: BTreeMap<String, PathBuf>,
    /// What was read already.
    seen: BTreeSet<PathBuf>,
    /// Directories of what was taken out of archives.
    unpacked: Vec<TempDir>,
    archives: usize,
}

impl<'a> Gatherer<'a> {
    fn new(scope: &'a Scope) -> Self {
        Self {
            scope,
            discoverer: Discoverer::new(images(scope)),
            charts: BTreeMap::new(),
            places: BTreeMap::new(),
            seen: BTreeSet::new(),
            unpacked: Vec::new(),
            archives: 0,
        }
    }

    fn render(&self) -> &'a RenderConfig {
        &self.scope.images.render
    }

    /// Reads one input, whatever it is.
    fn input(&mut self, name: &str, path: &Path) -> Result<(), Failure> {
        interrupted()?;
        if name == "-" {
            return self.stdin();
        }
        if name.contains("://") {
            return self.chart_at(name);
        }
        let metadata = std::fs::metadata(path).map_err(|e| {
            Failure::of(exit::FAILED, &e).doing(format!("reading the input `{}`", path.display()))
        })?;
        if metadata.is_dir() {
            if image_archive::is_layout(path) && self.image_archive(name, path, None)? {
                return Ok(());
            }
            return self.directory(name, path);
        }
        match (path.file_name().and_then(|file| file.to_str()), path.parent()) {
            (Some(file), Some(directory)) if kinds::is_root_file(file) => {
                let name = name.strip_suffix(file).unwrap_or(name).trim_end_matches('/');
                let here = directory.as_os_str().is_empty();
                let directory = if here { Path::new(".") } else { directory };
                self.directory(if name.is_empty() { "." } else { name }, directory)
            }
            _ => self.file(name, path, None, Expect::Known),
        }
    }

    /// Reads a file, or what is in it.
    fn file(
        &mut self,
        name: &str,
        path: &Path,
        unit: Option<Unit>,
        expect: Expect,
    ) -> Result<(), Failure> {
        interrupted()?;
        if !self.is_new(path) {
            return Ok(());
        }
        let doing = || format!("reading the input `{name}`");
        let file =
            DiskFile::open(path).map_err(|e| Failure::of(exit::FAILED, &e).doing(doing()))?;
        if let Some(form) = compression::form(&file, path)
            .map_err(|e| Failure::of(exit::FAILED, &e).doing(doing()))?
        {
            return self.archive(name, path, form, unit, expect);
        }
        self.places.insert(name.to_owned(), path.to_owned());
        let reader = BufReader::with_capacity(1 << 16, file);
        let result = self.discoverer.read(&File { name, unit, expect }, reader);
        self.judge(result)
    }

    /// Whether a path wasn't read before, under whatever name.
    fn is_new(&mut self, path: &Path) -> bool {
        let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        self.seen.insert(real)
    }

    fn judge(&self, result: Result<(), ProfileError>) -> Result<(), Failure> {
        interrupted()?;
        result.map_err(not_understood)
    }

    /// Takes a chart that is at `place`.
    fn take_chart(
        &mut self,
        files: ChartFiles,
        place: &Path,
        settings: Option<ChartSettings>,
    ) -> Result<(), Failure> {
        let chart = self.discoverer.chart(files).map_err(not_understood)?;
        self.charts.insert(chart, place.to_owned());
        if let Some(settings) = settings {
            self.discoverer.install(chart, settings);
        }
        Ok(())
    }

    /// Reads what the inputs name, renders, and searches what is left.
    fn finish(mut self) -> Result<Discovery, Failure> {
        self.read_elsewhere()?;
        let render = self.render();
        let unrendered = match render.allow_unrendered {
            true => Unrendered::Allowed,
            false => Unrendered::Refused,
        };
        // Where the files of values are doesn't count, what they say does.
        let RenderConfig { set, kube_version, api_versions, allow_unrendered, .. } = render;
        let settings = format!("{set:?} {kube_version:?} {api_versions:?} {allow_unrendered}");
        self.discoverer.depend(&settings);
        let values = self.common_values()?;
        let mut helm = helm::Helm::new(render, &self.charts, values)?;
        self.discoverer.render(&mut helm, unrendered);
        interrupted()?;
        Ok(self.discoverer.finish())
    }

    /// The values that the user gives for every chart.
    fn common_values(&mut self) -> Result<Vec<String>, Failure> {
        let mut texts = Vec::new();
        for name in &self.render().values {
            let text = crate::files::read_text(&self.scope.place.path(name), "the values")?;
            self.discoverer.depend(&text);
            texts.push(text);
        }
        Ok(texts)
    }

    /// A warning or an error about something that can't be rendered.
    fn unrendered(&mut self, name: &str, message: String) {
        let (severity, rule) = match self.render().allow_unrendered {
            true => (Severity::Warning, "not-rendered"),
            false => (Severity::Error, "render-failed"),
        };
        self.discoverer.problem(severity, name, rule, message);
    }
}

fn images(scope: &Scope) -> &ImagesConfig {
    &scope.images
}

fn not_understood(error: ProfileError) -> Failure {
    let failure = Failure::of(exit::FAILED, &error);
    match error {
        ProfileError::Read { .. } => failure,
        _ => failure.hint("give a cluster profile export, a pack, manifests, a chart, a kustomization or a list of images (docs/discovery.md has them all)"),
    }
}

/// A failure to read something that the user's input led to.
fn reading(name: &str) -> impl FnOnce(std::io::Error) -> Failure {
    let doing = format!("reading the input `{name}`");
    move |error| Failure::of(exit::FAILED, &error).doing(doing)
}

/// A directory for what can't be read as a stream.
fn temporary() -> Result<TempDir, Failure> {
    tempfile::Builder::new()
        .prefix("edgectl-inputs-")
        .tempdir()
        .map_err(|e| Failure::of(exit::FAILED, &e))
        .doing("making a temporary directory")
}
