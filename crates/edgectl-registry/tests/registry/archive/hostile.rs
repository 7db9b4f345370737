//! Archives that are damaged, or made to harm.

use std::path::Path;

use edgectl_model::Digest;
use edgectl_registry::{Archives, ErrorKind, ImageRequest, UploadRequest, upload_from};
use serde_json::json;

use super::pack::{Saved, Tar, gzip, layout, write, xz, zstd};
use crate::bench::Bench;

fn refused(directory: &Path, bytes: &[u8]) -> String {
    let path = write(directory, "x.tar", bytes);
    let error = Archives::open(&[path]).map(|a| a.images().to_vec()).unwrap_err();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    text
}

#[test]
fn what_is_cut_short_is_called_that() {
    let dir = tempfile::tempdir().unwrap();
    let tar = Saved::new("web", 3).tar(&["web:1"]);
    for packed in [tar.clone(), gzip(&tar), xz(&tar), zstd(&tar)] {
        let text = refused(dir.path(), &packed[..packed.len() * 3 / 5]);
        assert!(text.contains("cut short"), "{text}");
    }
    // In an archive inside another one.
    let outer = Tar::new().file("images/web.tar", &tar[..tar.len() / 2]).bytes();
    let text = refused(dir.path(), &gzip(&outer));
    assert!(text.contains("x.tar: images/web.tar") && text.contains("cut short"), "{text}");
}

#[test]
fn other_files_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    for bytes in [&b""[..], b"text", &[0; 4096], b"\x1f\x8b\x08 but not gzip", &gzip(b"no tar")] {
        let text = refused(dir.path(), bytes);
        assert!(text.contains("x.tar"), "{text}");
    }
    let text = refused(dir.path(), &Tar::new().file("a/b", b"c").bytes());
    assert!(text.contains("no image was found in it"), "{text}");
    let missing = Archives::open(&[dir.path().join("missing")]).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::Local);
}

#[test]
fn names_that_lead_out_are_no_names() {
    let dir = tempfile::tempdir().unwrap();
    let saved = Saved::new("web", 1);
    let list = json!([saved.entry(&["web:1"])]).to_string();
    let rest = || {
        Tar::new()
            .file(&saved.config_name(), &saved.config)
            .file(&saved.layer_name(0), &saved.layers[0])
    };
    for name in ["../manifest.json", "/manifest.json", "a/../../manifest.json"] {
        let text = refused(dir.path(), &rest().raw_name(name, list.as_bytes()).bytes());
        assert!(text.contains("no image was found"), "{name}: {text}");
    }
    // The configuration of another directory of this machine.
    let mut entry = saved.entry(&["web:1"]);
    entry["Config"] = "../../../../etc/passwd".into();
    let list = json!([entry]).to_string();
    let text = refused(dir.path(), &rest().file("manifest.json", list.as_bytes()).bytes());
    assert!(text.contains("`../../../../etc/passwd` is missing"), "{text}");
    let linked = Tar::new()
        .file(&saved.config_name(), &saved.config)
        .link(tar::EntryType::Symlink, &saved.layer_name(0), "/etc/passwd")
        .file("manifest.json", json!([saved.entry(&["web:1"])]).to_string().as_bytes());
    let text = refused(dir.path(), &linked.bytes());
    assert!(text.contains("leads out of the archive"), "{text}");
}

#[test]
fn the_later_of_two_files_counts() {
    let dir = tempfile::tempdir().unwrap();
    let saved = Saved::new("web", 1);
    let tar = |tag: &str| json!([saved.entry(&[tag])]).to_string();
    let bytes = Tar::new()
        .file("manifest.json", tar("old:1").as_bytes())
        .file(&saved.config_name(), &saved.config)
        .file(&saved.layer_name(0), &saved.layers[0])
        .file("./manifest.json", tar("new:1").as_bytes())
        .bytes();
    let archives = Archives::open(&[write(dir.path(), "x.tar", &bytes)]).unwrap();
    assert_eq!(archives.images()[0].names[0].canonical(), "docker.io/library/new:1");
}

#[test]
fn saved_images_that_lack_something_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let saved = Saved::new("web", 2);
    let list = json!([saved.entry(&["web:1"])]).to_string();
    let without = Tar::new()
        .file(&saved.config_name(), &saved.config)
        .file(&saved.layer_name(0), &saved.layers[0])
        .file("manifest.json", list.as_bytes());
    let text = refused(dir.path(), &without.bytes());
    assert!(text.contains("image `web:1`") && text.contains("layer.tar` is missing"), "{text}");
    let mut fewer = saved.entry(&["web:1"]);
    fewer["Layers"] = json!([saved.layer_name(0)]);
    let list = json!([fewer]).to_string();
    let fewer = Tar::new()
        .file(&saved.config_name(), &saved.config)
        .file(&saved.layer_name(0), &saved.layers[0])
        .file("manifest.json", list.as_bytes());
    let text = refused(dir.path(), &fewer.bytes());
    assert!(text.contains("speaks of 2 layers, the archive of 1"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_content_is_never_committed() {
    let bench = Bench::new();
    // A layer that isn't what its configuration says; where the archive isn't
    // compressed this shows only on the way.
    let mut saved = Saved::new("web", 2);
    let last = saved.layers[1].len() / 2;
    saved.layers[1][last] ^= 1;
    let bytes = saved.tar(&["web:1"]);
    let text = refused(bench.dir.path(), &gzip(&bytes));
    assert!(text.contains("its digest is"), "{text}");
    let archives = Archives::open(&[write(bench.dir.path(), "x.tar", &bytes)]).unwrap();
    let failed = push(&bench, &archives).await;
    assert!(failed.contains("gave other content"), "{failed}");

    // A blob of a layout, damaged, cut, and missing.
    let damages: [fn(&Path); 3] = [
        |path| {
            let mut bytes = std::fs::read(path).unwrap();
            bytes[1000] ^= 1;
            std::fs::write(path, bytes).unwrap();
        },
        |path| std::fs::write(path, b"short").unwrap(),
        |path| std::fs::remove_file(path).unwrap(),
    ];
    for (i, damage) in damages.into_iter().enumerate() {
        let directory = bench.dir.path().join(format!("layout{i}"));
        layout(&directory);
        let archives = Archives::open(std::slice::from_ref(&directory)).unwrap();
        let survey = archives.survey(&archives.images()[1].digest).unwrap();
        let (digest, _) = survey.blobs.iter().max_by_key(|(_, size)| **size).unwrap();
        damage(&directory.join("blobs/sha256").join(digest.hex()));
        let packed = write(
            bench.dir.path(),
            "layout.tar.gz",
            &gzip(&Tar::new().directory(&directory).bytes()),
        );
        for path in [directory, packed] {
            let archives = Archives::open(&[path]).unwrap();
            let failed = push(&bench, &archives).await;
            assert!(failed.contains(digest.hex()), "{failed}");
        }
    }
}

/// Pushes the last image, and tells how that failed. Nothing may be there.
async fn push(bench: &Bench, archives: &Archives) -> String {
    let image = archives.images().last().unwrap();
    let target = bench.target("edge/broken:1");
    let image = ImageRequest {
        source: image.names[0].clone(),
        digest: Some(image.digest.clone()),
        target: target.clone(),
    };
    let request = UploadRequest::new(vec![image], 4);
    let outcome = upload_from(request, archives, &bench.registries(), &()).await;
    assert!(bench.registries().look(&target).await.unwrap().is_none());
    let (_, error) = outcome.failed().next().unwrap();
    error.to_string()
}

#[test]
fn sparse_files_and_long_names() {
    let dir = tempfile::tempdir().unwrap();
    let saved = Saved::new("web", 1);
    let long = format!("{}/layer.tar", "very-long-directory-name/".repeat(12));
    let mut entry = saved.entry(&["web:1"]);
    entry["Layers"] = json!([long]);
    let list = json!([entry]).to_string();
    let tar = Tar::new()
        .file(&saved.config_name(), &saved.config)
        .file(&long, &saved.layers[0])
        .file("manifest.json", list.as_bytes());
    let archives = Archives::open(&[write(dir.path(), "x.tar", &tar.bytes())]).unwrap();
    assert!(archives.has(&Digest::sha256(&saved.layers[0])));

    let list = json!([saved.entry(&["web:1"])]).to_string();
    let tar = Tar::new()
        .file(&saved.config_name(), &saved.config)
        .link(tar::EntryType::GNUSparse, &saved.layer_name(0), "x")
        .file("manifest.json", list.as_bytes());
    let text = refused(dir.path(), &tar.bytes());
    assert!(text.contains("sparse file"), "{text}");
}

#[test]
fn descriptions_without_end_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for kind in [tar::EntryType::XHeader, tar::EntryType::GNULongName] {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(1 << 40);
        header.set_cksum();
        let text = refused(dir.path(), header.as_bytes());
        assert!(text.contains("description of an entry"), "{text}");
    }
}
