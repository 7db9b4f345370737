//! `push`, and `upload-profile --from`.

use std::path::Path;

use edgectl_testkit::TinyLayout;
use serde_json::Value;

use crate::site::{Site, tiny};

/// A tar of a layout with these images, named as in `names`; a name without
/// `/` is written as a tag alone.
fn archive(site: &Site, file: &str, names: &[&str]) {
    let directory = site.path(&format!("{file}.layout"));
    let mut layout = TinyLayout::new(&directory).unwrap();
    for name in names {
        let written = layout.image(&tiny(name.rsplit(['/', ':']).nth(1).unwrap_or(name))).unwrap();
        layout.name(name, &written).unwrap();
    }
    let index = directory.join("index.json");
    let text = std::fs::read_to_string(&index).unwrap();
    std::fs::write(&index, text.replace("\"io.containerd.image.name\":\"1.2\",", "")).unwrap();
    pack(&directory, &site.path(file));
}

fn pack(directory: &Path, file: &Path) {
    let encoder = zstd::Encoder::new(std::fs::File::create(file).unwrap(), 1).unwrap();
    let mut builder = tar::Builder::new(encoder.auto_finish());
    builder.append_dir_all(".", directory).unwrap();
    builder.into_inner().unwrap();
}

#[test]
fn pushes_all_that_archives_hold() {
    let site = Site::new();
    archive(&site, "imgs/web.tar.zst", &["quay.io/a/web:1", "docker.io/library/db:2"]);
    archive(&site, "imgs/gui.tar.zst", &["ghcr.io/b/gui:3"]);
    let ended = site.run(&["push", "imgs", "--dry-run"]).expect(0);
    for (source, target) in [
        ("docker.io/library/db:2", "ns/docker.io/library/db:2"),
        ("ghcr.io/b/gui:3", "ns/ghcr.io/b/gui:3"),
        ("quay.io/a/web:1", "ns/quay.io/a/web:1"),
    ] {
        let row = ended.stdout.lines().find(|line| line.starts_with(source)).unwrap();
        let row: Vec<&str> = row.split_whitespace().collect();
        assert_eq!(row, [source, &format!("10.10.254.254:8000/{target}"), "copy"]);
    }
    assert!(ended.stdout.contains("3 images to copy: "), "{}", ended.stdout);
    let first = site.run(&["push", "imgs", "-o", "json"]).expect(0);
    let value: Value = serde_json::from_str(&first.stdout).unwrap();
    assert!(value["images"].as_array().unwrap().iter().all(|i| i["result"] == "copied"));
    let second = site.run(&["push", "imgs", "-o", "json"]).expect(0);
    let value: Value = serde_json::from_str(&second.stdout).unwrap();
    assert_eq!((&value["bytesSent"], &value["blobsSent"]), (&0.into(), &0.into()));

    // Without a project file, under the last parts of the names.
    std::fs::remove_file(site.path("edge.yaml")).unwrap();
    let registry = format!("{}/mesh", site.registry.address());
    let login = ["--username", "uploader", "--password-stdin", "--ca", "ca.pem"];
    let all = [&["push", "imgs/gui.tar.zst", "--registry", &registry], &login[..]].concat();
    let flat = [&all[..], &["--layout", "flatten", "-o", "json"]].concat();
    let ended = site.run_with_input(&flat, crate::site::PASSWORD.as_bytes()).expect(0);
    assert!(ended.stdout.contains("[REGISTRY]/mesh/gui:3"), "{}", ended.stdout);
    let ended = site.run(&["push", "imgs"]).expect(1);
    assert!(ended.stderr.contains("--registry HOST"), "{}", ended.stderr);
}

#[test]
fn lists_what_archives_hold_and_names_what_has_no_name() {
    let site = Site::new();
    archive(&site, "web.oci", &["1.2"]);
    let ended = site.run(&["push", "web.oci", "--list", "-o", "json"]).expect(0);
    let value: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(value["images"][0]["names"], serde_json::json!([]), "{value:#}");
    assert_eq!(value["images"][0]["platforms"][0], "linux/amd64");
    let digest = value["images"][0]["digest"].as_str().unwrap();

    let ended = site.run(&["push", "web.oci"]).expect(1);
    let hint = format!("hint: give it one: `--name {digest}=HOST/PATH:1.2`");
    assert!(ended.stderr.contains(&hint), "{}", ended.stderr);
    assert!(ended.stderr.contains("only the tag `1.2`"), "{}", ended.stderr);
    let named = format!("{digest}=quay.io/a/web:1.2");
    for name in ["quay.io/a/web:1.2", &named] {
        let ended = site.run(&["push", "web.oci", "--name", name, "--dry-run"]).expect(0);
        assert!(ended.stdout.contains("8000/ns/quay.io/a/web:1.2 "), "{}", ended.stdout);
    }
    let other = format!("sha256:{}=x:1", "0".repeat(64));
    for (name, said) in
        [("a/B", "not an image reference"), (&other, "no archive holds `sha256:000")]
    {
        let ended = site.run(&["push", "web.oci", "--name", name]).expect(2);
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
}

#[test]
fn refuses_what_has_two_meanings() {
    let site = Site::new();
    archive(&site, "a.tar", &["quay.io/a/web:1", "docker.io/a/web:1"]);
    let ended = site.run(&["push", "a.tar", "--layout", "drop-host", "--dry-run"]).expect(1);
    assert!(ended.stderr.contains("would both become"), "{}", ended.stderr);
    assert!(ended.stderr.contains("hint: `--layout full` keeps"), "{}", ended.stderr);
    let directory = site.path("b");
    let mut layout = TinyLayout::new(&directory).unwrap();
    let written = layout.image(&tiny("another")).unwrap();
    layout.name("quay.io/a/web:1", &written).unwrap();
    let ended = site.run(&["push", "a.tar", "b", "--dry-run"]).expect(1);
    assert!(ended.stderr.contains("error: `quay.io/a/web:1` is `sha256:"), "{}", ended.stderr);
}

#[test]
fn archives_take_the_place_of_the_internet() {
    let site = Site::new();
    archive(&site, "web.tar.zst", &["quay.io/a/web:1"]);
    let ended = site.run(&["upload-profile", "--from", "web.tar.zst"]).expect(1);
    assert!(ended.stderr.contains("1 of 2 images can't be taken from the archives"));
    assert!(ended.stderr.contains("`quay.io/a/db:1` is not in `web.tar.zst`, named by pack shop"));
    assert!(!site.path("images.lock").exists(), "nothing was done");

    archive(&site, "db.tar.zst", &["quay.io/a/db:1"]);
    let both = ["upload-profile", "--from", "web.tar.zst", "--from", "db.tar.zst", "-o", "json"];
    let ended = site.run(&both).expect(0);
    let value: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(value["sourceRequests"], 0, "{value:#}");
    assert_eq!(value["images"][1]["result"], "copied");
    site.run(&["verify", "--deep"]).expect(0);
}

#[test]
fn the_rest_may_come_from_upstream_and_pins_hold() {
    let site = Site::new();
    site.serve_all();
    // The same image as upstream: only the other one is asked for.
    archive(&site, "web.tar.zst", &["quay.io/a/web:1"]);
    let mixed = ["upload-profile", "--from", "web.tar.zst", "--or-upstream"];
    site.run(&mixed).expect(0);
    assert!(!site.source.log_text().unwrap().contains("GET /v2/quay.io/a/web/blobs"));
    site.run(&["verify", "--deep"]).expect(0);

    // An image that isn't what the lock has pinned is none of its.
    let directory = site.path("other");
    let mut layout = TinyLayout::new(&directory).unwrap();
    for name in ["quay.io/a/web:1", "quay.io/a/db:1"] {
        let written = layout.image(&tiny("changed")).unwrap();
        layout.name(name, &written).unwrap();
    }
    let ended = site.run(&["upload-profile", "--from", "other"]).expect(1);
    assert!(ended.stderr.contains("`other` has it as `sha256:"), "{}", ended.stderr);
    assert!(ended.stderr.contains("`--update` takes what is there"), "{}", ended.stderr);
    site.run(&["upload-profile", "--from", "other", "--update"]).expect(0);
}

/// A layout with these images, and the place of the manifest of each.
fn images(site: &Site, file: &str, names: &[&str]) -> Vec<std::path::PathBuf> {
    let directory = site.path(file);
    let mut layout = TinyLayout::new(&directory).unwrap();
    let image = |name: &&str| {
        let written = layout.image(&tiny(name)).unwrap();
        layout.name(name, &written).unwrap();
        layout.blob_path(&written.digest)
    };
    names.iter().map(image).collect()
}

#[test]
fn one_bad_image_hides_no_others() {
    let site = Site::new();
    let manifests = images(&site, "imgs", &["quay.io/a/web:1", "quay.io/a/db:1"]);
    std::fs::remove_file(&manifests[0]).unwrap();
    let ended = site.run(&["push", "imgs", "--list"]).expect(4);
    let row = |name: &str| ended.stdout.lines().find(|line| line.starts_with(name)).unwrap();
    assert!(row("quay.io/a/web:1").contains("can't be used"), "{}", ended.stdout);
    assert!(row("quay.io/a/db:1").contains("linux/amd64"), "{}", ended.stdout);
    assert!(ended.stderr.contains("error: 1 of 2 images can't be used\n"), "{}", ended.stderr);
    let ended = site.run(&["push", "imgs", "--list", "-o", "json"]).expect(4);
    let value: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert!(value["images"][0]["error"].as_str().unwrap().contains("is not in"), "{value:#}");
    assert!(value["images"][1]["error"].is_null(), "{value:#}");
    let ended = site.run(&["push", "imgs"]).expect(4);
    assert!(ended.stderr.contains("lacks its manifest"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("--update"), "{}", ended.stderr);
}

#[test]
fn the_platforms_that_are_there_are_named() {
    let site = Site::new();
    let directory = site.path("imgs");
    let mut layout = TinyLayout::new(&directory).unwrap();
    let of = |arch| layout.image(&edgectl_testkit::TinyImage::new(arch)).unwrap();
    let both = [of("amd64"), of("arm64")];
    let index = layout.index(&both).unwrap();
    std::fs::remove_file(layout.blob_path(&both[1].digest)).unwrap();
    layout.name("quay.io/a/multi:1", &index).unwrap();
    let ended = site.run(&["push", "imgs"]).expect(1);
    assert!(ended.stderr.contains("for linux/arm64 is not in `imgs`"), "{}", ended.stderr);
    let hint = "hint: `--platform linux/amd64` takes what is there\n";
    assert!(ended.stderr.contains(hint), "{}", ended.stderr);
    site.run(&["push", "imgs", "--platform", "linux/amd64"]).expect(0);
}

/// A layout's `index.json` stays behind, and the digest says which bytes are meant.
#[test]
fn what_a_layout_says_of_sizes_does_not_count() {
    let site = Site::new();
    let manifest = images(&site, "imgs", &["quay.io/a/web:1"]).remove(0);
    let has = std::fs::metadata(manifest).unwrap().len();
    let index = site.path("imgs/index.json");
    let text = std::fs::read_to_string(&index).unwrap();
    for size in [Value::from(has + 1), Value::from(-1), Value::from(1000.0)] {
        let mut value: Value = serde_json::from_str(&text).unwrap();
        value["manifests"][0]["size"] = size;
        std::fs::write(&index, value.to_string()).unwrap();
        site.run(&["push", "imgs", "--dry-run"]).expect(0);
    }
}

#[test]
fn archives_give_no_orders_to_terminals() {
    let site = Site::new();
    images(&site, "imgs", &["evil"]);
    let index = site.path("imgs/index.json");
    let text = std::fs::read_to_string(&index).unwrap();
    let mut value: Value = serde_json::from_str(&text).unwrap();
    value["manifests"][0]["annotations"] = serde_json::json!({
        "org.opencontainers.image.ref.name": "1\u{1b}]0;x\u{7}\r\nall good",
    });
    std::fs::write(&index, value.to_string()).unwrap();
    let ended = site.run(&["push", "imgs"]).expect(1);
    let shown = r"only the tag `1\u{1b}]0;x\u{7}\r\nall good`";
    assert!(ended.stderr.contains(shown), "{}", ended.stderr);
    let is_order = |c: char| c.is_control() && c != '\n';
    assert!(!ended.stderr.contains(is_order), "{:?}", ended.stderr);
    assert!(!ended.stderr.contains("\nall good"), "{}", ended.stderr);
}

/// A KOTS bundle, as a directory: its registry has `app:1` once for two names.
fn bundle(site: &Site) -> String {
    let layout = TinyLayout::new(&site.path("bundle.layout")).unwrap();
    let written = layout.image(&tiny("app")).unwrap();
    let root = "kots/images/docker/registry/v2";
    for blob in std::fs::read_dir(site.path("bundle.layout/blobs/sha256")).unwrap() {
        let blob = blob.unwrap();
        let hex = blob.file_name().into_string().unwrap();
        let directory = site.path(&format!("{root}/blobs/sha256/{}/{hex}", &hex[..2]));
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::copy(blob.path(), directory.join("data")).unwrap();
    }
    let digest = written.digest.to_string();
    for link in ["app/_manifests/tags/1", "web/_manifests/tags/1"] {
        site.write(&format!("{root}/repositories/{link}/current/link"), &digest);
    }
    let saved = "[docker.io/a/app:1, quay.io/b/app:1, quay.io/c/web:1]";
    let text = format!("kind: Airgap\nspec:\n  savedImages: {saved}\n");
    site.write("kots/airgap.yaml", &text);
    digest
}

#[test]
fn names_that_a_bundle_cannot_tell_apart_are_told_until_each_is_settled() {
    let site = Site::new();
    let digest = bundle(&site);
    // Their names would meet in the registry; the third one's is in no one's way.
    let flat = ["push", "kots", "--layout", "flatten"];
    let ended = site.run(&flat).expect(4);
    for (name, other) in [("docker.io/a", "quay.io/b"), ("quay.io/b", "docker.io/a")] {
        let told = format!("`{name}/app:1`: ");
        assert!(ended.stderr.contains(&told), "{}", ended.stderr);
        let told = format!("can't tell it from `{other}/app:1`");
        assert!(ended.stderr.contains(&told), "{}", ended.stderr);
        let way_out = format!("`--name {digest}={name}/app:1`");
        assert!(ended.stderr.contains(&way_out), "{}", ended.stderr);
    }
    assert!(ended.stderr.contains("copied  quay.io/c/web:1"), "{}", ended.stderr);

    let one = format!("{digest}=quay.io/b/app:1");
    for layout in ["flatten", "full"] {
        let ended = site.run(&["push", "kots", "--layout", layout, "--name", &one]).expect(4);
        assert!(ended.stderr.contains("1 of 3 images could not"), "{}", ended.stderr);
        assert!(ended.stderr.contains("`docker.io/a/app:1`: "), "{}", ended.stderr);
    }
    let other = format!("{digest}=docker.io/a/app:1");
    let both = ["push", "kots", "--name", &one, "--name", &other];
    site.run(&both).expect(0);
    // Two that are certain meet in earnest.
    let ended = site.run(&[&both[..], &flat[2..]].concat()).expect(1);
    assert!(ended.stderr.contains("would both become"), "{}", ended.stderr);
}
