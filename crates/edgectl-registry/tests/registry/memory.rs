//! Memory stays small whatever the size of a layer.

use edgectl_process::Cmd;
use edgectl_registry::{ImageRequest, UploadRequest, upload};
use edgectl_testkit::TinyImage;

use crate::bench::{Bench, assert_no_failure, registries};

const LAYER: usize = 200 << 20;
const LIMIT_KIB: u64 = 48 << 10;
const TARGETS: &str = "EDGECTL_TEST_TARGETS";

/// The peak of the copying process alone: image and registries are made here,
/// the copy runs in a child of its own.
#[tokio::test(flavor = "multi_thread")]
async fn stays_small_with_a_large_layer() {
    if let Ok(targets) = std::env::var(TARGETS) {
        return copy_and_tell_the_peak(&targets).await;
    }
    let bench = Bench::new();
    {
        let mut tiny = bench.tiny();
        let written = tiny.image(&TinyImage::new("amd64").random_layer(LAYER, 1)).unwrap();
        tiny.name("src.example/big:1", &written).unwrap();
    }
    assert_no_failure(&bench.send(&[("src.example/big:1", "src/big:1")]).await);
    let ca = bench.dir.path().join("ca.pem");
    std::fs::write(&ca, bench.ca.ca_pem()).unwrap();
    let other = Bench::new();
    let other_ca = other.dir.path().join("ca.pem");
    std::fs::write(&other_ca, other.ca.ca_pem()).unwrap();
    let targets =
        [bench.host(), ca.display().to_string(), other.host(), other_ca.display().to_string()];
    let output = Cmd::new(std::env::current_exe().unwrap())
        .args(["--exact", "memory::stays_small_with_a_large_layer", "--nocapture"])
        .env(TARGETS, targets.join(" "))
        .read_stdout()
        .unwrap();
    let text = String::from_utf8(output).unwrap();
    let (_, rest) = text.split_once("peak: ").unwrap();
    let peak: u64 = rest.split_whitespace().next().unwrap().parse().unwrap();
    assert!(peak < LIMIT_KIB, "{peak} KiB");
}

/// What the child does.
async fn copy_and_tell_the_peak(text: &str) {
    let words: Vec<&str> = text.split(' ').collect();
    let [from, from_ca, to, to_ca] = words.as_slice() else { panic!("{text}") };
    let access = |ca: &str| edgectl_registry::Access {
        credentials: edgectl_registry::Credentials::basic(
            "pusher",
            edgectl_model::Secret::new(crate::bench::PASSWORD),
        ),
        ca_pem: Some(std::fs::read_to_string(ca).unwrap()),
        ..Default::default()
    };
    let image = ImageRequest {
        source: crate::bench::reference(&format!("{from}/src/big:1")),
        digest: None,
        target: crate::bench::reference(&format!("{to}/edge/big:1")),
    };
    let request = UploadRequest::new(vec![image], 4);
    let (sources, destination) =
        (registries(&[(from, access(from_ca))]), registries(&[(to, access(to_ca))]));
    let outcome = upload(request, &sources, &destination, &()).await;
    assert_no_failure(&outcome);
    assert!(outcome.bytes_sent >= LAYER as u64);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    println!("peak: {peak}");
}
