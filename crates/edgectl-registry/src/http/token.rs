//! Bearer tokens: one per set of scopes and run, asked for once even if many
//! need it at the same time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use edgectl_model::Secret;
use serde::Deserialize;
use tokio::sync::Mutex as AsyncMutex;

/// What the specification says where a server says nothing.
const DEFAULT_LIFE: u64 = 60;
/// Renewed before the end, so that it doesn't expire on its way.
const MARGIN: Duration = Duration::from_secs(10);

/// A token and when it ends.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) secret: Secret,
    pub(crate) until: Instant,
}

impl Token {
    /// Whether it can still be used.
    pub(crate) fn is_good(&self, now: Instant) -> bool {
        now < self.until
    }
}

/// What a token server answers.
#[derive(Deserialize)]
pub(crate) struct TokenAnswer {
    token: Option<Secret>,
    access_token: Option<Secret>,
    expires_in: Option<u64>,
}

impl TokenAnswer {
    /// The token, if there is one.
    pub(crate) fn into_token(self, now: Instant) -> Option<Token> {
        let given = |secret: Option<Secret>| secret.filter(|s| !s.is_empty());
        let secret = given(self.token).or(given(self.access_token))?;
        let life = Duration::from_secs(self.expires_in.unwrap_or(DEFAULT_LIFE).max(DEFAULT_LIFE));
        // A server may name a life longer than the clock can count.
        let until = now.checked_add(life - MARGIN).unwrap_or(now);
        Some(Token { secret, until })
    }
}

/// One place per set of scopes; its lock is held while the token is fetched.
pub(crate) type Slot = Arc<AsyncMutex<Option<Token>>>;

/// The tokens of one registry.
#[derive(Debug, Default)]
pub(crate) struct Tokens(Mutex<HashMap<String, Slot>>);

impl Tokens {
    /// The place of a set of scopes.
    pub(crate) fn slot(&self, scopes: &[String]) -> Slot {
        // A panic elsewhere leaves at worst a slot without a token.
        let mut slots = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Arc::clone(slots.entry(scopes.join(" ")).or_default())
    }
}
