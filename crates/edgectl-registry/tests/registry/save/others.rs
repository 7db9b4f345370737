//! Other programs take what is saved.

use std::path::Path;

use edgectl_process::{Cmd, Running, Tool};
use edgectl_registry::{Archives, Layout, SaveForm};

use super::{NAMES, save_for_docker, save_from, target};
use edgectl_testkit::containerd_program;

use crate::archive::pack::layout;

const SKOPEO: Tool = Tool {
    name: "skopeo",
    package: "skopeo",
    purpose: "reading what is saved as other tools do",
    version: &["--version"],
};

fn copy(dir: &Path, option: &str, from: &str, to: &str) {
    let to = format!("oci:{}:x", dir.join(to).display());
    let cmd = SKOPEO.cmd().unwrap().args(["--insecure-policy", "copy", "--all", option]);
    let cmd: Cmd = cmd.args([from, &to]).env("TMPDIR", dir.display().to_string());
    cmd.read_stdout().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn skopeo_takes_oci_archives_in_every_packing() {
    let dir = tempfile::tempdir().unwrap();
    let directory = dir.path().join("layout");
    let (app, tool) = layout(&directory);
    let source = Layout::open(&directory).unwrap();
    for (i, file) in ["a.tar", "b.tar.gz", "c.tar.zst", "d.tar.xz"].iter().enumerate() {
        let out = target(dir.path(), file, SaveForm::OciArchive);
        save_from(&source, &NAMES, &out).await;
        for (name, written) in NAMES.iter().zip([&tool, &app]) {
            let to = format!("{i}-{}", written.digest.hex());
            let from = format!("oci-archive:{}:{name}", out.path.display());
            copy(dir.path(), "--preserve-digests", &from, &to);
            let copied = Archives::open(&[dir.path().join(to)]).unwrap();
            assert_eq!(copied.images()[0].digest, written.digest, "{name} of {file}");
        }
    }
}

/// Not those that are packed: some versions of skopeo read nobody's.
#[tokio::test(flavor = "multi_thread")]
async fn skopeo_takes_docker_archives() {
    let dir = tempfile::tempdir().unwrap();
    let directory = dir.path().join("layout");
    layout(&directory);
    let out = target(dir.path(), "docker.tar", SaveForm::DockerArchive);
    save_for_docker(&directory, &NAMES, &out, "amd64").await;
    for name in NAMES {
        let to = name.replace(['/', ':'], "-");
        copy(dir.path(), "--quiet", &format!("docker-archive:{}:{name}", out.path.display()), &to);
        let copied = Archives::open(&[dir.path().join(to)]).unwrap();
        let survey = copied.survey(&copied.images()[0].digest).unwrap();
        assert_eq!((survey.blobs.len() > 1, survey.missing.len()), (true, 0));
    }
}

/// containerd with a store of its own, without anything that runs containers.
fn containerd(dir: &Path) -> Running {
    use std::os::unix::fs::MetadataExt;
    let owner = std::fs::metadata(dir).unwrap();
    let place = |name: &str| format!("\"{}\"", dir.join(name).display());
    let ids = format!("uid = {}\ngid = {}\n", owner.uid(), owner.gid());
    let config = format!(
        "version = 2\nroot = {}\nstate = {}\n\
         disabled_plugins = [\"io.containerd.grpc.v1.cri\", \"io.containerd.internal.v1.opt\"]\n\
         [grpc]\naddress = {}\n{ids}[ttrpc]\naddress = {}\n{ids}",
        place("root"),
        place("state"),
        place("c.sock"),
        place("t.sock"),
    );
    let path = dir.join("config.toml");
    std::fs::write(&path, config).unwrap();
    let log = std::fs::File::create(dir.join("containerd.log")).unwrap();
    let program = Cmd::new(containerd_program("containerd")).arg("--config").arg(path);
    let running = program.start_logging(&log).unwrap();
    // It listens a moment after it starts.
    for _ in 0..500 {
        if ctr(dir, &["version"]).succeeds() {
            return running;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("{}", std::fs::read_to_string(dir.join("containerd.log")).unwrap());
}

fn ctr(dir: &Path, arguments: &[&str]) -> Cmd {
    let cmd = Cmd::new(containerd_program("ctr")).arg("--address").arg(dir.join("c.sock"));
    cmd.args(arguments)
}

#[tokio::test(flavor = "multi_thread")]
async fn containerd_takes_both_forms() {
    let dir = tempfile::tempdir().unwrap();
    let directory = dir.path().join("layout");
    let (app, tool) = layout(&directory);
    let _running = containerd(dir.path());
    let import = |path: &Path| {
        let path = path.display().to_string();
        let options = ["images", "import", "--no-unpack", "--all-platforms", &path];
        ctr(dir.path(), &options).read_stdout().unwrap();
        let listed = ctr(dir.path(), &["images", "list"]).read_stdout().unwrap();
        String::from_utf8(listed).unwrap()
    };
    let docker = target(dir.path(), "docker.tar", SaveForm::DockerArchive);
    save_for_docker(&directory, &NAMES, &docker, "amd64").await;
    let listed = import(&docker.path);
    assert!(NAMES.iter().all(|name| listed.contains(name)), "{listed}");
    assert!(listed.contains(tool.digest.as_str()), "{listed}");

    let oci = target(dir.path(), "oci.tar", SaveForm::OciArchive);
    save_from(&Layout::open(&directory).unwrap(), &NAMES, &oci).await;
    let listed = import(&oci.path);
    for (name, written) in NAMES.iter().zip([&tool, &app]) {
        let line = listed.lines().find(|line| line.starts_with(name)).unwrap();
        assert!(line.contains(written.digest.as_str()), "{listed}");
    }
}
