//! Images of odd shapes, against the real registry: each of these has broken
//! some tool.

use edgectl_model::Digest;
use edgectl_registry::{
    Access, ErrorKind, ImageOutcome, ImageRequest, Layout, Registries, UploadOutcome,
    UploadRequest, forecast, upload, upload_from,
};
use edgectl_testkit::TinyImage;
use serde_json::{Value, json};

use crate::bench::{Bench, assert_no_failure, reference, registries};
use crate::chaos::{Chaos, Flavor, Mounts};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Puts bytes into the layout; gives their descriptor.
fn blob(bench: &Bench, media_type: &str, bytes: &[u8]) -> Value {
    let digest = Digest::sha256(bytes);
    let path = bench.tiny().blob_path(&digest);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
    json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
}

fn manifest(bench: &Bench, json: &Value) -> Value {
    let media_type = json["mediaType"].as_str().unwrap().to_owned();
    blob(bench, &media_type, json.to_string().as_bytes())
}

fn image(bench: &Bench, layers: &[Value]) -> Value {
    let config = json!({"architecture": "amd64", "os": "linux"}).to_string();
    let config = blob(bench, "application/vnd.oci.image.config.v1+json", config.as_bytes());
    json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers})
}

/// A manifest of the layout, which names nothing, and its name in the registry.
fn copy_of(bench: &Bench, entry: &Value, name: &str) -> ImageRequest {
    let digest = entry["digest"].as_str().unwrap();
    ImageRequest {
        source: reference(&format!("src.example/odd@{digest}")),
        digest: None,
        target: bench.target(&format!("edge/{name}:1")),
    }
}

/// Copies it.
async fn send(bench: &Bench, entry: &Value, name: &str) -> UploadOutcome {
    let request = UploadRequest::new(vec![copy_of(bench, entry, name)], 2);
    let layout = Layout::open(bench.layout_dir()).unwrap();
    upload_from(request, &layout, &bench.registries(), &()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_layers_are_copied_as_they_are() {
    let bench = Bench::new();
    bench.tiny();
    let layers = [
        blob(&bench, "application/vnd.oci.image.layer.v1.tar+zstd", b"zstd, as far as we know"),
        blob(&bench, "application/vnd.oci.image.layer.v1.tar+encrypted", b"sealed"),
        blob(&bench, "application/vnd.oci.image.layer.v1.tar", b""),
    ];
    let twice = [layers.as_slice(), &layers].concat();
    let outcome = send(&bench, &manifest(&bench, &image(&bench, &twice)), "odd").await;
    assert_no_failure(&outcome);
    assert_eq!(outcome.blobs_sent, 4);
    let check = edgectl_registry::VerifyRequest {
        target: bench.target("edge/odd:1"),
        digest: outcome.images[0].outcome.pinned().unwrap().digest.clone(),
    };
    let depth = edgectl_registry::Depth::Contents;
    let found = edgectl_registry::verify(vec![check], &bench.registries(), depth, 2).await.unwrap();
    assert!(matches!(found[0].verdict, edgectl_registry::Verdict::Same), "{:?}", found[0]);
}

/// What may not be redistributed need not be there; if it is, it comes along.
#[tokio::test(flavor = "multi_thread")]
async fn foreign_layers_may_be_absent() {
    let bench = Bench::new();
    bench.tiny();
    let kind = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    let mut absent = blob(&bench, kind, b"elsewhere");
    absent["urls"] = json!(["https://example.com/layer"]);
    let digest = Digest::parse(absent["digest"].as_str().unwrap()).unwrap();
    std::fs::remove_file(bench.tiny().blob_path(&digest)).unwrap();
    let present = blob(&bench, "application/vnd.oci.image.layer.v1.tar", b"here");
    let entry = manifest(&bench, &image(&bench, &[absent.clone(), present]));
    let request = UploadRequest::new(
        vec![copy_of(&bench, &entry, "windows"), copy_of(&bench, &entry, "again")],
        1,
    );
    let layout = Layout::open(bench.layout_dir()).unwrap();
    let foretold = forecast(&request, &layout, &bench.registries()).await.unwrap();
    let registries = bench.registries();
    let outcome = upload_from(request, &layout, &registries, &()).await;
    assert_no_failure(&outcome);
    assert_eq!(foretold.to_send, (2, outcome.bytes_sent));
    assert_eq!(foretold.to_mount, (2, outcome.bytes_mounted));
    assert_eq!(foretold.requests, registries.requests());
    // No upload was left open for it.
    let ended = bench.log(1).into_iter().filter(|entry| entry.method == "DELETE").count();
    assert_eq!(ended, 2);
    // An ordinary layer that is absent is an error that names it.
    absent.as_object_mut().unwrap().remove("urls");
    absent["mediaType"] = json!("application/vnd.oci.image.layer.v1.tar");
    let outcome = send(&bench, &manifest(&bench, &image(&bench, &[absent])), "holes").await;
    let (_, error) = outcome.failed().next().unwrap();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains(digest.hex()), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn indexes_in_indexes_and_indexes_with_holes() {
    let bench = Bench::new();
    bench.tiny();
    let inner = manifest(&bench, &image(&bench, &[blob(&bench, "text/plain", b"1")]));
    let index =
        |entries: Value| json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries});
    let middle = manifest(&bench, &index(json!([inner, inner])));
    let outer = manifest(&bench, &index(json!([middle, inner])));
    assert_no_failure(&send(&bench, &outer, "nested").await);

    let missing = json!({"mediaType": MANIFEST, "digest": Digest::sha256(b"gone"), "size": 7});
    let sparse = manifest(&bench, &index(json!([inner, missing])));
    let outcome = send(&bench, &sparse, "sparse").await;
    let (_, error) = outcome.failed().next().unwrap();
    assert!(error.to_string().starts_with("the index `src.example/odd@sha256:"), "{error}");
    assert_eq!(error.kind(), ErrorKind::NotFound);

    let mut bottomless = inner;
    for _ in 0..8 {
        bottomless = manifest(&bench, &index(json!([bottomless])));
    }
    let outcome = send(&bench, &bottomless, "deep").await;
    assert_eq!(outcome.failed().next().unwrap().1.kind(), ErrorKind::Manifest);
}

#[tokio::test(flavor = "multi_thread")]
async fn artifacts_with_an_empty_configuration() {
    let bench = Bench::new();
    bench.tiny();
    let empty = blob(&bench, "application/vnd.oci.empty.v1+json", b"{}");
    let artifact = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/x.chart",
        "config": empty, "layers": [empty],
    });
    assert_no_failure(&send(&bench, &manifest(&bench, &artifact), "chart").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn old_manifests_are_refused_by_name() {
    let bench = Bench::new();
    bench.tiny();
    let old = json!({
        "schemaVersion": 1, "mediaType": "application/vnd.docker.distribution.manifest.v1+json",
        "fsLayers": [],
    });
    let outcome = send(&bench, &manifest(&bench, &old), "old").await;
    let (_, error) = outcome.failed().next().unwrap();
    assert!(error.to_string().contains("schema 1"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_with_a_digest_and_a_target_that_is_its_own_source() {
    let bench = Bench::new();
    let mut tiny = bench.tiny();
    let written = tiny.image(&TinyImage::new("amd64").random_layer(1000, 1)).unwrap();
    tiny.name("src.example/a:1", &written).unwrap();
    assert_no_failure(&bench.send(&[("src.example/a:1", "edge/a:1")]).await);
    let registries = bench.registries();
    let copy = async |from: String, to: &str| {
        let image = edgectl_registry::ImageRequest {
            source: bench.target(&from),
            digest: None,
            target: bench.target(to),
        };
        let request = UploadRequest::new(vec![image], 2);
        upload(request, &registries, &registries, &()).await
    };
    let same = copy("edge/a:1".to_owned(), "edge/a:1").await;
    assert!(matches!(same.images[0].outcome, ImageOutcome::AlreadyThere(_)));
    let both = copy(format!("edge/a:1@{}", written.digest), "edge/b:2").await;
    assert_no_failure(&both);
    // In one registry layers are never sent again.
    assert_eq!((both.bytes_sent, both.blobs_mounted), (0, 2));
}

/// A registry that mounts nothing and has one set of blobs for all is asked
/// before a large blob is sent for nothing; the upload it opened is given up.
#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_all_repositories_have_is_sent_once() {
    let bench = Bench::new();
    let mut tiny = bench.tiny();
    let chaos = Chaos::start(Flavor { mounts: Mounts::Shared, ..Flavor::default() }).await;
    let images = ["one", "two"].map(|name| {
        let image = TinyImage::new("amd64").label(name).random_layer(2 << 20, 1);
        let source = format!("src.example/{name}:1");
        tiny.name(&source, &tiny.image(&image).unwrap()).unwrap();
        let target = reference(&format!("{}/edge/{name}:1", chaos.address));
        edgectl_registry::ImageRequest { source: reference(&source), digest: None, target }
    });
    let access = Access { insecure: true, ..Access::default() };
    let to = registries(&[(&chaos.address, access)]);
    let request = UploadRequest::new(images.to_vec(), 4);
    let layout = Layout::open(bench.layout_dir()).unwrap();
    let outcome = upload_from(request, &layout, &to, &()).await;
    assert_no_failure(&outcome);
    assert_eq!((outcome.blobs_sent, outcome.blobs_mounted), (3, 0), "a layer, two configurations");
    let requests = chaos.inner().requests.clone();
    assert_eq!(requests.iter().filter(|line| line.starts_with("DELETE /up/")).count(), 1);
}

/// Sixty requests are refused with 429; the rest goes through, in peace.
#[tokio::test]
async fn a_registry_that_wants_to_be_left_alone_is() {
    let bench = Bench::new();
    let mut tiny = bench.tiny();
    let chaos = Chaos::start(Flavor::default()).await;
    let images = (0..40).map(|n| {
        let image = TinyImage::new("amd64").label(&n.to_string()).random_layer(1000, n);
        let source = format!("src.example/i{n}:1");
        tiny.name(&source, &tiny.image(&image).unwrap()).unwrap();
        edgectl_registry::ImageRequest {
            source: reference(&source),
            digest: None,
            target: reference(&format!("{}/edge/i{n}:1", chaos.address)),
        }
    });
    let images = images.collect();
    chaos.plan((1..400).step_by(6).map(|at| (at, crate::chaos::Fault::Status(429))));
    let access = Access { insecure: true, ..Access::default() };
    let registries = Registries::single(&chaos.address, access);
    let layout = Layout::open(bench.layout_dir()).unwrap();
    let request = UploadRequest::new(images, 8);
    assert_no_failure(&upload_from(request, &layout, &registries, &()).await);
    assert_eq!(chaos.inner().tags.len(), 40);
}

/// Registries take manifests of 4 MiB, and nobody reads ones without end.
#[tokio::test(flavor = "multi_thread")]
async fn manifests_that_are_too_large_are_refused() {
    let bench = Bench::new();
    bench.tiny();
    for (mebibytes, said) in [(3, ""), (5, "MANIFEST_INVALID"), (9, "larger than 8388608 bytes")] {
        let mut large = image(&bench, &[blob(&bench, "text/plain", b"1")]);
        large["annotations"] = json!({"example.large": "x".repeat(mebibytes << 20)});
        let outcome = send(&bench, &manifest(&bench, &large), "large").await;
        let error = outcome.failed().next().map(|(_, error)| error.to_string());
        match said {
            "" => assert_eq!(error, None),
            said => assert!(error.as_ref().is_some_and(|e| e.contains(said)), "{error:?}"),
        }
    }
}
