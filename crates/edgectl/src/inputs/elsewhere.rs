//! What inputs name: files beside them, charts in repositories.

use std::path::{Component, Path, PathBuf};

use edgectl_process::{Cmd, interrupted};
use edgectl_profile::{ChartName, ChartSettings, Elsewhere, Expect, Target, Unit};

use super::helm::{TOOL, at_home};
use super::{Gatherer, compression, temporary};
use crate::exit;
use crate::failure::Failure;

/// Rounds of reading what was just read about.
const MAX_ROUNDS: usize = 16;
/// Why a chart that is only named isn't read.
const NOT_FETCHED: &str =
    "charts are fetched only with `--fetch`; or give the chart itself as an input";

impl Gatherer<'_> {
    /// Reads what the inputs name, and what that names.
    pub(super) fn read_elsewhere(&mut self) -> Result<(), Failure> {
        for _ in 0..MAX_ROUNDS {
            let missing = self.discoverer.missing();
            if missing.is_empty() {
                return Ok(());
            }
            for elsewhere in missing {
                interrupted()?;
                if let Err(why) = self.read_one(&elsewhere) {
                    interrupted()?;
                    self.discoverer.not_read(&elsewhere, &why);
                }
            }
        }
        Ok(())
    }

    fn read_one(&mut self, elsewhere: &Elsewhere) -> Result<(), String> {
        let by = elsewhere.found.file.as_str();
        match &elsewhere.target {
            Target::Path(path) => self.read_path(by, path),
            Target::Url(_) => {
                Err("texts in the network aren't fetched; give a copy of it as an input".to_owned())
            }
            Target::Chart(chart) => self.read_chart(by, chart, elsewhere.unit()),
        }
    }

    /// A path in the directory of the file `by`, or below it.
    fn beside(&self, by: &str, path: &str) -> Result<(String, PathBuf), String> {
        let file = self.places.get(by).ok_or("what names it isn't a file")?;
        let is_plain =
            |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        if !Path::new(path).components().all(is_plain) {
            return Err("it is outside of the directory of the file that names it".to_owned());
        }
        let path = path.strip_prefix("./").unwrap_or(path);
        let place = file.parent().unwrap_or(Path::new("")).join(path);
        let name = match by.rsplit_once(['/', ':']) {
            Some((directory, _)) => {
                let separator = &by[directory.len()..=directory.len()];
                format!("{directory}{separator}{path}")
            }
            None => path.to_owned(),
        };
        match place.exists() {
            true => Ok((name, place)),
            false => Err("it isn't there".to_owned()),
        }
    }

    fn read_path(&mut self, by: &str, path: &str) -> Result<(), String> {
        let (name, place) = self.beside(by, path)?;
        let result = match place.is_dir() {
            true => self.directory(&name, &place),
            false => self.file(&name, &place, None, Expect::Anything),
        };
        result.map_err(said)
    }

    fn read_chart(
        &mut self,
        by: &str,
        chart: &ChartName,
        unit: Option<Unit>,
    ) -> Result<(), String> {
        let mut settings = chart.settings.clone();
        for file in std::mem::take(&mut settings.value_files) {
            let (_, place) = self.beside(by, &file).map_err(|e| format!("`{file}`: {e}"))?;
            let text = crate::files::read_text(&place, "the values").map_err(said)?;
            self.discoverer.depend(&text);
            settings.values.push(text);
        }
        let is_local = !chart.repository.is_empty() && !chart.repository.contains("://");
        if is_local && let Ok((name, place)) = self.beside(by, &chart.repository) {
            return self.local_chart(&name, &place, unit, settings);
        }
        if !self.render().fetch || chart.name.is_empty() {
            return Err(NOT_FETCHED.to_owned());
        }
        let (repository, name) = (chart.repository.as_str(), chart.name.as_str());
        let place = self.pull(repository, name, chart.version.as_deref()).map_err(said)?;
        let label = format!("{}/{name}", repository.trim_end_matches('/'));
        self.local_chart(&label, &place, unit, settings)
    }

    fn local_chart(
        &mut self,
        name: &str,
        place: &Path,
        unit: Option<Unit>,
        settings: ChartSettings,
    ) -> Result<(), String> {
        // A pack's values are those of its charts.
        let settings = unit.is_none().then_some(settings);
        if place.is_dir() {
            return self.chart_directory(name, place, unit, settings).map_err(said);
        }
        let file = std::fs::File::open(place).map_err(|e| e.to_string())?;
        let form = compression::form(&file, place).map_err(|e| e.to_string())?;
        let form = form.ok_or("it isn't a chart")?;
        self.open(name, place, form, unit, settings).map_err(said)
    }

    /// A chart that the user names by its address: `oci://HOST/PATH:VERSION`
    /// or `https://REPOSITORY/NAME:VERSION`.
    pub(super) fn chart_at(&mut self, address: &str) -> Result<(), Failure> {
        let (address, version) = match address.rsplit_once(':') {
            Some((rest, version)) if rest.contains("://") && !version.contains('/') => {
                (rest, Some(version))
            }
            _ => (address, None),
        };
        let (repository, name) = address.rsplit_once('/').unwrap_or((address, ""));
        let is_known = ["oci://", "https://", "http://"].iter().any(|s| repository.starts_with(s));
        if !is_known || name.is_empty() || repository.ends_with('/') {
            return Err(Failure::new(
                exit::USAGE,
                format!("`{address}` is not the address of a chart"),
            )
            .hint("write oci://HOST/PATH:VERSION or https://REPOSITORY/NAME:VERSION"));
        }
        let place = self.pull(repository, name, version)?;
        let file = std::fs::File::open(&place).map_err(super::reading(address))?;
        let form = compression::form(&file, &place).map_err(super::reading(address))?;
        let form = form.ok_or_else(|| {
            Failure::new(exit::FAILED, format!("what `{address}` holds isn't a packed chart"))
        })?;
        self.open(address, &place, form, None, None)
    }

    /// Has helm pull a chart. For registries the mirrors and settings under
    /// `sources` in edge.yaml hold.
    fn pull(
        &mut self,
        repository: &str,
        name: &str,
        version: Option<&str>,
    ) -> Result<PathBuf, Failure> {
        let program = TOOL.find().map_err(|e| {
            Failure::of(exit::FAILED, &e).doing(format!("pulling the chart `{name}`"))
        })?;
        let directory = temporary()?;
        let home = temporary()?;
        let mut cmd = at_home(Cmd::new(program), home.path()).arg("pull");
        match repository.strip_prefix("oci://") {
            Some(prefix) => {
                let place = self.scope.chart_place(&format!("{prefix}/{name}"))?;
                cmd = cmd.arg(format!("oci://{}", place.reference));
                if place.insecure {
                    cmd = cmd.arg("--plain-http");
                }
                if let Some(ca) = place.ca {
                    cmd = cmd.arg("--ca-file").arg(ca);
                }
            }
            None => cmd = cmd.arg(name).args(["--repo", repository]),
        }
        if let Some(version) = version {
            cmd = cmd.args(["--version", version]);
        }
        cmd.arg("--destination").arg(directory.path()).ensure_success().map_err(|error| {
            Failure::from(error).doing(format!("pulling the chart `{name}` from `{repository}`"))
        })?;
        let pulled = super::folder::entries(directory.path()).map_err(super::reading(name))?;
        self.unpacked.push(directory);
        let (_, place) = pulled.into_iter().next().ok_or_else(|| {
            Failure::new(exit::FAILED, format!("helm pulled nothing for the chart `{name}`"))
        })?;
        Ok(place)
    }
}

/// A failure in one line.
fn said(failure: Failure) -> String {
    failure.frames.join(": ")
}
