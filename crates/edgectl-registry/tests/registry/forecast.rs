//! What is foretold is what happens.

use edgectl_registry::{ImageOutcome, Journal, Layout, UploadRequest, forecast, upload_from};
use edgectl_testkit::TinyImage;

use crate::bench::{Bench, assert_no_failure, reference};

#[tokio::test(flavor = "multi_thread")]
async fn a_forecast_is_what_the_upload_then_does() {
    let bench = Bench::new();
    let mut tiny = bench.tiny();
    let mut images = Vec::new();
    for n in 0..4 {
        let image = TinyImage::new("amd64").random_layer(40_000, 100).random_layer(300_000, n);
        let source = format!("src.example/i{n}:1");
        tiny.name(&source, &tiny.image(&image.label(&n.to_string())).unwrap()).unwrap();
        let target = bench.target(&format!("edge/i{n}:1"));
        let source = reference(&source);
        images.push(edgectl_registry::ImageRequest { source, digest: None, target });
    }
    assert_no_failure(&bench.send(&[("src.example/i0:1", "edge/i0:1")]).await);
    // Of the image that comes first there is a layer already.
    assert_no_failure(&bench.send(&[("src.example/i0:1", "edge/i1:0")]).await);
    let missing = reference("src.example/missing:1");
    let target = bench.target("edge/missing:1");
    images.push(edgectl_registry::ImageRequest { source: missing, digest: None, target });

    let layout = Layout::open(bench.layout_dir()).unwrap();
    let request = UploadRequest::new(images, 4);
    let registries = bench.registries().with_chunk_size(100_000);
    let foretold = forecast(&request, &layout, &registries).await.unwrap();
    let kinds = foretold.images.iter().map(|report| match report.outcome {
        ImageOutcome::AlreadyThere(_) => 't',
        ImageOutcome::Copied(_) => 'c',
        ImageOutcome::Failed(_) => 'f',
    });
    assert_eq!(String::from_iter(kinds), "tcccf");
    assert_eq!(bench.log(1).iter().filter(|e| e.method == "PATCH").count(), 0);

    let registries = bench.registries().with_chunk_size(100_000);
    let outcome = upload_from(request, &layout, &registries, &()).await;
    assert_eq!(outcome.failed().count(), 1);
    assert_eq!(foretold.to_send, (outcome.blobs_sent, outcome.bytes_sent));
    assert_eq!(foretold.to_mount, (outcome.blobs_mounted, outcome.bytes_mounted));
    assert_eq!(foretold.there.0, 1);
    // Whether the target was asked for the image that isn't there is chance,
    // in both.
    let off = registries.requests().abs_diff(foretold.requests);
    assert!(off <= 1, "{off} requests other than foretold");

    // What a former run has noted is known, too.
    let path = bench.dir.path().join("journal.jsonl");
    let noting = || bench.registries().with_journal(Journal::open(&path).unwrap().unwrap());
    let part = |images: std::ops::Range<u64>| {
        let images = images.map(|n| edgectl_registry::ImageRequest {
            source: reference(&format!("src.example/i{n}:1")),
            digest: None,
            target: bench.target(&format!("noted/i{n}:1")),
        });
        UploadRequest::new(images.collect(), 4)
    };
    assert_no_failure(&upload_from(part(0..1), &layout, &noting(), &()).await);
    let foretold = forecast(&part(0..4), &layout, &noting()).await.unwrap();
    let registries = noting();
    let outcome = upload_from(part(0..4), &layout, &registries, &()).await;
    assert_no_failure(&outcome);
    assert_eq!(foretold.to_mount.0, 3, "of what only the journal knows");
    assert_eq!(foretold.to_send, (outcome.blobs_sent, outcome.bytes_sent));
    assert_eq!(foretold.to_mount, (outcome.blobs_mounted, outcome.bytes_mounted));
    assert_eq!(registries.requests(), foretold.requests);
}
