//! Every form of archive, pushed to a real registry and read back by digest.

use std::path::PathBuf;

use edgectl_model::{Digest, Reference};
use edgectl_registry::{
    Archives, Depth, ImageRequest, UploadOutcome, UploadRequest, Verdict, VerifyRequest,
    upload_from, verify,
};
use edgectl_testkit::{TinyImage, TinyLayout};
use serde_json::json;

use super::pack::{Saved, Tar, gzip, in_two, layout, write, xz, zstd};
use crate::bench::{Bench, assert_no_failure, reference};

fn open(paths: &[PathBuf]) -> Archives {
    Archives::open(paths).unwrap()
}

fn names(archives: &Archives) -> Vec<String> {
    let mut names: Vec<_> =
        archives.images().iter().flat_map(|i| &i.names).map(Reference::canonical).collect();
    names.sort();
    names
}

/// Pushes everything that has a name below `edge/`.
async fn push(bench: &Bench, archives: &Archives) -> UploadOutcome {
    let images = archives.images().iter().flat_map(|image| {
        image.names.iter().map(|name| ImageRequest {
            source: name.clone(),
            digest: Some(image.digest.clone()),
            target: bench.target(&format!("edge/{}", name.canonical())),
        })
    });
    let request = UploadRequest::new(images.collect(), 4);
    upload_from(request, archives, &bench.registries(), &()).await
}

/// Pushes, and reads every manifest and blob back.
pub(crate) async fn push_and_verify(archives: &Archives) -> Vec<(String, Digest)> {
    let bench = Bench::new();
    let outcome = push(&bench, archives).await;
    assert_no_failure(&outcome);
    let requests: Vec<_> = outcome
        .images
        .iter()
        .map(|report| VerifyRequest {
            target: report.request.target.clone(),
            digest: report.outcome.pinned().unwrap().digest.clone(),
        })
        .collect();
    let found = verify(requests, &bench.registries(), Depth::Contents, 4).await.unwrap();
    for image in &found {
        assert!(matches!(image.verdict, Verdict::Same), "{image:?}");
    }
    outcome
        .images
        .iter()
        .map(|r| (r.request.source.canonical(), r.outcome.pinned().unwrap().digest.clone()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn layouts_in_every_packing_keep_their_digests() {
    let dir = tempfile::tempdir().unwrap();
    let directory = dir.path().join("layout");
    let (app, tool) = layout(&directory);
    let tar = Tar::new().directory(&directory).bytes();
    let packed = [
        ("a.tar", tar.clone()),
        ("b.tgz", gzip(&tar)),
        ("c.tar.xz", xz(&tar)),
        ("d.tar.zst", zstd(&tar)),
        ("no-extension", in_two(gzip, &tar)),
        ("wrong.tar.gz", in_two(zstd, &tar)),
        ("two.xz", in_two(xz, &tar)),
    ];
    let mut paths = vec![directory];
    paths.extend(packed.iter().map(|(name, bytes)| write(dir.path(), name, bytes)));
    for path in paths {
        let archives = open(std::slice::from_ref(&path));
        let expected = [
            ("quay.io/org/app:1.2".to_owned(), app.digest.clone()),
            ("docker.io/library/tool:3".to_owned(), tool.digest.clone()),
        ];
        assert_eq!(push_and_verify(&archives).await, expected, "{}", path.display());
        let survey = archives.survey(&app.digest).unwrap();
        assert!(survey.missing.is_empty() && survey.platforms.len() == 2, "{survey:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn saved_images_get_the_same_manifest_from_every_packing() {
    let dir = tempfile::tempdir().unwrap();
    let saved = Saved::new("web", 3);
    let tar = saved.tar(&["nginx:1", "quay.io/org/web:1"]);
    let paths = [
        write(dir.path(), "web.tar", &tar),
        write(dir.path(), "web.tar.gz", &gzip(&tar)),
        write(dir.path(), "web.tar.xz", &xz(&tar)),
    ];
    let mut digests = Vec::new();
    for path in paths {
        let archives = open(&[path]);
        assert_eq!(names(&archives), ["docker.io/library/nginx:1", "quay.io/org/web:1"]);
        let image = &archives.images()[0];
        assert!(image.is_made);
        let survey = archives.survey(&image.digest).unwrap();
        // The image ID and the layers are what they were.
        let mut blobs: Vec<_> = saved.layers.iter().map(|l| Digest::sha256(l)).collect();
        blobs.push(Digest::sha256(&saved.config));
        blobs.sort();
        assert_eq!(survey.blobs.into_keys().collect::<Vec<_>>(), blobs);
        assert_eq!(survey.platforms[0].to_string(), "linux/amd64");
        digests.push(push_and_verify(&archives).await);
    }
    assert!(digests.windows(2).all(|pair| pair[0] == pair[1]), "{digests:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn saved_images_share_layers_by_links() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (Saved::new("same", 1), Saved::new("same", 1));
    let symlink = format!("{}/layer.tar", "c".repeat(64));
    let hard = format!("{}.tar", "d".repeat(64));
    let mut linked = b.entry(&["b:1"]);
    linked["Layers"] = json!([symlink]);
    let mut hard_linked = b.entry(&["c:1"]);
    hard_linked["Layers"] = json!([hard]);
    let list = json!([a.entry(&["a:1"]), linked, hard_linked]).to_string();
    let tar = Tar::new()
        .file("manifest.json", list.as_bytes())
        .file(&a.config_name(), &a.config)
        .file(&a.layer_name(0), &a.layers[0])
        .link(tar::EntryType::Symlink, &symlink, &format!("../{}", a.layer_name(0)))
        .link(tar::EntryType::Link, &hard, &a.layer_name(0))
        .bytes();
    for bytes in [tar.clone(), zstd(&tar)] {
        let archives = open(&[write(dir.path(), "all.tar", &bytes)]);
        // One image after all, under three names.
        assert_eq!(archives.images().len(), 1);
        assert_eq!(push_and_verify(&archives).await.len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_docker_25_saves_is_taken_as_a_layout() {
    let dir = tempfile::tempdir().unwrap();
    let directory = dir.path().join("layout");
    let mut tiny = TinyLayout::new(&directory).unwrap();
    let written = tiny.image(&TinyImage::new("amd64").random_layer(1000, 1)).unwrap();
    tiny.name("quay.io/org/app:1", &written).unwrap();
    let named = Tar::new().directory(&directory).bytes();
    let archives = open(&[write(dir.path(), "named.tar", &named)]);
    assert_eq!((archives.images().len(), archives.images()[0].is_made), (1, false));

    // Without names in `index.json`, those for `docker load` count.
    let index = json!({"schemaVersion": 2, "manifests": [{
        "mediaType": written.media_type, "digest": written.digest.as_str(), "size": written.size,
    }]});
    write(&directory, "index.json", index.to_string().as_bytes());
    let manifest = std::fs::read(tiny.blob_path(&written.digest)).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let path = |entry: &serde_json::Value| {
        format!("blobs/{}", entry["digest"].as_str().unwrap().replace(':', "/"))
    };
    let list = json!([{
        "Config": path(&manifest["config"]), "RepoTags": ["quay.io/org/app:1"],
        "Layers": [path(&manifest["layers"][0])],
    }]);
    write(&directory, "manifest.json", list.to_string().as_bytes());
    let both = Tar::new().directory(&directory).bytes();
    let archives = open(&[write(dir.path(), "both.tar.gz", &gzip(&both))]);
    assert_eq!(names(&archives), ["quay.io/org/app:1"]);
    let pushed = push_and_verify(&archives).await;
    assert_eq!(pushed[0].1, written.digest, "the layout's own manifest is the true one");
}

#[tokio::test(flavor = "multi_thread")]
async fn packages_of_archives_are_read_without_unpacking() {
    let dir = tempfile::tempdir().unwrap();
    let directory = dir.path().join("layout");
    let (app, tool) = layout(&directory);
    let oci = Tar::new().directory(&directory).bytes();
    let (web, db) = (Saved::new("web", 2), Saved::new("db", 1));
    let package = Tar::new()
        .file("README.txt", b"nothing to see")
        .file("images/web.tar", &web.tar(&["gcr.io/x/web:1"]))
        .file("images/all.tar.gz", &gzip(&oci))
        .file("images/db.tar.zst", &zstd(&db.tar(&["gcr.io/x/db:1"])))
        .bytes();
    let expected =
        ["docker.io/library/tool:3", "gcr.io/x/db:1", "gcr.io/x/web:1", "quay.io/org/app:1.2"];
    for (name, bytes) in [
        ("bmpackages_1.tar.xz", xz(&package)),
        ("p.tar", package.clone()),
        ("q.zst", zstd(&package)),
    ] {
        let archives = open(&[write(dir.path(), name, &bytes)]);
        assert_eq!(names(&archives), expected, "{name}");
        let pushed = push_and_verify(&archives).await;
        for (image, written) in [("quay.io/org/app:1.2", &app), ("docker.io/library/tool:3", &tool)]
        {
            assert!(pushed.contains(&(image.to_owned(), written.digest.clone())), "{pushed:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_of_archives_is_one_source() {
    let dir = tempfile::tempdir().unwrap();
    let imgs = dir.path().join("imgs");
    write(&imgs, "web.tar", &Saved::new("web", 2).tar(&["web:1"]));
    write(&imgs, "more/db.tar.gz", &gzip(&Saved::new("db", 2).tar(&["db:1"])));
    write(&imgs, "notes.txt", b"not an archive, and longer than nothing");
    layout(&imgs.join("layout"));
    let archives = open(&[imgs]);
    assert_eq!(archives.images().len(), 4);
    assert_eq!(push_and_verify(&archives).await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn kots_bundles_of_both_formats() {
    let dir = tempfile::tempdir().unwrap();
    // One archive an image, named by its path alone.
    let bundle = Tar::new()
        .file("airgap.yaml", b"apiVersion: kots.io/v1beta1\nkind: Airgap\nspec: {}\n")
        .file("app.tar.gz", &gzip(&Tar::new().file("app/deployment.yaml", b"kind: x").bytes()))
        .file("images/docker-archive/quay.io/org/web/1.2", &Saved::new("web", 2).tar(&[]))
        .bytes();
    let archives = open(&[write(dir.path(), "a.airgap", &gzip(&bundle))]);
    assert_eq!(names(&archives), ["quay.io/org/web:1.2"]);
    assert_eq!(push_and_verify(&archives).await.len(), 1);

    // A registry's storage: that of the real one, images under short names.
    let bench = Bench::new();
    let mut tiny = bench.tiny();
    let written = tiny.image(&TinyImage::new("amd64").random_layer(2000, 5)).unwrap();
    tiny.name("quay.io/org/web:1.2", &written).unwrap();
    assert_no_failure(&bench.send(&[("quay.io/org/web:1.2", "web:1.2")]).await);
    let list = format!(
        "kind: Airgap\nspec:\n  format: docker\n  savedImages:\n  - quay.io/org/web:1.2\n  - ghcr.io/x/web@{}\n",
        written.digest
    );
    let storage = dir.path().join("bundle/images");
    let copied = edgectl_process::Cmd::new("cp").arg("-r").arg(bench.dir.path().join("storage"));
    std::fs::create_dir_all(dir.path().join("bundle")).unwrap();
    copied.arg(&storage).ensure_success().unwrap();
    write(&dir.path().join("bundle"), "airgap.yaml", list.as_bytes());
    let bundle = Tar::new().directory(&dir.path().join("bundle")).bytes();
    let archives = open(&[write(dir.path(), "b.airgap", &gzip(&bundle))]);
    let digest = &written.digest;
    assert_eq!(names(&archives), [format!("ghcr.io/x/web@{digest}"), "quay.io/org/web:1.2".into()]);
    let pushed = push_and_verify(&archives).await;
    assert!(pushed.iter().all(|(_, pushed)| pushed == digest), "{pushed:?}");
}

#[test]
fn names_come_from_annotations_of_every_kind() {
    let dir = tempfile::tempdir().unwrap();
    let directory = dir.path().join("layout");
    let tiny = TinyLayout::new(&directory).unwrap();
    let image = |label| tiny.image(&TinyImage::new("amd64").label(label)).unwrap();
    let entry = |written: &edgectl_testkit::Written, annotations: serde_json::Value| {
        json!({
            "mediaType": written.media_type, "digest": written.digest.as_str(),
            "size": written.size, "annotations": annotations,
        })
    };
    let ref_name = |name: &str| json!({"org.opencontainers.image.ref.name": name});
    let inner = tiny.index(&[image("inner")]).unwrap();
    let text = std::fs::read_to_string(tiny.blob_path(&inner.digest)).unwrap();
    let mut nested: serde_json::Value = serde_json::from_str(&text).unwrap();
    nested["manifests"][0]["annotations"] = ref_name("quay.io/x/inner:1");
    let nested = nested.to_string();
    let nested_digest = Digest::sha256(nested.as_bytes());
    std::fs::write(tiny.blob_path(&nested_digest), &nested).unwrap();
    let index = json!({"schemaVersion": 2, "manifests": [
        entry(&image("a"), ref_name("1.2")),
        entry(&image("b"), ref_name("nginx:1.2")),
        entry(&image("c"), json!({"io.containerd.image.name": "quay.io/x/c:1",
            "org.opencontainers.image.ref.name": "1"})),
        {"mediaType": inner.media_type, "digest": nested_digest.as_str(), "size": nested.len()},
    ]});
    write(&directory, "index.json", index.to_string().as_bytes());
    let mut archives = open(&[directory]);
    let expected = ["docker.io/library/nginx:1.2", "quay.io/x/c:1", "quay.io/x/inner:1"];
    assert_eq!(names(&archives), expected);
    // A tag alone is no name, until it is given one.
    let nameless = archives.images().iter().find(|image| image.names.is_empty()).unwrap();
    assert_eq!(nameless.tag.as_deref(), Some("1.2"));
    let digest = nameless.digest.clone();
    archives.name(&digest, reference("quay.io/x/a:1.2"));
    assert_eq!(archives.find(&reference("quay.io/x/a:1.2")).unwrap().digest, digest);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_attached_comes_along_without_a_name() {
    let bench = Bench::new();
    let directory = bench.dir.path().join("signed");
    let mut tiny = TinyLayout::new(&directory).unwrap();
    let image = tiny.image(&TinyImage::new("amd64").random_layer(1000, 1)).unwrap();
    tiny.name("quay.io/org/app:1", &image).unwrap();
    let signature = tiny.attach(&image, "application/x.signature", b"signed").unwrap();
    let text = std::fs::read_to_string(directory.join("index.json")).unwrap();
    let mut index: serde_json::Value = serde_json::from_str(&text).unwrap();
    index["manifests"].as_array_mut().unwrap().push(json!({
        "mediaType": signature.media_type, "digest": signature.digest.as_str(),
        "size": signature.size,
    }));
    write(&directory, "index.json", index.to_string().as_bytes());
    let archives = open(&[directory]);
    assert_eq!(archives.images().len(), 1, "a signature is no image");
    assert_no_failure(&push(&bench, &archives).await);
    let there = bench.target(&format!("edge/quay.io/org/app@{}", signature.digest));
    let there = bench.registries().look(&there).await.unwrap();
    assert_eq!(there.unwrap().digest, signature.digest);
}
