//! Where something goes wrong there is no archive, and none that lacks
//! something.

use std::sync::atomic::{AtomicU64, Ordering};

use std::path::PathBuf;

use edgectl_model::{Digest, Reference};
use edgectl_registry::{
    Archives, Blob, Chunks, Layout, RawManifest, RegistryError, SaveForm, Source,
};
use edgectl_testkit::{TinyImage, TinyLayout, Written};
use futures_util::stream::{self, StreamExt};

use super::{NAMES, names_in, save_from, target};
use crate::archive::forms::push_and_verify;
use crate::archive::pack::layout;

/// A layout whose blobs break off at every so many bytes, or are wrong.
struct Shaky {
    layout: Layout,
    breaks: u64,
    opened: AtomicU64,
    wrong: Option<Digest>,
}

impl Shaky {
    fn new(layout: Layout) -> Self {
        Self { layout, breaks: u64::MAX, opened: AtomicU64::new(0), wrong: None }
    }
}

impl Source for Shaky {
    async fn manifest(
        &self,
        reference: &Reference,
        digest: Option<&Digest>,
    ) -> Result<RawManifest, RegistryError> {
        self.layout.manifest(reference, digest).await
    }

    async fn blob(&self, at: &Reference, blob: &Blob, from: u64) -> Result<Chunks, RegistryError> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let mut rest = Vec::new();
        let mut chunks = self.layout.blob(at, blob, from).await?;
        while let Some(chunk) = chunks.next().await {
            rest.extend_from_slice(&chunk?);
        }
        if self.wrong.as_ref() == Some(&blob.digest) {
            rest.iter_mut().for_each(|byte| *byte ^= 1);
        }
        let here = rest.len().min(usize::try_from(self.breaks).unwrap_or(usize::MAX));
        let broke = RegistryError::Stalled { host: "src.example".to_owned(), seconds: 0 };
        let end = (here < rest.len()).then_some(Err(broke));
        rest.truncate(here);
        let pieces: Vec<_> = rest.chunks(1 << 15).map(|c| Ok(c.to_vec().into())).collect();
        Ok(Box::pin(stream::iter(pieces.into_iter().chain(end))))
    }
}

fn shaky(dir: &tempfile::TempDir) -> Shaky {
    let directory = dir.path().join("layout");
    layout(&directory);
    Shaky::new(Layout::open(directory).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_breaks_off_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let source = Shaky { breaks: 200_000, ..shaky(&dir) };
    let (out, plain) = (
        target(dir.path(), "out.tar.gz", SaveForm::OciArchive),
        target(dir.path(), "plain.tar.gz", SaveForm::OciArchive),
    );
    let saved = save_from(&source, &NAMES, &out).await;
    assert!(saved.file.is_some(), "{:?}", saved.outcome);
    save_from(&source.layout, &NAMES, &plain).await;
    assert!(std::fs::read(&out.path).unwrap() == std::fs::read(plain.path).unwrap());
    assert_eq!(push_and_verify(&Archives::open(&[out.path]).unwrap()).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_image_is_told_before_anything_is_fetched() {
    let dir = tempfile::tempdir().unwrap();
    let source = shaky(&dir);
    let out = target(dir.path(), "out.tar", SaveForm::OciArchive);
    std::fs::write(&out.path, "the former one").unwrap();
    let names = [NAMES[0], NAMES[1], "quay.io/org/none:1"];
    let saved = save_from(&source, &names, &out).await;
    assert_eq!(saved.outcome.failed().count(), 3);
    assert!(saved.file.is_none());
    assert_eq!(std::fs::read(&out.path).unwrap(), b"the former one");
    assert_eq!(names_in(dir.path()), ["layout", "out.tar"]);
    // The configuration that tells the platform of the only image.
    assert_eq!(source.opened.load(Ordering::Relaxed), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_blob_is_in_no_archive() {
    let dir = tempfile::tempdir().unwrap();
    let mut source = shaky(&dir);
    let blobs = std::fs::read_dir(dir.path().join("layout/blobs/sha256")).unwrap();
    let large = blobs.map(Result::unwrap).max_by_key(|e| e.metadata().unwrap().len()).unwrap();
    let name = large.file_name().into_string().unwrap();
    source.wrong = Some(Digest::parse(&format!("sha256:{name}")).unwrap());
    let out = target(dir.path(), "out.tar.zst", SaveForm::OciArchive);
    let saved = save_from(&source, &NAMES, &out).await;
    let texts: Vec<_> = saved.outcome.failed().map(|(_, error)| error.to_string()).collect();
    assert!(texts.iter().any(|text| text.contains("gave other content")), "{texts:?}");
    assert_eq!((saved.file, names_in(dir.path())), (None, vec!["layout".to_owned()]));
}

/// What was read is in no file, and the reports say so.
#[tokio::test(flavor = "multi_thread")]
async fn no_image_is_copied_into_a_file_that_is_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut tiny = TinyLayout::new(&dir.path().join("layout")).unwrap();
    let [one, two] = [1, 2]
        .map(|seed| tiny.image(&TinyImage::new("amd64").random_layer(300_000, seed)).unwrap());
    let tagged = format!("quay.io/org/app:1@{}", one.digest);
    let other = format!("quay.io/org/app:1@{}", two.digest);
    tiny.name(&tagged, &one).unwrap();
    tiny.name(&other, &two).unwrap();
    let source = Layout::open(dir.path().join("layout")).unwrap();
    let names = [tagged.as_str(), other.as_str()];
    // In a layout both names can stand.
    let oci = target(dir.path(), "oci.tar", SaveForm::OciArchive);
    assert!(save_from(&source, &names, &oci).await.file.is_some());
    let docker = target(dir.path(), "docker.tar", SaveForm::DockerArchive);
    let saved = save_from(&source, &names, &docker).await;
    let texts: Vec<_> = saved.outcome.failed().map(|(_, error)| error.to_string()).collect();
    assert_eq!((texts.len(), saved.file), (2, None), "{texts:?}");
    assert!(texts.iter().any(|t| t.contains("`quay.io/org/app:1` would stand for")), "{texts:?}");
    assert_eq!(names_in(dir.path()), ["layout", "oci.tar"]);

    // One that goes wrong only while it is read.
    let mut source = Shaky::new(source);
    let blobs = std::fs::read(one_blob(&dir, &two)).unwrap();
    source.wrong = Some(layer_of(&blobs));
    let oci = target(dir.path(), "late.tar", SaveForm::OciArchive);
    let saved = save_from(&source, &names, &oci).await;
    assert_eq!((saved.outcome.failed().count(), saved.file), (2, None));
}

fn one_blob(dir: &tempfile::TempDir, written: &Written) -> PathBuf {
    dir.path().join("layout/blobs/sha256").join(written.digest.hex())
}

/// The first layer of a manifest.
fn layer_of(manifest: &[u8]) -> Digest {
    let value: serde_json::Value = serde_json::from_slice(manifest).unwrap();
    Digest::parse(value["layers"][0]["digest"].as_str().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_cannot_be_written_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let source = shaky(&dir);
    std::fs::write(dir.path().join("file"), "").unwrap();
    let out = target(dir.path(), "file/out.tar", SaveForm::OciArchive);
    let request = edgectl_registry::UploadRequest::new(super::images(&NAMES), 4);
    let error = edgectl_registry::save(request, &source, &out, &()).await.unwrap_err();
    assert!(error.to_string().contains("creating the directory"), "{error}");
}
