//! Memory stays small whatever the size of what archives hold.

use std::io::Write;

use edgectl_process::Cmd;
use edgectl_registry::{Access, Archives, ImageRequest, UploadRequest, upload_from};
use serde_json::json;

use super::pack::{Saved, Tar, gzip, xz};
use crate::bench::{Bench, assert_no_failure, reference, registries};

const LAYER: usize = 64 << 20;
const LIMIT_KIB: u64 = 48 << 10;
const TASK: &str = "EDGECTL_TEST_ARCHIVE";

/// The peak of the pushing process alone: it is a child.
#[tokio::test(flavor = "multi_thread")]
async fn stays_small_with_large_layers_in_packages() {
    if let Ok(task) = std::env::var(TASK) {
        return push_and_tell_the_peak(&task).await;
    }
    let bench = Bench::new();
    let ca = bench.dir.path().join("ca.pem");
    std::fs::write(&ca, bench.ca.ca_pem()).unwrap();
    let large = large();
    for (name, pack) in [("a.tgz", gzip as fn(&[u8]) -> Vec<u8>), ("a.tar.xz", xz)] {
        let archive = bench.dir.path().join(name);
        let package = Tar::new().file("images/big.tar.gz", &pack(&large)).bytes();
        std::fs::File::create(&archive).unwrap().write_all(&gzip(&package)).unwrap();
        let task = format!("{}\n{}\n{}", archive.display(), bench.host(), ca.display());
        let output = Cmd::new(std::env::current_exe().unwrap())
            .args(["--exact", "archive::memory::stays_small_with_large_layers_in_packages"])
            .arg("--nocapture")
            .env(TASK, task)
            .read_stdout()
            .unwrap();
        let text = String::from_utf8(output).unwrap();
        let (_, rest) = text.split_once("peak: ").unwrap();
        let peak: u64 = rest.split_whitespace().next().unwrap().parse().unwrap();
        assert!(peak < LIMIT_KIB, "{name}: {peak} KiB");
    }
}

/// An image of one large layer that hardly compresses, `manifest.json` last.
fn large() -> Vec<u8> {
    let mut content = vec![0; LAYER];
    fastrand::Rng::with_seed(1).fill(&mut content);
    let mut saved = Saved::new("big", 1);
    saved.layers[0] = Tar::new().file("big", &content).bytes();
    saved.config = json!({
        "os": "linux", "architecture": "amd64",
        "rootfs": {"diff_ids": [edgectl_model::Digest::sha256(&saved.layers[0])]},
    })
    .to_string()
    .into_bytes();
    saved.tar(&["quay.io/org/big:1"])
}

/// What the child does.
async fn push_and_tell_the_peak(task: &str) {
    let words: Vec<&str> = task.lines().collect();
    let [archive, to, ca] = words.as_slice() else { panic!("{task}") };
    let access = Access {
        credentials: edgectl_registry::Credentials::basic(
            "pusher",
            edgectl_model::Secret::new(crate::bench::PASSWORD),
        ),
        ca_pem: Some(std::fs::read_to_string(ca).unwrap()),
        ..Access::default()
    };
    let archives = Archives::open(&[archive.into()]).unwrap();
    let image = ImageRequest {
        source: reference("quay.io/org/big:1"),
        digest: None,
        target: reference(&format!("{to}/edge/{}:1", fastrand::u32(..))),
    };
    let request = UploadRequest::new(vec![image], 4);
    let outcome = upload_from(request, &archives, &registries(&[(to, access)]), &()).await;
    assert_no_failure(&outcome);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    println!("peak: {peak}");
}
