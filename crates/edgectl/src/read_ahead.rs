//! Inflating a layer beside its reader, on the machine's other core.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

/// Size of a piece in bytes.
const PIECE: usize = 256 << 10;
/// Pieces that may wait for their reader.
const WAITING: usize = 4;

/// Reads what a thread of its own has read already.
#[derive(Debug)]
pub(crate) struct ReadAhead {
    pieces: Receiver<io::Result<Vec<u8>>>,
    /// Where pieces that were read go, to be filled again: fresh memory for
    /// gigabytes costs more than copying them.
    done: Sender<Vec<u8>>,
    piece: Vec<u8>,
    at: usize,
}

impl ReadAhead {
    /// Starts to read. The thread ends with its input or with this reader.
    pub(crate) fn new(from: impl Read + Send + 'static) -> Self {
        let (sender, pieces) = sync_channel(WAITING);
        let (done, emptied) = channel();
        std::thread::spawn(move || read_pieces(from, &sender, &emptied));
        Self { pieces, done, piece: Vec::new(), at: 0 }
    }
}

impl Read for ReadAhead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.len() {
            match self.pieces.recv() {
                Ok(piece) => {
                    let done = std::mem::replace(&mut self.piece, piece?);
                    self.at = 0;
                    // The thread may have ended, and needs no more.
                    let _ = self.done.send(done);
                }
                // The thread has said all there is.
                Err(_) => return Ok(0),
            }
        }
        let rest = &self.piece[self.at..];
        let n = rest.len().min(buffer.len());
        buffer[..n].copy_from_slice(&rest[..n]);
        self.at += n;
        Ok(n)
    }
}

/// Sends pieces until the input ends or fails, or nobody listens.
fn read_pieces(
    mut from: impl Read,
    to: &SyncSender<io::Result<Vec<u8>>>,
    emptied: &Receiver<Vec<u8>>,
) {
    loop {
        let mut piece = emptied.try_recv().unwrap_or_default();
        piece.resize(PIECE, 0);
        let (bytes, read) = fill(&mut from, &mut piece);
        piece.truncate(bytes);
        // What was read before a failure is still good.
        if !piece.is_empty() && to.send(Ok(piece)).is_err() {
            return;
        }
        if let Err(error) = read {
            let _ = to.send(Err(error));
            return;
        }
        if bytes < PIECE {
            return;
        }
    }
}

/// Reads until the piece is full or the input ends; says how far it came.
fn fill(from: &mut impl Read, piece: &mut [u8]) -> (usize, io::Result<()>) {
    let mut at = 0;
    while at < piece.len() {
        match from.read(&mut piece[at..]) {
            Ok(0) => break,
            Ok(n) => at += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (at, Err(error)),
        }
    }
    (at, Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails after its content.
    struct Broken(io::Cursor<Vec<u8>>);

    impl Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(io::Error::other("broken")),
                n => Ok(n),
            }
        }
    }

    #[test]
    fn gives_the_same_bytes() {
        let bytes: Vec<u8> = (0..3 * PIECE + 7).map(|i| (i % 251) as u8).collect();
        let mut read = Vec::new();
        ReadAhead::new(io::Cursor::new(bytes.clone())).read_to_end(&mut read).unwrap();
        assert!(read == bytes);
    }

    #[test]
    fn a_failure_comes_after_what_was_good() {
        let mut reader = ReadAhead::new(Broken(io::Cursor::new(vec![7; 10])));
        let mut read = Vec::new();
        let error = reader.read_to_end(&mut read).unwrap_err();
        assert_eq!((read.len(), error.to_string().as_str()), (10, "broken"));
    }
}
