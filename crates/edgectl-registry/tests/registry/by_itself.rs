//! Registries whose certificate is trusted itself: as its own authority, as
//! Docker's documents have people make them with `openssl req -x509`, or
//! without what has signed it.

use edgectl_model::Prefix;
use edgectl_registry::{Access, Registries, RegistryError, check};
use edgectl_testkit::{Issued, RegistryOptions, RegistryServer, TestCa, TlsFiles};

async fn checked(shown: &Issued, trusted: Option<&Issued>) -> Result<(), String> {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let tls = TlsFiles { cert: at("cert.pem"), key: at("key.pem") };
    std::fs::write(&tls.cert, &shown.cert_pem).unwrap();
    std::fs::write(&tls.key, &shown.key_pem).unwrap();
    let options = RegistryOptions { tls: Some(tls), ..RegistryOptions::below(dir.path()) };
    let server = RegistryServer::start(&options).unwrap();
    let host = server.address();
    let prefix = Prefix::parse(&format!("{host}/edge")).unwrap();
    let ca_pem = trusted.map(|trusted| trusted.cert_pem.clone());
    let access = Access { ca_pem, ..Access::default() };
    match check(&Registries::single(&host, access), &prefix).await {
        Ok(_) => Ok(()),
        Err(RegistryError::Tls { reason, .. }) => Err(reason),
        Err(error) => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn a_trusted_certificate_is_taken_from_the_registry_itself() {
    let own = Issued::by_itself(&["127.0.0.1"], 4000).unwrap();
    assert_eq!(checked(&own, Some(&own)).await, Ok(()));
}

#[tokio::test]
async fn and_no_other_one_is() {
    let issued = |names: &[&str], year| Issued::by_itself(names, year).unwrap();
    let own = issued(&["127.0.0.1"], 4000);
    for (shown, trusted, reason) in [
        (&own, None, "CaUsedAsEndEntity"),
        (&own, Some(&issued(&["127.0.0.1"], 4000)), "CaUsedAsEndEntity"),
        (&issued(&["127.0.0.2"], 4000), None, "CaUsedAsEndEntity"),
    ] {
        let found = checked(shown, trusted).await.unwrap_err();
        assert!(found.contains(reason), "{found}");
    }
    let elsewhere = issued(&["127.0.0.2", "reg.example"], 4000);
    let found = checked(&elsewhere, Some(&elsewhere)).await.unwrap_err();
    assert!(found.contains("not valid for name"), "{found}");
    let old = issued(&["127.0.0.1"], 2001);
    let found = checked(&old, Some(&old)).await.unwrap_err();
    assert!(found.contains("expired"), "{found}");
}

#[tokio::test]
async fn what_has_signed_a_trusted_certificate_need_not_be_known() {
    // With the signer's name as its own, too: then WebPKI looks for another fault.
    for name in ["site", "127.0.0.1"] {
        let ca = TestCa::new(name).unwrap();
        let shown = ca.issue(&["127.0.0.1"]).unwrap();
        assert_eq!(checked(&shown, Some(&shown)).await, Ok(()));
        let sibling = ca.issue(&["127.0.0.1"]).unwrap();
        checked(&shown, Some(&sibling)).await.unwrap_err();
        let elsewhere = ca.issue(&["127.0.0.2"]).unwrap();
        let found = checked(&elsewhere, Some(&elsewhere)).await.unwrap_err();
        assert!(found.contains("not valid for name"), "{found}");
        let old = ca.issue_until(&["127.0.0.1"], 2001).unwrap();
        let found = checked(&old, Some(&old)).await.unwrap_err();
        assert!(found.contains("expired"), "{found}");
        let clients = ca.issue_client("127.0.0.1").unwrap();
        let found = checked(&clients, Some(&clients)).await.unwrap_err();
        assert!(found.contains("EkuError"), "{found}");
    }
}
