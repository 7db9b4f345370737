//! The bill of materials of a baked image.

#![allow(clippy::unwrap_used, reason = "tests")]

mod bench;
mod layers;

use std::collections::BTreeSet;

use bench::{Bench, USER_DATA, system};
use edgectl_iso::{Content, ContentBlob, sbom};
use edgectl_model::Digest;
use layers::Layer;
use serde_json::Value;

const STATUS: &str = "Package: zlib1g\nStatus: install ok installed\nArchitecture: amd64\n\
    Version: 1:1.2.13.dfsg-1\n\nPackage: old\nStatus: deinstall ok config-files\nVersion: 1\n\
    Architecture: all\n\n";

/// A system with packages, and an image beside it.
fn bench() -> Bench {
    let mut layers = system();
    let release = "PRETTY_NAME=\"x\"\nID=debian\nVERSION_ID=\"12\"\n";
    let upper = Layer::new()
        .file("usr/lib/os-release", release)
        .symlink("etc/os-release", "../usr/lib/os-release")
        .file("var/lib/dpkg/status.d/tzdata", "Package: tzdata\nVersion: 2\nArchitecture: all\n")
        .file("var/lib/dpkg/status.d/tzdata.md5sums", "Package: no\nVersion: 1\n");
    layers.push(upper);
    layers.push(Layer::new().file("var/lib/dpkg/status", STATUS));
    let mut bench = Bench::with(layers);
    let path = bench.directory.path().join("blob");
    std::fs::write(&path, "manifest").unwrap();
    let digest = Digest::sha256(b"manifest");
    let index = format!(
        r#"{{"manifests":[{{"digest":"{digest}","annotations":
           {{"org.opencontainers.image.ref.name":"quay.io/a/web:1"}}}}]}}"#
    );
    bench.content = Some(Content {
        index: index.into_bytes(),
        names: vec!["quay.io/a/web:1".to_owned()],
        blobs: vec![ContentBlob { digest, bytes: 8, path }],
    });
    bench
}

fn document(bench: &Bench) -> (Vec<u8>, Value) {
    let report = bench.bake().unwrap();
    let bytes = sbom(&report, bench.content.as_ref()).unwrap();
    let value = serde_json::from_slice(&bytes).unwrap();
    (bytes, value)
}

fn each<'a>(value: &'a Value, list: &str) -> impl Iterator<Item = &'a Value> {
    value[list].as_array().unwrap().iter()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn it_says_what_is_on_the_image() {
    let (_, value) = document(&bench());
    let packages: Vec<&Value> = each(&value, "packages").collect();
    let named: Vec<&str> = packages.iter().map(|package| text(&package["name"])).collect();
    assert_eq!(named, ["installer.iso", "debian", "tzdata", "zlib1g", "quay.io/a/web:1"]);
    let system = packages[1];
    assert_eq!(system["versionInfo"], "12");
    assert_eq!(system["checksums"][0]["checksumValue"], Digest::sha256(b"os").hex());
    let locator = &packages[3]["externalRefs"][0]["referenceLocator"];
    let wanted = "pkg:deb/debian/zlib1g@1%3A1.2.13.dfsg-1?arch=amd64&distro=debian-12";
    assert_eq!(*locator, wanted);
    assert_eq!(packages[4]["versionInfo"], Digest::sha256(b"manifest").as_str());
    let paths: BTreeSet<&str> = each(&value, "files").map(|it| text(&it["fileName"])).collect();
    for path in ["./boot/kernel", "./boot/initrd", "./live/filesystem.squashfs"] {
        assert!(paths.contains(path), "{paths:?}");
    }
    let kernel = each(&value, "files").find(|it| it["fileName"] == "./boot/kernel").unwrap();
    assert_eq!(kernel["comment"], "`/boot/vmlinuz-1.0` of the operating system");
}

/// SPDX 2.3: what must be there, once, in the right form.
#[test]
fn every_field_that_must_be_there_is() {
    let (_, value) = document(&bench());
    let top = ["spdxVersion", "dataLicense", "name", "documentNamespace"];
    assert!(top.iter().all(|field| !text(&value[field]).is_empty()), "{value:#}");
    assert!(text(&value["documentNamespace"]).starts_with("https://spdx.org/spdxdocs/edgectl-"));
    assert_eq!(value["creationInfo"]["created"], "2026-01-01T00:00:00Z");
    let mut ids = BTreeSet::from([text(&value["SPDXID"])]);
    for one in each(&value, "packages").chain(each(&value, "files")) {
        let id = text(&one["SPDXID"]);
        assert!(ids.insert(id), "{id} twice");
        let rest = id.strip_prefix("SPDXRef-").unwrap();
        assert!(rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-'), "{id}");
    }
    for package in each(&value, "packages") {
        assert_eq!(package["downloadLocation"], "NOASSERTION");
        let is_analyzed = package["filesAnalyzed"].as_bool().unwrap();
        assert_eq!(package.get("packageVerificationCode").is_some(), is_analyzed);
    }
    for file in each(&value, "files") {
        let sums: Vec<(&str, usize)> = each(file, "checksums")
            .map(|sum| (text(&sum["algorithm"]), text(&sum["checksumValue"]).len()))
            .collect();
        assert_eq!(sums, [("SHA1", 40), ("SHA256", 64)]);
    }
    for relation in each(&value, "relationships") {
        for end in ["spdxElementId", "relatedSpdxElement"] {
            assert!(ids.contains(text(&relation[end])), "{relation}");
        }
    }
}

#[test]
fn digests_are_of_the_files() {
    let bench = bench();
    let (_, value) = document(&bench);
    for file in each(&value, "files") {
        let path = text(&file["fileName"]).trim_start_matches('.');
        let has_areas = file["comment"].as_str().is_some_and(|text| text.contains("areas empty"));
        let stored = bench.extract(path);
        let is_same = Digest::sha256(&stored).hex() == text(&file["checksums"][1]["checksumValue"]);
        let holds_user_data = path == "/nocloud/user-data";
        assert!(is_same != holds_user_data, "{path}");
        assert!(has_areas || !holds_user_data, "{path}");
    }
}

/// The same image, the same bytes; other user data, the same files.
#[test]
fn it_is_reproducible_and_tells_nothing_of_user_data() {
    let mut bench = bench();
    let (first, value) = document(&bench);
    assert!(first == document(&bench).0, "two documents differ");
    bench.user_data = Some(USER_DATA.replace("s3cret", "0ther"));
    let (_, other) = document(&bench);
    assert_eq!(value["files"], other["files"]);
    assert_ne!(value["documentNamespace"], other["documentNamespace"]);
    assert!(!String::from_utf8(first).unwrap().contains("s3cret"));
}

#[test]
fn a_system_that_says_nothing_has_no_packages() {
    let (_, value) = document(&Bench::new());
    let named: Vec<&str> = each(&value, "packages").map(|one| text(&one["name"])).collect();
    assert_eq!(named, ["installer.iso", "operating system"]);
}
