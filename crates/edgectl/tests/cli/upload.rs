//! `upload-profile`.

use std::io::{Read, Write};

use crate::site::{PASSWORD, Site, profile};

/// Nobody listens there. A free port that was given back may be a registry's of
/// another test by now.
const NOBODY: &str = "127.0.0.1:1";

#[test]
fn a_second_run_sends_nothing() {
    let site = Site::new();
    site.serve_all();
    let first = site.run(&["upload-profile", "-o", "json"]).expect(0);
    let value: serde_json::Value = serde_json::from_str(&first.stdout).unwrap();
    assert_eq!(value["images"][0]["result"], "copied", "{value:#}");
    assert!(value["bytesSent"].as_u64().unwrap() > 0);
    let second = site.run(&["upload-profile", "-o", "json"]).expect(0);
    let value: serde_json::Value = serde_json::from_str(&second.stdout).unwrap();
    assert_eq!(value["images"][1]["result"], "already-there", "{value:#}");
    assert_eq!((&value["bytesSent"], &value["blobsSent"]), (&0.into(), &0.into()));
    assert_eq!(value["sourceRequests"], 0, "the lock knows the digests");
    // Three for the look at the registry, and one for each image.
    assert_eq!(value["requests"], 5, "{value:#}");
    let plan = site.run(&["upload-profile", "--dry-run", "-o", "json"]).expect(0);
    let plan: serde_json::Value = serde_json::from_str(&plan.stdout).unwrap();
    assert_eq!(plan["requests"], value["requests"], "{plan:#}");
}

/// Answers each request with the next of these, on a connection of its own;
/// says at which address.
fn answering(answers: &'static [&str]) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let mut answers = answers.iter();
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut head = vec![0; 4096];
            let read = stream.read(&mut head).unwrap_or(0);
            // TLS isn't spoken here.
            if head[..read].starts_with(b"GET ")
                && let Some(answer) = answers.next()
            {
                let _ = stream.write_all(answer.as_bytes());
            }
        }
    });
    address
}

#[test]
fn a_registry_that_sends_us_away_is_waited_for_aloud_or_not_at_all() {
    let site = Site::new();
    std::fs::remove_file(site.path("edge.yaml")).unwrap();
    let address = answering(&[
        "HTTP/1.1 429 X\r\nRetry-After: 6\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 429 X\r\nRetry-After: 5000\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    ]);
    let to = ["--registry", &address, "--insecure", "--anonymous"];
    let ended = site.run(&[&["upload-profile", "profile.json"], &to[..]].concat()).expect(1);
    let told = format!("warning: `{address}` asks to be left alone for 6 s: waiting\n");
    assert_eq!(ended.stderr.matches(&told).count(), 1, "{}", ended.stderr);
    let told = format!("`{address}` asks to be left alone for 5000 s, which is too long");
    assert!(ended.stderr.contains(&told), "{}", ended.stderr);
    let hint = "hint: run the same command again after that: it continues\n";
    assert!(ended.stderr.contains(hint), "{}", ended.stderr);
}

#[test]
fn the_plan_changes_nothing() {
    let site = Site::new();
    site.serve_all();
    let ended = site.run(&["upload-profile", "--dry-run"]).expect(0);
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines[0], "SOURCE           TARGET                                 PLAN");
    assert_eq!(lines[1], "quay.io/a/db:1   10.10.254.254:8000/ns/quay.io/a/db:1   copy");
    assert!(lines[3].starts_with("2 images to copy: "), "{}", ended.stdout);
    assert!(!site.path("images.lock").exists());
    // Of an upload that was given up the registry keeps directories, no data.
    let open = site.registry_files().into_iter().find(|file| file.ends_with("data"));
    assert_eq!(open, None);

    let foretold = site.run(&["upload-profile", "--dry-run", "-o", "json"]).expect(0);
    let foretold: serde_json::Value = serde_json::from_str(&foretold.stdout).unwrap();
    let done = site.run(&["upload-profile", "-o", "json"]).expect(0);
    let done: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(foretold["bytesToSend"], done["bytesSent"]);
    assert_eq!(foretold["blobsToSend"], done["blobsSent"]);
    assert_eq!(foretold["images"][0]["digest"], done["images"][0]["digest"]);
    let nothing = site.run(&["upload-profile", "--dry-run"]).expect(0);
    assert!(nothing.stdout.contains("0 images to copy: 0 blobs to send"), "{}", nothing.stdout);
}

#[test]
fn one_platform_alone_is_in_the_lock_with_its_own_digest() {
    let site = Site::new();
    site.serve_multi("quay.io/a/web:1");
    site.serve(&[("quay.io/a/db:1", crate::site::tiny("db"))]);
    // What is for another platform alone is no stand-in.
    let other = site.run(&["upload-profile", "--platform", "linux/arm64"]).expect(4);
    let says = "`quay.io/a/db:1` is not there for linux/arm64: it has linux/amd64\n";
    assert!(other.stderr.contains(says), "{}", other.stderr);
    let hint =
        "hint: ask for one that it has as well (`--platform linux/amd64`), or leave the image";
    assert!(other.stderr.contains(hint), "{}", other.stderr);
    let copied = site.run(&["upload-profile", "--platform", "linux/amd64"]).expect(0);
    let says = "has other platforms than its source: sha256:";
    assert_eq!(copied.stderr.matches(says).count(), 1, "{}", copied.stderr);
    let lock = std::fs::read_to_string(site.path("images.lock")).unwrap();
    assert_eq!(lock.matches("mirrored: sha256:").count(), 1, "{lock}");
    site.run(&["verify"]).expect(0);
    let refused = site.run(&["upload-profile", "--platform", "linux/s390x"]).expect(1);
    assert!(refused.stderr.contains("it has linux/amd64, linux/arm64"), "{}", refused.stderr);
    // All of it again: nothing is special any more.
    site.run(&["upload-profile"]).expect(0);
    let lock = std::fs::read_to_string(site.path("images.lock")).unwrap();
    assert!(!lock.contains("mirrored"), "{lock}");
    site.run(&["verify"]).expect(0);
}

#[test]
fn parts_together_are_the_whole() {
    let site = Site::new();
    site.serve_all();
    let unpinned = site.run(&["upload-profile", "--shard", "0/2"]).expect(1);
    assert!(unpinned.stderr.contains("`--shard` needs a lock with pins"), "{}", unpinned.stderr);
    site.run(&["images", "--resolve"]).expect(0);
    let first = site.run(&["upload-profile", "--locked", "--shard", "0/2"]).expect(0);
    assert!(first.stderr.contains("part 0/2: 1 image of 2, "), "{}", first.stderr);
    site.run(&["verify"]).expect(3);
    site.run(&["upload-profile", "--locked", "--shard", "1/2"]).expect(0);
    site.run(&["verify"]).expect(0);
    let wrong = site.run(&["upload-profile", "--shard", "2/2"]).expect(2);
    assert!(wrong.stderr.contains("the last one of 2 is 1"), "{}", wrong.stderr);
}

#[test]
fn failures_are_told_by_cause() {
    let site = Site::new();
    let ended = site.run(&["upload-profile"]).expect(1);
    assert!(ended.stderr.contains("2 of 2 images could not be uploaded"), "{}", ended.stderr);
    let title = "2 images that aren't where they should come from:";
    assert!(ended.stderr.contains(title), "{}", ended.stderr);
    assert_eq!(ended.stderr.matches("hint: check the name and the tag").count(), 1);
}

#[test]
fn a_refused_login_names_host_and_user() {
    let site = Site::new();
    site.write("secrets/uploader", "wrong");
    let ended = site.run(&["upload-profile"]).expect(5);
    assert!(ended.stderr.contains("`10.10.254.254:8000`"), "{}", ended.stderr);
    assert!(ended.stderr.contains("`uploader`"), "{}", ended.stderr);
    assert!(ended.stderr.contains("hint: check the user name and the password"));
}

#[test]
fn a_registry_that_is_not_there_is_named() {
    let site = Site::new();
    site.configure(&site.registry.address(), NOBODY);
    let ended = site.run(&["upload-profile"]).expect(1);
    assert!(ended.stderr.contains(&format!("`{NOBODY}` can't be reached")), "{}", ended.stderr);
    assert!(ended.stderr.contains("hint: check that the registry runs"), "{}", ended.stderr);
}

#[test]
fn a_wrong_authority_is_told_from_a_dead_registry() {
    let site = Site::new();
    let other = edgectl_testkit::TestCa::new("other").unwrap();
    site.write("ca.pem", &other.ca_pem());
    let ended = site.run(&["upload-profile"]).expect(1);
    assert!(
        ended.stderr.contains("no secure connection to `10.10.254.254:8000`"),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("hint: name the PEM certificate"), "{}", ended.stderr);
}

#[test]
fn an_absent_image_is_named_with_its_pack() {
    let site = Site::new();
    site.serve(&[("quay.io/a/web:1", crate::site::tiny("web"))]);
    let ended = site.run(&["upload-profile"]).expect(4);
    assert!(
        ended.stderr.contains("`quay.io/a/db:1`, named by pack shop (profile.json:5)"),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("is not in `[SOURCE]`"), "{}", ended.stderr);
}

#[test]
fn what_was_pinned_and_is_gone_leaves_the_rest_done() {
    let site = Site::new();
    site.serve_all();
    site.run(&["images", "--resolve"]).expect(0);
    let repository = "source/docker/registry/v2/repositories/quay.io/a/db";
    std::fs::remove_dir_all(site.path(repository)).unwrap();
    let ended = site.run(&["upload-profile", "-o", "json"]).expect(4);
    let value: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(value["images"][0]["result"], "failed", "{value:#}");
    assert_eq!(value["images"][1]["result"], "copied", "{value:#}");
    assert!(ended.stderr.contains("error: 1 of 2 images could not be uploaded"));
    assert!(ended.stderr.contains("run the same command again to continue"), "{}", ended.stderr);
}

#[test]
fn a_registry_can_be_named_without_a_project_file() {
    let site = Site::new();
    site.write("profile.json", &profile(&[&format!("{}/quay.io/a/web:1", site.source.address())]));
    std::fs::remove_file(site.path("edge.yaml")).unwrap();
    // Names with a port have no place below a prefix.
    let target = format!("{}/ns", site.registry.address());
    let arguments = ["upload-profile", "profile.json", "--registry", &target, "--ca", "ca.pem"];
    let ended = site.run(&[&arguments[..], &["--dry-run"]].concat()).expect(1);
    assert!(ended.stderr.contains("names a registry with a port"), "{}", ended.stderr);

    // Of this machine, so that nobody else is asked; there is no registry.
    site.write("profile.json", &profile(&["127.0.0.1/a/web:1"]));
    let login = ["--username", "uploader", "--password-stdin", "--dry-run"];
    let all = [&arguments[..], &login].concat();
    let ended = site.run_with_input(&all, PASSWORD.as_bytes()).expect(1);
    assert!(ended.stdout.contains("[REGISTRY]/ns/127.0.0.1/a/web:1"), "{}", ended.stdout);
    assert!(ended.stdout.contains("fails: "), "{}", ended.stdout);
}

#[test]
fn a_missing_password_says_where_it_comes_from() {
    let site = Site::new();
    site.configure("passwordFile: secrets/uploader", "passwordEnv: NOT_SET_HERE");
    let ended = site.run(&["upload-profile"]).expect(2);
    assert!(ended.stderr.contains("error: the environment variable `NOT_SET_HERE` is not set"));
}
