//! How large the bodies may be that one registry is sent.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Larger chunks gain nothing, and front ends cap bodies at 100 MB.
pub(crate) const CHUNK: u64 = 32 << 20;
/// Smaller ones cost more than they carry; a front end that takes less is not
/// in use.
const SMALLEST: u64 = 64 << 10;

/// What is known of a registry's limits so far.
#[derive(Debug)]
pub(crate) struct Chunking {
    size: AtomicU64,
    refused: AtomicBool,
}

impl Chunking {
    /// Chunks of `size` bytes until the registry objects.
    pub(crate) fn new(size: u64) -> Self {
        Self { size: AtomicU64::new(size.max(1)), refused: AtomicBool::new(false) }
    }

    /// Bytes per body for a session whose registry wants at least `least`;
    /// none where bodies must hold whole blobs.
    pub(crate) fn size(&self, least: u64) -> Option<u64> {
        let is_refused = self.refused.load(Ordering::Relaxed);
        (!is_refused).then(|| self.size.load(Ordering::Relaxed).max(least))
    }

    /// A body of `bytes` was too large; says whether smaller ones make sense.
    pub(crate) fn lower(&self, bytes: u64) -> bool {
        let half = bytes / 2;
        if half < SMALLEST {
            return false;
        }
        self.size.fetch_min(half, Ordering::Relaxed);
        self.refused.store(false, Ordering::Relaxed);
        true
    }

    /// The registry doesn't take blobs in chunks.
    pub(crate) fn refuse(&self) {
        self.refused.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_down_to_a_limit_and_honours_the_least() {
        let chunking = Chunking::new(CHUNK);
        assert!(chunking.lower(CHUNK));
        assert_eq!(chunking.size(0), Some(CHUNK / 2));
        assert_eq!(chunking.size(CHUNK), Some(CHUNK));
        assert!(!chunking.lower(SMALLEST));
        chunking.refuse();
        assert_eq!(chunking.size(0), None);
    }
}
