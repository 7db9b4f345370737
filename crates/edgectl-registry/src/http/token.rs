//! Bearer tokens: one per set of scopes and run, asked for once even if many
//! need it at the same time.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use edgectl_model::Secret;
use serde::Deserialize;
use tokio::sync::Mutex as AsyncMutex;

use super::rights::Rights;

/// What the specification says where a server says nothing.
const DEFAULT_LIFE: u64 = 60;
/// Renewed before the end, so that it doesn't expire on its way.
const MARGIN: Duration = Duration::from_secs(10);

/// A token and when it ends.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) secret: Secret,
    pub(crate) fetched: Instant,
    pub(crate) until: Instant,
    /// What it allows, where it can be read.
    pub(crate) rights: Option<Rights>,
}

impl Token {
    /// Whether it can still be used, by somebody to whom all tokens from
    /// before `since` were refused.
    pub(crate) fn is_good(&self, now: Instant, since: Option<Instant>) -> bool {
        now < self.until && since.is_none_or(|since| self.fetched >= since)
    }
}

/// What a token server answers.
#[derive(Deserialize)]
pub(crate) struct TokenAnswer {
    token: Option<Secret>,
    access_token: Option<Secret>,
    /// A new refresh token in place of the one that was used.
    pub(crate) refresh_token: Option<Secret>,
    expires_in: Option<u64>,
    scope: Option<String>,
}

impl TokenAnswer {
    /// The token, if there is one.
    pub(crate) fn into_token(self, now: Instant) -> Option<Token> {
        let given = |secret: Option<Secret>| secret.filter(|s| !s.is_empty());
        let secret = given(self.token).or(given(self.access_token))?;
        let life = self.expires_in.filter(|seconds| *seconds > 0).unwrap_or(DEFAULT_LIFE);
        let life = Duration::from_secs(life);
        // A server may name a life longer than the clock can count.
        let until = now.checked_add(life - MARGIN.min(life / 5)).unwrap_or(now);
        let told = self.scope.filter(|scope| !scope.trim().is_empty());
        let rights = Rights::of_token(secret.expose()).or(told.map(|s| Rights::of_scopes(&s)));
        Some(Token { secret, fetched: now, until, rights })
    }
}

/// One place per set of scopes; its lock is held while the token is fetched.
pub(crate) type Slot = Arc<AsyncMutex<Option<Token>>>;

/// The tokens of one registry.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    slots: Mutex<HashMap<String, Slot>>,
    /// The last refresh token that the server gave in place of ours.
    renewed: Mutex<Option<Secret>>,
    /// The server takes no POST.
    pub(crate) only_get: AtomicBool,
}

impl Tokens {
    /// The place of a set of scopes.
    pub(crate) fn slot(&self, scopes: &[String]) -> Slot {
        // A panic elsewhere leaves at worst a slot without a token.
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(scopes.join(" ")).or_default())
    }

    /// The token for a set of scopes, unless one is being fetched.
    pub(crate) fn current(&self, scopes: &[String]) -> Option<Token> {
        self.slot(scopes).try_lock().ok()?.clone()
    }

    /// The refresh token to use now.
    pub(crate) fn refresh_token(&self, first: &Secret) -> Secret {
        let renewed = self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        renewed.as_ref().unwrap_or(first).clone()
    }

    /// Keeps a refresh token that takes the place of the last one.
    pub(crate) fn keep_refresh_token(&self, token: Option<Secret>) {
        if let Some(token) = token.filter(|token| !token.is_empty()) {
            *self.renewed.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(answer: &str) -> Option<Duration> {
        let now = Instant::now();
        let answer: TokenAnswer = serde_json::from_str(answer).unwrap();
        answer.into_token(now).map(|token| token.until - now)
    }

    #[test]
    fn ends_before_the_server_says() {
        let seconds = |s: u64| Some(Duration::from_secs(s));
        assert_eq!(life(r#"{"token":"t"}"#), seconds(50));
        assert_eq!(life(r#"{"token":"t","expires_in":0}"#), seconds(50));
        assert_eq!(life(r#"{"access_token":"t","expires_in":300}"#), seconds(290));
        assert_eq!(life(r#"{"token":"","access_token":"t","expires_in":5}"#), seconds(4));
        assert_eq!(life(r#"{"token":"t","expires_in":18446744073709551615}"#), seconds(0));
        assert_eq!(life(r#"{"token":""}"#), None);
    }

    #[test]
    fn what_was_refused_is_not_used_again() {
        let now = Instant::now();
        let until = now + Duration::from_secs(9);
        let token = Token { secret: Secret::new("t"), fetched: now, until, rights: None };
        assert!(token.is_good(now, None) && token.is_good(now, Some(now)));
        assert!(!token.is_good(now, Some(now + Duration::from_nanos(1))));
        assert!(!token.is_good(until, None));
    }
}
