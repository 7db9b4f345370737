//! Who we are: Basic with every request, or a token for it.

use std::ops::RangeInclusive;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use reqwest::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{RequestBuilder, Response, Url};

use super::client::{Client, address};
use super::exchange::Exchanged;
use super::rights::MissingRight;
use super::token::{Token, Tokens};
use super::token_server::Question;
use crate::access::Credentials;
use crate::challenge::{Challenge, Challenged};
use crate::error::RegistryError;

/// What is known about logging in at one registry.
#[derive(Debug, Default)]
pub(crate) struct LoginState {
    challenge: Mutex<Option<Challenge>>,
    /// Tokens fetched so far.
    pub(super) tokens: Tokens,
    /// What a cloud gave for its key.
    pub(super) exchanged: Exchanged,
}

impl Client {
    /// How the registry wants us to log in.
    pub(super) fn challenge(&self) -> Challenge {
        let lock = self.login().challenge.lock().unwrap_or_else(PoisonError::into_inner);
        lock.clone().unwrap_or(Challenge::Open)
    }

    /// Remembers how to log in.
    pub(super) fn set_challenge(&self, challenge: Challenge) {
        let mut lock = self.login().challenge.lock().unwrap_or_else(PoisonError::into_inner);
        *lock = Some(challenge);
    }

    /// After a 401 for a request whose login was made ready in `ready`: the
    /// scopes to try once more with, if that makes sense. It does with a token that may have
    /// ended on its way, with scopes that the registry asks for beyond ours,
    /// and where the API root needs no login but the repository does.
    pub(super) fn log_in_again(
        &self,
        answer: &Response,
        scopes: &[String],
        ready: RangeInclusive<Instant>,
    ) -> Option<Vec<String>> {
        let given = self.given_login(scopes);
        if matches!(given, Credentials::RegistryToken(_)) {
            return None;
        }
        let asked = challenge_of(answer);
        let known = self.challenge();
        let demanded = asked.as_ref().map(|asked| asked.scopes_beyond(scopes)).unwrap_or_default();
        let is_new = asked.as_ref().is_some_and(|asked| asked.challenge != known);
        // Nobody goes back to an open door, or from tokens to passwords.
        if let Some(Challenged { challenge, .. }) = asked
            && (known == Challenge::Open || matches!(challenge, Challenge::Bearer { .. }))
        {
            self.set_challenge(challenge);
        }
        let is_bearer = matches!(self.challenge(), Challenge::Bearer { .. });
        let exchanged = &self.login().exchanged;
        let has_aged = matches!(given, Credentials::Cloud(_)) && !exchanged.is_from(&ready);
        let worth_it = has_aged
            || is_new && known == Challenge::Open
            || is_bearer && (is_new || !demanded.is_empty() || !self.is_fresh(scopes, &ready));
        worth_it.then(|| scopes.iter().cloned().chain(demanded).collect())
    }

    /// Whether the token for `scopes` was fetched for this very request: the
    /// server wouldn't give a better one.
    fn is_fresh(&self, scopes: &[String], ready: &RangeInclusive<Instant>) -> bool {
        // A later one was fetched by somebody else and is worth a try.
        self.login().tokens.current(scopes).is_some_and(|token| ready.contains(&token.fetched))
    }

    /// Notes on a refusal which right the token lacks, where that can be read.
    pub(super) fn note_missing_right(&self, answer: &mut Response, scopes: &[String]) {
        if !matches!(answer.status().as_u16(), 401 | 403) {
            return;
        }
        let rights = self.login().tokens.current(scopes).and_then(|token| token.rights);
        if let Some(missing) = rights.and_then(|rights| rights.missing(scopes)) {
            answer.extensions_mut().insert(MissingRight(missing));
        }
    }

    /// Adds the login to a request for the registry itself. No token from
    /// before `since` is used.
    pub(super) async fn authorize(
        &self,
        request: RequestBuilder,
        url: &Url,
        scopes: &[String],
        since: Option<Instant>,
    ) -> Result<RequestBuilder, RegistryError> {
        self.check_scheme(url)?;
        let challenge = self.challenge();
        if challenge == Challenge::Open {
            return Ok(request);
        }
        Ok(match (challenge, self.credentials(scopes, since).await?) {
            (Challenge::Open, _) => request,
            (_, Credentials::RegistryToken(token)) => request.bearer_auth(token.expose()),
            (Challenge::Basic, credentials) => with_password(request, &credentials),
            (Challenge::Bearer { realm, service }, login) => {
                let question = Question { realm: &realm, service: service.as_deref(), scopes };
                let token = self.token(&question, &login, since).await?;
                request.header(AUTHORIZATION, bearer(&token)?)
            }
        })
    }

    /// A login never goes over plain HTTP unless that was asked for.
    pub(super) fn check_scheme(&self, url: &Url) -> Result<(), RegistryError> {
        if url.scheme() == "https" || self.access().insecure {
            return Ok(());
        }
        Err(RegistryError::Tls {
            host: address(url),
            reason: "a login would go over plain HTTP".to_owned(),
        })
    }

    async fn token(
        &self,
        question: &Question<'_>,
        login: &Credentials,
        since: Option<Instant>,
    ) -> Result<Token, RegistryError> {
        let slot = self.login().tokens.slot(question.scopes);
        let mut slot = slot.lock().await;
        if let Some(token) = slot.as_ref()
            && token.is_good(Instant::now(), since)
        {
            return Ok(token.clone());
        }
        let token = self.fetch_token(question, login).await?;
        *slot = Some(token.clone());
        Ok(token)
    }
}

/// Name and password, or a token in the password's place, with a request.
pub(super) fn with_password(request: RequestBuilder, credentials: &Credentials) -> RequestBuilder {
    match credentials {
        Credentials::Basic { username, password } => {
            request.basic_auth(username, Some(password.expose()))
        }
        Credentials::IdentityToken { username, token } => {
            request.basic_auth(username, Some(token.expose()))
        }
        Credentials::Anonymous
        | Credentials::Cloud(_)
        | Credentials::RegistryToken(_)
        | Credentials::Unreadable(_) => request,
    }
}

fn bearer(token: &Token) -> Result<HeaderValue, RegistryError> {
    let text = format!("Bearer {}", token.secret.expose());
    let mut value = HeaderValue::try_from(text).map_err(|_| RegistryError::Configuration {
        host: "token server".to_owned(),
        reason: "its token is not a header value".to_owned(),
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// How an answer wants us to log in.
pub(super) fn challenge_of(answer: &Response) -> Option<Challenged> {
    let values = answer.headers().get_all(WWW_AUTHENTICATE);
    Challenged::parse(values.iter().filter_map(|value| value.to_str().ok()))
}
