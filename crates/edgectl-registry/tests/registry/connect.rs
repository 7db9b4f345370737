//! `connect_to`: names stay, TCP goes elsewhere.

use edgectl_model::Prefix;
use edgectl_registry::{
    Access, ErrorKind, ImageRequest, Layout, Registries, Source, UploadRequest, check, upload_from,
};
use edgectl_testkit::{TestCa, TinyImage};

use crate::bench::{Bench, assert_no_failure, reference};

const HOST: &str = "10.10.254.254:8000";

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_the_name_is_verified_and_never_dialled() {
    let bench = Bench::new();
    let mut tiny = bench.tiny();
    let written = tiny.image(&TinyImage::new("amd64").random_layer(500_000, 1)).unwrap();
    tiny.name("src.example/one:1", &written).unwrap();
    let access = Access { connect_to: Some(bench.host()), ..bench.access() };
    let registries = Registries::single(HOST, access);
    let target = reference(&format!("{HOST}/spectro-images/one:1"));
    let image = ImageRequest {
        source: reference("src.example/one:1"),
        digest: None,
        target: target.clone(),
    };
    let request = UploadRequest::new(vec![image], 4);
    let layout = Layout::open(bench.layout_dir()).unwrap();
    assert_no_failure(&upload_from(request, &layout, &registries, &()).await);
    let pinned = registries.resolve(&target).await.unwrap();
    assert_eq!(pinned.digest, written.digest);
    let log = bench.server.log_text().unwrap();
    assert!(log.contains(&format!(r#""http.request.host":"{HOST}""#)), "{log}");
}

#[tokio::test]
async fn a_name_that_the_certificate_lacks_is_refused() {
    let bench = Bench::new();
    for host in ["10.10.254.253:8000", "registry.example:443"] {
        let access = Access { connect_to: Some(bench.host()), ..bench.access() };
        let error = check(&Registries::single(host, access), &Prefix::parse(host).unwrap()).await;
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Tls, "{error:?}");
        assert!(error.to_string().contains(host), "{error}");
    }
    let ca_pem = Some(TestCa::new("other").unwrap().ca_pem());
    let access = Access { connect_to: Some(bench.host()), ca_pem, ..bench.access() };
    let prefix = Prefix::parse(HOST).unwrap();
    let error = check(&Registries::single(HOST, access), &prefix).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tls, "{error:?}");
}
