//! A TCP line to a registry that counts what goes through it and may be long.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use crate::Result;

const PIECE: usize = 64 * 1024;
/// Pieces on their way at once: as much as a long line holds.
const ON_THE_WAY: usize = 1024;

/// The line; it ends with the process.
pub(super) struct Line {
    address: String,
    sent: Arc<AtomicU64>,
}

impl Line {
    /// A line to `target` on which every byte takes `delay` each way.
    pub(super) fn open(target: &str, delay: Duration) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let sent = Arc::new(AtomicU64::new(0));
        let (target, counter) = (target.to_owned(), Arc::clone(&sent));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (target, counter) = (target.clone(), Arc::clone(&counter));
                std::thread::spawn(move || connect(client, &target, delay, counter));
            }
        });
        Ok(Self { address, sent })
    }

    /// `127.0.0.1:port`.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Bytes that went to the registry.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

fn connect(client: TcpStream, target: &str, delay: Duration, counter: Arc<AtomicU64>) {
    let Ok(server) = TcpStream::connect(target) else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (Ok(client2), Ok(server2)) = (client.try_clone(), server.try_clone()) else { return };
    std::thread::spawn(move || carry(client, server, delay, Some(counter)));
    carry(server2, client2, delay, None);
}

/// Passes bytes on, each piece `delay` after it came.
fn carry(mut from: TcpStream, to: TcpStream, delay: Duration, counter: Option<Arc<AtomicU64>>) {
    let (sender, receiver) = sync_channel::<(Instant, Vec<u8>)>(ON_THE_WAY);
    let writer = std::thread::spawn(move || deliver(&receiver, to));
    let mut buffer = vec![0; PIECE];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if let Some(counter) = &counter {
            counter.fetch_add(read as u64, Ordering::Relaxed);
        }
        let piece = buffer.get(..read).unwrap_or_default().to_vec();
        if sender.send((Instant::now() + delay, piece)).is_err() {
            break;
        }
    }
    drop(sender);
    let _ = writer.join();
}

fn deliver(receiver: &Receiver<(Instant, Vec<u8>)>, mut to: TcpStream) {
    while let Ok((due, piece)) = receiver.recv() {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        if to.write_all(&piece).is_err() {
            return;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
