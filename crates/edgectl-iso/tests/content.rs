//! Images beside the system on a medium.

#![allow(clippy::unwrap_used, reason = "tests")]

mod bench;
mod layers;

use std::os::unix::fs::PermissionsExt;

use bench::Bench;
use edgectl_iso::{Content, ContentBlob, Disc, Inspection, IsoError, diff_files, verify_disc};
use edgectl_model::Digest;

const INDEX: &[u8] = br#"{"schemaVersion":2,"manifests":[]}"#;

fn blob(bench: &Bench, name: &str, bytes: &[u8]) -> ContentBlob {
    let path = bench.directory.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    // What the builder's umask made of it must not show.
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    ContentBlob { digest: Digest::sha256(bytes), bytes: bytes.len() as u64, path }
}

fn bench() -> Bench {
    let mut bench = Bench::new();
    let blobs = vec![blob(&bench, "a=\\b", b"manifest"), blob(&bench, "layer", &[7; 5000])];
    let names = vec!["quay.io/a/web:1".to_owned()];
    bench.content = Some(Content { index: INDEX.to_vec(), names, blobs });
    bench
}

#[test]
fn a_layout_is_on_the_medium_as_it_is() {
    let bench = bench();
    bench.bake().unwrap();
    let content = bench.content.as_ref().unwrap();
    assert_eq!(bench.extract("/content/index.json"), INDEX);
    assert_eq!(bench.extract("/content/oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#);
    for blob in &content.blobs {
        let stored = bench.extract(&format!("/content/blobs/sha256/{}", blob.digest.hex()));
        assert_eq!(Digest::sha256(&stored), blob.digest);
        // The place it came from keeps its mode.
        let mode = std::fs::metadata(&blob.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let list = bench.xorriso(&["-find", "/content", "-type", "f", "-exec", "lsdl", "--"]);
    assert_eq!(list.lines().filter(|line| line.starts_with("-rw-r--r--    1 0 ")).count(), 4);
    let sums = String::from_utf8(bench.extract("/edgectl/SHA256SUMS")).unwrap();
    let line = format!("{}  content/index.json\n", Digest::sha256(INDEX).hex());
    assert!(sums.ends_with(&line), "{sums}");

    let disc = Disc::open(&bench.out).unwrap();
    let check = verify_disc(&disc).unwrap();
    assert_eq!(check.findings, [""; 0]);
    let manifest = Inspection::of(&bench.out).unwrap().manifest.unwrap();
    let listed = manifest.files.iter().filter(|file| file.path.starts_with("content/"));
    assert_eq!(listed.count(), 4);
    let summary = manifest.content.unwrap();
    assert_eq!((summary.images, summary.bytes), (content.names.clone(), 5008));

    let first = std::fs::read(&bench.out).unwrap();
    bench.bake().unwrap();
    assert!(std::fs::read(&bench.out).unwrap() == first, "two bakes differ");
}

#[test]
fn content_that_differs_is_found() {
    let (with, without) = (bench(), Bench::new());
    with.bake().unwrap();
    without.bake().unwrap();
    let open = |bench: &Bench| Disc::open(&bench.out).unwrap();
    let changes = diff_files(&open(&without), &open(&with)).unwrap();
    assert!(changes.iter().any(|(path, _)| path == "/content/index.json"), "{changes:?}");

    let place = with.content.as_ref().unwrap().blobs[1].digest.hex().to_owned();
    let entry = open(&with).find(&format!("content/blobs/sha256/{place}")).unwrap().unwrap();
    let mut bytes = std::fs::read(&with.out).unwrap();
    bytes[usize::try_from(entry.extents[0].offset).unwrap() + 3] ^= 1;
    std::fs::write(&with.out, bytes).unwrap();
    let findings = verify_disc(&open(&with)).unwrap().findings;
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].contains(&place), "{findings:?}");
}

#[test]
fn other_digests_are_refused() {
    let mut bench = bench();
    let digest = Digest::parse(&format!("sha512:{}", "a".repeat(128))).unwrap();
    bench.content.as_mut().unwrap().blobs[0].digest = digest;
    assert!(matches!(bench.refused(), IsoError::ContentDigest(_)));
}
