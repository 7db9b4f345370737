//! `user-data inject`.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;

use crate::site::Site;

#[test]
fn only_own_lines_are_added_and_twice_is_once() {
    let site = Site::new();
    site.run(&["images"]).expect(0);
    let ended = site.run(&["user-data", "inject"]).expect(0);
    assert!(ended.stderr.ends_with("wrote ./build/user-data for 10.10.254.254:8000/ns\n"));
    let before = std::fs::read_to_string(site.path("user-data")).unwrap();
    let after = std::fs::read_to_string(site.path("build/user-data")).unwrap();
    for line in before.lines() {
        assert!(after.lines().any(|l| l == line), "{line:?} is gone\n{after}");
    }
    assert!(after.contains("domain: \"10.10.254.254:8000/ns\""), "{after}");
    assert!(after.contains("\"quay.io\": \"10.10.254.254:8000/ns/quay.io\""), "{after}");
    assert!(after.contains("-----BEGIN CERTIFICATE-----"), "{after}");
    let mode = std::fs::metadata(site.path("build/user-data")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let twice = site.run(&["user-data", "inject", "--in", "build/user-data", "--out", "-"]);
    assert_eq!(twice.expect(0).stdout, after);
    assert_eq!(std::fs::read_to_string(site.path("user-data")).unwrap(), before);
}

#[test]
fn what_came_compressed_stays_compressed() {
    let site = Site::new();
    site.run(&["images"]).expect(0);
    let plain = std::fs::read(site.path("user-data")).unwrap();
    site.run(&["user-data", "inject", "--out", "plain"]).expect(0);
    let injected = std::fs::read(site.path("plain")).unwrap();
    let written = |name: &str| std::fs::read(site.path(name)).unwrap();

    std::fs::write(site.path("user-data"), gzip(&plain)).unwrap();
    site.run(&["user-data", "inject"]).expect(0);
    let finished = written("build/user-data");
    assert_eq!(unzipped(&finished), injected);
    // No name, and no date: bytes 4 to 8.
    assert_eq!(finished[3..8], [0; 5]);
    site.run(&["user-data", "inject", "--in", "build/user-data", "--out", "twice"]).expect(0);
    assert_eq!(written("twice"), finished);
    site.run(&["user-data", "inject", "--in", "twice", "--out", "without", "--remove"]).expect(0);
    assert_eq!(unzipped(&written("without")), plain);
    let diff = site.run(&["user-data", "inject", "--diff"]).expect(0).stdout;
    assert!(diff.contains("+  registryCredentials:"), "{diff}");

    site.write("sites.csv", "name\na\n");
    site.run(&["user-data", "inject", "--sites", "sites.csv", "--out", "sites"]).expect(0);
    assert_eq!(unzipped(&written("sites/a.yaml")), injected);
}

/// It stays, and whoever passes such a file over is named.
#[test]
fn a_byte_order_mark_is_warned_of() {
    let site = Site::new();
    site.run(&["images"]).expect(0);
    let ended = site.run(&["user-data", "inject"]).expect(0);
    assert!(!ended.stderr.contains("byte order mark"), "{}", ended.stderr);
    let plain = std::fs::read_to_string(site.path("user-data")).unwrap();
    let after = std::fs::read_to_string(site.path("build/user-data")).unwrap();
    site.write("user-data", &format!("\u{feff}{plain}"));
    let ended = site.run(&["user-data", "inject"]).expect(0);
    assert!(ended.stderr.contains("byte order mark"), "{}", ended.stderr);
    let marked = std::fs::read_to_string(site.path("build/user-data")).unwrap();
    // The trace counts bytes from the start.
    let without_trace = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.starts_with("# edgectl:")).map(str::to_owned).collect()
    };
    assert_eq!(without_trace(&marked), without_trace(&format!("\u{feff}{after}")));
    site.run(&["user-data", "inject", "--remove", "--in", "build/user-data"]).expect(0);
    let removed = std::fs::read_to_string(site.path("build/user-data")).unwrap();
    assert_eq!(removed, format!("\u{feff}{plain}"));
}

pub(crate) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text).unwrap();
    gzip.finish().unwrap()
}

fn unzipped(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut text).unwrap();
    text
}

#[test]
fn without_a_lock_it_says_what_writes_one() {
    let site = Site::new();
    let ended = site.run(&["user-data", "inject"]).expect(1);
    assert!(ended.stderr.contains("reading the image lock `./images.lock`"), "{}", ended.stderr);
    assert!(ended.stderr.contains("hint: `edgectl images` writes it"), "{}", ended.stderr);
}

#[test]
fn what_is_no_cloud_config_is_refused() {
    let site = Site::new();
    site.run(&["images"]).expect(0);
    site.write("user-data", "stylus: {}\n");
    let ended = site.run(&["user-data", "inject"]).expect(1);
    assert!(ended.stderr.contains("injecting the registry into `./user-data`"));
    assert!(ended.stderr.contains("#cloud-config"), "{}", ended.stderr);
    assert!(!site.path("build/user-data").exists());
}

#[test]
fn what_was_injected_is_taken_out_to_the_byte() {
    let site = Site::new();
    site.run(&["images"]).expect(0);
    let before = std::fs::read_to_string(site.path("user-data")).unwrap();
    site.run(&["user-data", "inject"]).expect(0);
    let remove = ["user-data", "inject", "--remove", "--in", "build/user-data", "--out", "-"];
    assert_eq!(site.run(&remove).expect(0).stdout, before);

    let ended = site.run(&["user-data", "inject", "--remove"]).expect(5);
    assert!(ended.stderr.contains("has added nothing here"), "{}", ended.stderr);
    assert!(ended.stderr.contains("hint: `--force` takes out the registry's keys"));

    // Neither the password that was injected nor any other is needed, and what
    // was edited elsewhere stays.
    let after = std::fs::read_to_string(site.path("build/user-data")).unwrap();
    site.write("build/user-data", &format!("{after}timezone: UTC\n"));
    std::fs::remove_file(site.path("images.lock")).unwrap();
    let ended = site.run(&[&remove[..], &["--username", "x", "--password-file", "none"]].concat());
    let ended = ended.expect(0);
    assert_eq!(ended.stdout, format!("{before}timezone: UTC\n"));
    assert!(ended.stderr.contains("was changed since"), "{}", ended.stderr);
    site.run(&["images"]).expect(0);

    site.write(
        "user-data",
        "#cloud-config\nstylus:\n  registryCredentials: {password: old, username: me}\n",
    );
    site.run(&["user-data", "inject"]).expect(0);
    let ended = site.run(&remove).expect(5);
    assert!(ended.stderr.contains("can't be brought back"), "{}", ended.stderr);
    let forced = site.run(&[&remove[..], &["--force"]].concat()).expect(0);
    assert!(!forced.stdout.contains("password"), "{}", forced.stdout);
}

#[test]
fn a_difference_has_no_secrets_and_writes_nothing() {
    let site = Site::new();
    site.run(&["images"]).expect(0);
    let ended = site.run(&["user-data", "inject", "--diff"]).expect(0);
    assert!(ended.stdout.contains("+    password: \"<hidden>\"\n"), "{}", ended.stdout);
    assert!(ended.stdout.contains(" stylus:\n"), "{}", ended.stdout);
    assert!(!ended.stdout.contains(crate::site::PASSWORD));
    assert!(!site.path("build/user-data").exists());
}
