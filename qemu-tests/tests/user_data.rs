//! The real cloud-init in a real machine, on every form and flavor of user
//! data that edgectl writes: what arrives, and with which mode.
//!
//! One machine for all of them: it starts the reference system as far as its
//! root, and runs cloud-init on each in turn (`user_data/run.sh`).
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use edgectl_model::from_yaml;
use edgectl_process::Cmd;
use edgectl_testkit::TestCa;
use edgectl_testkit::quickstart::os_image;
use qemu_tests::{Edgectl, Programs, read_console};
use serde_json::Value;

const PASSWORD: &str = "p:ss w0rd#\"1 {{x}} 'y'";
const LABEL: &str = "SEEDS";
const SCRIPT: &str = include_str!("user_data/run.sh");
const REGISTRIES: &str = "/etc/rancher/k3s/registries.yaml";
const AUTHORITY: &str = "/etc/edgectl/registry-ca.pem";
const MERGED: &str = "/var/lib/cloud/instance/cloud-config.txt";

/// The text that is injected into, and what tells that the rest arrived, too.
const PLAIN: &str =
    "#cloud-config\nhostname: edge-7\nwrite_files:\n- path: /etc/note\n  content: hi\n";

#[test]
fn cloud_init_reads_every_form_and_flavor() {
    let site = Site::lay_out();
    let k3s = ["--flavor", "cloud-init", "--runtime", "k3s"];
    site.seed("plain", PLAIN, &k3s);
    site.seed("multipart", &multipart(), &k3s);
    site.compress("multipart");
    site.seed("archive", &archive(), &k3s);
    site.seed("palette", PLAIN, &["--flavor", "palette"]);
    site.seed("kairos", PLAIN, &["--flavor", "kairos"]);
    let found = site.start();
    for name in ["plain", "multipart", "archive"] {
        let (mode, text) = &found[&(name.to_owned(), REGISTRIES.to_owned())];
        assert_eq!(mode, "600", "{name}");
        let registries: Value = from_yaml(text).unwrap();
        assert_eq!(registries["configs"]["127.0.0.1:1"]["auth"]["password"], PASSWORD, "{name}");
        let (mode, authority) = &found[&(name.to_owned(), AUTHORITY.to_owned())];
        assert_eq!((mode.as_str(), authority), ("644", &site.ca), "{name}");
    }
    for name in ["plain", "multipart", "archive", "palette", "kairos"] {
        let file = |path: &str| found[&(name.to_owned(), path.to_owned())].1.clone();
        assert_eq!((file("/etc/note"), file("/etc/hostname")), ("hi".into(), "edge-7\n".into()));
    }
    for (name, pointer) in [
        ("palette", "/stylus/registryCredentials/password"),
        ("kairos", "/edgectl/registry/password"),
    ] {
        let merged: Value = from_yaml(&found[&(name.to_owned(), MERGED.to_owned())].1).unwrap();
        assert_eq!(merged.pointer(pointer), Some(&PASSWORD.into()), "{merged:#}");
    }
}

fn multipart() -> String {
    format!(
        "Content-Type: multipart/mixed; boundary=\"b\"\nMIME-Version: 1.0\n\n--b\nContent-Type: text/x-shellscript\n\n#!/bin/sh\n--b\nContent-Type: text/cloud-config\n\n{PLAIN}--b--\n"
    )
}

fn archive() -> String {
    let text = PLAIN.trim_end().replace('\n', "\n    ");
    format!("#cloud-config-archive\n- type: text/cloud-config\n  content: |\n    {text}\n")
}

/// A project, and a directory with a seed for each user data.
struct Site {
    directory: PathBuf,
    edgectl: Edgectl,
    ca: String,
}

impl Site {
    fn lay_out() -> Self {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("user-data");
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(directory.join("tar/seeds")).unwrap();
        let os = os_image(&|_: &str| {}).unwrap();
        let ca = TestCa::new("seeds").unwrap().ca_pem().to_owned();
        let write = |name: &str, text: &str| std::fs::write(directory.join(name), text).unwrap();
        write("ca.pem", &ca);
        write("password", PASSWORD);
        write("images.txt", "quay.io/a/web:1\n");
        write("user-data", PLAIN);
        // Nobody answers there, and nobody needs to.
        let yaml = format!(
            "apiVersion: edgectl.dev/v1\nprofile: images.txt\nregistry:\n  domain: 127.0.0.1:1/ns\n  credentials: {{username: puller, passwordFile: password}}\n  ca: ca.pem\nuserData: {{file: user-data}}\niso: {{os: '{}', label: {LABEL}, out: seeds.iso}}\n",
            os.display()
        );
        write("edge.yaml", &yaml);
        let edgectl =
            Edgectl::new(Programs::build(), directory.join("edge.yaml"), directory.join("cache"));
        edgectl.run(&["images"]).expect(0);
        edgectl.run(&["iso", "build", "--no-user-data"]).expect(0);
        Self { directory, edgectl, ca }
    }

    fn user_data(&self, name: &str) -> PathBuf {
        self.directory.join("tar/seeds").join(name).join("user-data")
    }

    /// Injects into `text`, for the machine's cloud-init.
    fn seed(&self, name: &str, text: &str, how: &[&str]) {
        let (from, to) = (self.directory.join("in"), self.user_data(name));
        std::fs::write(&from, text).unwrap();
        let files =
            ["user-data", "inject", "--in", from.to_str().unwrap(), "--out", to.to_str().unwrap()];
        self.edgectl.run(&[&files[..], how].concat()).expect(0);
        let beside =
            |file: &str, text: &str| std::fs::write(to.with_file_name(file), text).unwrap();
        beside("meta-data", &format!("instance-id: {name}\n"));
        let paths = [REGISTRIES, AUTHORITY, MERGED, "/etc/note", "/etc/hostname"];
        beside("paths", &paths.join("\n"));
    }

    fn compress(&self, name: &str) {
        let path = self.user_data(name);
        Cmd::new("gzip").arg("--no-name").arg(&path).ensure_success().unwrap();
        std::fs::copy(path.with_extension("gz"), &path).unwrap();
    }

    /// Starts the machine and reads what its console tells: mode and content
    /// by seed and path.
    fn start(&self) -> BTreeMap<(String, String), (String, String)> {
        std::fs::write(self.directory.join("tar/seeds/run.sh"), SCRIPT).unwrap();
        let (tar, iso) = (self.directory.join("seeds.tar"), self.directory.join("seeds.iso"));
        Cmd::new("tar")
            .arg("-C")
            .arg(self.directory.join("tar"))
            .arg("-cf")
            .arg(&tar)
            .arg("seeds")
            .ensure_success()
            .unwrap();
        for name in ["kernel", "initrd"] {
            let to = self.directory.join(name);
            let cmd = Cmd::new("xorriso").args(["-osirrox", "on", "-indev"]).arg(&iso);
            cmd.args(["-extract", &format!("/boot/{name}")]).arg(&to).ensure_success().unwrap();
        }
        let said = run_machine(&self.directory);
        let mut found = BTreeMap::new();
        for line in said.split("@@").filter(|part| part.matches('|').count() == 3) {
            let fields: Vec<&str> = line.split('|').collect();
            let content = String::from_utf8(STANDARD.decode(fields[3]).unwrap()).unwrap();
            assert_ne!(fields[1], "failed", "cloud-init {} of {}: {content}", fields[2], fields[0]);
            found.insert(
                (fields[0].to_owned(), fields[2].to_owned()),
                (fields[1].to_owned(), content),
            );
        }
        found
    }
}

fn run_machine(directory: &Path) -> String {
    let line = format!(
        "boot=edge edgectl.medium={LABEL} edgectl.mode=install console=ttyS0,115200n8 no_timer_check init=/bin/sh -- -c \"dmesg -n 1; tar -x -C /run -f /dev/vda; exec sh /run/seeds/run.sh\""
    );
    let at = |name: &str| directory.join(name).to_str().unwrap().to_owned();
    let disc = format!("if=none,id=cd,media=cdrom,readonly=on,format=raw,file={}", at("seeds.iso"));
    let seeds = format!("if=virtio,readonly=on,format=raw,file={}", at("seeds.tar"));
    let (kernel, initrd) = (at("kernel"), at("initrd"));
    let arguments = ["-m", "1024", "-kernel", &kernel, "-initrd", &initrd, "-append", &line];
    let drives = ["-drive", &disc, "-device", "ide-cd,drive=cd", "-drive", &seeds];
    read_console(directory, &[&arguments[..], &drives].concat(), "@@done@@")
}
