//! What Debian's own cloud-init says of injected user data.

use std::path::Path;

use edgectl_model::from_yaml;
use edgectl_process::{Cmd, Tool};

use serde_json::Value;

use crate::site::{PASSWORD, Site};
use crate::user_data::gzip;

const CLOUD_INIT: Tool = Tool {
    name: "cloud-init",
    package: "cloud-init",
    purpose: "judging user data by its own schema",
    version: &["--version"],
};

/// What `cloud-init schema` says of a file, and whether it is valid.
fn schema(file: &Path) -> (bool, String) {
    CLOUD_INIT.find().unwrap();
    let cmd = Cmd::new("cloud-init").args(["schema", "--config-file"]).arg(file);
    let (is_valid, output) = cmd.exchange(b"").unwrap();
    (is_valid, String::from_utf8_lossy(&output).into_owned())
}

#[test]
fn its_schema_takes_what_is_injected() {
    let site = Site::new();
    site.write(
        "user-data",
        "#cloud-config\nwrite_files:\n- path: /etc/motd\n  content: hello\nruncmd:\n- [ls]\n",
    );
    site.run(&["images"]).expect(0);
    for how in [
        &["--flavor", "cloud-init", "--runtime", "containerd"][..],
        &["--flavor", "cloud-init", "--runtime", "k3s", "--site-ca", "ca.pem"],
        &["--flavor", "cloud-init"],
    ] {
        site.run(&[&["user-data", "inject"], how].concat()).expect(0);
        let (is_valid, said) = schema(&site.path("build/user-data"));
        assert!(is_valid, "{said}");
    }
    // It does judge: without its quotes a mode is a number.
    let text = std::fs::read_to_string(site.path("user-data")).unwrap();
    site.write("bad", &text.replace("content: hello", "permissions: 0644"));
    let (is_valid, said) = schema(&site.path("bad"));
    assert!(!is_valid, "{said}");
}

/// What cloud-init makes of user data, with the files that it writes. Debian's
/// own Python has its modules.
pub(crate) fn read_by_cloud_init(site: &Site, file: &str) -> Value {
    CLOUD_INIT.find().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/cloud_init_reads.py");
    let directory = tempfile::tempdir_in(site.dir.path()).unwrap();
    let cmd = Cmd::new("/usr/bin/python3").arg(script).arg(site.path(file)).arg(directory.path());
    serde_json::from_slice(&cmd.read_stdout().unwrap()).unwrap()
}

/// The registries.yaml that a host gets, which must be right to the last sign
/// of the password.
fn assert_registries(site: &Site, read: &Value) {
    let file = &read["files"]["/etc/rancher/k3s/registries.yaml"];
    assert_eq!(file["mode"], "0o600", "{read:#}");
    let registries: Value = from_yaml(file["content"].as_str().unwrap()).unwrap();
    let auth = &registries["configs"]["10.10.254.254:8000"]["auth"];
    assert_eq!((&auth["username"], &auth["password"]), (&"uploader".into(), &PASSWORD.into()));
    let mirror = &registries["mirrors"]["quay.io"];
    assert_eq!(mirror["endpoint"][0], "https://10.10.254.254:8000");
    assert_eq!(mirror["rewrite"]["^(.*)$"], "ns/quay.io/$1");
    let ca = std::fs::read_to_string(site.path("ca.pem")).unwrap();
    let authority = &read["files"]["/etc/edgectl/registry-ca.pem"];
    assert_eq!((&authority["mode"], authority["content"].as_str()), (&"0o644".into(), Some(&*ca)));
    // The line end before a delimiter of MIME belongs to the delimiter.
    let trusted = read["config"]["ca_certs"]["trusted"][0].as_str().unwrap();
    assert_eq!(trusted.trim_end(), ca.trim_end());
}

#[test]
fn it_reads_every_form() {
    let site = Site::new();
    site.run(&["images"]).expect(0);
    let plain = "#cloud-config\nhostname: edge-7\nwrite_files:\n- path: /etc/note\n  content: hi\n";
    let archive = plain.replace('\n', "\n    ");
    for (name, text) in [
        ("plain", plain.to_owned()),
        (
            "multipart",
            format!(
                "Content-Type: multipart/mixed; boundary=\"b\"\nMIME-Version: 1.0\n\n--b\nContent-Type: text/x-shellscript\n\n#!/bin/sh\n--b\nContent-Type: text/cloud-config\n\n{plain}--b--\n"
            ),
        ),
        (
            "archive",
            format!(
                "#cloud-config-archive\n- type: text/cloud-config\n  content: |\n    {}\n",
                archive.trim_end()
            ),
        ),
    ] {
        site.write(name, &text);
        let how = ["user-data", "inject", "--flavor", "cloud-init", "--runtime", "k3s"];
        site.run(&[&how[..], &["--in", name, "--out", "finished"]].concat()).expect(0);
        let read = read_by_cloud_init(&site, "finished");
        assert_registries(&site, &read);
        assert_eq!(read["config"]["hostname"], "edge-7", "{read:#}");
        assert_eq!(read["files"]["/etc/note"]["content"], "hi", "{read:#}");

        let finished = std::fs::read(site.path("finished")).unwrap();
        std::fs::write(site.path("finished.gz"), gzip(&finished)).unwrap();
        assert_eq!(read_by_cloud_init(&site, "finished.gz"), read);
        // And what is compressed can be injected into, and stays compressed.
        let again = [&how[..], &["--in", "finished.gz", "--out", "again"]].concat();
        site.run(&again).expect(0);
        assert!(std::fs::read(site.path("again")).unwrap().starts_with(&[0x1f, 0x8b]));
        assert_eq!(read_by_cloud_init(&site, "again"), read);
    }
}

/// A later part's keys replace an earlier one's, so it matters which part the
/// registry is in.
#[test]
fn it_reads_the_registry_of_several_parts() {
    let site = Site::new();
    site.run(&["images"]).expect(0);
    let part =
        |body: &str| format!("--b\nContent-Type: text/cloud-config\n\n#cloud-config\n{body}");
    let (named, written) = ("hostname: a\n", "write_files: [{path: /x, content: y}]\n");
    let how = ["user-data", "inject", "--flavor", "cloud-init", "--runtime", "k3s"];
    for parts in [[named, written, "timezone: UTC\n"], [written, named, "timezone: UTC\n"]] {
        let text = parts.map(part).concat();
        let head = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n";
        site.write("parts", &format!("{head}{text}--b--\n"));
        site.run(&[&how[..], &["--in", "parts", "--out", "finished"]].concat()).expect(0);
        let read = read_by_cloud_init(&site, "finished");
        assert_registries(&site, &read);
        assert_eq!(read["config"]["hostname"], "a", "{read:#}");
        assert_eq!(read["files"]["/x"]["content"], "y", "{read:#}");
        let check = ["user-data", "check", "finished", "--lock", "images.lock"];
        site.run(&check).expect(0);
    }
    let spread = [part(written), part("ca_certs: {trusted: []}\n")].concat();
    let head = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n";
    site.write("parts", &format!("{head}{spread}--b--\n"));
    let run = site.run(&[&how[..], &["--in", "parts", "--out", "spread"]].concat());
    let said = run.expect(1).stderr;
    assert!(said.contains("line 12 has `ca_certs`"), "{said}");
    assert!(said.contains("line 7 has `write_files`"), "{said}");
    assert!(!site.path("spread").exists());
}

#[test]
fn it_reads_every_flavor() {
    let site = Site::new();
    site.run(&["images"]).expect(0);
    site.write("plain", "#cloud-config\nhostname: edge-7\n");
    for (how, pointer) in [
        (&["--flavor", "cloud-init"][..], "/edgectl/registry/password"),
        (&["--flavor", "kairos"], "/edgectl/registry/password"),
        (&["--flavor", "palette"], "/stylus/registryCredentials/password"),
        (
            &["--flavor", "palette", "--palette-section", "externalRegistries"],
            "/stylus/externalRegistries/registries/0/password",
        ),
    ] {
        let inject = ["user-data", "inject", "--in", "plain", "--out", "finished"];
        site.run(&[&inject[..], how].concat()).expect(0);
        let config = &read_by_cloud_init(&site, "finished")["config"];
        assert_eq!(config.pointer(pointer), Some(&PASSWORD.into()), "{config:#}");
    }
    let how = ["--flavor", "kairos", "--runtime", "k3s"];
    let inject = ["user-data", "inject", "--in", "plain", "--out", "finished"];
    site.run(&[&inject[..], &how].concat()).expect(0);
    let config = &read_by_cloud_init(&site, "finished")["config"];
    let files = config["stages"]["initramfs"][0]["files"].as_array().unwrap();
    // An octal number, as Kairos takes it.
    let modes: Vec<&Value> = files.iter().map(|file| &file["permissions"]).collect();
    assert_eq!(modes, [0o644, 0o644, 0o600], "{config:#}");
}
