//! What Debian's own cloud-init says of injected user data.

use std::path::Path;

use edgectl_process::{Cmd, Tool};

use crate::site::Site;

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
