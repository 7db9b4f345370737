//! When to try again.

use std::time::{Duration, SystemTime};

/// Attempts of one request.
const ATTEMPTS: u32 = 5;
/// Attempts of an upload that gets somewhere each time.
const ATTEMPTS_WITH_PROGRESS: u32 = 12;
/// How long to wait for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Before the second attempt; each further wait is twice as long.
    pub first_wait: Duration,
    /// The longest of these waits.
    pub longest_wait: Duration,
    /// No byte for this long means that the connection is dead.
    pub stall: Duration,
    /// A registry may need this long to hash and store what it was sent.
    pub store: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            first_wait: Duration::from_millis(200),
            longest_wait: Duration::from_secs(10),
            stall: Duration::from_secs(60),
            store: Duration::from_secs(600),
        }
    }
}

/// The longest that a server may send us away for; nobody looks at a pipeline
/// that stands still for longer.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(300);

/// Counts attempts and says how long to wait before the next one.
#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    attempts: u32,
    in_vain: u32,
}

impl Backoff {
    /// No attempt so far.
    pub(crate) fn new(patience: &Patience) -> Self {
        let (first, longest) = (patience.first_wait, patience.longest_wait);
        Self { first, longest, attempts: 0, in_vain: 0 }
    }

    /// The last attempt got somewhere: what it did need not be done again.
    pub(crate) fn progress(&mut self) {
        (self.attempts, self.in_vain) = (0, 0);
    }

    /// The wait before the next attempt; none when it is time to give up, or
    /// where the server sends us away for too long.
    /// `moved` says that the last attempt came far, though in vain.
    pub(crate) fn next(&mut self, retry_after: Option<Duration>, moved: bool) -> Option<Duration> {
        self.attempts += 1;
        self.in_vain = if moved { 0 } else { self.in_vain + 1 };
        let is_tired = self.in_vain >= ATTEMPTS || self.attempts >= ATTEMPTS_WITH_PROGRESS;
        if is_tired || retry_after.is_some_and(is_too_long) {
            return None;
        }
        let doubled = self.first * 2_u32.saturating_pow(self.in_vain.saturating_sub(1));
        // Half fixed, half by chance, so that many clients spread out.
        let wait = doubled.min(self.longest).mul_f64(0.5 + 0.5 * fastrand::f64());
        Some(retry_after.unwrap_or(wait))
    }
}

/// Whether a server's wish isn't followed.
pub(crate) fn is_too_long(asked: Duration) -> bool {
    asked > LONGEST_RETRY_AFTER
}

/// `Retry-After`: seconds or a date.
pub(crate) fn retry_after(value: Option<&str>, now: SystemTime) -> Option<Duration> {
    let value = value?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_up_in_the_end() {
        let mut backoff = Backoff::new(&Patience::default());
        let waits: Vec<_> = std::iter::from_fn(|| backoff.next(None, false)).collect();
        assert_eq!(waits.len(), 4);
        assert!(waits[0] < Duration::from_millis(201) && waits[3] >= Duration::from_millis(800));
        let mut backoff = Backoff::new(&Patience::default());
        assert_eq!(std::iter::from_fn(|| backoff.next(None, true)).count(), 11);
    }

    #[test]
    fn reads_seconds_and_dates() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let after = |value| retry_after(value, now);
        assert_eq!(after(Some("7")), Some(Duration::from_secs(7)));
        let date = Some("Sun, 06 Nov 1994 08:49:47 GMT");
        assert_eq!(after(date), Some(Duration::from_secs(10)));
        assert_eq!(after(Some("soon")), None);
        assert_eq!(after(None), None);
    }

    #[test]
    fn obeys_the_server_within_reason() {
        let asked =
            |s| Backoff::new(&Patience::default()).next(Some(Duration::from_secs(s)), false);
        assert_eq!(asked(3), Some(Duration::from_secs(3)));
        assert_eq!(asked(300), Some(Duration::from_secs(300)));
        assert_eq!(asked(301), None);
    }
}
