//! The programs that mirror images, ours and those found on the PATH.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use edgectl_process::{Cmd, file_error};

use super::world::World;
use crate::Result;

/// One image: its path at the source and its target's path.
pub(super) struct Job {
    pub(super) source: String,
    pub(super) target: String,
}

/// A way to mirror images.
pub(super) struct Tool {
    pub(super) name: &'static str,
    /// The commands, run one after another.
    pub(super) commands: fn(&World, &[Job]) -> Result<Vec<Cmd>>,
    /// The program to look for.
    program: &'static str,
}

const ALL: [Tool; 6] = [
    Tool { name: "skopeo copy", program: "skopeo", commands: skopeo_copy },
    Tool { name: "skopeo sync", program: "skopeo", commands: skopeo_sync },
    Tool { name: "crane", program: "crane", commands: crane },
    Tool { name: "crane, 4 at once", program: "crane", commands: crane_four },
    Tool { name: "regctl", program: "regctl", commands: regctl },
    Tool { name: "oras", program: "oras", commands: oras },
];

/// Ours first, then every other one that is there.
pub(super) fn found() -> Vec<Tool> {
    let ours = Tool { name: "edgectl", program: "edgectl", commands: edgectl };
    let others = ALL.into_iter().filter(|tool| on_path(tool.program).is_some());
    std::iter::once(ours).chain(others).collect()
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path: OsString = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|file| file.is_file())
}

fn edgectl(world: &World, jobs: &[Job]) -> Result<Vec<Cmd>> {
    let list: String = jobs.iter().map(|job| format!("{}\n", job.source)).collect();
    world.write("images.txt", &list)?;
    let (source, target) = (world.source_host(), world.target_host());
    world.write(
        "edge.yaml",
        &format!(
            "apiVersion: edgectl.dev/v1\n\
             profile: images.txt\n\
             sources:\n  mirrors: {{quay.io: '{source}/quay.io'}}\n  registries: {{'{source}': {{insecure: true}}}}\n\
             registry: {{domain: '{target}/edge', insecure: true}}\n\
             userData: {{file: user-data, out: user-data.out}}\n\
             iso: {{os: none, label: BENCH, out: none.iso}}\n"
        ),
    )?;
    let cmd = Cmd::new(world.edgectl()).args(["upload-profile", "--quiet"]);
    Ok(vec![in_world(world, cmd).env("XDG_STATE_HOME", world.path("state"))])
}

fn in_world(world: &World, cmd: Cmd) -> Cmd {
    cmd.current_dir(world.directory()).env("HOME", world.path("home"))
}

fn each(world: &World, jobs: &[Job], cmd: impl Fn(&str, &str) -> Cmd) -> Result<Vec<Cmd>> {
    let (from, to) = (world.source_host(), world.target_host());
    let names = jobs
        .iter()
        .map(|job| (format!("{from}/{}", job.source), format!("{to}/edge/{}", job.target)));
    Ok(names.map(|(source, target)| in_world(world, cmd(&source, &target))).collect())
}

fn skopeo_copy(world: &World, jobs: &[Job]) -> Result<Vec<Cmd>> {
    each(world, jobs, |source, target| {
        let cmd = Cmd::new("skopeo").args(["copy", "--all", "--quiet"]);
        let cmd = cmd.args(["--src-tls-verify=false", "--dest-tls-verify=false"]);
        cmd.args([format!("docker://{source}"), format!("docker://{target}")])
    })
}

fn skopeo_sync(world: &World, jobs: &[Job]) -> Result<Vec<Cmd>> {
    let host = world.source_host();
    let images = jobs.iter().filter_map(|job| job.source.split_once(':'));
    let images: String = images.map(|(path, tag)| format!("    {path}: ['{tag}']\n")).collect();
    world.write("sync.yaml", &format!("{host}:\n  tls-verify: false\n  images:\n{images}"))?;
    let cmd = Cmd::new("skopeo").args(["sync", "--all", "--src", "yaml", "--dest", "docker"]);
    let cmd = cmd.args(["--dest-tls-verify=false", "sync.yaml"]);
    Ok(vec![in_world(world, cmd.arg(format!("{}/edge", world.target_host())))])
}

fn crane(world: &World, jobs: &[Job]) -> Result<Vec<Cmd>> {
    each(world, jobs, |source, target| {
        Cmd::new("crane").args(["copy", "--insecure", source, target])
    })
}

fn crane_four(world: &World, jobs: &[Job]) -> Result<Vec<Cmd>> {
    let (from, to) = (world.source_host(), world.target_host());
    let lines: String = jobs
        .iter()
        .map(|job| format!("{from}/{} {to}/edge/{}\n", job.source, job.target))
        .collect();
    world.write("pairs.txt", &lines)?;
    let cmd = Cmd::new("xargs").args(["-a", "pairs.txt", "-n", "2", "-P", "4"]);
    Ok(vec![in_world(world, cmd.args(["crane", "copy", "--insecure"]))])
}

fn regctl(world: &World, jobs: &[Job]) -> Result<Vec<Cmd>> {
    let hosts = [world.source_host(), world.target_host()];
    let hosts = hosts.iter().map(|host| format!(r#""{host}":{{"tls":"disabled"}}"#));
    let hosts: Vec<String> = hosts.collect();
    world.write("regctl.json", &format!(r#"{{"hosts":{{{}}}}}"#, hosts.join(",")))?;
    let config = world.path("regctl.json");
    each(world, jobs, |source, target| {
        let cmd = Cmd::new("regctl").args(["image", "copy", "--verbosity", "error"]);
        cmd.args([source, target]).env("REGCTL_CONFIG", &config)
    })
}

fn oras(world: &World, jobs: &[Job]) -> Result<Vec<Cmd>> {
    each(world, jobs, |source, target| {
        let cmd = Cmd::new("oras").args(["copy", "--no-tty"]);
        cmd.args(["--from-plain-http", "--to-plain-http", source, target])
    })
}

/// Writes a file of the bench.
pub(super) fn write(path: &Path, text: &str) -> Result {
    Ok(std::fs::write(path, text).map_err(file_error("writing", path))?)
}
