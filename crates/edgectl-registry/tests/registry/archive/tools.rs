//! Archives that another tool has written.

use edgectl_process::Tool;
use edgectl_registry::Archives;

use super::forms::push_and_verify;
use super::pack::{gzip, layout};

const SKOPEO: Tool = Tool {
    name: "skopeo",
    package: "skopeo",
    purpose: "writing archives as other tools do",
    version: &["--version"],
};

#[tokio::test(flavor = "multi_thread")]
async fn skopeo_writes_archives_of_both_kinds() {
    let dir = tempfile::tempdir().unwrap();
    let directory = dir.path().join("layout");
    let (_, tool) = layout(&directory);
    // skopeo finds images by the tag alone.
    let from = format!("oci:{}:3", directory.display());
    let copy = |to: String, preserve: &str| {
        let cmd = SKOPEO.cmd().unwrap().args(["--insecure-policy", "copy", preserve, &from, &to]);
        cmd.env("TMPDIR", dir.path().display().to_string()).read_stdout().unwrap();
    };
    let oci = dir.path().join("oci.tar");
    copy(format!("oci-archive:{}:quay.io/org/tool:3", oci.display()), "--preserve-digests");
    let docker = dir.path().join("docker.tar");
    copy(format!("docker-archive:{}:quay.io/org/tool:3", docker.display()), "--quiet");
    let packed = dir.path().join("docker.tar.gz");
    std::fs::write(&packed, gzip(&std::fs::read(&docker).unwrap())).unwrap();

    let pushed = |path| async move { push_and_verify(&Archives::open(&[path]).unwrap()).await };
    let (oci, docker, packed) = (pushed(oci).await, pushed(docker).await, pushed(packed).await);
    assert_eq!(oci, [("quay.io/org/tool:3".to_owned(), tool.digest)]);
    assert_eq!(docker, packed);
    assert_eq!(docker[0].0, "quay.io/org/tool:3");
}
