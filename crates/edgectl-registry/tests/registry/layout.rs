//! Pulling into a directory and reading it back.

use std::collections::BTreeMap;
use std::io::Read;

use edgectl_model::{Platform, Prefix};
use edgectl_registry::{ErrorKind, Layout, PullRequest, Registries, pull_to_layout};
use edgectl_testkit::TinyImage;

use crate::bench::{Bench, assert_no_failure, reference};

fn pull(bench: &Bench, platform: Option<Platform>, name: &str) -> PullRequest {
    PullRequest {
        source: bench.target("edge/multi:1"),
        digest: None,
        platform,
        directory: bench.dir.path().join(name),
        jobs: 4,
    }
}

async fn filled() -> Bench {
    let bench = Bench::new();
    let mut tiny = bench.tiny();
    let images: Vec<_> = ["amd64", "arm64"]
        .iter()
        .map(|arch| {
            let files: [(&str, &[u8]); 1] = [("etc/arch", arch.as_bytes())];
            tiny.image(&TinyImage::new(arch).files(&files).random_layer(5000, 3)).unwrap()
        })
        .collect();
    let index = tiny.index(&images).unwrap();
    tiny.name("src.example/multi:1", &index).unwrap();
    assert_no_failure(&bench.send(&[("src.example/multi:1", "edge/multi:1")]).await);
    bench
}

/// A mirror's repository is another one than the name says; a directory takes
/// nothing over from it.
#[tokio::test(flavor = "multi_thread")]
async fn pulls_through_a_mirror() {
    let bench = filled().await;
    let prefix = |text: &str| Prefix::parse(text).unwrap();
    let registries = Registries::new(
        BTreeMap::from([(bench.host(), bench.access())]),
        BTreeMap::from([(prefix("quay.example"), prefix(&format!("{}/edge", bench.host())))]),
    );
    let request = PullRequest {
        source: reference("quay.example/multi:1"),
        ..pull(&bench, Some(Platform::new("linux", "arm64")), "out")
    };
    let (layout, _) = pull_to_layout(request, &registries, &()).await.unwrap();
    let arm = layout.image(&Platform::new("linux", "arm64")).unwrap();
    assert!(arm.layers.iter().all(|layer| layer.path.metadata().unwrap().len() == layer.size));
}

#[tokio::test(flavor = "multi_thread")]
async fn pulls_whole_indexes_and_reads_layers() {
    let bench = filled().await;
    let registries = bench.registries();
    let (layout, pinned) =
        pull_to_layout(pull(&bench, None, "out"), &registries, &()).await.unwrap();
    assert_eq!(pinned.platforms.len(), 2);
    let arm = layout.image(&Platform::new("linux", "arm64")).unwrap();
    assert_eq!(arm.config.created.as_deref(), Some("2024-01-02T03:04:05Z"));
    assert_eq!(arm.layers.len(), 2);
    let mut tar = Vec::new();
    arm.layers[0].open().unwrap().read_to_end(&mut tar).unwrap();
    assert!(String::from_utf8_lossy(&tar).contains("etc/arch"));
    assert!(String::from_utf8_lossy(&tar).contains("arm64"));
    let error = layout.image(&Platform::new("linux", "riscv64")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);

    // Again: nothing is fetched, the layout is found as it is.
    let before = registries.requests();
    let (layout, again) =
        pull_to_layout(pull(&bench, None, "out"), &registries, &()).await.unwrap();
    assert_eq!((again.digest, registries.requests()), (pinned.digest, before + 1));
    let named = layout.named_image(&bench.target("edge/multi:1"), &Platform::new("linux", "amd64"));
    assert_eq!(named.unwrap().config.platform, Some(Platform::new("linux", "amd64")));
}

#[tokio::test(flavor = "multi_thread")]
async fn pulls_one_platform_when_asked() {
    let bench = filled().await;
    let amd = Platform::new("linux", "amd64");
    let request = pull(&bench, Some(amd.clone()), "one");
    let (layout, pinned) = pull_to_layout(request, &bench.registries(), &()).await.unwrap();
    assert_eq!(layout.image(&amd).unwrap().digest, pinned.digest);
    assert_eq!(pinned.platforms, [amd]);
    assert!(layout.image(&Platform::new("linux", "arm64")).is_err());
    let request = pull(&bench, Some(Platform::new("linux", "s390x")), "none");
    let error = pull_to_layout(request, &bench.registries(), &()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn leaves_no_temporary_files_and_refuses_rubbish() {
    let bench = filled().await;
    let request = pull(&bench, None, "out");
    let directory = request.directory.clone();
    pull_to_layout(request, &bench.registries(), &()).await.unwrap();
    let names = std::fs::read_dir(directory.join("blobs/sha256")).unwrap();
    let names: Vec<_> = names.map(|n| n.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.iter().all(|name| name.len() == 64), "{names:?}");
    for text in ["", "[]", "{\"manifests\": 1}"] {
        std::fs::write(directory.join("index.json"), text).unwrap();
        assert_eq!(Layout::open(&directory).unwrap_err().kind(), ErrorKind::Manifest);
    }
    assert_eq!(Layout::open("/does/not/exist").unwrap_err().kind(), ErrorKind::NotFound);
}

/// The second one is told; who reads isn't.
#[tokio::test(flavor = "multi_thread")]
async fn one_writes_and_all_read() {
    let dir = tempfile::tempdir().unwrap();
    let directory = dir.path().join("out");
    let writer = Layout::create(&directory).unwrap();
    let error = Layout::create(&directory).unwrap_err().to_string();
    assert_eq!(error, format!("another process is writing to `{}`", directory.display()));
    Layout::open(&directory).unwrap();
    drop(writer);
    Layout::create(&directory).unwrap();
    let version = std::fs::read_to_string(directory.join("oci-layout")).unwrap();
    assert_eq!(version, r#"{"imageLayoutVersion":"1.0.0"}"#);
}

/// Whoever needs the same image meanwhile waits for it, and needn't fetch it.
#[tokio::test(flavor = "multi_thread")]
async fn two_pulls_of_one_image_fetch_it_once() {
    let bench = filled().await;
    let (one, two) = (bench.registries(), bench.registries());
    let request = || pull(&bench, None, "out");
    let pulled =
        tokio::join!(pull_to_layout(request(), &one, &()), pull_to_layout(request(), &two, &()),);
    assert_eq!(pulled.0.unwrap().1.digest, pulled.1.unwrap().1.digest);
    let fewer = one.requests().min(two.requests());
    assert!(fewer <= 3, "{} and {} requests", one.requests(), two.requests());
}
