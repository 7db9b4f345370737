//! Installs what is missing; does nothing, quickly, the second time.

use std::path::Path;

use edgectl_process::{Cmd, Tool};

use crate::packages::{CLOUD_INIT, OF_TESTS, OF_THE_JOB, Package, REGISTRY, missing};
use crate::{Result, say, test_tools, unpacked};

const APT_GET: Tool = Tool {
    name: "apt-get",
    package: "apt",
    purpose: "installing what is missing",
    version: &["--version"],
};

/// Installs what is missing for everything, the tests included.
pub(crate) fn setup() -> Result {
    install(&[OF_THE_JOB, OF_TESTS].concat())?;
    test_tools::install()?;
    unpacked::containerd()?;
    unpacked::media()
}

/// Installs the Debian packages that are missing: all that the main job needs.
pub(crate) fn packages() -> Result {
    install(OF_THE_JOB)
}

fn install(wanted: &[Package]) -> Result {
    let missing = missing_packages(wanted);
    if missing.is_empty() {
        say("set-up: all Debian packages are there");
        return Ok(());
    }
    say("set-up installs these Debian packages:");
    for Package { name, purpose } in &missing {
        say(&format!("  {name}: {purpose}"));
    }
    APT_GET.find()?;
    as_root(&["apt-get", "update"])?;
    if missing.iter().any(|package| package.name == REGISTRY) {
        keep_registry_stopped()?;
    }
    if missing.iter().any(|package| package.name == CLOUD_INIT) {
        keep_cloud_init_off()?;
    }
    let mut install = vec!["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install"];
    install.extend(["--yes", "--no-install-recommends"]);
    install.extend(missing.iter().map(|package| package.name));
    as_root(&install)
}

fn missing_packages(wanted: &[Package]) -> Vec<Package> {
    let format = "--showformat=${db:Status-Status} ${Package}\n";
    let names = wanted.iter().map(|package| package.name);
    let cmd = Cmd::new("dpkg-query").args(["--show", format]).args(names);
    // It fails if any package is unknown, and lists the others all the same.
    let listed = cmd.exchange(b"").map(|(_, output)| output).unwrap_or_default();
    let listed = String::from_utf8_lossy(&listed).into_owned();
    let installed: Vec<&str> =
        listed.lines().filter_map(|line| line.strip_prefix("installed ")).collect();
    missing(wanted, &installed)
}

/// The package would start a registry on port 5000, now and at every boot. A
/// masked service is never started; the program itself is not touched.
fn keep_registry_stopped() -> Result {
    if !Path::new("/run/systemd/system").exists() {
        say("  this machine has no systemd; if docker-registry starts as a service, stop it:");
        say("  the tests start their own");
        return Ok(());
    }
    say(
        "  its service stays off (masked): the quickstart and the tests start their own registries;",
    );
    say("  `systemctl unmask docker-registry` gives it back");
    as_root(&["systemctl", "mask", "docker-registry.service"])
}

/// The package would look for user data at every boot. With this file it never
/// does; the program itself is not touched.
fn keep_cloud_init_off() -> Result {
    say("  it stays off on this machine: only `cloud-init schema` is called, by tests;");
    say("  remove /etc/cloud/cloud-init.disabled to have it configure the machine");
    as_root(&["mkdir", "-p", "/etc/cloud"])?;
    as_root(&["touch", "/etc/cloud/cloud-init.disabled"])
}

/// Runs a command as root.
pub(crate) fn as_root(command: &[&str]) -> Result {
    let is_root = Cmd::new("id").arg("-u").read_stdout()?.trim_ascii() == b"0";
    let cmd = match (is_root, command) {
        (true, [program, arguments @ ..]) => Cmd::new(program).args(arguments),
        (_, command) => Cmd::new("sudo").args(command),
    };
    say(&format!("running {cmd}"));
    Ok(cmd.inherit_output().ensure_success()?)
}
