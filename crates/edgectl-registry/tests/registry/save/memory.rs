//! Memory stays small whatever the size of what is saved.

use edgectl_process::Cmd;
use edgectl_registry::{Layout, SaveForm};
use edgectl_testkit::{TinyImage, TinyLayout};

use super::{save_from, target};
use crate::bench::assert_no_failure;

const LAYER: usize = 100 << 20;
const LIMIT_KIB: u64 = 20 << 10;
const TASK: &str = "EDGECTL_TEST_SAVE";

/// The peak of the saving process alone: it is a child.
#[tokio::test(flavor = "multi_thread")]
async fn stays_small_with_a_large_layer() {
    if let Ok(task) = std::env::var(TASK) {
        return save_and_tell_the_peak(std::path::Path::new(&task)).await;
    }
    let dir = tempfile::tempdir().unwrap();
    {
        let mut tiny = TinyLayout::new(&dir.path().join("layout")).unwrap();
        let image = tiny.image(&TinyImage::new("amd64").random_layer(LAYER, 1)).unwrap();
        tiny.name("quay.io/org/big:1", &image).unwrap();
    }
    let output = Cmd::new(std::env::current_exe().unwrap())
        .args(["--exact", "save::memory::stays_small_with_a_large_layer", "--nocapture"])
        .env(TASK, dir.path())
        .read_stdout()
        .unwrap();
    let text = String::from_utf8(output).unwrap();
    let (_, rest) = text.split_once("peak: ").unwrap();
    let peak: u64 = rest.split_whitespace().next().unwrap().parse().unwrap();
    assert!(peak < LIMIT_KIB, "{peak} KiB");
}

/// What the child does.
async fn save_and_tell_the_peak(directory: &std::path::Path) {
    let layout = Layout::open(directory.join("layout")).unwrap();
    for name in ["out.tar", "out.tar.zst"] {
        let out = target(directory, name, SaveForm::OciArchive);
        let saved = save_from(&layout, &["quay.io/org/big:1"], &out).await;
        assert_no_failure(&saved.outcome);
        assert!(saved.file.unwrap().size > LAYER as u64);
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    println!("peak: {peak}");
}
