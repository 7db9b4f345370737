//! `save`, and back into a registry.

use serde_json::Value;

use crate::site::{Site, tiny};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn what_is_saved_is_uploaded_without_the_internet() {
    let site = Site::new();
    site.serve_all();
    let ended = site.run(&["save", "--out", "bundle.tar.zst", "-o", "json"]).expect(0);
    let value = json(&ended.stdout);
    assert_eq!(value["images"].as_array().unwrap().len(), 2, "{value:#}");
    let size = std::fs::metadata(site.path("bundle.tar.zst")).unwrap().len();
    assert_eq!(value["file"]["size"], size);
    assert!(value["file"]["digest"].as_str().unwrap().starts_with("sha256:"));
    // The lock keeps the pins, and the bundle has what they say.
    let lock = std::fs::read_to_string(site.path("images.lock")).unwrap();
    assert_eq!(lock.matches("digest: sha256:").count(), 2, "{lock}");
    let before = site.source.log_text().unwrap().len();
    let from = ["upload-profile", "--from", "bundle.tar.zst", "-o", "json"];
    let value = json(&site.run(&from).expect(0).stdout);
    assert_eq!(
        (&value["sourceRequests"], &value["images"][0]["result"]),
        (&0.into(), &"copied".into())
    );
    assert_eq!(site.source.log_text().unwrap().len(), before);
    site.run(&["verify", "--deep"]).expect(0);

    // From the bundle into a directory, and what `push` makes of it.
    site.run(&["save", "--from", "bundle.tar.zst", "--out", "layout-dir"]).expect(0);
    let ended = site.run(&["push", "layout-dir", "--list", "-o", "json"]).expect(0);
    assert_eq!(json(&ended.stdout)["images"].as_array().unwrap().len(), 2);
}

#[test]
fn single_images_and_one_platform_for_docker() {
    let site = Site::new();
    site.serve(&[("quay.io/a/web:1", tiny("web"))]);
    site.serve_multi("quay.io/a/multi:1");
    let both = ["--image", "quay.io/a/web:1", "--image", "quay.io/a/multi:1"];
    let save = |rest: &[&str]| site.run(&[&["save"], &both[..], rest].concat());
    let ended = save(&["--out", "x.tar", "--format", "docker-archive"]).expect(1);
    assert!(ended.stderr.contains("1 of 2 images could not be saved"), "{}", ended.stderr);
    assert!(ended.stderr.contains("hint: name it with `--platform linux/amd64`"));
    assert!(ended.stderr.contains("hint: nothing was written to `x.tar`"), "{}", ended.stderr);
    assert!(!site.path("x.tar").exists());
    let platform = ["--format", "docker-archive", "--platform", "linux/amd64"];
    save(&[&["--out", "x.tar"], &platform[..]].concat()).expect(0);
    let ended = site.run(&["push", "x.tar", "--list", "-o", "json"]).expect(0);
    let value = json(&ended.stdout);
    assert_eq!(value["images"][0]["manifestMade"], false, "{value:#}");
    // A digest that names both platforms is no name of one of them.
    let digest =
        site.run(&["save", "--image", "quay.io/a/multi:1", "--out", "multi.tar", "-o", "json"]);
    let digest = json(&digest.expect(0).stdout)["images"][0]["digest"].as_str().unwrap().to_owned();
    let (tagged, bare) =
        (format!("quay.io/a/multi:1@{digest}"), format!("quay.io/a/multi@{digest}"));
    let one = ["--platform", "linux/arm64", "--out", "one.tar"];
    site.run(&[&["save", "--image", &tagged], &one[..]].concat()).expect(0);
    let listed = site.run(&["images", "one.tar", "-o", "list"]).expect(0);
    assert_eq!(listed.stdout, "quay.io/a/multi:1\n");
    let ended = site.run(&[&["save", "--image", &bare], &one[..]].concat()).expect(1);
    assert!(ended.stderr.contains("its digest names all of its platforms"), "{}", ended.stderr);
    assert!(!site.path("images.lock").exists(), "they are no project's images");

    std::fs::create_dir(site.path("dir.tar")).unwrap();
    for (out, said) in
        [("dir.tar", "`dir.tar` is a directory"), ("edge.yaml", "`edge.yaml` is a file")]
    {
        let ended = save(&["--out", out]).expect(2);
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
    let ended = site.run(&["save", "--image", "quay.io/a/none:1", "--out", "y.tar"]).expect(1);
    assert!(ended.stderr.contains("is not in `"), "{}", ended.stderr);
}

#[test]
fn what_an_archive_holds_is_a_list_of_images() {
    let site = Site::new();
    site.serve_all();
    site.run(&["save", "--out", "bundle.tar.gz"]).expect(0);
    site.run(&["save", "--out", "layout-dir"]).expect(0);
    for name in ["bundle.tar.gz", "layout-dir"] {
        let ended = site.run(&["images", name, "-o", "list"]).expect(0);
        assert_eq!(ended.stdout, "quay.io/a/db:1\nquay.io/a/web:1\n", "{}", ended.stderr);
        let ended = site.run(&["images", name, "--explain", "quay.io/a/web:1"]).expect(0);
        assert!(ended.stdout.contains(name), "{}", ended.stdout);
    }
}
