//! Through a real CONNECT proxy.

use std::sync::{Arc, Mutex};

use edgectl_model::Prefix;
use edgectl_registry::{Access, Checked, Proxies, Registries, RegistryError, check};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::bench::{Bench, NOBODY, PASSWORD};

/// Nothing listens here; the proxy knows the way.
const HOST: &str = "10.10.254.254:8000";
const SENTINEL: &str = "S3ntinel-pr0xy";

/// A proxy that leads every CONNECT with the right login to `to`.
struct Proxy {
    address: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    async fn start(to: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let heads: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = Arc::clone(&heads);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(lead(client, to.clone(), Arc::clone(&log)));
            }
        });
        Self { address, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn lead(mut client: TcpStream, to: String, log: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = client.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap();
    log.lock().unwrap().push(head.clone());
    // edge:S3ntinel-pr0xy
    if !head.to_lowercase().contains("proxy-authorization: basic zwrnztptm250aw5lbc1wcjb4eq==") {
        let _ = client.write_all(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n").await;
        return;
    }
    let mut server = TcpStream::connect(to).await.unwrap();
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
}

async fn check_through(bench: &Bench, proxy: &str) -> Result<Checked, RegistryError> {
    let get = |name: &str| (name == "HTTPS_PROXY").then(|| proxy.to_owned());
    let proxies = Proxies::from_variables(get).unwrap();
    let access = Access { proxies, ..bench.access() };
    let prefix = Prefix::parse(&format!("{HOST}/edge")).unwrap();
    check(&Registries::single(HOST, access), &prefix).await
}

#[tokio::test]
async fn the_registry_is_reached_and_the_proxy_learns_nothing() {
    let bench = Bench::new();
    let proxy = Proxy::start(bench.host()).await;
    let address = format!("http://edge:{SENTINEL}@{}", proxy.address);
    check_through(&bench, &address).await.unwrap();
    let heads = proxy.heads();
    assert!(!heads.is_empty());
    for head in heads {
        assert!(head.starts_with(&format!("CONNECT {HOST} HTTP/1.1\r\n")), "{head}");
        assert!(!head.to_lowercase().contains("\nauthorization"), "{head}");
    }
    assert!(!bench.server.log_text().unwrap().to_lowercase().contains("proxy-authorization"));
}

#[tokio::test]
async fn a_refusing_or_absent_proxy_is_named() {
    let bench = Bench::new();
    let proxy = Proxy::start(bench.host()).await;
    for place in [proxy.address.as_str(), NOBODY] {
        let error = check_through(&bench, &format!("http://other:{SENTINEL}@{place}")).await;
        let error = error.unwrap_err();
        let expected = format!("`{HOST}` can't be reached through the proxy `{place}`");
        assert_eq!(error.to_string(), expected);
        let shown = format!("{error:?}");
        assert!(!shown.contains(SENTINEL) && !shown.contains(PASSWORD), "{shown}");
    }
}
