//! Fresh, again, shared, pinned and interrupted uploads.

use edgectl_model::{Platform, Prefix};
use edgectl_registry::{ImageOutcome, ImageRequest, Source, UploadRequest, check, upload};
use edgectl_testkit::TinyImage;

use crate::bench::{Bench, assert_no_failure};

const SHARED: u64 = 7;

fn fill(bench: &Bench) {
    let mut tiny = bench.tiny();
    for (name, seed) in [("one", 1), ("two", 2), ("three", 3)] {
        let image = TinyImage::new("amd64")
            .label(name)
            .random_layer(300_000, SHARED)
            .random_layer(50_000, seed);
        let written = tiny.image(&image).unwrap();
        tiny.name(&format!("src.example/{name}:1"), &written).unwrap();
    }
    let arms: Vec<_> = ["amd64", "arm64"]
        .iter()
        .map(|arch| tiny.image(&TinyImage::new(arch).files(&[("arch", arch.as_bytes())])).unwrap())
        .collect();
    let index = tiny.index(&arms).unwrap();
    tiny.name("src.example/multi:1", &index).unwrap();
}

const ALL: [(&str, &str); 4] = [
    ("src.example/one:1", "edge/one:1"),
    ("src.example/two:1", "edge/two:1"),
    ("src.example/three:1", "edge/three:1"),
    ("src.example/multi:1", "edge/multi:1"),
];

#[tokio::test(flavor = "multi_thread")]
async fn sends_each_blob_once_and_nothing_twice() {
    let bench = Bench::new();
    fill(&bench);
    let outcome = bench.send(&ALL).await;
    assert_no_failure(&outcome);
    assert!(outcome.images.iter().all(|i| matches!(i.outcome, ImageOutcome::Copied(_))));
    // Three own layers and a shared one, two small ones, five configurations.
    assert_eq!((outcome.blobs_sent, outcome.blobs_mounted), (11, 2));
    assert!(outcome.bytes_sent < 480_000, "{}", outcome.bytes_sent);
    let platforms = &outcome.images[3].outcome.pinned().unwrap().platforms;
    assert_eq!(platforms.len(), 2);
    assert_eq!(outcome.images[0].outcome.pinned().unwrap().platforms.len(), 1);

    let before = bench.log(1).len();
    let again = bench.send(&ALL).await;
    assert!(again.images.iter().all(|i| matches!(i.outcome, ImageOutcome::AlreadyThere(_))));
    assert_eq!((again.bytes_sent, again.blobs_sent), (0, 0));
    // One ping and one HEAD for each image.
    let log = bench.log(before + 5);
    let new = &log[before..];
    assert_eq!(new.len(), 5, "{new:#?}");
    assert_eq!(new.iter().filter(|e| e.user.as_deref() == Some("pusher")).count(), 4);
    assert!(new.iter().all(|e| matches!(e.method.as_str(), "GET" | "HEAD")));
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_between_registries_byte_for_byte() {
    let (from, to) = (Bench::new(), Bench::new());
    fill(&from);
    assert_no_failure(&from.send(&ALL).await);
    let sources = from.registries();
    let source = from.target("edge/multi:1");
    let pinned = sources.resolve(&source).await.unwrap();
    assert_eq!(pinned.platforms.len(), 2);

    let image = |digest| ImageRequest {
        source: source.clone(),
        digest,
        target: to.target("mirror/multi:1"),
    };
    let destination = to.registries();
    let run = |digest| {
        let request = UploadRequest::new(vec![image(digest)], 4);
        upload(request, &sources, &destination, &())
    };
    let outcome = run(None).await;
    assert_no_failure(&outcome);
    let there = destination.resolve(&to.target("mirror/multi:1")).await.unwrap();
    assert_eq!(there, pinned);

    // Pinned and there: one request to the destination, none to the source.
    let pinned_run = run(Some(pinned.digest.clone())).await;
    assert_eq!((pinned_run.requests, pinned_run.source_requests), (1, 0));
    let unpinned_run = run(None).await;
    assert_eq!((unpinned_run.requests, unpinned_run.source_requests), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_is_read_once_for_its_platform() {
    let (from, to) = (Bench::new(), Bench::new());
    fill(&from);
    assert_no_failure(&from.send(&[ALL[0]]).await);
    let (sources, destination) = (from.registries(), to.registries());
    let (source, target) = (from.target("edge/one:1"), to.target("mirror/one:1"));
    let image = ImageRequest { source, digest: None, target };
    let mut request = UploadRequest::new(vec![image], 4);
    request.platforms = vec![Platform::new("linux", "amd64")];
    assert_no_failure(&upload(request.clone(), &sources, &destination, &()).await);
    let again = upload(request.clone(), &sources, &destination, &()).await;
    let there = again.images[0].outcome.pinned().unwrap();
    assert_eq!(there.platforms, request.platforms);
    // Its manifest, and its configuration.
    assert_eq!((again.blobs_sent, again.source_requests), (0, 2));

    request.platforms = vec![Platform::new("linux", "arm64")];
    let other = upload(request, &sources, &destination, &()).await;
    let (_, error) = other.failed().next().unwrap();
    assert!(error.to_string().ends_with("for linux/arm64: it has linux/amd64"), "{error}");
    assert_eq!(other.source_requests, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_is_kept_when_the_tag_moves() {
    let (from, to) = (Bench::new(), Bench::new());
    fill(&from);
    assert_no_failure(&from.send(&[ALL[0]]).await);
    let sources = from.registries();
    let source = from.target("edge/one:1");
    let old = sources.resolve(&source).await.unwrap();
    // Another image moves into the tag.
    assert_no_failure(&from.send(&[("src.example/two:1", "edge/one:1")]).await);
    let image = ImageRequest {
        source,
        digest: Some(old.digest.clone()),
        target: to.target("mirror/one:1"),
    };
    let request = UploadRequest::new(vec![image], 4);
    let destination = to.registries();
    let outcome = upload(request, &sources, &destination, &()).await;
    assert_no_failure(&outcome);
    let there = destination.resolve(&to.target("mirror/one:1")).await.unwrap();
    assert_eq!(there.digest, old.digest);
}

#[tokio::test(flavor = "multi_thread")]
async fn goes_on_where_an_earlier_run_stopped() {
    let bench = Bench::new();
    fill(&bench);
    // The shared layer is broken: its owner's upload fails, and so do all.
    let shared = TinyImage::new("amd64").random_layer(300_000, SHARED);
    let tiny = bench.tiny();
    let manifest = tiny.image(&shared).unwrap();
    let text = std::fs::read_to_string(tiny.blob_path(&manifest.digest)).unwrap();
    let digest = text.rsplit("\"sha256:").next().unwrap().split('"').next().unwrap();
    let digest = edgectl_model::Digest::parse(&format!("sha256:{digest}")).unwrap();
    fill(&bench);
    let path = tiny.blob_path(&digest);
    let good = std::fs::read(&path).unwrap();
    let mut bad = good.clone();
    let last = bad.len() - 1;
    bad[last] ^= 1;
    std::fs::write(&path, &bad).unwrap();
    let outcome = bench.send(&ALL).await;
    assert_eq!(outcome.failed().count(), 3);
    assert!(matches!(outcome.images[3].outcome, ImageOutcome::Copied(_)));
    for (_, error) in outcome.failed() {
        assert_eq!(error.kind(), edgectl_registry::ErrorKind::Digest, "{error}");
    }
    // Mended, only what is missing is sent.
    std::fs::write(&path, &good).unwrap();
    let again = bench.send(&ALL).await;
    assert_no_failure(&again);
    assert!(again.blobs_sent <= 7 && again.blobs_sent >= 1, "{}", again.blobs_sent);
    assert!(matches!(again.images[3].outcome, ImageOutcome::AlreadyThere(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn check_says_who_may_push() {
    let bench = Bench::new();
    let prefix = Prefix::parse(&format!("{}/edge", bench.host())).unwrap();
    let checked = check(&bench.registries(), &prefix).await.unwrap();
    assert_eq!((checked.scheme.as_str(), checked.user.as_deref()), ("https", Some("pusher")));
    let methods: Vec<_> = bench.log(3).into_iter().map(|e| (e.method, e.status)).collect();
    let expected = [("GET", 401), ("POST", 202), ("DELETE", 204)];
    assert_eq!(methods, expected.map(|(method, status)| (method.to_owned(), status)));
}
