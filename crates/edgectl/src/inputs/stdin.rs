//! stdin as an input: a stream, unless it is an archive.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use edgectl_process::interrupted;
use edgectl_profile::{Expect, File};

use super::{Gatherer, compression, temporary};
use crate::exit;
use crate::failure::{Doing, Failure};

const CHUNK: usize = 1 << 16;
/// Chunks that are read ahead.
const AHEAD: usize = 4;
/// How often a waiting reader looks at Ctrl-C.
const TICK: Duration = Duration::from_millis(50);

impl Gatherer<'_> {
    pub(super) fn stdin(&mut self) -> Result<(), Failure> {
        let mut reader = BufReader::with_capacity(CHUNK, Stdin::start());
        let start = reader.fill_buf();
        interrupted()?;
        let start = start.map_err(super::reading("-"))?;
        let Some(form) = compression::form_of(start) else {
            let file = File { name: "-", unit: None, expect: Expect::Known };
            let result = self.discoverer.read(&file, reader);
            return self.judge(result);
        };
        let directory = temporary()?;
        let path = directory.path().join("stdin");
        let copy = || -> io::Result<()> {
            let mut file = std::fs::File::create(&path)?;
            io::copy(&mut reader, &mut file)?;
            file.flush()
        };
        let copied = { copy }();
        interrupted()?;
        copied
            .map_err(|e| Failure::of(exit::FAILED, &e))
            .doing("keeping the archive from stdin in a temporary file")?;
        self.unpacked.push(directory);
        self.archive("-", &path, form, None, Expect::Known)
    }
}

/// stdin, read by a thread: whoever writes to us may take his time, and the
/// user may lose patience.
struct Stdin {
    chunks: Receiver<io::Result<Vec<u8>>>,
    rest: io::Cursor<Vec<u8>>,
}

impl Stdin {
    fn start() -> Self {
        let (sender, chunks) = mpsc::sync_channel(AHEAD);
        std::thread::spawn(move || {
            let mut stdin = io::stdin().lock();
            loop {
                let mut chunk = vec![0; CHUNK];
                let read = stdin.read(&mut chunk).map(|length| {
                    chunk.truncate(length);
                    chunk
                });
                let is_over = !matches!(&read, Ok(chunk) if !chunk.is_empty());
                if sender.send(read).is_err() || is_over {
                    return;
                }
            }
        });
        Self { chunks, rest: io::Cursor::default() }
    }
}

impl Read for Stdin {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.rest.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            match self.chunks.recv_timeout(TICK) {
                Ok(chunk) => match chunk? {
                    chunk if chunk.is_empty() => return Ok(0),
                    chunk => self.rest = io::Cursor::new(chunk),
                },
                Err(RecvTimeoutError::Timeout) => interrupted().map_err(io::Error::other)?,
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
        }
    }
}
