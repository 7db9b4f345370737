//! `verify`: what an upload brought, and what happens to it afterwards.

use std::path::PathBuf;

use crate::site::Site;

fn uploaded() -> Site {
    let site = Site::new();
    site.serve_all();
    site.run(&["upload-profile"]).expect(0);
    site
}

/// Files of the site's registry whose path has all of `parts`.
fn stored(site: &Site, parts: &[&str]) -> Vec<PathBuf> {
    let is_meant = |path: &PathBuf| {
        let text = path.to_string_lossy().into_owned();
        text.contains("/storage/") && parts.iter().all(|part| text.contains(part))
    };
    site.files().into_iter().filter(is_meant).collect()
}

#[test]
fn what_was_uploaded_is_there() {
    let site = uploaded();
    let ended = site.run(&["verify"]).expect(0);
    assert_eq!(ended.stdout, "");
    assert_eq!(ended.stderr, "2 images in 10.10.254.254:8000/ns, all as in the lock\n");
    site.run(&["verify", "images.lock", "--deep"]).expect(0);
    let ended = site.run(&["verify", "-o", "json"]).expect(0);
    let value: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(value["images"][0]["state"], "same");
}

#[test]
fn what_is_gone_is_named() {
    let site = uploaded();
    for link in stored(&site, &["/db/", "_manifests/tags"]) {
        std::fs::remove_file(link).unwrap();
    }
    let ended = site.run(&["verify"]).expect(3);
    assert!(ended.stdout.contains("10.10.254.254:8000/ns/quay.io/a/db:1"), "{}", ended.stdout);
    assert!(ended.stdout.contains("missing"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("a/web"), "{}", ended.stdout);
    assert!(ended.stderr.contains("1 not as they should be"), "{}", ended.stderr);
    // The way out is the upload.
    site.run(&["upload-profile"]).expect(0);
    site.run(&["verify"]).expect(0);
}

#[test]
fn damage_is_found_by_looking_deep() {
    let site = uploaded();
    let blobs = stored(&site, &["/blobs/sha256/", "/data"]);
    let largest = blobs.iter().max_by_key(|blob| std::fs::metadata(blob).unwrap().len()).unwrap();
    let mut bytes = std::fs::read(largest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(largest, bytes).unwrap();
    site.run(&["verify"]).expect(0);
    let ended = site.run(&["verify", "--deep"]).expect(3);
    assert!(ended.stdout.contains("damaged"), "{}", ended.stdout);
    assert!(ended.stderr.contains("upload-profile --repair"), "{}", ended.stderr);
}

/// What the registry has lost of an image is sent when it is asked for, and
/// not looked for otherwise.
#[test]
fn what_is_missing_inside_is_repaired() {
    let site = uploaded();
    let links = stored(&site, &["/a/web/_layers/sha256/", "/link"]);
    assert!(!links.is_empty());
    for link in links {
        std::fs::remove_file(link).unwrap();
    }
    site.run(&["upload-profile"]).expect(0);
    site.run(&["verify", "--deep"]).expect(3);
    let ended = site.run(&["upload-profile", "--repair"]).expect(0);
    // The other one is whole, and nothing of it is sent.
    assert!(ended.stderr.contains("1 image copied, 1 already there; "), "{}", ended.stderr);
    site.run(&["verify", "--deep"]).expect(0);
    let ended = site.run(&["upload-profile", "--repair"]).expect(0);
    let says = "0 images copied, 2 already there; 0 bytes sent, 0 blobs sent, 0 mounted";
    assert!(ended.stderr.contains(says), "{}", ended.stderr);
}

/// Rules may send images to other places than the others', and they count.
#[test]
fn what_rules_put_elsewhere_is_looked_at() {
    let site = Site::new();
    site.serve_all();
    let rule = "connectTo: {}\n  rules: {quay.io/a/web: '10.10.254.254:8000/elsewhere/web'}";
    let registry = site.registry.address();
    site.configure(&format!("connectTo: {registry}"), &rule.replace("{}", &registry));
    site.run(&["upload-profile"]).expect(0);
    let lock = std::fs::read_to_string(site.path("images.lock")).unwrap();
    assert!(lock.contains("10.10.254.254:8000/elsewhere/web"), "{lock}");
    site.run(&["verify", "--deep"]).expect(0);
}

#[test]
fn a_lock_whose_images_are_elsewhere_is_refused() {
    let site = uploaded();
    let lock = std::fs::read_to_string(site.path("images.lock")).unwrap();
    let ours = "target: 10.10.254.254:8000/ns/quay.io/a/web";
    assert!(lock.contains(ours), "{lock}");
    let elsewhere = "target: 10.10.254.254:8000/nsx/quay.io/a/web";
    site.write("images.lock", &lock.replace(ours, elsewhere));
    let ended = site.run(&["verify"]).expect(1);
    assert!(ended.stderr.contains("which is not in `10.10.254.254:8000/ns`"), "{}", ended.stderr);
}

#[test]
fn a_lock_without_pins_or_of_another_registry_is_refused() {
    let site = Site::new();
    site.run(&["images"]).expect(0);
    let ended = site.run(&["verify"]).expect(1);
    assert!(ended.stderr.contains("2 images have no digest in the lock"), "{}", ended.stderr);
    site.configure("/ns", "/other");
    let ended = site.run(&["verify"]).expect(1);
    assert!(ended.stderr.contains("the lock is of `10.10.254.254:8000/ns`"), "{}", ended.stderr);
}

/// One image without a pin doesn't hide what is wrong with the others.
#[test]
fn what_is_pinned_is_looked_at_beside_what_is_not() {
    let site = uploaded();
    let lock = std::fs::read_to_string(site.path("images.lock")).unwrap();
    let (before, web) = lock.split_once("- source: quay.io/a/web:1\n  digest: ").unwrap();
    let (_, after) = web.split_once('\n').unwrap();
    site.write("images.lock", &format!("{before}- source: quay.io/a/web:1\n{after}"));
    let ended = site.run(&["verify"]).expect(1);
    assert!(ended.stdout.contains("a/web:1  unpinned"), "{}", ended.stdout);
    assert!(ended.stderr.contains("`quay.io/a/web:1` has no digest"), "{}", ended.stderr);
    for link in stored(&site, &["/db/", "_manifests/tags"]) {
        std::fs::remove_file(link).unwrap();
    }
    let ended = site.run(&["verify", "-o", "json"]).expect(3);
    let value: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let states = value["images"].as_array().unwrap().iter().map(|image| &image["state"]);
    assert_eq!(states.collect::<Vec<_>>(), ["missing", "unpinned"]);
}

/// Without a project file: the lock on stdout, the upload, and the check.
#[test]
fn the_command_line_names_registry_and_login() {
    let site = uploaded();
    let lock = std::fs::read_to_string(site.path("images.lock")).unwrap();
    let digest = lock.lines().find_map(|line| line.trim().strip_prefix("digest: ")).unwrap();
    let is_db = lock.find("a/db:1").unwrap() < lock.find("a/web:1").unwrap();
    assert!(is_db, "{lock}");
    site.write("list.txt", &format!("quay.io/a/db:1@{digest}\n"));
    std::fs::remove_file(site.path("edge.yaml")).unwrap();
    let prefix = format!("{}/ns", site.registry.address());
    let login = ["--username", "uploader", "--password-file", "secrets/uploader"];
    let registry = [&["--registry", &prefix, "--ca", "ca.pem"][..], &login].concat();
    let run = |first: &[&str]| site.run(&[first, &registry].concat());
    let ended = run(&["images", "list.txt", "-o", "lock"]).expect(0);
    site.write("named.lock", &ended.stdout.replace("[REGISTRY]", &site.registry.address()));
    run(&["verify", "named.lock", "--deep"]).expect(0);
    for link in stored(&site, &["/db/", "_manifests/tags"]) {
        std::fs::remove_file(link).unwrap();
    }
    run(&["verify", "named.lock"]).expect(3);
    let ended = run(&["verify"]).expect(2);
    assert!(ended.stderr.contains("name the lock, too"), "{}", ended.stderr);
    let ended = run(&["images"]).expect(2);
    assert!(ended.stderr.contains("name what is to be read"), "{}", ended.stderr);
    let other = format!("{}/other", site.registry.address());
    let wrong = ["verify", "named.lock", "--registry", &other, "--anonymous", "--ca", "ca.pem"];
    let ended = site.run(&wrong).expect(1);
    assert!(ended.stderr.contains("the lock is of"), "{}", ended.stderr);
    let ended =
        site.run(&["verify", "named.lock", "--registry", &prefix, "--anonymous", "--ca", "ca.pem"]);
    assert!(ended.expect(1).stderr.contains("1 not as they should be"), "the login is needed");
}
