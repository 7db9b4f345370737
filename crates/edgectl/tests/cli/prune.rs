//! `prune`.

use edgectl_testkit::{RegistryOptions, RegistryServer};
use serde_json::Value;

use crate::site::{Site, profile, tiny};

/// A site whose registry deletes, or doesn't, with `web` and `db` uploaded and
/// only `web` still needed.
fn with_old_image(deletes: bool) -> (Site, RegistryServer) {
    let site = Site::new();
    site.serve(&[("quay.io/a/web:1", tiny("web")), ("quay.io/a/db:1", tiny("db"))]);
    let server = RegistryServer::start(&RegistryOptions {
        storage: site.path("pruned"),
        log: site.path("pruned.log"),
        delete_enabled: deletes,
        ..RegistryOptions::below(site.dir.path())
    })
    .unwrap();
    site.configure(&format!("connectTo: {}", site.registry.address()), &{
        format!("connectTo: {}\n  insecure: true", server.address())
    });
    site.configure("  ca: ca.pem\n", "");
    site.configure("  credentials: {username: uploader, passwordFile: secrets/uploader}\n", "");
    site.run(&["upload-profile"]).expect(0);
    std::fs::copy(site.path("images.lock"), site.path("old.lock")).unwrap();
    site.write("profile.json", &profile(&["quay.io/a/web:1"]));
    site.run(&["upload-profile"]).expect(0);
    (site, server)
}

#[test]
fn plans_first_and_deletes_when_told() {
    let (site, _server) = with_old_image(true);
    let plan = site.run(&["prune", "--old", "old.lock"]).expect(0);
    assert!(plan.stdout.contains("delete  image  10.10.254.254:8000/ns/quay.io/a/db:1"));
    assert!(!plan.stdout.contains("a/web"), "{}", plan.stdout);
    assert!(plan.stderr.contains("1 manifest to delete; `--yes` does it"), "{}", plan.stderr);
    site.run(&["verify", "old.lock"]).expect(0);

    let done = site.run(&["prune", "--old", "old.lock", "--yes", "-o", "json"]).expect(0);
    let value: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(value["manifests"][0]["result"], "deleted", "{value:#}");
    site.run(&["verify", "old.lock"]).expect(3);
    site.run(&["verify"]).expect(0);
    let again = site.run(&["prune", "--old", "old.lock", "--yes"]).expect(0);
    assert!(again.stderr.contains("nothing to delete"), "{}", again.stderr);
}

#[test]
fn a_registry_that_does_not_delete_is_told_with_its_setting() {
    let (site, _server) = with_old_image(false);
    let ended = site.run(&["prune", "--old", "old.lock", "--yes"]).expect(1);
    assert!(ended.stderr.contains("error: 1 of 1 could not be deleted"), "{}", ended.stderr);
    assert!(ended.stderr.contains("storage.delete.enabled: true"), "{}", ended.stderr);
}

#[test]
fn says_what_is_missing_before_it_asks_anybody() {
    let site = Site::new();
    let ended = site.run(&["prune", "--old", "old.lock"]).expect(1);
    assert!(ended.stderr.contains("`old.lock`"), "{}", ended.stderr);
    site.serve_all();
    site.run(&["images"]).expect(0);
    std::fs::copy(site.path("images.lock"), site.path("old.lock")).unwrap();
    let ended = site.run(&["prune", "--old", "old.lock"]).expect(1);
    assert!(ended.stderr.contains("has no digest for `quay.io/a/db:1`"), "{}", ended.stderr);
    std::fs::remove_file(site.path("images.lock")).unwrap();
    let ended = site.run(&["prune", "--old", "old.lock"]).expect(2);
    assert!(ended.stderr.contains("`--all`"), "{}", ended.stderr);
    site.configure("10.10.254.254:8000/ns", "10.10.254.254:8000/other");
    let ended = site.run(&["prune", "--old", "old.lock", "--all"]).expect(1);
    assert!(ended.stderr.contains("and not of `10.10.254.254:8000/other`"), "{}", ended.stderr);
}
