//! Charts are rendered by the `helm` program.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Seek};
use std::path::{Path, PathBuf};

use edgectl_model::RenderConfig;
use edgectl_process::{Cmd, CmdError, Tool};
use edgectl_profile::{ChartId, ChartRequest, RenderError, Renderer};
use tempfile::TempDir;

use super::temporary;
use crate::failure::Failure;

/// The program.
pub(crate) static TOOL: Tool = Tool {
    name: "helm",
    package: "helm",
    purpose: "rendering charts",
    version: &["version", "--short"],
};

/// The way out without the program.
const WAY_OUT: &str = "`helm` is not on the PATH; install it (https://helm.sh/docs/intro/install), or pass `--allow-unrendered` to go on with what values and annotations say";

/// Renders charts, far from the user's own helm.
pub(super) struct Helm<'a> {
    render: &'a RenderConfig,
    charts: &'a BTreeMap<ChartId, PathBuf>,
    /// Values for every chart.
    values: Vec<String>,
    home: TempDir,
    files: usize,
}

impl<'a> Helm<'a> {
    pub(super) fn new(
        render: &'a RenderConfig,
        charts: &'a BTreeMap<ChartId, PathBuf>,
        values: Vec<String>,
    ) -> Result<Self, Failure> {
        Ok(Self { render, charts, values, home: temporary()?, files: 0 })
    }

    fn template(&mut self, request: &ChartRequest<'_>, chart: &Path) -> Result<Cmd, String> {
        let program = TOOL.find().map_err(|_| WAY_OUT.to_owned())?;
        let mut cmd = at_home(Cmd::new(program), self.home.path());
        // A path that could be taken for an option or a repository isn't one.
        let chart = std::path::absolute(chart).map_err(|e| e.to_string())?;
        cmd = cmd.args(["template", request.release]).arg(chart);
        cmd = cmd.args(["--include-crds", "--namespace", request.namespace]);
        for text in request.values.iter().chain(&self.values) {
            self.files += 1;
            let file = self.home.path().join(format!("values-{}.yaml", self.files));
            edgectl_process::write_file(&file, 0o600, text.as_bytes())
                .map_err(|e| e.to_string())?;
            cmd = cmd.arg("--values").arg(file);
        }
        for pair in &self.render.set {
            cmd = cmd.args(["--set", pair]);
        }
        let own = self.render.kube_version.as_deref();
        if let Some(version) = own.or(request.kubernetes_version) {
            cmd = cmd.args(["--kube-version", version]);
        }
        for version in &self.render.api_versions {
            cmd = cmd.args(["--api-versions", version]);
        }
        Ok(cmd)
    }
}

impl Renderer for Helm<'_> {
    fn chart(&mut self, request: &ChartRequest<'_>) -> Result<Box<dyn BufRead>, RenderError> {
        let failed = |message: String| RenderError { message };
        let chart = self.charts.get(&request.chart);
        let chart = chart.ok_or_else(|| failed("it isn't on this machine".to_owned()))?;
        let cmd = self.template(request, chart).map_err(failed)?;
        let file = output_of(&cmd, self.home.path()).map_err(failed)?;
        Ok(Box::new(BufReader::with_capacity(1 << 16, file)))
    }
}

/// helm's own directories elsewhere, so that neither plugins nor repositories
/// of the user play a part.
pub(super) fn at_home(cmd: Cmd, home: &Path) -> Cmd {
    let mut cmd = cmd.env("HELM_NO_PLUGINS", "1").env("KUBECONFIG", "/dev/null");
    for (name, directory) in [
        ("HELM_CACHE_HOME", "cache"),
        ("HELM_CONFIG_HOME", "config"),
        ("HELM_DATA_HOME", "data"),
        ("HELM_PLUGINS", "plugins"),
    ] {
        cmd = cmd.env(name, home.join(directory));
    }
    cmd
}

/// Runs a program and gives what it printed as a file, or what it complained
/// of.
pub(super) fn output_of(cmd: &Cmd, directory: &Path) -> Result<File, String> {
    let run = || -> Result<File, std::io::Error> { tempfile::tempfile_in(directory) };
    let mut file = run().map_err(|e| e.to_string())?;
    let copy = file.try_clone().map_err(|e| e.to_string())?;
    cmd.ensure_success_into(copy).map_err(complaint)?;
    file.rewind().map_err(|e| e.to_string())?;
    Ok(file)
}

/// What a program said, without the command line, which the user hasn't typed.
fn complaint(error: CmdError) -> String {
    match error {
        CmdError::Failed { stderr, status, .. } => match stderr.trim() {
            "" => format!("it failed ({status})"),
            text => text.strip_prefix("Error: ").unwrap_or(text).to_owned(),
        },
        error => error.to_string(),
    }
}
