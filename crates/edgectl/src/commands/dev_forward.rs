//! `edgectl dev forward`: the door of the machine in QEMU. QEMU starts one
//! process per connection and talks on its stdin and stdout; what the process
//! says on stderr reaches the guest as well, so it says nothing.

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;

use crate::exit;
use crate::failure::Failure;

const BUFFER: usize = 64 << 10;

pub(crate) fn run(to: &str, record: Option<&Path>) -> Result<u8, Failure> {
    let connected = TcpStream::connect(to);
    if let Some(record) = record {
        // A connection that isn't recorded is still a connection.
        let _ = write_record(record, to, connected.is_ok());
    }
    let failed =
        |e: io::Error| Failure::of(exit::FAILED, &e).doing(format!("forwarding to `{to}`"));
    let stream = connected.map_err(failed)?;
    let other = stream.try_clone().map_err(failed)?;
    let upwards = std::thread::spawn(move || {
        let _ = copy(&mut io::stdin().lock(), &mut &other);
        let _ = other.shutdown(Shutdown::Write);
    });
    let downwards = copy(&mut &stream, &mut io::stdout().lock());
    let _ = stream.shutdown(Shutdown::Both);
    drop(upwards);
    Ok(if downwards.is_ok() { exit::DONE } else { exit::FAILED })
}

fn write_record(path: &Path, to: &str, reached: bool) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    let line = serde_json::json!({ "to": to, "reached": reached });
    file.write_all(format!("{line}\n").as_bytes())
}

/// Hands on each piece at once: a handshake waits for its last byte.
fn copy(from: &mut dyn Read, to: &mut dyn Write) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => {
                to.write_all(&buffer[..n])?;
                to.flush()?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
