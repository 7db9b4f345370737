//! Deleting what a former lock has put there, on a registry that deletes.

use std::io::{Read, Write};
use std::net::TcpStream;

use edgectl_model::{Digest, Prefix};
use edgectl_registry::{
    Access, PruneAction, PruneItem, PruneRequest, Registries, RegistryError, VerifyRequest,
    plan_prune, prune,
};
use edgectl_testkit::{RegistryOptions, RegistryServer, TinyImage, TinyLayout, Written};
use tempfile::TempDir;

use crate::bench::{assert_no_failure, reference};

/// A registry without login that deletes, and a layout of images.
struct Yard {
    dir: TempDir,
    server: RegistryServer,
    layout: TinyLayout,
}

impl Yard {
    fn new(delete_enabled: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = RegistryOptions { delete_enabled, ..RegistryOptions::below(dir.path()) };
        let server = RegistryServer::start(&options).unwrap();
        let layout = TinyLayout::new(&dir.path().join("layout")).unwrap();
        Self { dir, server, layout }
    }

    fn registries(&self) -> Registries {
        let access = Access { insecure: true, ..Access::default() };
        Registries::single(&self.server.address(), access)
    }

    fn image(&self, label: &str) -> Written {
        self.layout.image(&TinyImage::new("amd64").label(label).random_layer(500, 9)).unwrap()
    }

    /// Puts an image under a name below `edge/`, and says what a lock would.
    async fn put(&mut self, written: &Written, name: &str) -> VerifyRequest {
        let target = reference(&format!("{}/{name}", self.server.address()));
        let source = format!("src.example/x:{}", written.digest.short());
        self.layout.name(&source, written).unwrap();
        let layout = edgectl_registry::Layout::open(self.dir.path().join("layout")).unwrap();
        let image = edgectl_registry::ImageRequest {
            source: reference(&source),
            digest: None,
            target: target.clone(),
        };
        let request = edgectl_registry::UploadRequest::new(vec![image], 2);
        let registries = self.registries();
        let outcome = edgectl_registry::upload_from(request, &layout, &registries, &()).await;
        assert_no_failure(&outcome);
        VerifyRequest { target, digest: written.digest.clone() }
    }

    async fn plan(
        &self,
        old: &[&VerifyRequest],
        keep: &[&VerifyRequest],
    ) -> Result<Vec<PruneItem>, RegistryError> {
        let request = PruneRequest {
            prefix: Prefix::parse(&format!("{}/edge", self.server.address())).unwrap(),
            old: old.iter().map(|image| (*image).clone()).collect(),
            keep: keep.iter().map(|image| (*image).clone()).collect(),
            jobs: 4,
        };
        plan_prune(&request, &self.registries()).await
    }

    /// Puts an index as it is.
    fn put_raw(&self, path: &str, body: &str) {
        let mut stream = TcpStream::connect(self.server.address()).unwrap();
        let head = format!(
            "PUT /v2/{path} HTTP/1.1\r\nHost: r\r\nConnection: close\r\nContent-Length: {}\r\n\
             Content-Type: application/vnd.oci.image.index.v1+json\r\n\r\n",
            body.len()
        );
        stream.write_all((head + body).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    }

    async fn has(&self, name: &str) -> bool {
        let name = reference(&format!("{}/{name}", self.server.address()));
        self.registries().look(&name).await.unwrap().is_some()
    }
}

fn deleted(items: &[PruneItem]) -> Vec<Digest> {
    let all = items.iter().filter(|item| item.action == PruneAction::DeleteManifest);
    let mut digests: Vec<_> = all.map(|item| item.digest.clone()).collect();
    digests.sort();
    digests
}

fn sorted<const N: usize>(written: [&Written; N]) -> Vec<Digest> {
    let mut digests: Vec<_> = written.iter().map(|w| w.digest.clone()).collect();
    digests.sort();
    digests
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_nobody_needs_goes() {
    let mut yard = Yard::new(true);
    let (one, two, three) = (yard.image("one"), yard.image("two"), yard.image("three"));
    let arm = yard.layout.image(&TinyImage::new("arm64").label("arm")).unwrap();
    let first = yard.layout.index(&[one.clone(), two.clone()]).unwrap();
    let second = yard.layout.index(&[two.clone(), arm.clone()]).unwrap();
    let old = [
        yard.put(&first, "edge/app:1").await,
        yard.put(&three, "edge/app:x").await,
        yard.put(&three, "edge/tool:1").await,
    ];
    let kept = yard.put(&second, "edge/app:2").await;
    // The user's own, and the same manifest under another tag.
    yard.put(&three, "edge/app:mine").await;
    yard.put(&three, "other/tool:1").await;
    let tag = format!("edge/app:sha256-{}.sig", first.digest.hex());
    let signature = yard.image("signature");
    yard.put(&signature, &tag).await;

    // What names its subject itself needs no tag; here a list stands in for
    // the registry's.
    let contents = yard.layout.attach(&first, "application/spdx+json", b"packages").unwrap();
    yard.put(&contents, &format!("edge/app@{}", contents.digest)).await;
    let about_kept = yard.layout.attach(&two, "application/spdx+json", b"others").unwrap();
    yard.put(&about_kept, &format!("edge/app@{}", about_kept.digest)).await;
    let list =
        reference(&format!("{}/edge/app:sha256-{}", yard.server.address(), first.digest.hex()));
    let list = yard.registries().look(&list).await.unwrap().unwrap().digest;

    let olds: Vec<_> = old.iter().collect();
    let plan = yard.plan(&olds, &[&kept]).await.unwrap();
    // `two` is in the index that stays, `three` under a tag of the user's.
    let mut expected = sorted([&first, &one, &signature, &three, &contents]);
    expected.push(list);
    expected.sort();
    assert_eq!(deleted(&plan), expected, "{plan:#?}");
    let untagged: Vec<_> =
        plan.iter().filter(|item| item.action == PruneAction::DeleteTags).collect();
    assert_eq!((untagged.len(), &untagged[0].tags), (1, &vec!["x".to_owned()]));
    assert!(yard.has("edge/app:1").await, "a plan changes nothing");

    // Docker's registry before version 3 deletes by digest alone.
    let done = prune(plan, &yard.registries(), 2).await.unwrap();
    assert!(done.iter().all(|pruned| pruned.result.is_ok()), "{done:#?}");
    let contents = format!("edge/app@{}", contents.digest);
    for gone in [
        "edge/app:1",
        "edge/app:x",
        "edge/tool:1",
        &contents,
        &tag,
        &format!("edge/app@{}", one.digest),
    ] {
        assert!(!yard.has(gone).await, "{gone}");
    }
    for there in [
        "edge/app:2",
        "edge/app:mine",
        "other/tool:1",
        &format!("edge/app@{}", two.digest),
        &format!("edge/app@{}", about_kept.digest),
    ] {
        assert!(yard.has(there).await, "{there}");
    }
    // Again: there is nothing more to do.
    let plan = yard.plan(&olds, &[&kept]).await.unwrap();
    assert!(deleted(&plan).is_empty(), "{plan:#?}");
}

/// One list of contents may be attached to all platforms of an image.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_attached_to_something_that_stays_stays() {
    let mut yard = Yard::new(true);
    let (one, two, three) = (yard.image("one"), yard.image("two"), yard.image("three"));
    let first = yard.layout.index(&[one.clone(), two.clone()]).unwrap();
    let second = yard.layout.index(&[one.clone(), three]).unwrap();
    let old = yard.put(&first, "edge/app:1").await;
    let kept = yard.put(&second, "edge/app:2").await;
    let contents = yard.image("contents");
    let tag = |subject: &Written| format!("edge/app:sha256-{}.sbom", subject.digest.hex());
    yard.put(&contents, &tag(&one)).await;
    yard.put(&contents, &tag(&two)).await;
    let own = yard.layout.attach(&one, "application/spdx+json", b"of one").unwrap();
    yard.put(&own, &format!("edge/app@{}", own.digest)).await;

    let plan = yard.plan(&[&old], &[&kept]).await.unwrap();
    assert_eq!(deleted(&plan), sorted([&first, &two]), "{plan:#?}");
    let done = prune(plan, &yard.registries(), 2).await.unwrap();
    assert!(done.iter().all(|pruned| pruned.result.is_ok()), "{done:#?}");
    assert!(yard.has(&tag(&one)).await);
    assert!(yard.has(&format!("edge/app@{}", own.digest)).await);
}

/// A run that ended between giving a tag something of its own and deleting
/// that.
#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_was_left_half_deleted_goes() {
    let mut yard = Yard::new(true);
    let image = yard.image("one");
    let old = yard.put(&image, "edge/app:1").await;
    let stand_in = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[],"annotations":{{"dev.edgectl.untagged":"1@{}"}}}}"#,
        image.digest
    );
    yard.put_raw("edge/app/manifests/1", &stand_in);
    assert!(yard.has("edge/app:1").await);
    let plan = yard.plan(&[&old], &[]).await.unwrap();
    let done = prune(plan, &yard.registries(), 2).await.unwrap();
    assert!(done.iter().all(|pruned| pruned.result.is_ok()), "{done:#?}");
    assert!(!yard.has("edge/app:1").await);
    assert!(!yard.has(&format!("edge/app@{}", image.digest)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_moved_or_lies_outside_is_left() {
    let mut yard = Yard::new(true);
    let (one, two) = (yard.image("one"), yard.image("two"));
    let mut old = yard.put(&one, "edge/app:1").await;
    let outside = yard.put(&one, "other/app:1").await;
    yard.put(&two, "edge/app:1").await;
    let plan = yard.plan(&[&old], &[]).await.unwrap();
    let [PruneItem { action: PruneAction::Keep(why), .. }] = plan.as_slice() else {
        panic!("{plan:#?}");
    };
    assert!(why.contains("stands for"), "{why}");
    let error = yard.plan(&[&outside], &[]).await.unwrap_err();
    assert!(error.to_string().contains("outside of"), "{error}");

    // The same image in both locks stays.
    old.digest = two.digest.clone();
    assert!(yard.plan(&[&old], &[&old]).await.unwrap().is_empty());
    assert_eq!(deleted(&yard.plan(&[&old], &[]).await.unwrap()), [two.digest]);
}

/// A tag that was built again: what it stood for goes, with its signature, and
/// not before the tag has moved.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_tag_stood_for_before_goes() {
    let mut yard = Yard::new(true);
    let (one, two) = (yard.image("one"), yard.image("two"));
    let old = yard.put(&one, "edge/app:1").await;
    let signature = yard.image("signature");
    yard.put(&signature, &format!("edge/app:sha256-{}.sig", one.digest.hex())).await;
    let new = VerifyRequest { target: old.target.clone(), digest: two.digest.clone() };
    let plan = yard.plan(&[&old], &[&new]).await.unwrap();
    assert!(deleted(&plan).is_empty(), "the tag still stands for it: {plan:#?}");
    yard.put(&two, "edge/app:1").await;
    let plan = yard.plan(&[&old], &[&new]).await.unwrap();
    assert_eq!(deleted(&plan), sorted([&one, &signature]), "{plan:#?}");
    let done = prune(plan, &yard.registries(), 2).await.unwrap();
    assert!(done.iter().all(|pruned| pruned.result.is_ok()), "{done:#?}");
    assert!(yard.has("edge/app:1").await);
    assert!(!yard.has(&format!("edge/app@{}", one.digest)).await);
    assert!(deleted(&yard.plan(&[&old], &[&new]).await.unwrap()).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_does_not_delete_says_so() {
    let mut yard = Yard::new(false);
    let one = yard.image("one");
    let old = yard.put(&one, "edge/app:1").await;
    let plan = yard.plan(&[&old], &[]).await.unwrap();
    let done = prune(plan, &yard.registries(), 2).await.unwrap();
    let Err(RegistryError::Http(failure)) = &done[0].result else { panic!("{done:#?}") };
    assert_eq!(failure.status, 405);
    assert!(yard.has("edge/app:1").await);
}
