//! Files that aren't what they should be: where and what, and the way out.

use crate::site::{Site, profile};

/// Whoever only uploads has no user data.
#[test]
fn sections_of_other_commands_may_be_missing() {
    let site = Site::new();
    site.configure("userData: {file: user-data}\n", "");
    std::fs::remove_file(site.path("user-data")).unwrap();
    site.configure("iso: {os: ./os}\n", "");
    site.run(&["images"]).expect(0);
    let ended = site.run(&["iso", "build", "--no-user-data"]).expect(2);
    assert!(ended.stderr.contains("edge.yaml names no operating system"), "{}", ended.stderr);
    let ended = site.run(&["build"]).expect(2);
    assert!(ended.stderr.contains("edge.yaml names no operating system"), "{}", ended.stderr);
    let ended = site.run(&["user-data", "inject"]).expect(1);
    assert!(ended.stderr.contains("reading the user data `./user-data`"), "{}", ended.stderr);
    site.configure(
        "credentials: {username: uploader, passwordFile: secrets/uploader}",
        "credentials: anonymous",
    );
    let ended = site.run(&["images"]).expect(2);
    assert!(ended.stderr.contains("expected a mapping"), "{}", ended.stderr);
}

#[test]
fn a_profile_that_is_no_yaml() {
    let site = Site::new();
    site.write("profile.json", "{\n  \"spec\": [}\n");
    let ended = site.run(&["images"]).expect(1);
    assert!(ended.stderr.contains("profile.json"), "{}", ended.stderr);
    assert!(ended.stderr.contains("line 2") || ended.stderr.contains(":2:"), "{}", ended.stderr);
    assert!(ended.stderr.contains("hint: give a cluster profile export"), "{}", ended.stderr);
}

#[test]
fn a_profile_of_another_shape() {
    let site = Site::new();
    site.write("profile.json", "{\"kind\": \"List\"}\n");
    let ended = site.run(&["images"]).expect(1);
    assert!(ended.stderr.contains("line 1, column 1: expected a cluster"), "{}", ended.stderr);
    assert!(ended.stderr.contains("profile.json"), "{}", ended.stderr);
}

#[test]
fn a_reference_that_does_not_parse() {
    let site = Site::new();
    site.write("profile.json", &profile(&["quay.io/a/Web:1"]));
    let ended = site.run(&["images"]).expect(3);
    assert!(ended.stderr.contains("error: profile.json:5:"), "{}", ended.stderr);
    assert!(ended.stderr.contains("[bad-reference]"), "{}", ended.stderr);
    let ended = site.run(&["upload-profile"]).expect(3);
    assert!(ended.stderr.contains("error: the profile has findings"), "{}", ended.stderr);
}

#[test]
fn a_profile_that_is_not_there() {
    let site = Site::new();
    std::fs::remove_file(site.path("profile.json")).unwrap();
    let ended = site.run(&["images"]).expect(1);
    assert_eq!(
        ended.stderr,
        "error: reading the input `./profile.json`\n  caused by: No such file or directory (os error 2)\n"
    );
}

#[test]
fn a_misspelt_key_in_the_project_file() {
    let site = Site::new();
    site.configure("userData:", "userdata:");
    let ended = site.run(&["images"]).expect(2);
    assert!(ended.stderr.contains("did you mean `userData`?"), "{}", ended.stderr);
    assert!(ended.stderr.starts_with("error: `edge.yaml`: line 11, column "), "{}", ended.stderr);
}

#[test]
fn no_project_file_at_all() {
    let site = Site::new();
    std::fs::remove_file(site.path("edge.yaml")).unwrap();
    let ended = site.run(&["build"]).expect(1);
    assert!(ended.stderr.contains("hint: `edgectl init` writes a commented one"));
}

#[test]
fn a_lock_of_another_version() {
    let site = Site::new();
    site.write("images.lock", "schema: 9\n");
    let ended = site.run(&["images"]).expect(1);
    assert!(ended.stderr.contains("`./images.lock`: the lock file has schema 9"));
}

#[test]
fn two_images_under_one_name() {
    let site = Site::new();
    site.write("profile.json", &profile(&["quay.io/a/web:1", "ghcr.io/b/web:1"]));
    site.configure("  domain:", "  layout: flatten\n  domain:");
    let ended = site.run(&["images"]).expect(1);
    assert!(ended.stderr.contains("`ghcr.io/b/web:1` and `quay.io/a/web:1`"), "{}", ended.stderr);
    assert!(ended.stderr.contains("would both become `10.10.254.254:8000/ns/web:1`"));
}
