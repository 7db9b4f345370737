//! Baking an installer from an OCI image, against `mksquashfs` and `xorriso`
//! run by hand on the unpacked tree of the same system, with the same options;
//! and changing the user data of the image, against copies of it.

use std::path::{Path, PathBuf};

use edgectl_process::{Cmd, file_error};
use edgectl_testkit::quickstart::os_image;

use super::compare::{Side, compare, timed};

mod roots;

use crate::cargo::{cargo, root, target_directory};
use crate::quickstart::agent;
use crate::setup;
use crate::{Result, say};

/// As edgectl packs it.
const COMPRESSION: [&str; 6] = ["-comp", "zstd", "-Xcompression-level", "3", "-b", "256K"];

pub(super) fn bench(rounds: u32) -> Result {
    setup::packages()?;
    let site = Site::lay_out(&root().join("target/bench/iso"))?;
    site.bake()?;
    site.unpack()?;
    say("baking the reference operating system");
    let ours = Side { name: "edgectl iso build", run: &timed(|| site.bake()) };
    let by_hand = timed(|| site.bake_by_hand());
    let theirs = Side { name: "mksquashfs and xorriso by hand", run: &by_hand };
    compare(rounds, &ours, &theirs)?;
    say("changing its user data");
    site.compare_changes(rounds)?;
    for mib in roots::SIZES {
        roots::bench(&site, mib, rounds)?;
    }
    Ok(())
}

/// A project to bake, and where the other side works.
struct Site {
    directory: PathBuf,
    edgectl: PathBuf,
    agent: PathBuf,
}

impl Site {
    fn lay_out(directory: &Path) -> Result<Self> {
        let os = os_image(&say)?;
        let agent = agent()?;
        say("building edgectl as it is released");
        cargo().args(["build", "--release", "--package", "edgectl"]).ensure_success()?;
        let edgectl = target_directory()?.join("release/edgectl");
        std::fs::create_dir_all(directory).map_err(file_error("creating", directory))?;
        let site = Self { directory: directory.to_owned(), edgectl, agent };
        site.write("user-data", "#cloud-config\n{}\n")?;
        site.configure(&os)?;
        site.edgectl(&["images"]).ensure_success()?;
        Ok(site)
    }

    /// Changing the user data of the image, against copies of it.
    fn compare_changes(&self, rounds: u32) -> Result {
        let ours = Side { name: "edgectl iso inject, in place", run: &timed(|| self.inject()) };
        let copy = Side { name: "a copy with cp", run: &timed(|| self.copy()) };
        compare(rounds, &ours, &copy)?;
        let replay = timed(|| self.replay());
        let replay = Side { name: "a copy with xorriso, replayed", run: &replay };
        compare(rounds, &ours, &replay)
    }

    /// From now on the system is another one.
    fn configure(&self, os: &Path) -> Result {
        self.write("edge.yaml", &edge_yaml(os))
    }

    fn write(&self, name: &str, text: &str) -> Result {
        let path = self.directory.join(name);
        Ok(std::fs::write(&path, text).map_err(file_error("writing", path))?)
    }

    fn edgectl(&self, words: &[&str]) -> Cmd {
        let cmd = Cmd::new(&self.edgectl).current_dir(&self.directory).args(words);
        cmd.args(["-f", "edge.yaml"])
    }

    fn bake(&self) -> Result {
        Ok(self.baking().ensure_success()?)
    }

    fn baking(&self) -> Cmd {
        self.edgectl(&["iso", "build"]).arg("--agent").arg(&self.agent)
    }

    /// Takes the tree out of what was baked: both sides pack the same files.
    fn unpack(&self) -> Result {
        let tree = self.directory.join("tree");
        if tree.exists() {
            std::fs::remove_dir_all(&tree).map_err(file_error("removing", tree))?;
        }
        let extract = self.cmd("xorriso").args(["-osirrox", "on", "-indev", "installer.iso"]);
        extract.args(["-extract", "/", "disc"]).ensure_success()?;
        let unpack = self.cmd("unsquashfs").args(["-no-progress", "-quiet", "-dest", "tree"]);
        Ok(unpack.arg("disc/live/filesystem.squashfs").ensure_success()?)
    }

    fn bake_by_hand(&self) -> Result {
        let pack = self.cmd("mksquashfs").args(["tree", "by-hand.squashfs"]).args(COMPRESSION);
        pack.args(["-noappend", "-no-progress", "-quiet"]).ensure_success()?;
        write_iso(self)
    }

    fn inject(&self) -> Result {
        Ok(self.edgectl(&["iso", "inject", "installer.iso"]).ensure_success()?)
    }

    fn copy(&self) -> Result {
        let cmd = self.cmd("cp").args(["--reflink=never", "installer.iso", "copied.iso"]);
        Ok(cmd.ensure_success()?)
    }

    fn replay(&self) -> Result {
        let replayed = self.directory.join("replayed.iso");
        if replayed.exists() {
            std::fs::remove_file(&replayed).map_err(file_error("removing", replayed))?;
        }
        let cmd = self.cmd("xorriso").args(["-indev", "installer.iso", "-outdev", "replayed.iso"]);
        let cmd = cmd.args(["-map", "user-data", "/config.yaml", "-boot_image", "any", "replay"]);
        Ok(cmd.ensure_success()?)
    }

    fn cmd(&self, program: &str) -> Cmd {
        Cmd::new(program).current_dir(&self.directory)
    }
}

fn write_iso(site: &Site) -> Result {
    let write = site.cmd("xorriso").args(["-as", "mkisofs", "-iso-level", "3", "-R", "-J"]);
    let write = write.args(["-V", "BY_HAND", "-o", "by-hand.iso", "-graft-points"]);
    let write = write.args(["/live/filesystem.squashfs=by-hand.squashfs", "/boot=disc/boot"]);
    Ok(write.ensure_success()?)
}

fn edge_yaml(os: &Path) -> String {
    let os = os.display();
    let profile = root().join("examples/quickstart/profile.json");
    let profile = profile.display();
    format!(
        "apiVersion: edgectl.dev/v1\n\
         profile: '{profile}'\n\
         registry: {{domain: registry.example:5000/edge}}\n\
         userData: {{file: user-data, out: user-data}}\n\
         iso: {{os: '{os}', label: BENCH, out: installer.iso}}\n"
    )
}
