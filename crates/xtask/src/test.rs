//! Every check and every test, what CI runs.

use std::process::ExitCode;
use std::time::Instant;

use edgectl_process::interrupted;

use crate::cargo::cargo;
use crate::setup::setup;
use crate::{Result, causes, deps, say, schema, tidy};

type Step = (&'static str, fn() -> Result);

/// The quick ones first.
const STEPS: [Step; 8] = [
    ("set-up", setup),
    ("formatting", formatting),
    ("tidiness", tidy::check),
    ("dependency fence", deps::check),
    ("schema of edge.yaml", schema::check),
    ("clippy", clippy),
    ("fuzz targets", fuzz_targets),
    ("tests", tests),
];

/// Runs all steps, also after a failure: one run shows all there is to mend.
pub(crate) fn test() -> Result<ExitCode> {
    let mut failed = Vec::new();
    for (name, step) in STEPS {
        let started = Instant::now();
        let result = step();
        interrupted()?;
        let seconds = started.elapsed().as_secs();
        match result {
            Ok(()) => say(&format!("{name}: passed ({seconds} s)")),
            Err(error) => {
                say(&format!("{name}: FAILED ({seconds} s): {error}"));
                causes(&*error).for_each(|cause| say(&format!("  cause: {cause}")));
                failed.push(name);
            }
        }
    }
    if failed.is_empty() {
        say("all checks and tests passed");
        return Ok(ExitCode::SUCCESS);
    }
    say(&format!("failed: {}", failed.join(", ")));
    Ok(ExitCode::FAILURE)
}

fn formatting() -> Result {
    Ok(cargo().args(["fmt", "--all", "--check"]).ensure_success()?)
}

fn clippy() -> Result {
    let cargo = cargo().args(["clippy", "--workspace", "--all-targets", "--quiet"]);
    Ok(cargo.args(["--", "-D", "warnings"]).ensure_success()?)
}

/// They are a workspace of their own, which nothing else compiles. The library
/// that drives them is only linked on fuzzing: it needs a C++ compiler.
fn fuzz_targets() -> Result {
    let own = ["--manifest-path", "fuzz/Cargo.toml"];
    cargo().arg("fmt").args(own).arg("--check").ensure_success()?;
    let cargo = cargo().args(["clippy", "--locked", "--quiet"]).args(own);
    let cargo = cargo.env("CUSTOM_LIBFUZZER_PATH", "./libfuzzer.a");
    Ok(cargo.args(["--", "-D", "warnings"]).ensure_success()?)
}

fn tests() -> Result {
    Ok(cargo().args(["test", "--workspace", "--no-fail-fast"]).ensure_success()?)
}
