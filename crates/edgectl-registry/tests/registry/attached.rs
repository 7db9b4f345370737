//! Signatures and whatever else is attached follow their image; platforms can
//! be chosen.

use edgectl_model::{Digest, Platform};
use edgectl_registry::{
    Again, ErrorKind, Registries, Source, UploadOutcome, UploadRequest, upload, upload_from,
};
use edgectl_testkit::{TinyImage, TinyLayout, Written};
use serde_json::{Value, json};

use crate::bench::{Bench, assert_no_failure, reference};
use crate::chaos::{Chaos, Flavor};

fn tag_of(digest: &Digest) -> String {
    format!("sha256-{}", digest.hex())
}

/// An index of two images; a list of contents at the index, a signature of
/// that list, an attestation at one of the images, a signature by tag.
struct Signed {
    index: Written,
    arm: Written,
    sbom: Written,
}

fn signed(tiny: &mut TinyLayout) -> Signed {
    let amd = tiny.image(&TinyImage::new("amd64").random_layer(1000, 1)).unwrap();
    let arm = tiny.image(&TinyImage::new("arm64").random_layer(1000, 2)).unwrap();
    let index = tiny.index(&[amd, arm.clone()]).unwrap();
    let sbom = tiny.attach(&index, "application/spdx+json", b"packages").unwrap();
    let names = [
        ("1", index.clone()),
        ("x1", sbom.clone()),
        ("x2", tiny.attach(&sbom, "application/vnd.dev.sigstore", b"signature").unwrap()),
        ("x3", tiny.attach(&arm, "application/vnd.in-toto+json", b"provenance").unwrap()),
    ];
    for (tag, written) in &names {
        tiny.name(&format!("src.example/app:{tag}"), written).unwrap();
    }
    let signature = tiny.image(&TinyImage::new("amd64").label("signature")).unwrap();
    let tag = format!("{}.sig", tag_of(&index.digest));
    tiny.name(&format!("src.example/app:{tag}"), &signature).unwrap();
    Signed { index, arm, sbom }
}

async fn copy(
    request: Vec<edgectl_registry::ImageRequest>,
    platforms: &[Platform],
    registries: &Registries,
) -> UploadOutcome {
    let platforms = platforms.to_vec();
    let request = UploadRequest { platforms, ..UploadRequest::new(request, 4) };
    upload(request, registries, registries, &()).await
}

/// What is listed under a digest's tag.
async fn listed(bench: &Bench, repository: &str, subject: &Digest) -> Vec<String> {
    let tag = bench.target(&format!("{repository}:{}", tag_of(subject)));
    let raw = bench.registries().manifest(&tag, None).await.unwrap();
    let index: Value = serde_json::from_slice(raw.bytes()).unwrap();
    let entries = index["manifests"].as_array().unwrap().iter();
    entries.map(|entry| entry["artifactType"].as_str().unwrap().to_owned()).collect()
}

/// Debian's registry has no referrers API: tags stand in for it.
#[tokio::test(flavor = "multi_thread")]
async fn everything_attached_comes_along_by_tags() {
    let bench = Bench::new();
    let signed = signed(&mut bench.tiny());
    let signature = format!("{}.sig", tag_of(&signed.index.digest));
    let tags = ["1", "x1", "x2", "x3", &signature];
    let names = tags.map(|tag| (format!("src.example/app:{tag}"), format!("src/app:{tag}")));
    let names: Vec<_> = names.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    assert_no_failure(&bench.send(&names).await);

    let registries = bench.registries();
    let outcome = copy(vec![bench.copy("src/app:1", "edge/app:1")], &[], &registries).await;
    assert_no_failure(&outcome);
    let index = &signed.index.digest;
    assert_eq!(listed(&bench, "edge/app", index).await, ["application/spdx+json"]);
    let deeper = listed(&bench, "edge/app", &signed.sbom.digest).await;
    assert_eq!(deeper, ["application/vnd.dev.sigstore"]);
    let at_child = listed(&bench, "edge/app", &signed.arm.digest).await;
    assert_eq!(at_child, ["application/vnd.in-toto+json"]);
    let by_tag = bench.target(&format!("edge/app:{signature}"));
    assert!(registries.look(&by_tag).await.unwrap().is_some());
    // The tags that only this test gave them stay behind.
    assert!(registries.look(&bench.target("edge/app:x1")).await.unwrap().is_none());
}

#[tokio::test]
async fn everything_attached_comes_along_by_the_api() {
    let dir = tempfile::tempdir().unwrap();
    let mut tiny = TinyLayout::new(dir.path()).unwrap();
    let signed = signed(&mut tiny);
    let chaos = Chaos::start(Flavor::default()).await;
    let registries = Registries::single(&chaos.address, chaos.access());
    let layout = edgectl_registry::Layout::open(dir.path()).unwrap();
    let target = |text: &str| reference(&format!("{}/{text}", chaos.address));
    let images = ["1", "x1", "x2", "x3"].map(|tag| edgectl_registry::ImageRequest {
        source: reference(&format!("src.example/app:{tag}")),
        digest: None,
        target: target(&format!("src/app:{tag}")),
    });
    let request = UploadRequest::new(images.to_vec(), 2);
    assert_no_failure(&upload_from(request, &layout, &registries, &()).await);
    let image = edgectl_registry::ImageRequest {
        source: target("src/app:1"),
        digest: None,
        target: target("edge/app:1"),
    };
    assert_no_failure(&copy(vec![image], &[], &registries).await);
    let inner = chaos.inner();
    let of = |repository: &str| inner.manifests.keys().filter(|(r, _)| r == repository).count();
    assert_eq!((of("edge/app"), of("src/app")), (6, 6));
    assert!(inner.manifests.contains_key(&("edge/app".to_owned(), signed.sbom.digest.to_string())));
    // The registry keeps the lists itself.
    assert!(!inner.tags.keys().any(|(_, tag)| tag.starts_with("sha256-")));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_platform_keeps_its_digest_and_several_get_an_index() {
    let bench = Bench::new();
    let mut tiny = bench.tiny();
    let arms = ["amd64", "arm64", "s390x"]
        .map(|arch| tiny.image(&TinyImage::new(arch).random_layer(1000, 1)).unwrap());
    let index = tiny.index(&arms).unwrap();
    tiny.name("src.example/app:1", &index).unwrap();
    assert_no_failure(&bench.send(&[("src.example/app:1", "src/app:1")]).await);
    let registries = bench.registries();
    let linux = |arch| Platform::new("linux", arch);
    let images = || vec![bench.copy("src/app:1", "edge/app:1")];
    let digest = |outcome: &UploadOutcome| {
        assert_no_failure(outcome);
        outcome.images[0].outcome.pinned().unwrap().digest.clone()
    };
    let one = copy(images(), &[linux("arm64")], &registries).await;
    assert_eq!(digest(&one), arms[1].digest);
    let two = copy(images(), &[linux("arm64"), linux("amd64")], &registries).await;
    let pinned = two.images[0].outcome.pinned().unwrap();
    assert_eq!(pinned.platforms, [linux("amd64"), linux("arm64")]);
    assert!(pinned.digest != index.digest && two.blobs_sent == 0);
    let again = copy(images(), &[linux("amd64"), linux("arm64")], &registries).await;
    assert_eq!((digest(&again), again.bytes_sent), (digest(&two), 0));
    let error = copy(images(), &[linux("riscv64")], &registries).await;
    let (_, error) = error.failed().next().unwrap();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("linux/s390x"), "{error}");
}

/// What is signed a day later comes along when that is asked for, and only
/// that is sent.
#[tokio::test(flavor = "multi_thread")]
async fn attachments_of_images_that_are_there() {
    let bench = Bench::new();
    let mut tiny = bench.tiny();
    let image = tiny.image(&TinyImage::new("amd64").random_layer(1000, 1)).unwrap();
    tiny.name("src.example/app:1", &image).unwrap();
    assert_no_failure(&bench.send(&[("src.example/app:1", "src/app:1")]).await);
    let registries = bench.registries();
    let copying = |again| {
        let request = UploadRequest::new(vec![bench.copy("src/app:1", "edge/app:1")], 4);
        let request = UploadRequest {
            again: if again { Again::Attachments } else { Again::Nothing },
            ..request
        };
        upload(request, &registries, &registries, &())
    };
    assert_no_failure(&copying(false).await);

    let tag = format!("{}.sig", tag_of(&image.digest));
    let signature = tiny.image(&TinyImage::new("amd64").label("signature")).unwrap();
    let list = tiny.attach(&image, "application/spdx+json", b"packages").unwrap();
    tiny.name(&format!("src.example/app:{tag}"), &signature).unwrap();
    tiny.name("src.example/app:list", &list).unwrap();
    let names = [
        (format!("src.example/app:{tag}"), format!("src/app:{tag}")),
        ("src.example/app:list".to_owned(), "src/app:list".to_owned()),
    ];
    for (from, to) in &names {
        assert_no_failure(&bench.send(&[(from, to)]).await);
    }
    let there = async || {
        let at = bench.target("edge/app:1");
        registries.attached(&at, &image.digest).await.unwrap().len()
    };
    assert_no_failure(&copying(false).await);
    assert_eq!(there().await, 0, "one request says that the image is there");
    let outcome = copying(true).await;
    assert_no_failure(&outcome);
    assert!(matches!(outcome.images[0].outcome, edgectl_registry::ImageOutcome::Copied(_)));
    assert_eq!(there().await, 2);
    let outcome = copying(true).await;
    assert!(matches!(outcome.images[0].outcome, edgectl_registry::ImageOutcome::AlreadyThere(_)));
    assert_eq!((outcome.blobs_sent, outcome.blobs_mounted), (0, 0));

    // Two clients that write a list at once lose an entry of it.
    let empty = tiny.index(&[]).unwrap();
    tiny.name("src.example/app:empty", &empty).unwrap();
    let at = format!("edge/app:{}", tag_of(&image.digest));
    assert_no_failure(&bench.send(&[("src.example/app:empty", &at)]).await);
    assert_eq!(there().await, 1);
    assert_no_failure(&copying(true).await);
    assert_eq!(there().await, 2, "the list is whole again");
}

/// A signature as cosign writes it: all signers sign the same text, and what
/// differs stands in annotations.
fn cosigned(tiny: &TinyLayout, signers: &[&str]) -> Written {
    let blob = |bytes: &[u8]| {
        let digest = Digest::sha256(bytes);
        let path = tiny.blob_path(&digest);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        (digest, bytes.len())
    };
    let (config, config_size) = blob(b"{}");
    let (text, size) = blob(b"the image is what it says");
    let layer = |signer: &&str| {
        json!({
            "mediaType": "application/vnd.dev.cosign.simplesigning.v1+json",
            "digest": text,
            "size": size,
            "annotations": {"dev.cosignproject.cosign/signature": signer},
        })
    };
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": config_size},
        "layers": signers.iter().map(layer).collect::<Vec<_>>(),
    });
    let (digest, size) = blob(manifest.to_string().as_bytes());
    Written { digest, media_type, size: size as u64, architecture: None }
}

/// A tag of cosign's holds one manifest with a layer for each signature: it is
/// replaced by one that has them all, and by nothing else; whether the image is
/// there already or comes for the first time.
#[tokio::test(flavor = "multi_thread")]
async fn signatures_are_added_and_none_is_lost() {
    let bench = Bench::new();
    let mut tiny = bench.tiny();
    let image = tiny.image(&TinyImage::new("amd64").random_layer(1000, 1)).unwrap();
    let tag = format!("{}.sig", tag_of(&image.digest));
    tiny.name("src.example/app:1", &image).unwrap();
    let registries = bench.registries();
    // At the source; at the target before; whether it is replaced.
    let cases = [
        (&["a", "b"][..], &["a"][..], true),
        (&["a", "c"], &["a", "b"], false),
        (&["a"], &["a", "b"], false),
        (&["a", "b"], &["a", "a"], false),
    ];
    for (number, (at_source, at_target, is_replaced)) in cases.into_iter().enumerate() {
        for is_there in [true, false] {
            let (from, to) = (format!("src/app{number}"), format!("edge/app{number}{is_there}"));
            let (new, old) = (cosigned(&tiny, at_source), cosigned(&tiny, at_target));
            let names =
                ["new", "old"].map(|age| format!("src.example/app:{age}{number}{is_there}"));
            tiny.name(&names[0], &new).unwrap();
            tiny.name(&names[1], &old).unwrap();
            let mut images = vec![
                ("src.example/app:1", format!("{from}:1")),
                (&names[0], format!("{from}:{tag}")),
                (&names[1], format!("{to}:{tag}")),
            ];
            if is_there {
                images.push(("src.example/app:1", format!("{to}:1")));
            }
            for (source, target) in images {
                assert_no_failure(&bench.send(&[(source, &target)]).await);
            }
            let copy = bench.copy(&format!("{from}:1"), &format!("{to}:1"));
            let request = UploadRequest::new(vec![copy], 4);
            let again = if is_there { Again::Attachments } else { Again::Nothing };
            let request = UploadRequest { again, ..request };
            assert_no_failure(&upload(request, &registries, &registries, &()).await);
            let there = bench.target(&format!("{to}:{tag}"));
            let there = registries.manifest(&there, None).await.unwrap();
            let wanted = if is_replaced { &new } else { &old };
            assert_eq!(
                there.digest(),
                &wanted.digest,
                "{at_source:?} for {at_target:?}, {is_there}"
            );
        }
    }
}
