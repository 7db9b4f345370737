//! What one run has sent the next one doesn't send again.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use edgectl_process::Cmd;
use edgectl_registry::{
    Access, Credentials, Depth, ImageRequest, Journal, Layout, Registries, UploadOutcome,
    UploadRequest, Verdict, VerifyRequest, upload_from, verify,
};
use edgectl_testkit::TinyImage;
use serde_json::Value;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::bench::{Bench, PASSWORD, assert_no_failure, reference};
use crate::chaos::{Chaos, Fault, Flavor, Form, Partial};

const CHUNK: u64 = 1 << 20;
const IMAGES: u64 = 3;
const MANY: u64 = 50;
const SMALL_LAYER: usize = 200_000;
const TARGET: &str = "EDGECTL_TEST_KILLED";
const LAYER: usize = 6 << 20;

/// Images with a large layer of their own and one that all share.
fn fill(bench: &Bench, images: u64, layer: usize) {
    let mut tiny = bench.tiny();
    for n in 0..images {
        let image = TinyImage::new("amd64")
            .label(&n.to_string())
            .random_layer(layer, n)
            .random_layer(layer / 2, 9999);
        tiny.name(&format!("src.example/i{n}:1"), &tiny.image(&image).unwrap()).unwrap();
    }
}

fn request(host: &str, images: u64) -> UploadRequest {
    let images = (0..images).map(|n| ImageRequest {
        source: reference(&format!("src.example/i{n}:1")),
        digest: None,
        target: reference(&format!("{host}/edge/i{n}:1")),
    });
    UploadRequest::new(images.collect(), 2)
}

async fn send(
    layout: &Path,
    request: UploadRequest,
    access: Access,
    journal: &Path,
) -> UploadOutcome {
    let journal = Journal::open(journal).unwrap().unwrap();
    let host = request.images[0].target.domain().to_owned();
    let registries = Registries::single(&host, access).with_chunk_size(CHUNK).with_journal(journal);
    upload_from(request, &Layout::open(layout).unwrap(), &registries, &()).await
}

/// `kill -9` at a hundred moments, behind a slow line: in the end everything
/// is there, and no finished blob was ever sent again.
#[tokio::test(flavor = "multi_thread")]
async fn killed_a_hundred_times_it_gets_there() {
    if let Ok(target) = std::env::var(TARGET) {
        return send_until_killed(&target).await;
    }
    let bench = Bench::new();
    fill(&bench, MANY, SMALL_LAYER);
    let ca = bench.dir.path().join("ca.pem");
    std::fs::write(&ca, bench.ca.ca_pem()).unwrap();
    let journal = bench.dir.path().join("state/journal.jsonl");
    let target = [
        bench.host(),
        slow_line(bench.host()).await,
        ca.display().to_string(),
        bench.layout_dir().display().to_string(),
        journal.display().to_string(),
    ];
    let sockets = bench.dir.path().join("tmp");
    std::fs::create_dir(&sockets).unwrap();
    let mut random = fastrand::Rng::with_seed(7);
    let mut moments = BTreeSet::new();
    for round in 0..100 {
        let log = std::fs::File::create(bench.dir.path().join("child.log")).unwrap();
        let mut child = Cmd::new(std::env::current_exe().unwrap())
            .args(["--exact", "resume::killed_a_hundred_times_it_gets_there", "--nocapture"])
            .env(TARGET, target.join("\n"))
            .env("TMPDIR", &sockets)
            .start_logging(&log)
            .unwrap();
        // Some while it looks at what is there, most while it sends.
        let (before, more) = (stored(&bench), random.usize(0..3));
        while round % 4 > 0 && child.ended().unwrap().is_none() && stored(&bench) < before + more {
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        tokio::time::sleep(Duration::from_millis(random.u64(0..60))).await;
        // It may have got to its end.
        let _ = Cmd::new("kill").args(["-KILL", &child.id().to_string()]).ensure_success();
        while child.ended().unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        moments.insert(stored(&bench));
        if round % 25 == 0 {
            assert_no_holes(&bench).await;
        }
    }
    println!("killed with {moments:?} blobs there");
    assert!(moments.len() > 10, "killed at too few moments: {moments:?}");
    // Each took away what the one before had left.
    let left = std::fs::read_dir(&sockets).unwrap().count();
    assert!(left <= 1, "{left} sockets of killed processes");
    let rest = request(&bench.host(), MANY);
    let done = send(&bench.layout_dir(), rest, bench.access(), &journal).await;
    assert_no_failure(&done);
    assert_eq!(assert_no_holes(&bench).await, MANY as usize);
    let mut closed = closed_uploads(&bench);
    let all = closed.len();
    closed.sort_unstable();
    closed.dedup();
    assert_eq!(closed.len(), all, "a blob was sent twice");
    assert_eq!(all as u64, 2 * MANY + 1);
    assert_no_known_upload_is_open(&bench);
}

/// An upload can be opened without our hearing of it. Those that we have sent
/// anything to are closed, given up, or disowned by the registry.
fn assert_no_known_upload_is_open(bench: &Bench) {
    let edge = bench.dir.path().join("storage/docker/registry/v2/repositories/edge");
    let uploads = std::fs::read_dir(edge).unwrap().flatten();
    let uploads = uploads.filter_map(|image| std::fs::read_dir(image.path().join("_uploads")).ok());
    let kept: Vec<String> =
        uploads.flatten().flatten().map(|id| id.file_name().into_string().unwrap()).collect();
    let log = bench.server.log_text().unwrap();
    let (mut open, mut ended) = (BTreeSet::new(), BTreeSet::new());
    for line in log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let uri = line["http.request.uri"].as_str().unwrap_or_default();
        let Some(id) = kept.iter().find(|id| uri.contains(id.as_str())) else { continue };
        match (line["http.request.method"].as_str(), line["http.response.status"].as_u64()) {
            (Some("PUT" | "PATCH"), _) => open.insert(id),
            (Some("DELETE"), _) | (Some("GET"), Some(404)) => ended.insert(id),
            _ => false,
        };
    }
    assert!(open.is_subset(&ended), "{open:?} {ended:?}");
}

/// Blobs that the registry has stored so far, manifests among them.
fn stored(bench: &Bench) -> usize {
    let blobs = bench.dir.path().join("storage/docker/registry/v2/blobs/sha256");
    let directories = std::fs::read_dir(blobs).into_iter().flatten().flatten();
    directories.map(|entry| std::fs::read_dir(entry.path()).map_or(0, Iterator::count)).sum()
}

/// A way to `address` that carries a few megabytes a second.
async fn slow_line(address: String) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap().to_string();
    let line = std::sync::Arc::new(tokio::sync::Mutex::new(()));
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let Ok(server) = tokio::net::TcpStream::connect(&address).await else { continue };
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
            let line = std::sync::Arc::clone(&line);
            tokio::spawn(async move {
                let mut buffer = vec![0; 16 * 1024];
                while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
                    if read > 8 * 1024 {
                        let _mine = line.lock().await;
                        tokio::time::sleep(Duration::from_millis(2)).await;
                    }
                    if to_server.write_all(&buffer[..read]).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    own
}

/// Every tag that is there stands for a whole image.
async fn assert_no_holes(bench: &Bench) -> usize {
    let layout = Layout::open(bench.layout_dir()).unwrap();
    let mut wanted = Vec::new();
    for image in request(&bench.host(), MANY).images {
        let digest =
            edgectl_registry::Source::resolve(&layout, &image.source).await.unwrap().digest;
        wanted.push(VerifyRequest { target: image.target, digest });
    }
    let found = verify(wanted, &bench.registries(), Depth::Contents, 4).await.unwrap();
    let is_absent = |verdict: &Verdict| matches!(verdict, Verdict::Missing);
    for image in &found {
        assert!(matches!(image.verdict, Verdict::Same) || is_absent(&image.verdict), "{image:?}");
    }
    found.iter().filter(|image| !is_absent(&image.verdict)).count()
}

/// Digests of the blobs that the registry took, by its own account.
fn closed_uploads(bench: &Bench) -> Vec<String> {
    let log = bench.server.log_text().unwrap();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let closed = lines
        .filter(|line| line["http.request.method"] == "PUT" && line["http.response.status"] == 201);
    let uris = closed.filter_map(|line| Some(line["http.request.uri"].as_str()?.to_owned()));
    uris.filter_map(|uri| Some(uri.split("digest=").nth(1)?.split('&').next()?.to_owned()))
        .collect()
}

/// What the child does.
async fn send_until_killed(text: &str) {
    let words: Vec<&str> = text.lines().collect();
    let [host, line, ca, layout, journal] = words.as_slice() else { panic!("{text}") };
    let access = Access {
        credentials: Credentials::basic("pusher", edgectl_model::Secret::new(PASSWORD)),
        ca_pem: Some(std::fs::read_to_string(ca).unwrap()),
        connect_to: Some((*line).to_owned()),
        ..Access::default()
    };
    send(Path::new(layout), request(host, MANY), access, Path::new(journal)).await;
}

/// A run that dies between chunks, or in one where the registry keeps what
/// came, costs nothing that was sent.
#[tokio::test]
async fn a_second_run_goes_on_in_the_middle_of_a_blob() {
    let bench = Bench::new();
    fill(&bench, IMAGES, LAYER);
    for (partial, lost) in [(Partial::Keeps, 0), (Partial::Poisons, CHUNK * 2)] {
        let flavor = Flavor { partial, form: Form::Moving, ..Flavor::default() };
        let chaos = Chaos::start(flavor).await;
        let journal = bench.dir.path().join(format!("{partial:?}.jsonl"));
        // Everything fails from some request in the middle on.
        chaos.plan((30..600).map(|at| (at, Fault::Status(500))));
        let patience = edgectl_registry::Patience {
            first_wait: Duration::from_millis(1),
            longest_wait: Duration::from_millis(1),
            ..Default::default()
        };
        let layout = Layout::open(bench.layout_dir()).unwrap();
        let registries = Registries::single(&chaos.address, chaos.access())
            .with_chunk_size(CHUNK)
            .with_patience(patience)
            .with_journal(Journal::open(&journal).unwrap().unwrap());
        let first = upload_from(request(&chaos.address, IMAGES), &layout, &registries, &()).await;
        drop(registries);
        assert!(first.failed().next().is_some());
        let before = chaos.inner().received;
        chaos.heal();
        let second =
            send(&bench.layout_dir(), request(&chaos.address, IMAGES), chaos.access(), &journal)
                .await;
        assert_no_failure(&second);
        let unique = IMAGES * LAYER as u64 + LAYER as u64 / 2;
        let after = chaos.inner().received - before;
        println!("{partial:?}: {before} bytes, then {after}; {unique} in all");
        assert!(second.bytes_sent < unique, "nothing was gone on with");
        if lost == 0 {
            // Configurations and the tar around random bytes apart.
            assert!(before + after < unique + 20_000, "{before} + {after}");
        }
    }
}

/// Blobs that are sent in one body are no exception: what a run that failed
/// has left open is gone on with, or given up.
#[tokio::test]
async fn no_upload_stays_open() {
    let bench = Bench::new();
    fill(&bench, IMAGES, SMALL_LAYER);
    for form in [Form::Absolute, Form::Moving] {
        let chaos = Chaos::start(Flavor { form, ..Flavor::default() }).await;
        let journal = bench.dir.path().join(format!("open-{form:?}.jsonl"));
        chaos.plan((12..600).map(|at| (at, Fault::Cut(10_000))));
        let patience = edgectl_registry::Patience {
            first_wait: Duration::from_millis(1),
            longest_wait: Duration::from_millis(1),
            ..Default::default()
        };
        let layout = Layout::open(bench.layout_dir()).unwrap();
        let registries = Registries::single(&chaos.address, chaos.access())
            .with_patience(patience)
            .with_journal(Journal::open(&journal).unwrap().unwrap());
        let first = upload_from(request(&chaos.address, IMAGES), &layout, &registries, &()).await;
        drop(registries);
        assert!(first.failed().next().is_some());
        assert!(chaos.inner().open_uploads() > 0);
        chaos.heal();
        let second =
            send(&bench.layout_dir(), request(&chaos.address, IMAGES), chaos.access(), &journal)
                .await;
        assert_no_failure(&second);
        assert_eq!(chaos.inner().open_uploads(), 0, "{form:?}");
    }
}

/// An image that is there already lends its layers to those that aren't.
#[tokio::test]
async fn blobs_of_finished_images_are_taken_over() {
    let bench = Bench::new();
    fill(&bench, IMAGES, LAYER);
    let journal = bench.dir.path().join("journal.jsonl");
    let layout = Layout::open(bench.layout_dir()).unwrap();
    let run = async |images: std::ops::Range<usize>| {
        let journal = Journal::open(&journal).unwrap().unwrap();
        let registries = bench.registries().with_journal(journal);
        let mut request = request(&bench.host(), IMAGES);
        request.images = request.images[images].to_vec();
        upload_from(request, &layout, &registries, &()).await
    };
    assert_no_failure(&run(0..1).await);
    let rest = run(0..3).await;
    assert_no_failure(&rest);
    assert_eq!((rest.blobs_sent, rest.blobs_mounted), (4, 2));
}

/// Registries may have uploads on other hosts; one that is no more takes what
/// it has with it, and nothing else.
#[tokio::test]
async fn an_upload_on_a_host_that_is_gone_is_lost() {
    let bench = Bench::new();
    fill(&bench, 1, LAYER);
    let journal = bench.dir.path().join("elsewhere.jsonl");
    let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let blobs = std::fs::read_dir(bench.layout_dir().join("blobs/sha256")).unwrap();
    let lines = blobs.map(|blob| {
        let session = serde_json::json!({"session": {
            "repository": format!("{}/edge/i0", bench.host()),
            "digest": format!("sha256:{}", blob.unwrap().file_name().into_string().unwrap()),
            "url": "https://127.0.0.1:1/upload/1", "at": 100, "time": time.as_secs(),
        }});
        format!("{session}\n")
    });
    std::fs::write(&journal, lines.collect::<String>()).unwrap();
    let done = send(&bench.layout_dir(), request(&bench.host(), 1), bench.access(), &journal).await;
    assert_no_failure(&done);
    assert_eq!(done.blobs_sent, 3);
    // They were believed and are noted as gone, as are those that took their place.
    let noted = std::fs::read_to_string(&journal).unwrap();
    assert_eq!(noted.matches("{\"gone\":").count(), 6, "{noted}");
}
