//! The end of a log that a program writes.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;

use crate::running::TAIL;

/// What a program adds to a log, for errors to quote.
#[derive(Debug)]
pub(crate) struct LogTail {
    log: File,
    /// Where the program's part begins.
    from: u64,
}

impl LogTail {
    /// Watches `log`, which is usually open for writing only.
    pub(crate) fn new(log: &File) -> io::Result<Self> {
        let from = log.metadata()?.len();
        // The kernel's name for an open file also finds one without a name.
        let log = File::open(format!("/proc/self/fd/{}", log.as_raw_fd()))?;
        Ok(Self { log, from })
    }

    /// The last words.
    pub(crate) fn read(&self) -> io::Result<Vec<u8>> {
        let end = self.log.metadata()?.len();
        let from = self.from.max(end.saturating_sub(TAIL as u64));
        let mut bytes = vec![0; TAIL];
        let mut filled = 0;
        while filled < bytes.len() {
            match self.log.read_at(&mut bytes[filled..], from + filled as u64)? {
                0 => break,
                n => filled += n,
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }
}
