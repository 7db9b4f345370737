//! Finding the images of many packs, against `grep` for `image:` in the same
//! files: what it takes to know more than the obvious lines.

use std::path::{Path, PathBuf};

use edgectl_process::{Cmd, file_error};

use super::compare::{Side, compare, timed};
use crate::cargo::{cargo, root, target_directory};
use crate::{Result, say};

/// As many packs as the registry has that the corpus was taken from.
const PACKS: usize = 220;

/// Where the corpus is, seen from the workspace.
const CORPUS: &str = "../shared/corpus/packs";

pub(super) fn bench(rounds: u32, corpus: Option<&Path>) -> Result {
    let corpus = corpus.map_or_else(|| root().join(CORPUS), Path::to_owned);
    let packs = root().join("target/bench/discover");
    let bytes = lay_out(&corpus, &packs)?;
    say("building edgectl as it is released");
    cargo().args(["build", "--release", "--package", "edgectl"]).ensure_success()?;
    let site = Site { packs, edgectl: target_directory()?.join("release/edgectl") };
    say(&format!("{PACKS} packs, {} MiB, one core, nothing rendered", bytes >> 20));
    for (name, cmd) in [("edgectl images", site.ours()), ("grep", site.theirs())] {
        say(&format!("{name}: {} images", distinct(&cmd.exchange(b"")?.1)));
    }
    let ours =
        Side { name: "edgectl images", run: &timed(|| Ok(site.ours().exchange(b"").map(drop)?)) };
    let theirs = Side {
        name: "grep for `image:`",
        run: &timed(|| Ok(site.theirs().exchange(b"").map(drop)?)),
    };
    compare(rounds, &ours, &theirs)
}

/// Copies the packs of the corpus until there are enough; what a chart renders
/// to stands as a manifest of its pack. Gives the size of all files.
fn lay_out(corpus: &Path, packs: &Path) -> Result<u64> {
    if packs.exists() {
        std::fs::remove_dir_all(packs).map_err(file_error("removing", packs))?;
    }
    let sources = directories(corpus)?;
    if sources.is_empty() {
        return Err(format!("no packs in `{}`", corpus.display()).into());
    }
    let mut bytes = 0;
    for (number, source) in sources.iter().cycle().take(PACKS).enumerate() {
        let name = source.file_name().unwrap_or_default().to_string_lossy();
        let target = packs.join(format!("{name}-{number}"));
        let manifests = target.join("manifests");
        std::fs::create_dir_all(&manifests).map_err(file_error("creating", &manifests))?;
        for (from, to) in [
            ("pack.json", target.join("pack.json")),
            ("values.yaml", target.join("values.yaml")),
            ("rendered.yaml", manifests.join("rendered.yaml")),
        ] {
            let from = source.join(from);
            if from.is_file() {
                bytes += std::fs::copy(&from, to).map_err(file_error("copying", from))?;
            }
        }
    }
    Ok(bytes)
}

fn directories(parent: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(parent).map_err(file_error("reading", parent))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.is_dir());
    paths.sort();
    Ok(paths)
}

/// How many different lines there are.
fn distinct(text: &[u8]) -> usize {
    let lines = text.split(|c| *c == b'\n').filter(|line| !line.is_empty());
    lines.collect::<std::collections::BTreeSet<_>>().len()
}

/// The packs, and who searches them.
struct Site {
    packs: PathBuf,
    edgectl: PathBuf,
}

impl Site {
    fn ours(&self) -> Cmd {
        let cmd = Cmd::new("taskset").args(["--cpu-list", "0"]).arg(&self.edgectl);
        cmd.arg("images").arg(&self.packs).args(["--allow-unrendered", "--output", "list"])
    }

    fn theirs(&self) -> Cmd {
        let cmd = Cmd::new("taskset").args(["--cpu-list", "0", "grep", "-rhoE"]);
        cmd.arg(r#"image: *["']?[^ "'{]+"#).arg(&self.packs)
    }
}
