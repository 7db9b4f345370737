//! Archives may hold anything; none of it may panic, and what comes out has
//! the digest that it was asked by.

use std::path::Path;
use std::sync::LazyLock;

use edgectl_registry::{Archives, Blob, Source, verified};
use futures_util::StreamExt;
use proptest::prelude::*;

use super::pack::{Saved, Tar, gzip, layout, write, zstd};
use crate::bench::reference;

/// Reads all that there is to read.
fn read_all(bytes: &[u8]) {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "x.tar", bytes);
    let Ok(archives) = Archives::open(&[path]) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for image in archives.images() {
        let Ok(survey) = archives.survey(&image.digest) else { continue };
        for (digest, size) in survey.blobs {
            let blob = Blob { digest, size };
            runtime.block_on(async {
                let Ok(chunks) = archives.blob(&reference("x/y"), &blob, 0).await else { return };
                let mut chunks = verified(chunks, &blob, "x", Default::default());
                while let Some(Ok(_)) = chunks.next().await {}
            });
        }
    }
}

/// One archive of each kind, small.
static ARCHIVES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    layout(dir.path());
    let saved = Saved::new("x", 2).tar(&["x:1"]);
    let package = Tar::new().file("a/x.tar.gz", &gzip(&saved)).file("b.tar", &saved).bytes();
    vec![saved.clone(), Tar::new().directory(dir.path()).bytes(), zstd(&saved), gzip(&package)]
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_archives_are_safe(
        which in 0..4usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let mut bytes = ARCHIVES[which].clone();
        // Most of an archive is content: headers and texts are few.
        let interesting: Vec<usize> = (0..bytes.len())
            .filter(|at| at % 512 < 160 || bytes[*at] == b'"' || bytes[*at].is_ascii_digit())
            .collect();
        for (at, byte) in changes {
            let at = *at.get(&interesting);
            bytes[at] = byte;
        }
        if is_cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        read_all(&bytes);
    }

    #[test]
    fn any_texts_are_safe(manifest in "[\\[\\]{}\":,a-zA-Z0-9./\\- ]{0,200}", name in ".{0,120}") {
        let name = name.replace(['\0', '/'], "x");
        let mut tar = Tar::new().file("manifest.json", manifest.as_bytes());
        tar = tar.file("index.json", manifest.as_bytes()).file("oci-layout", b"{}");
        if !name.is_empty() && name != "." && name != ".." {
            tar = tar.file(&name, manifest.as_bytes());
        }
        read_all(&tar.bytes());
    }
}

#[test]
fn what_the_fuzz_target_starts_from() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/archives");
    let mut files = 0;
    for file in std::fs::read_dir(corpus).unwrap() {
        read_all(&std::fs::read(file.unwrap().path()).unwrap());
        files += 1;
    }
    assert!(files >= 4, "{files} files");
}
