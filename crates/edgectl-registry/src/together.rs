//! Work for one image, a few pieces at once.

use std::future::{Future, ready};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::stream::{self, StreamExt};

use crate::error::RegistryError;

/// Requests for one image at once.
pub(crate) const WIDTH: usize = 8;

/// Does all of the work, or fails with its first error. After a failure
/// nothing begins any more, but what has begun ends: whoever dropped it while
/// a registry opens an upload would leave that upload open, and nobody would
/// know its address.
pub(crate) async fn all_of<F>(work: impl IntoIterator<Item = F>) -> Result<(), RegistryError>
where
    F: Future<Output = Result<(), RegistryError>>,
{
    let has_failed = AtomicBool::new(false);
    let begun = stream::iter(work).take_while(|_| ready(!has_failed.load(Ordering::Relaxed)));
    let mut ended = pin!(begun.buffer_unordered(WIDTH));
    let mut first = Ok(());
    while let Some(result) = ended.next().await {
        has_failed.fetch_or(result.is_err(), Ordering::Relaxed);
        first = first.and(result);
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[tokio::test]
    async fn a_failure_ends_what_has_begun_and_begins_nothing() {
        let (begun, ended) = (Cell::new(0), Cell::new(0));
        let work = (0..WIDTH * 3).map(async |place| {
            begun.set(begun.get() + 1);
            for _ in 0..if place == 1 { 1 } else { 5 } {
                tokio::task::yield_now().await;
            }
            ended.set(ended.get() + 1);
            if place == 1 { Err(RegistryError::LeftOut) } else { Ok(()) }
        });
        assert!(matches!(all_of(work).await, Err(RegistryError::LeftOut)));
        assert_eq!((begun.get(), ended.get()), (WIDTH, WIDTH));
        assert!(all_of((0..20).map(|_| ready(Ok(())))).await.is_ok());
    }
}
