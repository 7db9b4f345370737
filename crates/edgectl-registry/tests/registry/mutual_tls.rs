//! A real registry that wants to see a certificate of the client.

use edgectl_model::{Prefix, Secret};
use edgectl_registry::{
    Access, CertsDir, Checked, ClientCertificate, Registries, RegistryError, check,
};
use edgectl_testkit::{Issued, RegistryOptions, RegistryServer, TestCa, TlsFiles};
use tempfile::TempDir;

struct Strict {
    dir: TempDir,
    ca: TestCa,
    server: RegistryServer,
}

impl Strict {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ca = TestCa::new("edgectl test").unwrap();
        let at = |name: &str| dir.path().join(name);
        let issued = ca.issue(&["127.0.0.1"]).unwrap();
        let tls = TlsFiles { cert: at("cert.pem"), key: at("key.pem") };
        std::fs::write(&tls.cert, issued.cert_pem).unwrap();
        std::fs::write(&tls.key, issued.key_pem).unwrap();
        std::fs::write(at("client-ca.pem"), ca.ca_pem()).unwrap();
        let options = RegistryOptions {
            tls: Some(tls),
            client_ca: Some(at("client-ca.pem")),
            ..RegistryOptions::below(dir.path())
        };
        let server = RegistryServer::start(&options).unwrap();
        Self { dir, ca, server }
    }

    async fn check(&self, certificate: Option<Issued>) -> Result<Checked, RegistryError> {
        let client_certificate = certificate.map(|issued| ClientCertificate {
            cert_pem: issued.cert_pem,
            key_pem: Secret::new(issued.key_pem),
        });
        let ca_pem = Some(self.ca.ca_pem());
        self.check_as(Access { ca_pem, client_certificate, ..Access::default() }).await
    }

    async fn check_as(&self, access: Access) -> Result<Checked, RegistryError> {
        let host = self.server.address();
        let prefix = Prefix::parse(&format!("{host}/edge")).unwrap();
        check(&Registries::single(&host, access), &prefix).await
    }
}

#[tokio::test]
async fn the_certificate_opens_the_door() {
    let strict = Strict::new();
    let issued = strict.ca.issue_client("edge").unwrap();
    strict.check(Some(issued.clone())).await.unwrap();
    let error = strict.check(None).await.unwrap_err();
    assert!(error.to_string().ends_with("asks for a certificate of ours"), "{error:?}");
    let foreign = TestCa::new("other").unwrap().issue_client("edge").unwrap();
    let error = strict.check(Some(foreign)).await.unwrap_err();
    assert!(error.to_string().ends_with("does not take our certificate"), "{error:?}");

    // The same from a directory as Docker keeps it.
    let certs = strict.dir.path().join("certs.d").join(strict.server.address());
    std::fs::create_dir_all(&certs).unwrap();
    std::fs::write(certs.join("ca.crt"), strict.ca.ca_pem()).unwrap();
    std::fs::write(certs.join("client.cert"), issued.cert_pem).unwrap();
    std::fs::write(certs.join("client.key"), issued.key_pem).unwrap();
    let CertsDir { ca_pem, client_certificate } = CertsDir::read(&certs).unwrap().unwrap();
    strict.check_as(Access { ca_pem, client_certificate, ..Access::default() }).await.unwrap();
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_said_and_the_key_is_not() {
    let strict = Strict::new();
    let good = strict.ca.issue_client("edge").unwrap();
    let encrypted = good.key_pem.replace("BEGIN PRIVATE", "BEGIN ENCRYPTED PRIVATE");
    let other_key = strict.ca.issue_client("edge").unwrap().key_pem;
    let secret_line = good.key_pem.lines().nth(1).unwrap().to_owned();
    for (cert_pem, key_pem, said) in [
        (good.cert_pem.clone(), encrypted, "openssl pkey -in KEY -out PLAIN"),
        ("nothing".to_owned(), good.key_pem.clone(), "holds no PEM certificate"),
        (good.cert_pem.clone(), good.cert_pem.clone(), "holds no PEM private key"),
        (good.cert_pem.clone(), good.key_pem.replace(&secret_line, "!"), "valid PEM"),
        (good.cert_pem.clone(), other_key, "can't be used"),
    ] {
        let error = strict.check(Some(Issued { cert_pem, key_pem })).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains(said), "{text}");
        assert!(!format!("{text} {error:?}").contains(&secret_line), "{error:?}");
    }
}
