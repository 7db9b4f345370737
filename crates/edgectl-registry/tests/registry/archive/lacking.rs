//! Images that archives name and don't have, or don't have under that name.

use std::path::Path;

use edgectl_model::{Digest, Platform};
use edgectl_registry::{
    Archives, ArchivesFirst, ErrorKind, ImageOutcome, ImageRequest, RegistryError, UploadOutcome,
    UploadRequest, upload,
};
use edgectl_testkit::{TinyImage, TinyLayout};
use serde_json::json;

use super::pack::{Saved, Tar, layout, write};
use crate::bench::{Bench, reference};

/// Pushes by name, as `push` does.
async fn push(
    bench: &Bench,
    archives: Archives,
    name: &str,
    platforms: &[Platform],
) -> UploadOutcome {
    let digest = archives.find(&reference(name)).map(|image| image.digest.clone());
    let target = bench.target("edge/pushed:1");
    let image = ImageRequest { source: reference(name), digest, target };
    let mut request = UploadRequest::new(vec![image], 4);
    request.platforms = platforms.to_vec();
    let source = ArchivesFirst { archives, upstream: None };
    upload(request, &source, &bench.registries(), &()).await
}

fn only_error(outcome: &UploadOutcome) -> &RegistryError {
    outcome.failed().next().unwrap().1
}

/// The entries of an index.
fn entries(directory: &Path, index: &Digest) -> Vec<Digest> {
    let text = std::fs::read(blob(directory, index)).unwrap();
    let index: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let digest = |entry: &serde_json::Value| Digest::parse(entry["digest"].as_str()?).ok();
    index["manifests"].as_array().unwrap().iter().filter_map(digest).collect()
}

fn blob(directory: &Path, digest: &Digest) -> std::path::PathBuf {
    directory.join("blobs/sha256").join(digest.hex())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_without_all_of_its_images_says_which_are_there() {
    let bench = Bench::new();
    let directory = bench.dir.path().join("kept");
    let (app, _) = layout(&directory);
    let name = "quay.io/org/app:1.2";
    let arm = &entries(&directory, &app.digest)[1];
    std::fs::remove_file(blob(&directory, arm)).unwrap();
    let open = || Archives::open(std::slice::from_ref(&directory)).unwrap();
    let (amd64, arm64) = (Platform::new("linux", "amd64"), Platform::new("linux", "arm64"));
    for platforms in [&[][..], &[arm64]] {
        let outcome = push(&bench, open(), name, platforms).await;
        let error = only_error(&outcome);
        let text = error.to_string();
        assert!(text.starts_with("`quay.io/org/app:1.2` for linux/arm64 is not in `"), "{text}");
        assert!(text.ends_with("kept`, which has it for linux/amd64 only"), "{text}");
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
    let outcome = push(&bench, open(), name, &[amd64]).await;
    assert!(matches!(outcome.images[0].outcome, ImageOutcome::Copied(_)), "{outcome:?}");

    std::fs::remove_file(blob(&directory, &app.digest)).unwrap();
    let outcome = push(&bench, open(), name, &[]).await;
    let text = only_error(&outcome).to_string();
    assert!(text.contains(&format!("but lacks its manifest `{}`", app.digest)), "{text}");
}

/// A lock may name thousands of images, and the archives lack as many.
#[test]
fn archives_are_looked_through_once_for_all_that_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let mut tiny = TinyLayout::new(dir.path()).unwrap();
    let (mut indexes, mut missing) = (Vec::new(), Vec::new());
    for n in 0..50 {
        let image = |architecture| TinyImage::new(architecture).label(&n.to_string());
        let both = ["amd64", "arm64"].map(|architecture| tiny.image(&image(architecture)).unwrap());
        let index = tiny.index(&both).unwrap();
        tiny.name(&format!("quay.io/org/i{n}:1"), &index).unwrap();
        std::fs::remove_file(blob(dir.path(), &both[1].digest)).unwrap();
        indexes.push(index.digest);
        missing.push(both[1].digest.clone());
    }
    let archives = Archives::open(&[dir.path().to_owned()]).unwrap();
    let source = ArchivesFirst { archives, upstream: None };
    for (n, digest) in missing.iter().enumerate() {
        let error = source.check(&reference("quay.io/lock/x:1"), Some(digest)).unwrap_err();
        let RegistryError::LackingPlatforms { lacking, there, .. } = &error else {
            panic!("{n}: {error}")
        };
        assert_eq!(lacking, &[Platform::new("linux", "arm64")]);
        assert_eq!(there, &[Platform::new("linux", "amd64")]);
        // What was read for the first one is enough for all.
        let _ = indexes.iter().try_for_each(|index| std::fs::remove_file(blob(dir.path(), index)));
    }
}

#[test]
fn indexes_in_indexes_without_end_are_looked_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut tiny = TinyLayout::new(dir.path()).unwrap();
    let image = tiny.image(&TinyImage::new("amd64")).unwrap();
    let (mut digest, mut size) = (image.digest.clone(), image.size);
    for level in 0..8 {
        let entry = json!({"digest": digest.as_str(), "size": size,
            "mediaType": "application/vnd.oci.image.index.v1+json"});
        let index = json!({"schemaVersion": 2, "level": level, "manifests": vec![entry; 30]});
        let text = index.to_string();
        (digest, size) = (Digest::sha256(text.as_bytes()), text.len() as u64);
        std::fs::write(blob(dir.path(), &digest), &text).unwrap();
    }
    tiny.name("quay.io/org/deep:1", &image).unwrap();
    let archives = Archives::open(&[dir.path().to_owned()]).unwrap();
    let error = archives.survey(&digest).unwrap_err().to_string();
    assert!(error.contains("more manifests than any image needs"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_that_an_archive_cannot_keep_is_no_tag() {
    let bench = Bench::new();
    let pinned = format!("quay.io/org/web@sha256:{}", "ab".repeat(32));
    let path = format!("images/docker-archive/quay.io/org/web/sha256/{}", "ab".repeat(32));
    let bundle = Tar::new().file(&path, &Saved::new("web", 1).tar(&[])).bytes();
    let path = write(bench.dir.path(), "a.airgap", &bundle);
    let mut archives = Archives::open(std::slice::from_ref(&path)).unwrap();
    let refused: Vec<_> = archives.refused().map(|(_, refused)| refused.name.clone()).collect();
    assert_eq!(refused, [reference(&pinned)]);
    assert!(archives.images()[0].names.is_empty());
    let made = archives.images()[0].digest.clone();
    let outcome = push(&bench, Archives::open(&[path]).unwrap(), &pinned, &[]).await;
    let text = only_error(&outcome).to_string();
    assert!(text.contains(&format!("`--name {made}=quay.io/org/web:TAG`")), "{text}");

    archives.name(&made, reference("quay.io/org/web:7"));
    assert_eq!(archives.refused().count(), 0);
    let outcome = push(&bench, archives, "quay.io/org/web:7", &[]).await;
    assert!(matches!(outcome.images[0].outcome, ImageOutcome::Copied(_)), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn images_that_a_bundle_cannot_tell_apart_are_refused() {
    let bench = Bench::new();
    let digest = Digest::sha256(b"whichever");
    let list = format!(
        "kind: Airgap\nspec:\n  savedImages: [docker.io/a/app:1, quay.io/b/app:1, \
         quay.io/b/app:2, quay.io/c/web:1@{digest}, quay.io/d/web:1@{}]\n",
        Digest::sha256(b"another")
    );
    let link = |repository: &str, tag: &str| {
        format!(
            "images/docker/registry/v2/repositories/{repository}/_manifests/tags/{tag}/current/link"
        )
    };
    let bundle = Tar::new()
        .file("airgap.yaml", list.as_bytes())
        .file(&link("app", "1"), digest.as_str().as_bytes())
        .file(&link("app", "2"), Digest::sha256(b"two").as_str().as_bytes())
        .file(&link("web", "1"), digest.as_str().as_bytes())
        .bytes();
    let mut archives = Archives::open(&[write(bench.dir.path(), "b.airgap", &bundle)]).unwrap();
    let mut named: Vec<_> =
        archives.images().iter().flat_map(|image| &image.names).map(ToString::to_string).collect();
    named.sort();
    assert_eq!(named, ["quay.io/b/app:2".to_owned(), format!("quay.io/c/web:1@{digest}")]);
    let refused: Vec<_> = archives.refused().map(|(_, refused)| refused.clone()).collect();
    let names: Vec<_> = refused.iter().map(|refused| refused.name.to_string()).collect();
    assert_eq!(names, ["docker.io/a/app:1", "quay.io/b/app:1"]);
    assert!(refused[0].why.contains("can't tell it from `quay.io/b/app:1`"), "{refused:?}");
    // Who names one of them has said nothing of the other.
    archives.name(&digest, reference("quay.io/b/app:1"));
    let refused: Vec<_> = archives.refused().map(|(_, refused)| refused.name.clone()).collect();
    assert_eq!(refused, [reference("docker.io/a/app:1")]);
    let outcome = push(&bench, archives, "docker.io/a/app:1", &[]).await;
    let text = only_error(&outcome).to_string();
    assert!(text.contains("has it as `app:1`"), "{text}");
}
