//! Kustomizations are rendered by `kustomize` or `kubectl kustomize`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use edgectl_model::from_yaml;
use edgectl_process::{Cmd, Tool, interrupted};
use edgectl_profile::{Expect, File};
use serde::Deserialize;

use super::helm::output_of;
use super::{Gatherer, folder, kinds, reading, temporary};
use crate::failure::Failure;

/// Programs that can; the first that is there does.
pub(crate) static TOOLS: [Tool; 2] = [
    Tool {
        name: "kustomize",
        package: "kustomize",
        purpose: "rendering kustomizations",
        version: &["version"],
    },
    Tool {
        name: "kubectl",
        package: "kubernetes-client",
        purpose: "rendering kustomizations",
        version: &["version", "--client"],
    },
];

const WAY_OUT: &str = "neither `kustomize` nor `kubectl` is on the PATH; install one of them, or pass `--allow-unrendered` to go on with the files as they are";

/// What counts of a kustomization file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Kustomization {
    kind: String,
    resources: Vec<String>,
    bases: Vec<String>,
    components: Vec<String>,
    helm_charts: Vec<serde_json::Value>,
}

/// A directory with a kustomization.
struct Found {
    label: String,
    path: PathBuf,
    file: PathBuf,
    content: Kustomization,
}

impl Gatherer<'_> {
    /// Renders the kustomizations below a directory that no other one uses.
    /// Gives the files that need no more looking at.
    pub(super) fn kustomizations(
        &mut self,
        label: &str,
        path: &Path,
    ) -> Result<BTreeSet<PathBuf>, Failure> {
        let mut found = BTreeMap::new();
        search(label, path, &mut found, 64).map_err(reading(label))?;
        let used: BTreeSet<PathBuf> = found.values().flat_map(Found::directories).collect();
        let mut shown = BTreeSet::new();
        for (real, one) in &found {
            if used.contains(real) || one.content.kind == "Component" {
                continue;
            }
            interrupted()?;
            match self.kustomize(one) {
                Ok(()) => one.show(&found, &mut shown),
                Err(message) => {
                    let message = format!("the kustomization can't be rendered: {message}");
                    self.unrendered(&one.label, message);
                }
            }
        }
        Ok(shown)
    }

    fn kustomize(&mut self, one: &Found) -> Result<(), String> {
        let remote = one.content.entries().find(|entry| is_remote(entry));
        if let Some(remote) = remote.filter(|_| !self.render().fetch) {
            return Err(format!(
                "it uses `{remote}`, which is in the network; pass `--fetch`, or keep a copy of it beside"
            ));
        }
        let home = temporary().map_err(|f| f.frames.join(": "))?;
        let mut cmd = command()?;
        if !one.content.helm_charts.is_empty() {
            let helm = super::HELM.find().map_err(|e| e.to_string())?;
            cmd = cmd.arg("--enable-helm").arg("--helm-command").arg(helm);
        }
        let file = output_of(&cmd.arg(&one.path), home.path())?;
        let name = format!("{} (kustomized)", one.label);
        let file_name = File { name: &name, unit: None, expect: Expect::Anything };
        let reader = BufReader::with_capacity(1 << 16, file);
        self.discoverer.read(&file_name, reader).map_err(|e| e.to_string())
    }
}

fn command() -> Result<Cmd, String> {
    let [kustomize, kubectl] = TOOLS;
    if let Ok(cmd) = kustomize.cmd() {
        return Ok(cmd.arg("build"));
    }
    let cmd = kubectl.cmd().map_err(|_| WAY_OUT.to_owned())?;
    Ok(cmd.arg("kustomize"))
}

fn is_remote(entry: &str) -> bool {
    entry.contains("://") || entry.starts_with("github.com/") || entry.contains("git@")
}

impl Kustomization {
    fn entries(&self) -> impl Iterator<Item = &str> {
        let all = self.resources.iter().chain(&self.bases).chain(&self.components);
        all.map(String::as_str)
    }
}

impl Found {
    /// The other kustomizations that this one uses.
    fn directories(&self) -> Vec<PathBuf> {
        let local = self.content.entries().filter(|entry| !is_remote(entry));
        let real = local.filter_map(|entry| std::fs::canonicalize(self.path.join(entry)).ok());
        real.filter(|real| real.is_dir()).collect()
    }

    /// Everything that the rendering of this one has shown.
    fn show(&self, found: &BTreeMap<PathBuf, Found>, shown: &mut BTreeSet<PathBuf>) {
        if !shown.insert(self.file.clone()) {
            return;
        }
        for entry in self.content.entries().filter(|entry| !is_remote(entry)) {
            let Ok(real) = std::fs::canonicalize(self.path.join(entry)) else { continue };
            match found.get(&real) {
                Some(inner) => inner.show(found, shown),
                None => drop(shown.insert(real)),
            }
        }
    }
}

fn search(
    label: &str,
    path: &Path,
    found: &mut BTreeMap<PathBuf, Found>,
    depth: usize,
) -> std::io::Result<()> {
    let real = std::fs::canonicalize(path)?;
    for name in kinds::KUSTOMIZATIONS {
        let file = path.join(name);
        if file.is_file() {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            let content = from_yaml(&text).unwrap_or_default();
            let file = std::fs::canonicalize(&file)?;
            let label = label.trim_end_matches('/').to_owned();
            let one = Found { label, path: path.to_owned(), file, content };
            found.insert(real.clone(), one);
            break;
        }
    }
    for (name, entry) in folder::entries(path)? {
        let is_chart = || entry.join("Chart.yaml").is_file();
        if depth > 0 && entry.is_dir() && !entry.is_symlink() && !is_chart() {
            search(&format!("{label}{name}/"), &entry, found, depth - 1)?;
        }
    }
    Ok(())
}
