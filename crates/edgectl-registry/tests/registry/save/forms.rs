//! What is saved can be pushed, with the same digests, and is the same bytes
//! each time.

use edgectl_model::Digest;
use edgectl_registry::{
    Archives, Layout, Registries, SaveForm, Source, UploadRequest, save, upload_from,
};
use edgectl_testkit::TinyImage;

use super::{NAMES, entries_of, images, names_in, save_for_docker, save_from, target};
use crate::archive::forms::push_and_verify;
use crate::archive::pack::layout;
use crate::bench::{Bench, assert_no_failure, reference};

#[tokio::test(flavor = "multi_thread")]
async fn every_packing_is_read_back_and_always_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let directory = dir.path().join("layout");
    let (app, tool) = layout(&directory);
    let expected = [
        ("docker.io/library/tool:3".to_owned(), tool.digest),
        ("quay.io/org/app:1.2".to_owned(), app.digest),
    ];
    let source = Layout::open(&directory).unwrap();
    for name in ["a.tar", "b.tar.gz", "c.tar.zst", "d.tar.xz"] {
        let out = target(dir.path(), name, SaveForm::OciArchive);
        let saved = save_from(&source, &NAMES, &out).await;
        assert_no_failure(&saved.outcome);
        let bytes = std::fs::read(&out.path).unwrap();
        let file = saved.file.unwrap();
        assert_eq!((file.size, file.digest), (bytes.len() as u64, Digest::sha256(&bytes)));
        let archives = Archives::open(std::slice::from_ref(&out.path)).unwrap();
        let mut pushed = push_and_verify(&archives).await;
        pushed.sort();
        assert_eq!(pushed, expected, "{name}");
        // Once more, and once from what was saved.
        let again = target(dir.path(), &format!("again-{name}"), SaveForm::OciArchive);
        save_from(&source, &NAMES, &again).await;
        assert!(std::fs::read(&again.path).unwrap() == bytes, "{name}");
        save_from(&archives, &NAMES, &again).await;
        assert!(std::fs::read(&again.path).unwrap() == bytes, "{name} from itself");
    }
    let mut entries = entries_of(&dir.path().join("a.tar"));
    // Three configurations, a layer of each platform and the one that all
    // share, four manifests, two directories, `index.json`, `oci-layout`.
    assert_eq!(entries.len(), 3 + 3 + 4 + 2 + 2, "{entries:?}");
    entries.dedup();
    assert_eq!(entries.len(), 14);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_is_the_same_and_keeps_what_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let directory = dir.path().join("layout");
    layout(&directory);
    let source = Layout::open(&directory).unwrap();
    let read = |name: &str| std::fs::read(dir.path().join(name).join("index.json")).unwrap();
    let (one, two) = (
        target(dir.path(), "one", SaveForm::Directory),
        target(dir.path(), "two", SaveForm::Directory),
    );
    assert_no_failure(&save_from(&source, &NAMES, &one).await.outcome);
    for name in NAMES.iter().rev() {
        assert_no_failure(&save_from(&source, &[name], &two).await.outcome);
    }
    assert_eq!(read("one"), read("two"));
    let blobs = |name: &str| names_in(&dir.path().join(name).join("blobs/sha256"));
    assert_eq!(blobs("one"), blobs("two"));
    let again = save_from(&source, &NAMES, &one).await.outcome;
    assert_eq!((again.blobs_sent, again.bytes_sent), (0, 0));
    assert_eq!(push_and_verify(&Archives::open(&[one.path]).unwrap()).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_archives_hold_one_platform() {
    let dir = tempfile::tempdir().unwrap();
    let directory = dir.path().join("layout");
    let (_, tool) = layout(&directory);
    let out = target(dir.path(), "docker.tar", SaveForm::DockerArchive);
    let source = Layout::open(&directory).unwrap();
    let refused = save(UploadRequest::new(images(&NAMES), 4), &source, &out, &()).await.unwrap();
    let errors: Vec<_> = refused.outcome.failed().map(|(_, error)| error.to_string()).collect();
    assert_eq!(
        errors,
        [
            "it was left out, because another image can't be had",
            "`quay.io/org/app:1.2` has several platforms (linux/amd64, linux/arm64), and a \
             docker-archive holds one",
        ]
    );
    assert_eq!((refused.file, names_in(dir.path())), (None, vec!["layout".to_owned()]));

    let saved = save_for_docker(&directory, &NAMES, &out, "amd64").await;
    assert_no_failure(&saved.outcome);
    let mut tar = tar::Archive::new(std::fs::File::open(&out.path).unwrap());
    let entry = tar.entries().unwrap().map(Result::unwrap);
    let list = { entry }.find(|e| e.path().unwrap().ends_with("manifest.json")).unwrap();
    let list: serde_json::Value = serde_json::from_reader(list).unwrap();
    let tags: Vec<_> = list.as_array().unwrap().iter().map(|e| &e["RepoTags"][0]).collect();
    assert_eq!(tags.len(), 2, "{list}");
    assert!(tags.contains(&&"quay.io/org/app:1.2".into()), "{list}");
    let pushed = push_and_verify(&Archives::open(&[out.path]).unwrap()).await;
    assert!(pushed.contains(&("docker.io/library/tool:3".to_owned(), tool.digest)), "{pushed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_attached_comes_along_and_arrives() {
    let bench = Bench::new();
    let subject = {
        let mut tiny = bench.tiny();
        let image = tiny.image(&TinyImage::new("amd64").random_layer(1000, 1)).unwrap();
        let list = tiny.attach(&image, "application/spdx+json", b"packages").unwrap();
        let tag = format!("sha256-{}.sig", image.digest.hex());
        let signature = tiny.image(&TinyImage::new("amd64").label("signature")).unwrap();
        tiny.name("src.example/app:1", &image).unwrap();
        tiny.name("src.example/app:list", &list).unwrap();
        tiny.name(&format!("src.example/app:{tag}"), &signature).unwrap();
        image.digest
    };
    let tag = format!("sha256-{}.sig", subject.hex());
    let sent = [
        ("src.example/app:1", "src/app:1".to_owned()),
        ("src.example/app:list", "src/app:list".to_owned()),
        (&format!("src.example/app:{tag}"), format!("src/app:{tag}")),
    ];
    let sent: Vec<_> = sent.iter().map(|(from, to)| (*from, to.as_str())).collect();
    assert_no_failure(&bench.send(&sent).await);

    let registries = bench.registries();
    let app = bench.target("src/app:1");
    for name in ["out.tar.gz", "out"] {
        let form = if name == "out" { SaveForm::Directory } else { SaveForm::OciArchive };
        let out = target(bench.dir.path(), name, form);
        let saved = save_from(&registries, &[&app.canonical()], &out).await;
        assert_no_failure(&saved.outcome);
        let archives = Archives::open(&[out.path]).unwrap();
        let request = edgectl_registry::ImageRequest {
            source: app.clone(),
            digest: None,
            target: bench.target(&format!("edge/{name}:1")),
        };
        let request = UploadRequest::new(vec![request], 4);
        assert_no_failure(&upload_from(request, &archives, &bench.registries(), &()).await);
        let registries: Registries = bench.registries();
        let there = registries.attached(&bench.target(&format!("edge/{name}:1")), &subject).await;
        assert_eq!(there.unwrap().len(), 2, "{name}");
    }
    assert!(
        Archives::open(&[bench.dir.path().join("out")]).unwrap().find(&reference("x")).is_none()
    );
}
