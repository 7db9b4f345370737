//! How many requests one registry gets at once. It starts generously, halves
//! when the registry asks for less, and grows again slowly.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

const START: f64 = 16.0;
const MOST: f64 = 64.0;
const LEAST: f64 = 1.0;
/// Answers to requests that were on their way together count as one.
const TOGETHER: Duration = Duration::from_millis(500);
/// The user isn't told of waits up to this.
const SHORT: Duration = Duration::from_secs(5);

/// Requests of one kind wait only for each other: a question never stands
/// behind a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Hardly more than a head.
    Question,
    /// With a blob as its body.
    Body,
}

#[derive(Debug)]
struct Line {
    limit: f64,
    in_use: usize,
}

#[derive(Debug)]
struct State {
    questions: Line,
    bodies: Line,
    /// The registry wants to be left alone until then.
    closed_until: Option<Instant>,
    lowered: Option<Instant>,
}

/// The gate to one registry.
#[derive(Debug)]
pub(super) struct Gate {
    state: Mutex<State>,
    changed: Notify,
}

impl Default for Gate {
    fn default() -> Self {
        let state = State {
            questions: Line { limit: START, in_use: 0 },
            bodies: Line { limit: MOST, in_use: 0 },
            closed_until: None,
            lowered: None,
        };
        Self { state: Mutex::new(state), changed: Notify::new() }
    }
}

/// The right to one request; dropping it lets the next one in.
pub(super) struct Pass<'a> {
    gate: &'a Gate,
    kind: Kind,
}

impl State {
    fn line(&mut self, kind: Kind) -> &mut Line {
        match kind {
            Kind::Question => &mut self.questions,
            Kind::Body => &mut self.bodies,
        }
    }

    /// Lets nobody in for so long; says whether that is much longer than before.
    fn close(&mut self, now: Instant, wait: Option<Duration>) -> bool {
        let Some(until) = wait.and_then(|wait| now.checked_add(wait)) else { return false };
        let before = self.closed_until.map_or(now, |before| before.max(now));
        self.closed_until = self.closed_until.max(Some(until));
        until.saturating_duration_since(before) > SHORT
    }
}

impl Gate {
    /// Waits for a place.
    pub(super) async fn enter(&self, kind: Kind) -> Pass<'_> {
        loop {
            // Registered before looking, so that no change is missed.
            let changed = self.changed.notified();
            match self.try_enter(kind) {
                Ok(pass) => return pass,
                Err(Some(wait)) => tokio::time::sleep(wait).await,
                Err(None) => changed.await,
            }
        }
    }

    fn try_enter(&self, kind: Kind) -> Result<Pass<'_>, Option<Duration>> {
        let mut state = self.lock();
        let now = Instant::now();
        if let Some(until) = state.closed_until.filter(|until| *until > now) {
            return Err(Some(until - now));
        }
        let line = state.line(kind);
        if line.in_use as f64 >= line.limit {
            return Err(None);
        }
        line.in_use += 1;
        Ok(Pass { gate: self, kind })
    }

    /// The registry answered as it should.
    pub(super) fn went_well(&self, kind: Kind) {
        let mut state = self.lock();
        let line = state.line(kind);
        let before = line.limit;
        line.limit = (before + 1.0 / before).min(MOST);
        if line.limit.floor() > before.floor() {
            self.changed.notify_one();
        }
    }

    /// The registry is asked for too much; `wait` is what it said. Whether the
    /// user should hear of it: those who are sent away together are sent away
    /// once.
    pub(super) fn slow_down(&self, wait: Option<Duration>) -> bool {
        let mut state = self.lock();
        let now = Instant::now();
        let is_news = state.close(now, wait);
        if state.lowered.is_some_and(|lowered| now < lowered + TOGETHER) {
            return is_news;
        }
        state.lowered = Some(now);
        for line in [Kind::Question, Kind::Body] {
            let line = state.line(line);
            let wanted = line.limit.min(line.in_use.max(1) as f64);
            line.limit = (wanted / 2.0).floor().max(LEAST);
        }
        is_news
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.gate.lock().line(self.kind).in_use -= 1;
        self.gate.changed.notify_waiters();
        self.gate.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(gate: &Gate, kind: Kind) -> usize {
        gate.lock().line(kind).limit as usize
    }

    #[tokio::test]
    async fn halves_once_for_answers_that_came_together_and_recovers() {
        let gate = Gate::default();
        let mut passes = Vec::new();
        for _ in 0..16 {
            passes.push(gate.enter(Kind::Question).await);
        }
        assert!(gate.try_enter(Kind::Question).is_err());
        assert!(gate.try_enter(Kind::Body).is_ok());
        for _ in 0..16 {
            gate.slow_down(None);
        }
        assert_eq!(limit(&gate, Kind::Question), 8);
        drop(passes);
        for _ in 0..1000 {
            gate.went_well(Kind::Question);
        }
        assert!((40..=64).contains(&limit(&gate, Kind::Question)));
    }

    #[tokio::test]
    async fn stays_closed_for_as_long_as_asked() {
        let gate = Gate::default();
        assert!(gate.slow_down(Some(Duration::from_secs(3600))));
        let Err(Some(wait)) = gate.try_enter(Kind::Question) else { panic!("open") };
        assert!(wait > Duration::from_secs(3500));
        gate.slow_down(Some(Duration::from_millis(1)));
        assert!(gate.try_enter(Kind::Body).is_err());
    }

    #[test]
    fn a_long_wait_is_told_once() {
        let gate = Gate::default();
        assert!(!gate.slow_down(None));
        assert!(!gate.slow_down(Some(SHORT)));
        assert!(gate.slow_down(Some(Duration::from_secs(60))));
        assert!(!gate.slow_down(Some(Duration::from_secs(62))), "it was asked for together");
        assert!(gate.slow_down(Some(Duration::from_secs(120))));
    }

    #[tokio::test]
    async fn those_who_wait_get_in() {
        let gate = std::sync::Arc::new(Gate::default());
        gate.slow_down(None);
        let tasks: Vec<_> = (0..200)
            .map(|_| {
                let gate = std::sync::Arc::clone(&gate);
                tokio::spawn(async move {
                    let _pass = gate.enter(Kind::Question).await;
                    tokio::task::yield_now().await;
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    }
}
