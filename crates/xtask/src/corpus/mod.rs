//! Recall and precision of discovery on a directory of real cases.
//!
//! Every case is run as a user would: `edgectl images INPUT… --output json`.
//!
//! * *Recall* counts what a case names: the images of its pod specifications,
//!   the list its pack declares, or the list its project publishes. A published
//!   name that stands nowhere in the manifests is shown and not counted: no
//!   reader could find it.
//! * *Precision* counts what is reported as certain, known or likely. It is an
//!   image if a list of the case names it, if a list of any case names its
//!   repository with another tag, or if `data/corpus-reviewed.txt` does, which
//!   people keep. Everything else is shown and counts against us.

mod cases;
mod judge;
mod report;

use std::path::Path;
use std::process::ExitCode;

use edgectl_process::Cmd;

use crate::cargo::{cargo, target_directory};
use crate::{Result, say};

/// Both must reach it.
const WANTED: f64 = 0.99;

/// Measures, prints, and fails below 99 %.
pub(crate) fn corpus(directory: &Path) -> Result<ExitCode> {
    let directory =
        directory.canonicalize().map_err(|e| format!("`{}`: {e}", directory.display()))?;
    let cases = cases::find(&directory)?;
    if cases.is_empty() {
        return Err(format!("no case in `{}`", directory.display()).into());
    }
    cargo().args(["build", "--quiet", "--package", "edgectl"]).ensure_success()?;
    let edgectl = target_directory()?.join("debug/edgectl");
    let oracle = judge::Oracle::new(&cases)?;
    let mut total = judge::Score::default();
    for case in &cases {
        let score = oracle.judge(case, &discover(&edgectl, case)?)?;
        report::print(&case.name, &score);
        total.add(&score);
    }
    let is_good = report::print_total(cases.len(), &total, WANTED);
    if !is_good {
        say("discovery is below what it must reach");
    }
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What `edgectl images` says about a case; its exit code says how it likes
/// what it found, which is not what is measured here.
fn discover(edgectl: &Path, case: &cases::Case) -> Result<serde_json::Value> {
    let cmd = Cmd::new(edgectl).arg("images").args(&case.inputs);
    // Charts that the case doesn't hold can't be rendered.
    let (_, text) = cmd.args(["--output", "json", "--allow-unrendered"]).exchange(b"")?;
    serde_json::from_slice(&text).map_err(|e| {
        format!("`edgectl images` says nothing of use about {}: {e}", case.name).into()
    })
}
