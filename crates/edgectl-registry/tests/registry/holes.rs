//! What is missing or wrong behind names that look right.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use edgectl_model::{Digest, Platform, Prefix};
use edgectl_registry::{
    Access, Again, CheckRequest, Depth, ImageOutcome, ImageRequest, Journal, Layout, Patience,
    PruneRequest, Registries, RegistryError, UploadOutcome, UploadRequest, Verdict, VerifyRequest,
    forecast, plan_prune, preflight, upload_from, verify,
};
use edgectl_testkit::{TinyImage, TinyLayout, Written};
use serde_json::{Value, json};

use crate::bench::{Bench, assert_no_failure, reference};
use crate::fake::{Asked, Fake, answer};

/// For answers that don't get better.
pub(crate) const SHORT: Patience = Patience {
    first_wait: Duration::from_millis(1),
    longest_wait: Duration::from_millis(1),
    stall: Duration::from_secs(30),
    store: Duration::from_secs(30),
};

fn open(fake: &Fake) -> Registries {
    let access = Access { insecure: true, ..Access::default() };
    Registries::single(&fake.address, access)
}

/// Puts an image into the layout; gives the request that sends it.
fn image(bench: &Bench, tiny: &mut TinyLayout, label: &str, to: &str) -> (Written, ImageRequest) {
    let written = tiny.image(&TinyImage::new("amd64").label(label).random_layer(9000, 5)).unwrap();
    let source = format!("src.example/{label}:1");
    tiny.name(&source, &written).unwrap();
    let request =
        ImageRequest { source: reference(&source), digest: None, target: bench.target(to) };
    (written, request)
}

fn blob_path(bench: &Bench, digest: &Digest) -> PathBuf {
    bench.layout_dir().join("blobs/sha256").join(digest.hex())
}

/// The manifest of an image of the layout.
fn manifest_of(bench: &Bench, written: &Written) -> Value {
    serde_json::from_slice(&std::fs::read(blob_path(bench, &written.digest)).unwrap()).unwrap()
}

/// Puts a manifest into the layout; gives a request for it.
fn altered(bench: &Bench, manifest: &Value, to: &str) -> ImageRequest {
    let bytes = manifest.to_string();
    let digest = Digest::sha256(bytes.as_bytes());
    std::fs::write(blob_path(bench, &digest), bytes).unwrap();
    ImageRequest {
        source: reference(&format!("src.example/altered@{digest}")),
        digest: None,
        target: bench.target(to),
    }
}

async fn send(bench: &Bench, images: Vec<ImageRequest>, registries: &Registries) -> UploadOutcome {
    let layout = Layout::open(bench.layout_dir()).unwrap();
    upload_from(UploadRequest::new(images, 4), &layout, registries, &()).await
}

fn failures(outcome: &UploadOutcome) -> Vec<String> {
    outcome.failed().map(|(_, error)| error.to_string()).collect()
}

/// A manifest that is wrong about a size is refused, also where somebody has
/// brought the blob before: runtimes don't take it.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_size_is_found_whoever_has_the_blob() {
    let bench = Bench::new();
    let (written, good) = image(&bench, &mut bench.tiny(), "good", "edge/good:1");
    let mut manifest = manifest_of(&bench, &written);
    manifest["layers"][0]["size"] = json!(9001);
    let bad = |to: &str| altered(&bench, &manifest, to);

    let outcome = send(&bench, vec![good.clone(), bad("edge/bad:1")], &bench.registries()).await;
    let failed = failures(&outcome);
    assert!(matches!(failed.as_slice(), [one] if one.contains("other content")), "{failed:?}");

    // In the same repository, in another one, and by what a journal knows.
    let journal = bench.dir.path().join("journal");
    let journaled = || bench.registries().with_journal(Journal::open(&journal).unwrap().unwrap());
    let there = ImageRequest { target: bench.target("edge/good:2"), ..good };
    assert_no_failure(&send(&bench, vec![there], &journaled()).await);
    for to in ["edge/good:3", "edge/other:1"] {
        let outcome = send(&bench, vec![bad(to)], &journaled()).await;
        assert_eq!(failures(&outcome).len(), 1, "{to}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_is_wrong_about_a_size_is_refused() {
    let bench = Bench::new();
    let (written, _) = image(&bench, &mut bench.tiny(), "child", "edge/child:1");
    let media_type = "application/vnd.oci.image.index.v1+json";
    let mut index = json!({"schemaVersion": 2, "mediaType": media_type, "manifests": [
        {"mediaType": "application/vnd.oci.image.manifest.v1+json",
         "digest": written.digest, "size": written.size}]});
    let right = altered(&bench, &index, "edge/right:1");
    assert_no_failure(&send(&bench, vec![right], &bench.registries()).await);
    index["manifests"][0]["size"] = json!(written.size + 1);
    let wrong = altered(&bench, &index, "edge/wrong:1");
    let failed = failures(&send(&bench, vec![wrong], &bench.registries()).await);
    assert!(failed.iter().any(|text| text.contains("its index names it with")), "{failed:?}");
}

/// Where the registry keeps a layer of a repository, or its bytes.
fn layer_path(bench: &Bench, written: &Written, below: &str) -> PathBuf {
    let manifest = manifest_of(bench, written);
    let digest = Digest::parse(manifest["layers"][0]["digest"].as_str().unwrap()).unwrap();
    let hex = digest.hex();
    let rest = match below {
        "" => format!("blobs/sha256/{}/{hex}/data", &hex[..2]),
        repository => format!("repositories/{repository}/_layers/sha256/{hex}"),
    };
    bench.dir.path().join("storage/docker/registry/v2").join(rest)
}

async fn verdict(bench: &Bench, written: &Written, name: &str) -> Verdict {
    let request = VerifyRequest { target: bench.target(name), digest: written.digest.clone() };
    let found = verify(vec![request], &bench.registries(), Depth::Contents, 2).await.unwrap();
    found.into_iter().next().unwrap().verdict
}

/// What a registry has lost of an image that it has is sent again, if it is
/// asked for.
#[tokio::test(flavor = "multi_thread")]
async fn an_image_with_holes_is_repaired() {
    let bench = Bench::new();
    let (written, request) = image(&bench, &mut bench.tiny(), "app", "edge/app:1");
    assert_no_failure(&send(&bench, vec![request.clone()], &bench.registries()).await);
    std::fs::remove_dir_all(layer_path(&bench, &written, "edge/app")).unwrap();
    assert!(matches!(verdict(&bench, &written, "edge/app:1").await, Verdict::Damaged(_)));

    let pinned = ImageRequest { digest: Some(written.digest.clone()), ..request.clone() };
    for (again, image, is_copied, was_whole) in [
        (Again::Nothing, &request, false, false),
        (Again::Attachments, &request, false, false),
        (Again::All, &pinned, true, false),
        // What is whole by now is there already: nothing is sent.
        (Again::All, &request, false, true),
        (Again::All, &pinned, false, true),
    ] {
        let layout = Layout::open(bench.layout_dir()).unwrap();
        let upload = UploadRequest { again, ..UploadRequest::new(vec![image.clone()], 2) };
        let foretold = forecast(&upload, &layout, &bench.registries()).await.unwrap();
        let expected = matches!(foretold.images[0].outcome, ImageOutcome::Copied(_));
        assert_eq!(expected, is_copied, "{again:?}");
        assert_eq!((foretold.to_send.0, foretold.to_mount.0), (u64::from(is_copied), 0));
        let registries = bench.registries();
        let outcome = upload_from(upload, &layout, &registries, &()).await;
        assert_eq!(foretold.requests, registries.requests(), "{again:?}");
        assert_no_failure(&outcome);
        let found = matches!(outcome.images[0].outcome, ImageOutcome::Copied(_));
        assert_eq!(found, is_copied, "{again:?}");
        let is_whole = matches!(verdict(&bench, &written, "edge/app:1").await, Verdict::Same);
        assert_eq!(is_whole, is_copied || was_whole, "{again:?}");
        assert_eq!((outcome.blobs_sent, outcome.blobs_mounted), (u64::from(is_copied), 0));
    }
}

/// Half a blob in the registry's store has the right name and the wrong size.
#[tokio::test(flavor = "multi_thread")]
async fn half_a_blob_is_no_blob() {
    let bench = Bench::new();
    let mut tiny = bench.tiny();
    let (written, request) = image(&bench, &mut tiny, "one", "edge/app:1");
    assert_no_failure(&send(&bench, vec![request], &bench.registries()).await);
    let data = layer_path(&bench, &written, "");
    let bytes = std::fs::read(&data).unwrap();
    std::fs::write(&data, &bytes[..1000]).unwrap();
    let (_, other) = image(&bench, &mut tiny, "two", "edge/app:2");
    // It is sent once more, which this registry answers with 201 and no more.
    let outcome = send(&bench, vec![other], &bench.registries()).await;
    let (_, error) = outcome.failed().next().unwrap();
    assert!(matches!(error, RegistryError::Kept { .. }), "{error}");
    let text = error.to_string();
    assert!(text.ends_with("the damaged copy that it had: it ends after 1000 bytes"), "{text}");
}

/// A repository that has lost a layer doesn't show that the store's copy is
/// damaged, until it is sent.
#[tokio::test(flavor = "multi_thread")]
async fn half_a_blob_behind_a_hole_is_found_by_repairing() {
    let bench = Bench::new();
    let (written, request) = image(&bench, &mut bench.tiny(), "one", "edge/app:1");
    assert_no_failure(&send(&bench, vec![request.clone()], &bench.registries()).await);
    std::fs::remove_dir_all(layer_path(&bench, &written, "edge/app")).unwrap();
    std::fs::write(layer_path(&bench, &written, ""), "half").unwrap();
    let layout = Layout::open(bench.layout_dir()).unwrap();
    let upload = UploadRequest { again: Again::All, ..UploadRequest::new(vec![request], 2) };
    let outcome = upload_from(upload, &layout, &bench.registries(), &()).await;
    let (_, error) = outcome.failed().next().unwrap();
    assert!(matches!(error, RegistryError::Kept { .. }), "{error}");
}

/// A registry that takes what it is sent in the place of half a blob is mended.
#[tokio::test]
async fn half_a_blob_that_is_replaced_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut tiny = TinyLayout::new(dir.path()).unwrap();
    let written = tiny.image(&TinyImage::new("amd64").random_layer(9000, 5)).unwrap();
    tiny.name("src.example/a:1", &written).unwrap();
    let cut = "HTTP/1.1 200 X\r\nContent-Length: 7\r\n\r\n";
    let sent: Arc<Mutex<HashSet<String>>> = Arc::default();
    let fake = Fake::start(move |asked, _| {
        let (method, rest) = asked.line.split_once(' ').unwrap();
        let hex = rest.split_once("sha256").map_or("", |(_, rest)| rest);
        let hex = hex.trim_start_matches([':', '%']).trim_start_matches("3A");
        let digest = hex.split(' ').next().unwrap_or_default();
        let is_sent = sent.lock().unwrap().contains(digest);
        match method {
            "HEAD" if rest.contains("/manifests/") => answer(404, "", ""),
            // It doesn't say the size of what it was sent.
            "HEAD" if is_sent => "HTTP/1.1 200 X\r\n\r\n".to_owned(),
            "HEAD" => cut.to_owned(),
            "GET" if rest.contains("/blobs/") => format!("{cut}1234567"),
            "GET" if rest.contains("/referrers/") => answer(404, "", ""),
            "POST" => answer(202, "Location: /up\r\n", ""),
            "PUT" => {
                sent.lock().unwrap().insert(digest.to_owned());
                answer(201, "", "")
            }
            _ => answer(200, "", "{}"),
        }
    })
    .await;
    let target = reference(&format!("{}/edge/app:1", fake.address));
    let request = ImageRequest { source: reference("src.example/a:1"), digest: None, target };
    let layout = Layout::open(dir.path()).unwrap();
    let request = UploadRequest::new(vec![request], 2);
    let registries = open(&fake).with_patience(SHORT);
    let outcome = upload_from(request, &layout, &registries, &()).await;
    assert_no_failure(&outcome);
    assert!(outcome.blobs_sent > 1, "{outcome:?}");
    assert_eq!(outcome.blobs_sent as usize, fake.count("POST"));
}

/// A registry that isn't well says nothing about what it has.
#[tokio::test]
async fn what_cannot_be_told_is_no_damage() {
    let manifest = json!({"schemaVersion": 2, "layers": []}).to_string();
    let digest = Digest::sha256(manifest.as_bytes());
    for status in [403, 500] {
        let header = format!("Docker-Content-Digest: {digest}\r\n");
        let fake = Fake::start(move |asked, _| match asked.line.split(' ').next() {
            Some("HEAD") => answer(200, &header, ""),
            Some(_) if asked.line.contains("/manifests/") => answer(status, "", ""),
            _ => answer(200, "", ""),
        })
        .await;
        let registries = open(&fake).with_patience(SHORT);
        let target = reference(&format!("{}/edge/app:1", fake.address));
        let request = VerifyRequest { target, digest: digest.clone() };
        let found = verify(vec![request], &registries, Depth::Contents, 2).await.unwrap();
        assert!(matches!(found[0].verdict, Verdict::Unknown(_)), "{status}: {:?}", found[0]);
    }
}

/// A registry whose list of tags has two pages; `link` says where the second
/// one is.
async fn paged(link: &'static str) -> (Fake, Digest) {
    let manifest = json!({"schemaVersion": 2, "layers": [],
        "mediaType": "application/vnd.oci.image.manifest.v1+json"});
    let manifest = manifest.to_string();
    let digest = Digest::sha256(manifest.as_bytes());
    let header = format!("Docker-Content-Digest: {digest}\r\n");
    let answers = move |asked: &Asked, _: usize| {
        let line = &asked.line;
        if line.contains("/tags/list") {
            return match line.contains("last=") {
                true => answer(200, "", r#"{"tags": ["theirs"]}"#),
                false => answer(200, &format!("Link: {link}\r\n"), r#"{"tags": ["ours"]}"#),
            };
        }
        if line.contains("/manifests/ours") || line.contains("/manifests/theirs") {
            return answer(200, &header, &manifest);
        }
        match line.contains("/manifests/sha256:") {
            true => answer(200, &header, &manifest),
            false if line.starts_with("GET /v2/ ") => answer(200, "", "{}"),
            false => answer(404, "", "{}"),
        }
    };
    (Fake::start(answers).await, digest)
}

async fn planned(link: &'static str) -> Result<usize, String> {
    let (fake, digest) = paged(link).await;
    let target = reference(&format!("{}/edge/app:ours", fake.address));
    let request = PruneRequest {
        prefix: Prefix::parse(&format!("{}/edge", fake.address)).unwrap(),
        old: vec![VerifyRequest { target, digest }],
        keep: Vec::new(),
        jobs: 1,
    };
    let plan = plan_prune(&request, &open(&fake)).await.map_err(|error| error.to_string())?;
    Ok(plan
        .iter()
        .filter(|item| item.action == edgectl_registry::PruneAction::DeleteManifest)
        .count())
}

/// What stands on a later page keeps a manifest as well as what stands on the
/// first one, wherever the registry thinks that it is.
#[tokio::test]
async fn lists_are_read_to_their_end() {
    for link in [
        "</v2/edge/app/tags/list?last=ours&n=1>; rel=\"next\"",
        "<http://inner.example:5000/v2/edge/app/tags/list?last=ours&n=1>; rel=\"next\"",
        "<https://{address}/v2/edge/app/tags/list?last=ours>; rel=\"next\"",
        "</v2/edge/app/tags/list>; rel=\"first\", </v2/edge/app/tags/list?last=ours>; rel=\"next\"",
    ] {
        assert_eq!(planned(link).await, Ok(0), "{link}");
    }
    let error = planned("</v2/edge/app/tags/list>; rel=\"next\"").await.unwrap_err();
    assert!(error.contains("the page itself"), "{error}");
}

/// A host may stand before several registries, and not all of them know what
/// refers to what.
#[tokio::test(flavor = "multi_thread")]
async fn one_repository_without_referrers_says_nothing_of_others() {
    let bench = Bench::new();
    let config = "{}";
    let config_digest = Digest::sha256(config.as_bytes());
    let manifest = json!({"schemaVersion": 2, "layers": [],
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": config_digest, "size": 2}});
    let subject = Digest::sha256(manifest.to_string().as_bytes());
    let mut signature = manifest.clone();
    signature["subject"] = json!({"digest": subject, "size": manifest.to_string().len(),
        "mediaType": manifest["mediaType"]});
    let (manifest, signature) = (manifest.to_string(), signature.to_string());
    let own = Digest::sha256(signature.as_bytes());
    let list = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{"digest": own, "size": signature.len(),
            "mediaType": "application/vnd.oci.image.manifest.v1+json"}]})
    .to_string();
    let kind = "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n";
    let fake = Fake::start(move |asked, _| match asked.line.split(' ').nth(1).unwrap() {
        "/v2/" => answer(200, "", "{}"),
        path if path.starts_with("/v2/b/app/referrers/") && path.contains(subject.hex()) => {
            answer(200, "Content-Type: application/vnd.oci.image.index.v1+json\r\n", &list)
        }
        path if path.ends_with(own.as_str()) => answer(200, kind, &signature),
        path if path.ends_with("/manifests/1") => answer(200, kind, &manifest),
        path if path.contains("/blobs/") => answer(200, "", config),
        _ => answer(404, "", "{}"),
    })
    .await;
    let registries = crate::bench::registries(&[
        (&bench.host(), bench.access()),
        (&fake.address, Access { insecure: true, ..Access::default() }),
    ]);
    for (name, copied) in [("a", 0), ("b", 1)] {
        let source = reference(&format!("{}/{name}/app:1", fake.address));
        let image =
            ImageRequest { source, digest: None, target: bench.target(&format!("edge/{name}:1")) };
        let request = UploadRequest::new(vec![image], 1);
        assert_no_failure(&edgectl_registry::upload(request, &registries, &registries, &()).await);
        let asked = fake.count(&format!("GET /v2/{name}/app/manifests/sha256:"));
        assert!(asked >= copied, "{name}");
    }
    assert_eq!(fake.count("GET /v2/b/app/referrers/"), 2, "the image, and its signature");
}

/// Rights may be given for repositories one by one.
#[tokio::test]
async fn the_look_before_an_upload_asks_for_a_planned_repository() {
    for status in [403, 404] {
        let fake = Fake::start(move |asked, _| {
            let is_upload = asked.line.starts_with("POST ") && asked.line.contains("/uploads/");
            match is_upload {
                true if asked.line.contains("/edge/app/") => {
                    answer(202, "Location: /v2/edge/app/blobs/uploads/1\r\n", "")
                }
                true => answer(status, "", "{}"),
                false => answer(200, "", "{}"),
            }
        })
        .await;
        let prefix = Prefix::parse(&format!("{}/edge", fake.address)).unwrap();
        for (planned, is_right) in
            [(&["edge/app"][..], true), (&["edge/other"], false), (&["edge/a", "edge/app"], true)]
        {
            let repositories = planned.iter().map(|path| (*path).to_owned()).collect();
            let request =
                CheckRequest { prefix: &prefix, repositories: &repositories, create: false };
            let checked = preflight(&open(&fake), request).await;
            assert_eq!(checked.is_ok(), is_right, "{status} {planned:?}: {checked:?}");
            // Plain HTTP is found out by asking in vain.
            let requests = checked.map_or(0, |checked| checked.requests);
            assert!(requests <= 8, "{requests}");
        }
    }
}

/// An image of one platform that isn't the wanted one is not copied.
#[tokio::test(flavor = "multi_thread")]
async fn another_platform_is_no_stand_in() {
    let bench = Bench::new();
    let (_, request) = image(&bench, &mut bench.tiny(), "app", "edge/app:1");
    let sent = AtomicU64::new(0);
    for (wanted, is_copied) in [(vec!["arm64"], false), (vec!["arm64", "amd64"], true)] {
        let layout = Layout::open(bench.layout_dir()).unwrap();
        let platforms = wanted.iter().map(|arch| Platform::new("linux", *arch)).collect();
        let upload = UploadRequest { platforms, ..UploadRequest::new(vec![request.clone()], 2) };
        let outcome = upload_from(upload, &layout, &bench.registries(), &()).await;
        sent.fetch_add(outcome.blobs_sent, Ordering::Relaxed);
        let failed = failures(&outcome);
        assert_eq!(failed.is_empty(), is_copied, "{failed:?}");
        assert_eq!(sent.load(Ordering::Relaxed) > 0, is_copied);
        assert!(is_copied || failed[0].ends_with(": it has linux/amd64"), "{failed:?}");
    }
}

/// A registry may put one referrer on each page, and none of them is lost.
#[tokio::test]
async fn referrers_of_many_pages_are_all_taken() {
    let pages = 25;
    let manifest = json!({"schemaVersion": 2, "layers": [],
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.empty.v1+json",
            "digest": Digest::sha256(b"{}"), "size": 2}});
    let subject = Digest::sha256(manifest.to_string().as_bytes());
    let signature = |n: usize| {
        let mut signature = manifest.clone();
        signature["annotations"] = json!({"n": n.to_string()});
        signature["subject"] = json!({"digest": subject, "size": manifest.to_string().len(),
            "mediaType": manifest["mediaType"]});
        signature.to_string()
    };
    let signatures: Vec<String> = (0..pages).map(signature).collect();
    let by_digest = |text: &String| (Digest::sha256(text.as_bytes()).to_string(), text.clone());
    let known: std::collections::BTreeMap<_, _> = signatures.iter().map(by_digest).collect();
    let (whole, listed) = (manifest.to_string(), signatures);
    let kind = "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n";
    let list = move |page: usize| {
        let digest = Digest::sha256(listed[page].as_bytes());
        let body = json!({"schemaVersion": 2, "manifests": [{"digest": digest,
            "size": listed[page].len(), "mediaType": "application/vnd.oci.image.manifest.v1+json"}]});
        let next = format!("Link: </v2/app/referrers/x?page={}>; rel=\"next\"\r\n", page + 1);
        let link = if page + 1 < pages { next } else { String::new() };
        let kind = "Content-Type: application/vnd.oci.image.index.v1+json\r\n";
        answer(200, &format!("{kind}{link}"), &body.to_string())
    };
    let fake = Fake::start(move |asked, _| match asked.line.split(' ').nth(1).unwrap() {
        "/v2/" => answer(200, "", "{}"),
        path if path.contains("/referrers/x?page=") => {
            list(path.rsplit('=').next().unwrap().parse().unwrap())
        }
        path if path.ends_with(&format!("/referrers/{subject}")) => list(0),
        path if path.ends_with("/manifests/1") => answer(200, kind, &whole),
        path if path.contains("/blobs/") => answer(200, "", "{}"),
        path => match known.get(path.rsplit('/').next().unwrap()) {
            Some(signature) => answer(200, kind, signature),
            None => answer(404, "", "{}"),
        },
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let server = edgectl_testkit::RegistryServer::start(&edgectl_testkit::RegistryOptions::below(
        dir.path(),
    ))
    .unwrap();
    let access = || Access { insecure: true, ..Access::default() };
    let registries =
        crate::bench::registries(&[(&server.address(), access()), (&fake.address, access())]);
    let image = ImageRequest {
        source: reference(&format!("{}/app:1", fake.address)),
        digest: None,
        target: reference(&format!("{}/edge/app:1", server.address())),
    };
    let request = UploadRequest::new(vec![image], 1);
    assert_no_failure(&edgectl_registry::upload(request, &registries, &registries, &()).await);
    let fetched = fake.asked().into_iter().filter(|asked| {
        asked.line.starts_with("GET ") && asked.line.contains("/manifests/sha256:")
    });
    assert!(fetched.count() >= pages);
}
