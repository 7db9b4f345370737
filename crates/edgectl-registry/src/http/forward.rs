//! `connect_to`: TCP goes elsewhere, names stay.
//!
//! An HTTP client consults no resolver for a host that is an IP address, so a
//! replaced name look-up can't send `10.10.254.254:8000` to a local port. What
//! works for every host is a Unix socket in a directory of ours: the client
//! speaks TLS through it with the registry's own name, and each connection is
//! passed on to the address that was asked for.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use edgectl_process::Staging;
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::task::AbortHandle;

const CONNECT: Duration = Duration::from_secs(10);

/// A socket that leads to one address. Dropping it closes it.
#[derive(Debug)]
pub(crate) struct Forward {
    /// It never gets to a final place; it is one that the next process takes away
    /// if this one is killed.
    directory: Staging,
    address: String,
    failure: Arc<Mutex<Option<io::ErrorKind>>>,
    task: AbortHandle,
}

impl Forward {
    /// Opens a socket that leads to `address` (`host:port`).
    pub(crate) fn open(address: &str) -> io::Result<Self> {
        // Only we can look into the directory, so nobody else gets through.
        let directory = Staging::new(&short_base().join("socket")).map_err(io::Error::other)?;
        let listener = UnixListener::bind(socket(directory.path()))?;
        let failure = Arc::default();
        let task = tokio::spawn(accept(listener, address.to_owned(), Arc::clone(&failure)));
        Ok(Self { directory, address: address.to_owned(), failure, task: task.abort_handle() })
    }

    /// The socket.
    pub(crate) fn path(&self) -> PathBuf {
        socket(self.directory.path())
    }

    /// The address, and why the last connection to it failed, if it did.
    pub(crate) fn failure(&self) -> Option<(&str, io::ErrorKind)> {
        let kind = (*self.failure.lock().ok()?)?;
        Some((&self.address, kind))
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A socket's path may have about a hundred bytes.
fn short_base() -> PathBuf {
    let usual = std::env::temp_dir();
    if usual.as_os_str().len() < 70 { usual } else { PathBuf::from("/tmp") }
}

fn socket(directory: &Path) -> PathBuf {
    directory.join("socket")
}

async fn accept(
    listener: UnixListener,
    address: String,
    failure: Arc<Mutex<Option<io::ErrorKind>>>,
) {
    while let Ok((client, _)) = listener.accept().await {
        let (address, failure) = (address.clone(), Arc::clone(&failure));
        tokio::spawn(async move {
            let result = pass(client, &address).await;
            if let Ok(mut failure) = failure.lock() {
                *failure = result.err().map(|e| e.kind());
            }
        });
    }
}

/// Fails only if there is no connection; how it ends later the client sees.
async fn pass(mut client: UnixStream, address: &str) -> io::Result<()> {
    let connecting = tokio::time::timeout(CONNECT, TcpStream::connect(address)).await;
    let mut server = connecting.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    let _ = server.set_nodelay(true);
    let size = 64 * 1024;
    let _ = tokio::io::copy_bidirectional_with_sizes(&mut client, &mut server, size, size).await;
    Ok(())
}
