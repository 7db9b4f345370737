//! The squashfs read back and compared with what was streamed into it.
//!
//! Nobody looks at the system again before it starts at a site: its digest is
//! taken of whatever the packing has left, right or wrong. mksquashfs works
//! with many threads on shared data, and has been seen to leave a block that
//! nothing can unpack. So unsquashfs lists what it finds and unpacks every
//! file into a pipe (its `-pf`, a "pseudo file"; no tree on disk), and names,
//! types, links and contents have to be those that went in.

mod listing;

use std::io::{BufRead, BufReader};
use std::path::Path;

use edgectl_process::{CmdError, Running, interrupted};

use crate::error::IsoError;
use crate::paths;
use crate::read_back::listing::{ListedFile, Listing, Wrong};
use crate::stream::{Sum, Sums};
use crate::tree::Tree;
use crate::xorriso::UNSQUASHFS;

/// Where the list and the contents go. Not the name of a file: unsquashfs
/// removes what it has not finished, `/dev/stdout` for root included.
const STDOUT: &str = "/proc/self/fd/1";
/// Bytes held back for threads that are ahead of others, in MiB; by default
/// each is 256.
const QUEUES: [&str; 4] = ["-data-queue", "64", "-frag-queue", "64"];
const BUFFER: usize = 1 << 20;

/// Fails unless the squashfs holds `tree` with contents as `sums` has them.
pub(crate) fn read_back(squashfs: &Path, tree: &Tree, sums: &Sums) -> Result<(), IsoError> {
    let cmd = UNSQUASHFS.cmd()?.args(["-no-progress", "-quiet"]).args(QUEUES);
    let (running, stdout) = cmd.args(["-pf", STDOUT]).arg(squashfs).start_with_stdout()?;
    let mut out = BufReader::with_capacity(BUFFER, stdout);
    let compared = compare(&mut out, tree, sums);
    drop(out);
    // Ctrl-C ends unsquashfs as well, and that end is no damage.
    interrupted()?;
    let why = match compared {
        Ok(()) => running.wait().err().map(|error| error.to_string()),
        Err(Wrong::Ended) => Some(last_words(running)),
        Err(wrong) => Some(wrong.to_string()),
    };
    match why {
        None => Ok(()),
        Some(why) => Err(IsoError::ReadBack(why)),
    }
}

fn last_words(running: Running) -> String {
    match running.into_failure() {
        CmdError::Failed { stderr, .. } if !stderr.is_empty() => stderr,
        other => other.to_string(),
    }
}

fn compare(out: &mut impl BufRead, tree: &Tree, sums: &Sums) -> Result<(), Wrong> {
    let files = Listing::new(tree).read(out)?;
    let mut at = 0;
    for file in files {
        let expected = sums.get(file.origin).ok_or_else(|| content(&file))?;
        if (file.at, file.bytes) != (at, expected.bytes) {
            return Err(Wrong::Size(paths::show(&file.path), file.bytes, expected.bytes));
        }
        if sum(out, &file)? != expected {
            return Err(content(&file));
        }
        at += file.bytes;
    }
    match out.fill_buf()? {
        [] => Ok(()),
        _ => Err(Wrong::List("more than it lists".to_owned())),
    }
}

fn content(file: &ListedFile) -> Wrong {
    Wrong::Content(paths::show(&file.path))
}

fn sum(out: &mut impl BufRead, file: &ListedFile) -> Result<Sum, Wrong> {
    let mut crc32 = crc32fast::Hasher::new();
    let mut left = file.bytes;
    while left > 0 {
        // Whoever asked us to stop may not have asked unsquashfs.
        interrupted()?;
        let bytes = out.fill_buf()?;
        let n = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if n == 0 {
            return Err(Wrong::Ended);
        }
        crc32.update(&bytes[..n]);
        out.consume(n);
        left -= n as u64;
    }
    Ok(Sum { bytes: file.bytes, crc32: crc32.finalize() })
}

#[cfg(test)]
mod tests;
