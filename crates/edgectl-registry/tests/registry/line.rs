//! A line to the real registry that cuts, stands still, spoils and repeats at
//! any byte in either direction.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use edgectl_model::Digest;
use edgectl_registry::{
    Access, Depth, ImageOutcome, ImageRequest, Layout, Patience, Registries, UploadOutcome,
    UploadRequest, Verdict, VerifyRequest, upload_from, verify,
};
use edgectl_testkit::TinyImage;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use crate::bench::{Bench, assert_no_failure, reference};

const CASES: u32 = 16;
const CHUNK: u64 = 64 << 10;
/// For lines that stand still.
const IMPATIENT: Patience = Patience {
    first_wait: Duration::from_millis(1),
    longest_wait: Duration::from_millis(4),
    stall: Duration::from_millis(400),
    store: Duration::from_millis(800),
};
/// For the way without one: on a busy machine the registry may take its time.
const PATIENT: Patience =
    Patience { stall: Duration::from_secs(60), store: Duration::from_secs(60), ..IMPATIENT };

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// The connection is gone.
    Cut,
    /// Nothing passes any more, and nobody says so.
    Stall,
    /// A byte is another one.
    Spoil,
    /// So many bytes come twice.
    Repeat(usize),
}

/// What happens to one connection.
#[derive(Debug, Clone, Copy)]
struct Fault {
    connection: usize,
    /// From us to the registry.
    is_up: bool,
    at: usize,
    kind: Kind,
}

fn faults() -> impl Strategy<Value = Vec<Fault>> {
    let kind = prop_oneof![
        Just(Kind::Cut),
        Just(Kind::Stall),
        Just(Kind::Spoil),
        (1_usize..2000).prop_map(Kind::Repeat),
    ];
    // Half of them where connections begin, with the handshake.
    let at = prop_oneof![0_usize..3000, 0_usize..300_000];
    let fault = (0_usize..12, any::<bool>(), at, kind);
    let fault = fault.prop_map(|(connection, is_up, at, kind)| {
        // Answers are short.
        let at = if is_up { at } else { at % 6000 };
        Fault { connection, is_up, at, kind }
    });
    prop::collection::vec(fault, 1..8)
}

/// Passes connections on; gives its address and how many faults were met.
async fn line(to: String, faults: Vec<Fault>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap().to_string();
    let met = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&met);
    tokio::spawn(async move {
        for number in 0.. {
            let Ok((client, _)) = listener.accept().await else { return };
            let Ok(server) = TcpStream::connect(&to).await else { return };
            let of = |is_up| {
                let mine = faults.iter().filter(|f| f.connection == number && f.is_up == is_up);
                let mut mine: Vec<Fault> = mine.copied().collect();
                mine.sort_by_key(|fault| fault.at);
                (mine, Arc::clone(&counter))
            };
            let (up, down) = (of(true), of(false));
            tokio::spawn(async move {
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                // The end of either ends both.
                tokio::select! {
                    () = pass(from_client, to_server, up) => {}
                    () = pass(from_server, to_client, down) => {}
                }
            });
        }
    });
    (own, met)
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    (faults, met): (Vec<Fault>, Arc<AtomicUsize>),
) {
    let mut faults = faults.into_iter().peekable();
    let (mut buffer, mut passed) = (vec![0; 16 << 10], 0);
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let mut piece = buffer[..read].to_vec();
        while let Some(fault) = faults.next_if(|fault| fault.at < passed + read) {
            met.fetch_add(1, Ordering::Relaxed);
            let here = fault.at.saturating_sub(passed).min(piece.len() - 1);
            match fault.kind {
                Kind::Cut => {
                    let _ = to.write_all(&piece[..here]).await;
                    return;
                }
                Kind::Stall => return std::future::pending().await,
                Kind::Spoil => piece[here] ^= 0x55,
                Kind::Repeat(bytes) => {
                    let again = piece[here.saturating_sub(bytes)..here].to_vec();
                    piece.splice(here..here, again);
                }
            }
        }
        passed += read;
        if to.write_all(&piece).await.is_err() {
            return;
        }
    }
}

/// Three images that share a layer.
fn images(bench: &Bench) -> Vec<(String, Digest)> {
    let mut tiny = bench.tiny();
    let one = |(seed, name): (u64, &str)| {
        let image = TinyImage::new("amd64").label(name).random_layer(150_000, 9);
        let written = tiny.image(&image.random_layer(100_000, seed)).unwrap();
        tiny.name(&format!("src.example/{name}:1"), &written).unwrap();
        (name.to_owned(), written.digest)
    };
    [(1, "a"), (2, "b"), (3, "c")].into_iter().map(one).collect()
}

async fn send(
    bench: &Bench,
    images: &[(String, Digest)],
    place: &str,
    through: Option<String>,
) -> UploadOutcome {
    let image = |(name, digest): &(String, Digest)| ImageRequest {
        source: reference(&format!("src.example/{name}:1")),
        digest: Some(digest.clone()),
        target: bench.target(&format!("{place}/{name}:1")),
    };
    let patience = if through.is_some() { IMPATIENT } else { PATIENT };
    let access = Access { connect_to: through, ..bench.access() };
    let registries = Registries::single(&bench.host(), access);
    let registries = registries.with_chunk_size(CHUNK).with_patience(patience);
    let request = UploadRequest::new(images.iter().map(image).collect(), 4);
    let layout = Layout::open(bench.layout_dir()).unwrap();
    upload_from(request, &layout, &registries, &()).await
}

/// Every image is there whole, or isn't there and was said to have failed.
async fn check(bench: &Bench, outcome: &UploadOutcome) {
    let request = |report: &edgectl_registry::ImageReport| VerifyRequest {
        target: report.request.target.clone(),
        digest: report.request.digest.clone().unwrap(),
    };
    let requests = outcome.images.iter().map(request).collect();
    let found = verify(requests, &bench.registries(), Depth::Contents, 4).await.unwrap();
    for (found, report) in found.iter().zip(&outcome.images) {
        match (&found.verdict, &report.outcome) {
            // An answer may be lost after all was done.
            (Verdict::Same, _) => {}
            (Verdict::Missing, ImageOutcome::Failed(error)) => {
                assert!(!error.to_string().is_empty());
            }
            (verdict, outcome) => panic!("{verdict:?} after {outcome:?}"),
        }
    }
}

#[test]
fn whatever_the_line_does_the_mirror_is_right_or_there_is_an_error() {
    let bench = Bench::new();
    let images = images(&bench);
    let (case, met_in_all) = (Cell::new(0), Cell::new(0));
    let config = Config { failure_persistence: None, ..Config::with_cases(CASES) };
    let outcome = TestRunner::new(config).run(&faults(), |faults| {
        case.set(case.get() + 1);
        let place = format!("edge{}", case.get());
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let (address, met) = line(bench.host(), faults).await;
            let outcome = send(&bench, &images, &place, Some(address)).await;
            met_in_all.set(met_in_all.get() + met.load(Ordering::Relaxed));
            check(&bench, &outcome).await;
            let again = send(&bench, &images, &place, None).await;
            assert_no_failure(&again);
            check(&bench, &again).await;
        });
        // Lines that stand still keep nobody waiting.
        runtime.shutdown_background();
        Ok(())
    });
    outcome.unwrap();
    assert!(met_in_all.get() >= CASES as usize / 2, "only {} faults were met", met_in_all.get());
}
