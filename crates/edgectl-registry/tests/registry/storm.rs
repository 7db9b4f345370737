//! Any faults at any requests of any kind of registry: what is there in the
//! end is right, or there is an error, and the next run completes it.

use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use edgectl_model::Digest;
use edgectl_registry::{
    ErrorKind, ImageOutcome, ImageRequest, Journal, Layout, Patience, Registries, UploadOutcome,
    UploadRequest, upload, upload_from,
};
use edgectl_testkit::{TinyImage, TinyLayout};
use proptest::prelude::*;
use serde_json::Value;

use crate::bench::reference;
use crate::chaos::{Chaos, Chunked, Fault, Flavor, Form, Inner, Mounts, Partial};

const CHUNK: u64 = 64 << 10;

/// Where registries stand still. On a busy machine an honest one is given up,
/// too, now and then: that is one fault more.
const IMPATIENT: Patience = Patience {
    first_wait: Duration::from_millis(1),
    longest_wait: Duration::from_millis(4),
    stall: Duration::from_millis(400),
    store: Duration::from_millis(800),
};
/// Where nothing does, and each request counts.
const PATIENT: Patience =
    Patience { stall: Duration::from_secs(60), store: Duration::from_secs(60), ..IMPATIENT };

/// Four images that share layers, one of them an index.
static LAYOUT: LazyLock<(tempfile::TempDir, Vec<(&str, Digest)>)> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let mut tiny = TinyLayout::new(dir.path()).unwrap();
    let mut images = Vec::new();
    for (name, seed, size) in [("a", 1, 300_000), ("b", 2, 150_000), ("c", 3, 1000)] {
        let image = TinyImage::new("amd64").label(name).random_layer(200_000, 9);
        let written = tiny.image(&image.random_layer(size, seed)).unwrap();
        tiny.name(&format!("src.example/{name}:1"), &written).unwrap();
        images.push((name, written.digest));
    }
    let arms = ["amd64", "arm64"].map(|arch| tiny.image(&TinyImage::new(arch)).unwrap());
    let index = tiny.index(&arms).unwrap();
    tiny.name("src.example/multi:1", &index).unwrap();
    images.push(("multi", index.digest));
    (dir, images)
});

fn requests(host: &str) -> Vec<ImageRequest> {
    let request = |(name, digest): &(&str, Digest)| ImageRequest {
        source: reference(&format!("src.example/{name}:1")),
        digest: Some(digest.clone()),
        target: reference(&format!("{host}/edge/{name}:1")),
    };
    LAYOUT.1.iter().map(request).collect()
}

fn registries(chaos: &Chaos, journal: Option<&Path>, patience: Patience) -> Registries {
    let journal = journal.and_then(|path| Journal::open(path).unwrap()).unwrap_or_default();
    Registries::single(&chaos.address, chaos.access())
        .with_chunk_size(CHUNK)
        .with_patience(patience)
        .with_journal(journal)
}

async fn send(chaos: &Chaos, journal: Option<&Path>, patience: Patience) -> UploadOutcome {
    let layout = Layout::open(LAYOUT.0.path()).unwrap();
    let request = UploadRequest::new(requests(&chaos.address), 4);
    upload_from(request, &layout, &registries(chaos, journal, patience), &()).await
}

/// No tag stands for anything but its image, and none has holes.
fn check_tags(inner: &Inner) {
    for ((repository, tag), digest) in &inner.tags {
        let name = repository.rsplit('/').next().unwrap();
        let expected = LAYOUT.1.iter().find(|(image, _)| *image == name).unwrap();
        assert_eq!((tag.as_str(), digest.as_str()), ("1", expected.1.as_str()));
        check_whole(inner, repository, digest);
    }
    for ((_, digest), bytes) in &inner.blobs {
        assert_eq!(Digest::sha256(bytes).as_str(), digest);
    }
}

fn check_whole(inner: &Inner, repository: &str, digest: &str) {
    let (_, bytes) = &inner.manifests[&(repository.to_owned(), digest.to_owned())];
    assert_eq!(Digest::sha256(bytes).as_str(), digest);
    let json: Value = serde_json::from_slice(bytes).unwrap();
    assert!(inner.has_all(repository, &json), "{repository}@{digest} has holes");
    for child in json["manifests"].as_array().into_iter().flatten() {
        check_whole(inner, repository, child["digest"].as_str().unwrap());
    }
}

/// What the outcome says is what is there.
fn check_outcome(outcome: &UploadOutcome, inner: &Inner) {
    for report in &outcome.images {
        let place = report.request.target.path().to_owned();
        let is_there = inner.tags.contains_key(&(place, "1".to_owned()));
        match &report.outcome {
            ImageOutcome::Failed(error) => assert!(!error.to_string().is_empty()),
            _ => assert!(is_there, "{}", report.request.target),
        }
    }
}

fn flavors() -> impl Strategy<Value = Flavor> {
    let partial = prop_oneof![Just(Partial::Keeps), Just(Partial::Poisons), Just(Partial::Deletes)];
    let chunked = prop_oneof![
        4 => Just(Chunked::Taken),
        1 => Just(Chunked::Says201),
        1 => prop_oneof![Just(404), Just(405), Just(501)].prop_map(Chunked::Refused),
    ];
    let mounts = prop_oneof![
        3 => Just(Mounts::Done),
        1 => Just(Mounts::Opens),
        1 => Just(Mounts::Shared),
        1 => Just(Mounts::Refused),
        1 => Just(Mounts::Lies),
    ];
    let form = prop_oneof![Just(Form::Absolute), Just(Form::Relative), Just(Form::Moving)];
    let tokens = prop_oneof![2 => Just(None), 1 => (12_usize..40).prop_map(Some)];
    let limits =
        (prop_oneof![Just(0_u64), Just(100_000)], prop_oneof![Just(u64::MAX), Just(170_000)]);
    let switches = (any::<bool>(), any::<bool>(), any::<bool>());
    (partial, chunked, mounts, form, tokens, limits, switches).prop_map(
        |(partial, chunked, mounts, form, tokens, (least, most), switches)| Flavor {
            partial,
            chunked,
            mounts,
            form,
            least,
            // What takes neither chunks nor large bodies takes nothing.
            most: if matches!(chunked, Chunked::Refused(_)) { u64::MAX } else { most },
            says_digest: switches.0,
            bytes_range: switches.1,
            ranges: switches.2,
            referrers: true,
            tokens,
        },
    )
}

fn faults() -> impl Strategy<Value = Vec<(usize, Fault)>> {
    let status = prop::sample::select(vec![401, 408, 429, 500, 502, 503, 504, 400, 403, 404]);
    let fault = prop_oneof![
        4 => status.prop_map(Fault::Status),
        2 => Just(Fault::LostAnswer),
        4 => (0_usize..200_000).prop_map(Fault::Cut),
        1 => Just(Fault::Corrupt),
        1 => Just(Fault::Stall),
        1 => Just(Fault::Repeat),
    ];
    prop::collection::vec((0_usize..70, fault), 0..12)
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// A minute's worth, or as many as `PROPTEST_CASES` says.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(60)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn a_mirror_is_right_or_there_is_an_error(flavor in flavors(), faults in faults()) {
        run(async {
            let dir = tempfile::tempdir().unwrap();
            let journal = dir.path().join("journal");
            let chaos = Chaos::start(flavor).await;
            chaos.plan(faults);
            let outcome = send(&chaos, Some(&journal), IMPATIENT).await;
            check_tags(&chaos.inner());
            check_outcome(&outcome, &chaos.inner());
            chaos.heal();
            let again = send(&chaos, Some(&journal), PATIENT).await;
            prop_assert!(again.failed().next().is_none(), "{:?}", again.failed().next());
            check_tags(&chaos.inner());
            prop_assert_eq!(chaos.inner().tags.len(), 4);
            Ok(())
        })?;
    }

    #[test]
    fn a_source_that_fails_or_lies_never_gets_through(flavor in flavors(), faults in faults()) {
        run(async {
            let source = Chaos::start(Flavor { least: 0, ..flavor }).await;
            let filled = send(&source, None, PATIENT).await;
            prop_assert!(filled.failed().next().is_none());
            source.plan(faults);
            let target = Chaos::start(Flavor::default()).await;
            let mut images = requests(&target.address);
            for image in &mut images {
                let name = image.target.path();
                image.source = reference(&format!("{}/{name}:1", source.address));
            }
            let request = UploadRequest::new(images, 4);
            let from = registries(&source, None, IMPATIENT);
            let to = registries(&target, None, PATIENT);
            let outcome = upload(request.clone(), &from, &to, &()).await;
            check_tags(&target.inner());
            check_outcome(&outcome, &target.inner());
            source.heal();
            let from = registries(&source, None, PATIENT);
            let again = upload(request, &from, &to, &()).await;
            prop_assert!(again.failed().next().is_none(), "{:?}", again.failed().next());
            check_tags(&target.inner());
            Ok(())
        })?;
    }
}

/// Ten cuts inside one blob: where the registry keeps what came, nothing is
/// sent twice.
#[tokio::test]
async fn ten_cuts_cost_nothing_where_uploads_are_kept() {
    let chaos = Chaos::start(Flavor { form: Form::Moving, ..Flavor::default() }).await;
    chaos.plan((12..42).step_by(3).map(|at| (at, Fault::Cut(20_000))));
    let outcome = send(&chaos, None, PATIENT).await;
    assert!(outcome.failed().next().is_none(), "{:?}", outcome.failed().next());
    let unique: u64 = unique_bytes();
    let inner = chaos.inner();
    assert!(inner.faults.len() <= 4, "{} faults were not met", inner.faults.len());
    assert_eq!(inner.received, unique);
}

fn unique_bytes() -> u64 {
    let blobs = LAYOUT.0.path().join("blobs/sha256");
    let files = std::fs::read_dir(blobs).unwrap().map(|entry| entry.unwrap());
    let is_manifest = |path: &Path| {
        let bytes = std::fs::read(path).unwrap();
        serde_json::from_slice::<Value>(&bytes).is_ok_and(|json| json["schemaVersion"] == 2)
    };
    files.filter(|f| !is_manifest(&f.path())).map(|f| f.metadata().unwrap().len()).sum()
}

/// The errors of a wrong source name the image and say what is wrong.
#[tokio::test]
async fn wrong_content_is_named() {
    let source = Chaos::start(Flavor::default()).await;
    assert!(send(&source, None, PATIENT).await.failed().next().is_none());
    for blob in source.inner().blobs.values_mut() {
        if let Some(first) = blob.first_mut() {
            *first ^= 1;
        }
    }
    let target = Chaos::start(Flavor::default()).await;
    let image = ImageRequest {
        source: reference(&format!("{}/edge/a:1", source.address)),
        digest: None,
        target: reference(&format!("{}/edge/a:1", target.address)),
    };
    let request = UploadRequest::new(vec![image], 4);
    let [from, to] = [&source, &target].map(|chaos| registries(chaos, None, PATIENT));
    let outcome = upload(request, &from, &to, &()).await;
    let (_, error) = outcome.failed().next().unwrap();
    assert_eq!(error.kind(), ErrorKind::Digest);
    assert!(target.inner().blobs.is_empty() && target.inner().tags.is_empty());
}
