//! Memory stays small whatever the size of a layer, and however many are on
//! their way.

use std::sync::atomic::{AtomicU64, Ordering};

use edgectl_model::{Digest, Reference};
use edgectl_process::Cmd;
use edgectl_registry::{
    Access, Blob, Chunks, Credentials, ImageRequest, RawManifest, Registries, RegistryError,
    Source, UploadRequest, upload,
};
use edgectl_testkit::TinyImage;
use futures_util::StreamExt;

use crate::bench::{Bench, assert_no_failure, reference, registries};

const TARGETS: &str = "EDGECTL_TEST_TARGETS";
const MIB: usize = 1 << 20;

/// What is copied at once, and what it may take.
struct Load {
    test: &'static str,
    images: u64,
    layers: u64,
    layer: usize,
    jobs: usize,
    limit_kib: u64,
}

const ONE: Load = Load {
    test: "memory::one_large_layer_takes_little",
    images: 1,
    layers: 1,
    layer: 200 * MIB,
    jobs: 4,
    limit_kib: 24 << 10,
};
const MANY: Load = Load {
    test: "memory::eight_layers_of_four_images_at_once_take_little",
    images: 4,
    layers: 2,
    layer: 40 * MIB,
    jobs: 8,
    limit_kib: 48 << 10,
};

#[tokio::test(flavor = "multi_thread")]
async fn one_large_layer_takes_little() {
    measure(&ONE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_layers_of_four_images_at_once_take_little() {
    measure(&MANY).await;
}

/// The peak of the copying process alone: images and registries are made here,
/// the copy runs in a child of its own.
async fn measure(load: &Load) {
    if let Ok(targets) = std::env::var(TARGETS) {
        return copy_and_tell_the_peak(load, &targets).await;
    }
    let bench = Bench::new();
    let names: Vec<_> = (0..load.images).map(name).collect();
    for (n, name) in (0..).zip(&names) {
        let mut tiny = bench.tiny();
        let layers = n * load.layers..(n + 1) * load.layers;
        let image =
            layers.fold(TinyImage::new("amd64"), |i, seed| i.random_layer(load.layer, seed));
        tiny.name(&format!("src.example/{name}"), &tiny.image(&image).unwrap()).unwrap();
        let sent = (format!("src.example/{name}"), format!("src/{name}"));
        assert_no_failure(&bench.send(&[(&sent.0, &sent.1)]).await);
    }
    let ca = bench.dir.path().join("ca.pem");
    std::fs::write(&ca, bench.ca.ca_pem()).unwrap();
    let other = Bench::new();
    let other_ca = other.dir.path().join("ca.pem");
    std::fs::write(&other_ca, other.ca.ca_pem()).unwrap();
    let targets =
        [bench.host(), ca.display().to_string(), other.host(), other_ca.display().to_string()];
    let output = Cmd::new(std::env::current_exe().unwrap())
        .args(["--exact", load.test, "--nocapture"])
        .env(TARGETS, targets.join("\n"))
        .read_stdout()
        .unwrap();
    let text = String::from_utf8(output).unwrap();
    let (_, rest) = text.split_once("peak: ").unwrap();
    let peak: u64 = rest.split_whitespace().next().unwrap().parse().unwrap();
    assert!(peak < load.limit_kib, "{peak} KiB");
}

fn name(n: u64) -> String {
    format!("big{n}:1")
}

/// A registry that tells how many large blobs were read from it at once.
struct Counted {
    registries: Registries,
    now: AtomicU64,
    most: AtomicU64,
}

impl Source for &'static Counted {
    async fn manifest(
        &self,
        reference: &Reference,
        digest: Option<&Digest>,
    ) -> Result<RawManifest, RegistryError> {
        self.registries.manifest(reference, digest).await
    }

    async fn blob(&self, at: &Reference, blob: &Blob, from: u64) -> Result<Chunks, RegistryError> {
        let chunks = self.registries.blob(at, blob, from).await?;
        if blob.size < MIB as u64 {
            return Ok(chunks);
        }
        let reading = Reading::begin(self);
        Ok(Box::pin(chunks.inspect(move |_| {
            let _ = &reading;
        })))
    }
}

struct Reading(&'static Counted);

impl Reading {
    fn begin(counted: &'static Counted) -> Self {
        let now = counted.now.fetch_add(1, Ordering::SeqCst) + 1;
        counted.most.fetch_max(now, Ordering::SeqCst);
        Self(counted)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What the child does.
async fn copy_and_tell_the_peak(load: &Load, text: &str) {
    let words: Vec<&str> = text.lines().collect();
    let [from, from_ca, to, to_ca] = words.as_slice() else { panic!("{text}") };
    let access = |ca: &str| Access {
        credentials: Credentials::basic(
            "pusher",
            edgectl_model::Secret::new(crate::bench::PASSWORD),
        ),
        ca_pem: Some(std::fs::read_to_string(ca).unwrap()),
        ..Default::default()
    };
    let image = |n| ImageRequest {
        source: reference(&format!("{from}/src/{}", name(n))),
        digest: None,
        target: reference(&format!("{to}/edge/{}", name(n))),
    };
    let request = UploadRequest::new((0..load.images).map(image).collect(), load.jobs);
    let source: &'static Counted = Box::leak(Box::new(Counted {
        registries: registries(&[(from, access(from_ca))]),
        now: AtomicU64::new(0),
        most: AtomicU64::new(0),
    }));
    let destination = registries(&[(to, access(to_ca))]);
    let outcome = upload(request, &source, &destination, &()).await;
    assert_no_failure(&outcome);
    assert!(outcome.bytes_sent >= load.images * load.layers * load.layer as u64);
    assert_eq!(source.most.load(Ordering::SeqCst), load.images * load.layers);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    println!("peak: {peak}");
}
