//! Cuts, refused mounts, interruptions and broken directories.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use edgectl_model::{Prefix, Secret};
use edgectl_process::{Cmd, listen_for_interrupts};
use edgectl_registry::{
    Access, Credentials, ErrorKind, ImageRequest, Layout, PullRequest, Registries, UploadRequest,
    check, pull_to_layout, upload_from,
};
use edgectl_testkit::{TinyImage, TinyLayout};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::bench::{Bench, assert_no_failure, reference, registries};
use crate::fake::{Fake, answer};

const TARGET: &str = "EDGECTL_TEST_TARGET";

/// Passes connections on to `address`; the first `cuts` of them that carry
/// more than `after` bytes end there.
async fn cutter(address: String, cuts: usize, after: usize) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap().to_string();
    let done = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&done);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&address).await.unwrap();
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
            let counter = Arc::clone(&counter);
            tokio::spawn(async move {
                let mut buffer = vec![0; 64 * 1024];
                let mut passed = 0;
                while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
                    passed += read;
                    if passed > after && counter.fetch_add(1, Ordering::Relaxed) < cuts {
                        return;
                    }
                    if to_server.write_all(&buffer[..read]).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (own, done)
}

#[tokio::test(flavor = "multi_thread")]
async fn survives_cuts_and_sends_no_finished_blob_again() {
    let bench = Bench::new();
    let mut tiny = bench.tiny();
    let image = TinyImage::new("amd64").random_layer(40 << 20, 1).random_layer(1000, 2);
    let written = tiny.image(&image).unwrap();
    tiny.name("src.example/big:1", &written).unwrap();
    let (address, cuts) = cutter(bench.host(), 10, 20 << 20).await;
    let access = Access { connect_to: Some(address), ..bench.access() };
    let registries = Registries::single(&bench.host(), access);
    let layout = Layout::open(bench.layout_dir()).unwrap();
    let image = ImageRequest {
        source: reference("src.example/big:1"),
        digest: None,
        target: bench.target("edge/big:1"),
    };
    let request = UploadRequest::new(vec![image], 4);
    let outcome = upload_from(request, &layout, &registries, &()).await;
    assert_no_failure(&outcome);
    assert!(cuts.load(Ordering::Relaxed) >= 10);
    assert_eq!(outcome.blobs_sent, 3);
    assert!(outcome.bytes_sent > 40 << 20);
}

/// Relative locations with a query of their own, and mounts that only open an
/// upload.
#[tokio::test(flavor = "multi_thread")]
async fn the_upload_a_refused_mount_opens_is_used() {
    let fake = Fake::start(|asked, _| {
        let words: Vec<&str> = asked.line.split(' ').collect();
        match words[0] {
            "GET" => answer(200, "", "{}"),
            "HEAD" => answer(404, "", ""),
            "POST" => answer(202, "Location: /up?_state=a%2Bb\r\n", ""),
            _ => answer(201, "", ""),
        }
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let mut tiny = TinyLayout::new(dir.path()).unwrap();
    let images = ["one", "two"].map(|name| {
        let image = TinyImage::new("amd64").label(name).random_layer(1000, 1);
        let source = format!("src.example/{name}:1");
        tiny.name(&source, &tiny.image(&image).unwrap()).unwrap();
        let target = reference(&format!("{}/edge/{name}:1", fake.address));
        ImageRequest { source: reference(&source), digest: None, target }
    });
    let access = Access { insecure: true, ..Access::default() };
    let registries = registries(&[(&fake.address, access)]);
    let layout = Layout::open(dir.path()).unwrap();
    let request = UploadRequest::new(images.to_vec(), 4);
    let outcome = upload_from(request, &layout, &registries, &()).await;
    assert_no_failure(&outcome);
    assert_eq!((outcome.blobs_sent, outcome.blobs_mounted), (4, 0));
    assert_eq!((fake.count("POST"), fake.count("PUT /up?_state=a%2Bb&digest=sha256%3A")), (4, 4));
    assert_eq!(fake.asked().iter().filter(|a| a.line.contains("?mount=")).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_login_is_not_tried_again_and_again() {
    let bench = Bench::new();
    let login = Credentials::basic("pusher", Secret::new("wrong"));
    let access = Access { credentials: login, ..bench.access() };
    let registries = Registries::single(&bench.host(), access);
    let prefix = Prefix::parse(&bench.host()).unwrap();
    for _ in 0..5 {
        let error = check(&registries, &prefix).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Login);
    }
    assert_eq!(registries.requests(), 2);
}

/// The yardstick: twelve images that share two layers.
#[tokio::test(flavor = "multi_thread")]
async fn twelve_images_need_few_requests() {
    let bench = Bench::new();
    let mut tiny = bench.tiny();
    let mut images = Vec::new();
    for n in 0..12 {
        let image = TinyImage::new("amd64")
            .label(&n.to_string())
            .random_layer(40_000, 100)
            .random_layer(40_000, 101)
            .random_layer(30_000, n)
            .random_layer(30_000, n + 20);
        let source = format!("src.example/i{n}:1");
        tiny.name(&source, &tiny.image(&image).unwrap()).unwrap();
        let target = bench.target(&format!("edge/i{n}:1"));
        images.push(ImageRequest { source: reference(&source), digest: None, target });
    }
    let registries = bench.registries();
    let layout = Layout::open(bench.layout_dir()).unwrap();
    let request = UploadRequest::new(images, 4);
    let outcome = upload_from(request, &layout, &registries, &()).await;
    assert_no_failure(&outcome);
    assert_eq!((outcome.blobs_sent, outcome.blobs_mounted), (38, 22));
    assert_eq!(outcome.bytes_sent, blobs_of(&bench));
    // One ping; per image a HEAD and a PUT; per blob HEAD, POST and PUT; per
    // shared use one POST.
    let needed = 1 + 12 * 2 + 38 * 3 + 22;
    assert_eq!(registries.requests(), needed);
    // The registry counts the same, and nothing besides.
    assert_eq!(bench.log(needed as usize).len() as u64, needed);

    // Once more with what the lock would know: a ping, and a question an image.
    let pinned = outcome.images.into_iter().map(|report| ImageRequest {
        digest: report.outcome.pinned().map(|pinned| pinned.digest.clone()),
        ..report.request
    });
    let request = UploadRequest::new(pinned.collect(), 4);
    let again = bench.registries();
    assert_no_failure(&upload_from(request, &layout, &again, &()).await);
    assert_eq!(again.requests(), 13);
    assert_eq!(bench.log(needed as usize + 13).len() as u64, needed + 13);
}

/// Bytes of all blobs in the layout that aren't manifests.
fn blobs_of(bench: &Bench) -> u64 {
    let directory = bench.layout_dir().join("blobs/sha256");
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let blobs = files.map(|path| std::fs::read(path).unwrap());
    let is_manifest = |bytes: &Vec<u8>| bytes.starts_with(b"{\n") && bytes.ends_with(b"}\n");
    blobs.filter(|bytes| !is_manifest(bytes)).map(|bytes| bytes.len() as u64).sum()
}

#[test]
fn manifests_are_told_from_blobs() {
    let bench = Bench::new();
    let tiny = bench.tiny();
    let written = tiny.image(&TinyImage::new("amd64").random_layer(1000, 1)).unwrap();
    let all: u64 = std::fs::read_dir(bench.layout_dir().join("blobs/sha256"))
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    assert_eq!(blobs_of(&bench), all - written.size);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layout_that_lost_a_blob_is_mended() {
    let bench = Bench::new();
    let mut tiny = bench.tiny();
    let written = tiny.image(&TinyImage::new("amd64").random_layer(1000, 1)).unwrap();
    tiny.name("src.example/one:1", &written).unwrap();
    let source = Layout::open(bench.layout_dir()).unwrap();
    let request = PullRequest {
        source: reference("src.example/one:1"),
        digest: None,
        platform: None,
        directory: bench.dir.path().join("out"),
        jobs: 2,
    };
    let (layout, _) = pull_to_layout(request.clone(), &source, &()).await.unwrap();
    let amd = edgectl_model::Platform::new("linux", "amd64");
    let layer = layout.image(&amd).unwrap().layers.remove(0);
    std::fs::write(&layer.path, b"short").unwrap();
    pull_to_layout(request, &source, &()).await.unwrap();
    assert_eq!(std::fs::metadata(&layer.path).unwrap().len(), layer.size);
}

/// SIGINT ends an upload that goes nowhere.
#[tokio::test(flavor = "multi_thread")]
async fn an_interruption_ends_the_run() {
    if let Ok(target) = std::env::var(TARGET) {
        return upload_until_interrupted(&target).await;
    }
    let bench = Bench::new();
    let mut tiny = bench.tiny();
    let written = tiny.image(&TinyImage::new("amd64").random_layer(64 << 20, 1)).unwrap();
    tiny.name("src.example/big:1", &written).unwrap();
    // Takes what it is sent and never answers an upload.
    let fake = Fake::start(|asked, _| match asked.line.split(' ').next() {
        Some("GET") => answer(200, "", "{}"),
        Some("POST") => answer(202, "Location: /up\r\n", ""),
        Some("PUT") => String::new(),
        _ => answer(404, "", ""),
    })
    .await;
    let log = bench.dir.path().join("child.log");
    let file = std::fs::File::create(&log).unwrap();
    let mut child = Cmd::new(std::env::current_exe().unwrap())
        .args(["--exact", "trouble::an_interruption_ends_the_run", "--nocapture"])
        .env(TARGET, format!("{}\n{}", fake.address, bench.layout_dir().display()))
        .start_logging(&file)
        .unwrap();
    while fake.count("PUT /up") == 0 {
        assert_eq!(child.ended().unwrap(), None, "it ended before it sent anything");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let sent = Instant::now();
    Cmd::new("kill").args(["-INT", &child.id().to_string()]).ensure_success().unwrap();
    while child.ended().unwrap().is_none() {
        // The upload itself would be waited for ten times as long.
        assert!(sent.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(text.contains("interrupted: true Interrupted"), "{text}");
    assert!(!fake.asked().iter().any(|a| a.line.contains("PUT /v2/")));
}

/// What the child does.
async fn upload_until_interrupted(text: &str) {
    listen_for_interrupts().unwrap();
    let (address, layout) = text.split_once('\n').unwrap();
    let access = Access { insecure: true, ..Access::default() };
    let image = ImageRequest {
        source: reference("src.example/big:1"),
        digest: None,
        target: reference(&format!("{address}/edge/big:1")),
    };
    let request = UploadRequest::new(vec![image], 4);
    let layout = Layout::open(layout).unwrap();
    let outcome = upload_from(request, &layout, &registries(&[(address, access)]), &()).await;
    let (_, error) = outcome.failed().next().unwrap();
    println!("interrupted: {} {:?}", outcome.interrupted, error.kind());
}
