//! `user-data check`, `merge` and `show`.

use std::os::unix::fs::PermissionsExt;

use crate::site::Site;
use crate::user_data::gzip;

const BAD: &str = "#cloud-config\nstylus:\n  registryCredentials:\n    domain: reg.local\n    username: u\n    password:\n  managementMod: local\n";

#[test]
fn findings_have_places_and_exit_codes() {
    let site = Site::new();
    site.write("bad", BAD);
    let ended = site.run(&["user-data", "check", "bad"]).expect(3);
    assert_eq!(
        ended.stdout,
        "bad:6:5: error: stylus.registryCredentials.password: Invalid type. Expected: string, \
         given: null; write `\"\"` for none, and quote what looks like `null` or `~` \
         [null-password]\n\
         bad:7:3: warning: stylus.managementMod: Additional property managementMod is not \
         allowed; did you mean `managementMode`? [unknown-key]\n"
    );
    assert_eq!(ended.stderr, "1 error, 1 warning\n");

    site.write("odd", "#cloud-config\nstylus: {debugg: true}\n");
    site.run(&["user-data", "check", "odd"]).expect(0);
    site.run(&["user-data", "check", "odd", "--strict"]).expect(3);
    let fine = site.run(&["user-data", "check"]).expect(0);
    assert_eq!((fine.stdout.as_str(), fine.stderr.as_str()), ("", "Validation successful\n"));
}

#[test]
fn machines_read_json_and_sarif() {
    let site = Site::new();
    site.write("bad", BAD);
    let ended = site.run(&["user-data", "check", "bad", "-o", "json"]).expect(3);
    let value: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(value["schema"], 1);
    assert_eq!(value["findings"][0]["rule"], "null-password");
    assert_eq!(value["findings"][0]["line"], 6);
    let ended = site.run(&["user-data", "check", "bad", "-o", "sarif"]).expect(3);
    let value: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(value["version"], "2.1.0");
    let run = &value["runs"][0];
    assert_eq!(run["results"][0]["ruleId"], "null-password");
    let region = &run["results"][0]["locations"][0]["physicalLocation"]["region"];
    assert_eq!((&region["startLine"], &region["startColumn"]), (&6.into(), &5.into()));
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert!(rules.iter().any(|rule| rule["id"] == "null-password"));
}

#[test]
fn images_that_no_rule_covers_are_found() {
    let site = Site::new();
    site.run(&["images"]).expect(0);
    let ended = site.run(&["user-data", "check"]).expect(3);
    assert!(ended.stdout.contains("no rule leads `quay.io/a/db:1`"), "{}", ended.stdout);
    site.run(&["user-data", "inject"]).expect(0);
    site.run(&["user-data", "check", "--strict"]).expect(0);
    site.run(&["user-data", "check", "user-data", "--lock", "images.lock"]).expect(3);
}

#[test]
fn merging_is_finished_and_private() {
    let site = Site::new();
    site.write("a", "#cloud-config\nstylus: {site: {name: a, tags: {city: c}}}\n");
    site.write("b", "#cloud-config\nstylus: {site: {name: b, tags: {zip: \"01234\"}}}\n");
    let ended = site.run(&["user-data", "merge", "a", "b"]).expect(0);
    assert_eq!(
        ended.stdout,
        "#cloud-config\nstylus:\n  site:\n    name: b\n    tags:\n      city: c\n      zip: \"01234\"\n"
    );
    let told = site.run(&["user-data", "merge", "a", "b", "--explain", "stylus.site.name"]);
    assert_eq!(told.expect(0).stdout, "a:2:17 (a later file goes over it)\nb:2:17\n");
    let told = site.run(&["user-data", "merge", "a", "b", "--explain", "stylus.site"]);
    assert_eq!(told.expect(0).stdout, "a:2:10 (a part of it)\nb:2:10\n");
    site.run(&["user-data", "merge", "a", "b", "--explain", "stylus.nothing"]).expect(3);
    site.run(&["user-data", "merge", "a", "b", "--out", "c"]).expect(0);
    let mode = std::fs::metadata(site.path("c")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    site.write("b", "#cloud-config\nstylus: [x]\n");
    let ended = site.run(&["user-data", "merge", "a", "b"]).expect(1);
    assert!(ended.stderr.contains("b:2:1: `stylus` is a list here"), "{}", ended.stderr);
}

#[test]
fn what_is_shown_has_no_secrets() {
    let site = Site::new();
    site.write("a", "#cloud-config\nstylus: {site: {edgeHostToken: tok-1}}\n");
    let shown = site.run(&["user-data", "show", "a"]).expect(0).stdout;
    assert_eq!(shown, "#cloud-config\nstylus: {site: {edgeHostToken: \"<hidden>\"}}\n");
    let shown = site.run(&["user-data", "show", "a", "--secrets"]).expect(0).stdout;
    assert!(shown.contains("tok-1"));
    site.write("a", "#cloud-config\npassword: [\n");
    let ended = site.run(&["user-data", "show", "a"]).expect(1);
    assert!(ended.stderr.contains("what can't be read can't be hidden"), "{}", ended.stderr);
}

#[test]
fn compressed_user_data_is_read() {
    let site = Site::new();
    std::fs::write(site.path("bad.gz"), gzip(BAD.as_bytes())).unwrap();
    let ended = site.run(&["user-data", "check", "bad.gz"]).expect(3);
    assert!(ended.stdout.starts_with("bad.gz:6:5: error: stylus"), "{}", ended.stdout);
    std::fs::write(site.path("bad.gz"), [0x1f, 0x8b, 8, 0, 1, 2, 3]).unwrap();
    let ended = site.run(&["user-data", "check", "bad.gz"]).expect(1);
    assert!(ended.stderr.contains("reading the user data `bad.gz`"), "{}", ended.stderr);
}
