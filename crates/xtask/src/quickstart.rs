//! The main job on the example, from nothing.

use std::path::PathBuf;
use std::process::ExitCode;

use edgectl_process::Cmd;
use edgectl_testkit::quickstart::{World, WorldOptions};

use crate::cargo::{cargo, exit_code, root, target_directory};
use crate::setup;
use crate::{Result, say};

/// What the agent is built for: glibc, linked statically.
const AGENT_TARGET: &str = "x86_64-unknown-linux-gnu";
/// Ports as examples/quickstart/edge.yaml has them.
const SOURCE_PORT: u16 = 15000;
const REGISTRY_PORT: u16 = 18000;

/// Sets up, builds, makes the world and runs `edgectl build` in it.
pub(crate) fn quickstart(arguments: &[String]) -> Result<ExitCode> {
    setup::packages()?;
    let edgectl = edgectl()?;
    let agent = agent()?;
    let options = WorldOptions {
        directory: root().join("target/quickstart"),
        source_port: SOURCE_PORT,
        registry_port: REGISTRY_PORT,
        os_image: true,
    };
    let world = World::start(options, &say)?;
    let cmd = Cmd::new(edgectl).arg("build").arg("-f").arg(world.edge_yaml());
    let cmd = cmd.arg("--agent").arg(agent).args(arguments).inherit_output();
    say(&format!("running {cmd}"));
    let code = exit_code(cmd.ensure_success())?;
    let directory = world.directory().display();
    say(&format!("the site is in {directory}: edge.yaml, images.lock, build/"));
    match code {
        0 => say("done"),
        code => say(&format!("edgectl ended with exit code {code}")),
    }
    Ok(ExitCode::from(code))
}

/// Builds the program.
fn edgectl() -> Result<PathBuf> {
    say("building edgectl");
    cargo().args(["build", "--package", "edgectl"]).ensure_success()?;
    Ok(target_directory()?.join("debug/edgectl"))
}

/// Builds the static agent.
pub(crate) fn agent() -> Result<PathBuf> {
    say("building the static agent");
    let cargo = cargo().env("RUSTFLAGS", "-C target-feature=+crt-static");
    let cargo = cargo.args(["build", "--profile", "agent", "--package", "edge-agent"]);
    cargo.args(["--target", AGENT_TARGET]).ensure_success()?;
    Ok(target_directory()?.join(AGENT_TARGET).join("agent/edge-agent"))
}
