//! Each failure is told apart from the others, and never tells a secret.

use edgectl_model::{Prefix, Secret};
use edgectl_registry::{
    Access, Credentials, ErrorKind, ImageRequest, Registries, RegistryError, UploadRequest, check,
    upload,
};
use edgectl_testkit::{TestCa, TinyImage};

use crate::bench::{Bench, NOBODY, PASSWORD, reference};
use crate::fake::{Fake, answer};

async fn check_with(bench: &Bench, access: Access) -> Result<(), RegistryError> {
    let prefix = Prefix::parse(&format!("{}/edge", bench.host())).unwrap();
    check(&Registries::single(&bench.host(), access), &prefix).await.map(drop)
}

#[tokio::test]
async fn a_wrong_authority() {
    let bench = Bench::new();
    let other = TestCa::new("somebody else").unwrap();
    for ca_pem in [Some(other.ca_pem()), None] {
        let error = check_with(&bench, Access { ca_pem, ..bench.access() }).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Tls, "{error:?}");
        assert!(error.to_string().contains(&bench.host()), "{error}");
    }
    let access = Access { ca_pem: Some("no PEM".to_owned()), ..bench.access() };
    let error = check_with(&bench, access).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error:?}");
    // Unverified only where that was asked for.
    let access = Access { ca_pem: None, insecure: true, ..bench.access() };
    check_with(&bench, access).await.unwrap();
}

#[tokio::test]
async fn a_wrong_or_missing_login() {
    let bench = Bench::new();
    let wrong = Credentials::basic("pusher", Secret::new("hunter2"));
    for (credentials, user) in [(wrong, "pusher"), (Credentials::Anonymous, "needs a login")] {
        let access = Access { credentials, ..bench.access() };
        let error = check_with(&bench, access).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Login, "{error:?}");
        let text = format!("{error} {error:?}");
        assert!(text.contains(user), "{text}");
        assert!(!text.contains("hunter2") && !text.contains(PASSWORD), "{text}");
    }
}

#[tokio::test]
async fn nobody_there() {
    let bench = Bench::new();
    let prefix = Prefix::parse(NOBODY).unwrap();
    let error = check(&Registries::single(NOBODY, bench.access()), &prefix).await.unwrap_err();
    let RegistryError::Unreachable { address: named, .. } = &error else { panic!("{error:?}") };
    assert_eq!(named, NOBODY);
    let connect_to = Some(NOBODY.to_owned());
    let error = check_with(&bench, Access { connect_to, ..bench.access() }).await.unwrap_err();
    let RegistryError::Unreachable { address: named, .. } = &error else { panic!("{error:?}") };
    assert_eq!(named, NOBODY);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absent_image_does_not_stop_the_others() {
    let bench = Bench::new();
    let mut tiny = bench.tiny();
    let written = tiny.image(&TinyImage::new("amd64").random_layer(1000, 1)).unwrap();
    tiny.name("src.example/one:1", &written).unwrap();
    let sent = bench.send(&[("src.example/one:1", "src/one:1")]).await;
    assert_eq!(sent.failed().count(), 0);
    let images = ["one", "absent"].map(|name| ImageRequest {
        source: bench.target(&format!("src/{name}:1")),
        digest: None,
        target: bench.target(&format!("edge/{name}:1")),
    });
    let request = UploadRequest::new(images.to_vec(), 4);
    let registries = bench.registries();
    let outcome = upload(request, &registries, &registries, &()).await;
    let failed: Vec<_> = outcome.failed().collect();
    let [(request, error)] = failed.as_slice() else { panic!("{failed:?}") };
    assert_eq!(request.source, reference(&format!("{}/src/absent:1", bench.host())));
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
    assert!(error.to_string().contains("src/absent:1"), "{error}");
}

/// Nobody waits for more than an hour: each image fails, asked for once.
#[tokio::test]
async fn a_registry_that_wants_to_be_left_alone_for_long_is_left_alone() {
    let fake = Fake::start(|asked, _| match asked.line.contains("/manifests/") {
        true => answer(429, "Retry-After: 5000\r\n", ""),
        false => answer(200, "", "{}"),
    })
    .await;
    let access = Access { insecure: true, ..Access::default() };
    let registries = Registries::single(&fake.address, access);
    let place = |rest: &str| reference(&format!("{}/{rest}", fake.address));
    let run = async |name: &str| {
        let (source, target) = (place(&format!("src/{name}:1")), place(&format!("to/{name}:1")));
        let request = UploadRequest::new(vec![ImageRequest { source, digest: None, target }], 4);
        let outcome = upload(request, &registries, &registries, &()).await;
        let (_, error) = outcome.failed().next().unwrap();
        error.to_string()
    };
    let told = format!("`{}` asks to be left alone for 5000 s", fake.address);
    let error = run("one").await;
    assert!(error.starts_with(&told), "{error}");
    let asked = fake.asked().len();
    assert_eq!(run("two").await, error);
    // Source and target, of which the first to answer ends the look.
    assert!(fake.asked().len() <= asked + 2, "{:?}", fake.asked());
}
