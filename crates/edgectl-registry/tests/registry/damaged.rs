//! Registries that have damaged copies of blobs, and what becomes of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use edgectl_registry::{
    Access, ImageRequest, Journal, Layout, Registries, RegistryError, UploadOutcome, UploadRequest,
    forecast, upload_from,
};
use edgectl_testkit::{TinyImage, TinyLayout};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::bench::{assert_no_failure, reference};
use crate::fake::{Asked, Fake, answer};
use crate::holes::SHORT;

/// What a registry does with what it is sent in place of a damaged copy.
#[derive(Clone, Copy, PartialEq)]
enum Sent {
    /// It says that it took it, and keeps its own.
    Keeps,
    /// It says that it took it, and has nothing any more.
    Loses,
    /// It can't at first, and takes it then.
    Busy,
    /// It takes nothing, and mounts everything.
    Refused,
}

const CUT: &str = "HTTP/1.1 200 X\r\nContent-Length: 7\r\n\r\n";

async fn registry(sent: Sent) -> Fake {
    let puts: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
    Fake::start(move |asked, _| {
        let (method, rest) = asked.line.split_once(' ').unwrap();
        let mut puts = puts.lock().unwrap();
        let count = puts.entry(digest_in(asked)).or_default();
        match method {
            "HEAD" if rest.contains("/manifests/") => answer(404, "", ""),
            "HEAD" => match (sent, *count) {
                // Without its size.
                (Sent::Busy, 2..) => "HTTP/1.1 200 X\r\n\r\n".to_owned(),
                (Sent::Loses, 1..) => answer(404, "", ""),
                _ => CUT.to_owned(),
            },
            "GET" if rest.contains("/blobs/") => format!("{CUT}1234567"),
            "GET" if rest.contains("/referrers/") => answer(404, "", ""),
            "POST" if rest.contains("mount=") => answer(201, "Location: /v2/x\r\n", ""),
            "POST" if sent == Sent::Refused => answer(403, "", ""),
            "POST" => answer(202, "Location: /up\r\n", ""),
            "PUT" => {
                *count += 1;
                let is_busy = sent == Sent::Busy && *count == 1 && rest.starts_with("/up");
                answer(if is_busy { 503 } else { 201 }, "", "")
            }
            _ => answer(200, "", "{}"),
        }
    })
    .await
}

/// The digest in a request's first line.
fn digest_in(asked: &Asked) -> String {
    let hex = asked.line.split_once("sha256").map_or("", |(_, rest)| rest);
    let hex = hex.trim_start_matches([':', '%']).trim_start_matches("3A");
    hex.split([' ', '&']).next().unwrap_or_default().to_owned()
}

/// Images that share a layer.
struct Images {
    dir: TempDir,
    layer: String,
    requests: Vec<ImageRequest>,
}

impl Images {
    fn new(count: usize, fake: &Fake) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut tiny = TinyLayout::new(dir.path()).unwrap();
        let mut images = Self { dir, layer: String::new(), requests: Vec::new() };
        for n in 0..count {
            let image = TinyImage::new("amd64").label(&n.to_string()).random_layer(9000, 5);
            let written = tiny.image(&image).unwrap();
            let source = format!("src.example/{n}:1");
            tiny.name(&source, &written).unwrap();
            let target = reference(&format!("{}/edge/{n}:1", fake.address));
            let path = images.dir.path().join("blobs/sha256").join(written.digest.hex());
            let manifest: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
            images.layer = manifest["layers"][0]["digest"].as_str().unwrap().to_owned();
            let source = reference(&source);
            images.requests.push(ImageRequest { source, digest: None, target });
        }
        images
    }

    async fn send(&self, registries: &Registries) -> UploadOutcome {
        let layout = Layout::open(self.dir.path()).unwrap();
        let request = UploadRequest::new(self.requests.clone(), 2);
        upload_from(request, &layout, registries, &()).await
    }

    /// How often the layer was sent.
    fn sent(&self, fake: &Fake) -> usize {
        let hex = self.layer.trim_start_matches("sha256:");
        let is_it = |asked: &&Asked| asked.line.starts_with("PUT") && digest_in(asked) == hex;
        fake.asked().iter().filter(is_it).count()
    }
}

fn open(fake: &Fake) -> Registries {
    let access = Access { insecure: true, ..Access::default() };
    Registries::single(&fake.address, access).with_patience(SHORT)
}

#[tokio::test]
async fn what_is_kept_is_sent_once_for_all_images() {
    let fake = registry(Sent::Keeps).await;
    let images = Images::new(4, &fake);
    let outcome = images.send(&open(&fake)).await;
    let failed: Vec<_> = outcome.failed().collect();
    assert_eq!(failed.len(), 4);
    assert!(failed.iter().all(|(_, error)| matches!(error, RegistryError::Kept { .. })));
    assert_eq!(images.sent(&fake), 1);
}

#[tokio::test]
async fn what_is_taken_and_lost_is_told() {
    let fake = registry(Sent::Loses).await;
    let outcome = Images::new(1, &fake).send(&open(&fake)).await;
    let (_, error) = outcome.failed().next().unwrap();
    assert!(matches!(error, RegistryError::Lost { .. }), "{error}");
}

#[tokio::test]
async fn a_failure_on_the_way_is_tried_again() {
    let fake = registry(Sent::Busy).await;
    let images = Images::new(1, &fake);
    assert_no_failure(&images.send(&open(&fake)).await);
    assert_eq!(images.sent(&fake), 2);
}

/// A mount of a damaged copy that can't be replaced is no success.
#[tokio::test]
async fn what_is_mounted_damaged_and_not_replaced_is_told() {
    let fake = registry(Sent::Refused).await;
    let images = Images::new(1, &fake);
    let elsewhere = format!("{}/edge/elsewhere", fake.address);
    let path = images.dir.path().join("journal");
    let blob = json!({"blob": {"repository": elsewhere, "digest": images.layer}});
    std::fs::write(&path, format!("{blob}\n")).unwrap();
    let registries = open(&fake).with_journal(Journal::open(&path).unwrap().unwrap());
    let outcome = images.send(&registries).await;
    assert!(fake.asked().iter().any(|asked| asked.line.contains("mount=")));
    assert_eq!(outcome.failed().count(), 1, "{outcome:?}");
    assert_eq!(fake.count("PUT"), 0, "no manifest either");
}

/// The plan says that it is going to be sent.
#[tokio::test]
async fn a_plan_counts_a_damaged_copy_as_nothing() {
    let fake = registry(Sent::Keeps).await;
    let images = Images::new(1, &fake);
    let layout = Layout::open(images.dir.path()).unwrap();
    let request = UploadRequest::new(images.requests.clone(), 2);
    let forecast = forecast(&request, &layout, &open(&fake)).await.unwrap();
    assert_eq!((forecast.to_send.0, forecast.there.0), (2, 0));
}
