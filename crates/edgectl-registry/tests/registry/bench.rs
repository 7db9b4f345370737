//! A registry with TLS and login, and a layout with images to send there.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use edgectl_model::{Reference, Secret};
use edgectl_registry::access_log::{AccessEntry, parse};
use edgectl_registry::{
    Access, Credentials, ImageRequest, Layout, Registries, UploadOutcome, UploadRequest,
    upload_from,
};
use edgectl_testkit::{RegistryOptions, RegistryServer, TestCa, TinyLayout, TlsFiles};
use tempfile::TempDir;

pub(crate) const PASSWORD: &str = "p:ss w0rd";

/// Nobody listens there. A free port that was given back may be a registry's of
/// another test by now.
pub(crate) const NOBODY: &str = "127.0.0.1:1";

/// Far longer than a registry takes to write a line to its log.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Bench {
    pub(crate) dir: TempDir,
    pub(crate) ca: TestCa,
    pub(crate) server: RegistryServer,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ca = TestCa::new("edgectl test").unwrap();
        let server = start(&dir, &ca);
        Self { dir, ca, server }
    }

    pub(crate) fn host(&self) -> String {
        self.server.address()
    }

    pub(crate) fn access(&self) -> Access {
        Access {
            credentials: Credentials::basic("pusher", Secret::new(PASSWORD)),
            ca_pem: Some(self.ca.ca_pem()),
            ..Access::default()
        }
    }

    /// Copies within the registry.
    pub(crate) fn copy(&self, from: &str, to: &str) -> ImageRequest {
        ImageRequest { source: self.target(from), digest: None, target: self.target(to) }
    }

    pub(crate) fn registries(&self) -> Registries {
        Registries::single(&self.host(), self.access())
    }

    pub(crate) fn target(&self, rest: &str) -> Reference {
        reference(&format!("{}/{rest}", self.host()))
    }

    pub(crate) fn layout_dir(&self) -> PathBuf {
        self.dir.path().join("layout")
    }

    pub(crate) fn tiny(&self) -> TinyLayout {
        TinyLayout::new(&self.layout_dir()).unwrap()
    }

    /// Sends images of the layout to targets in the registry.
    pub(crate) async fn send(&self, images: &[(&str, &str)]) -> UploadOutcome {
        let layout = Layout::open(self.layout_dir()).unwrap();
        let images = images.iter().map(|(from, to)| ImageRequest {
            source: reference(from),
            digest: None,
            target: self.target(to),
        });
        let request = UploadRequest::new(images.collect(), 4);
        upload_from(request, &layout, &self.registries(), &()).await
    }

    /// What the registry has logged, as soon as `count` lines are there.
    pub(crate) fn log(&self, count: usize) -> Vec<AccessEntry> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let entries = parse(&self.server.log_text().unwrap());
            if entries.len() >= count {
                return entries;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("expected {count} lines in {}", self.server.log_text().unwrap());
    }
}

fn start(dir: &TempDir, ca: &TestCa) -> RegistryServer {
    let issued = ca.issue(&["127.0.0.1", "10.10.254.254", "localhost"]).unwrap();
    let tls = TlsFiles { cert: dir.path().join("cert.pem"), key: dir.path().join("key.pem") };
    std::fs::write(&tls.cert, issued.cert_pem).unwrap();
    std::fs::write(&tls.key, issued.key_pem).unwrap();
    let options = RegistryOptions {
        tls: Some(tls),
        users: vec![("pusher".to_owned(), Secret::new(PASSWORD))],
        ..RegistryOptions::below(dir.path())
    };
    RegistryServer::start(&options).unwrap()
}

pub(crate) fn reference(text: &str) -> Reference {
    Reference::parse(text).unwrap()
}

pub(crate) fn registries(hosts: &[(&str, Access)]) -> Registries {
    let access: BTreeMap<_, _> =
        hosts.iter().map(|(host, access)| ((*host).to_owned(), access.clone())).collect();
    Registries::new(access, BTreeMap::new())
}

pub(crate) fn assert_no_failure(outcome: &UploadOutcome) {
    let failed: Vec<_> = outcome.failed().collect();
    assert!(failed.is_empty(), "{failed:#?}");
}
