//! Who we are: Basic with every request, or a token for it.

use std::sync::PoisonError;
use std::time::Instant;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{RequestBuilder, Response, Url};

use super::answer::Purpose;
use super::client::{Client, address};
use super::token::{Token, TokenAnswer};
use crate::access::Credentials;
use crate::challenge::Challenge;
use crate::error::RegistryError;

impl Client {
    /// How the registry wants us to log in.
    pub(super) fn challenge(&self) -> Challenge {
        let lock = self.challenge_slot().lock().unwrap_or_else(PoisonError::into_inner);
        lock.clone().unwrap_or(Challenge::Open)
    }

    /// Remembers how to log in.
    pub(super) fn set_challenge(&self, challenge: Challenge) {
        *self.challenge_slot().lock().unwrap_or_else(PoisonError::into_inner) = Some(challenge);
    }

    /// After a 401: a new token, or the first login where the API root needs
    /// none but the repository does.
    pub(super) fn may_log_in_again(&self, answer: &Response) -> bool {
        match self.challenge() {
            Challenge::Bearer { .. } => {
                !matches!(self.access().credentials, Credentials::RegistryToken(_))
            }
            Challenge::Basic => false,
            Challenge::Open => challenge_of(answer).map(|c| self.set_challenge(c)).is_some(),
        }
    }

    /// Adds the login to a request for the registry itself.
    pub(super) async fn authorize(
        &self,
        request: RequestBuilder,
        url: &Url,
        scopes: &[String],
        fresh: bool,
    ) -> Result<RequestBuilder, RegistryError> {
        self.check_scheme(url)?;
        Ok(match (self.challenge(), &self.access().credentials) {
            (Challenge::Open, _) => request,
            (_, Credentials::RegistryToken(token)) => request.bearer_auth(token.expose()),
            (Challenge::Basic, Credentials::Basic { username, password }) => {
                request.basic_auth(username, Some(password.expose()))
            }
            (Challenge::Basic, _) => request,
            (Challenge::Bearer { realm, service }, _) => {
                let token = self.token(&realm, service.as_deref(), scopes, fresh).await?;
                request.header(AUTHORIZATION, bearer(&token)?)
            }
        })
    }

    /// A login never goes over plain HTTP unless that was asked for.
    fn check_scheme(&self, url: &Url) -> Result<(), RegistryError> {
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
        realm: &str,
        service: Option<&str>,
        scopes: &[String],
        fresh: bool,
    ) -> Result<Token, RegistryError> {
        let started = Instant::now();
        let slot = self.tokens().slot(scopes);
        let mut slot = slot.lock().await;
        if let Some(token) = slot.as_ref()
            && token.is_good(started)
            && !fresh
        {
            return Ok(token.clone());
        }
        let token = self.fetch_token(realm, service, scopes).await?;
        *slot = Some(token.clone());
        Ok(token)
    }

    async fn fetch_token(
        &self,
        realm: &str,
        service: Option<&str>,
        scopes: &[String],
    ) -> Result<Token, RegistryError> {
        let bad = |reason: &str| RegistryError::Configuration {
            host: self.host().to_owned(),
            reason: format!("its token server `{realm}` {reason}"),
        };
        let url = Url::parse(realm).map_err(|_| bad("is not a URL"))?;
        self.check_scheme(&url)?;
        let answer = self.transmit(self.token_request(&url, service, scopes), &url).await?;
        if matches!(answer.status().as_u16(), 400 | 401) {
            let (host, user) = (self.host().to_owned(), self.user());
            let error = RegistryError::LoginRefused { host, user, message: String::new() };
            self.remember(&error);
            return Err(error);
        }
        let what = scopes.join(" ");
        let purpose = Purpose { action: format!("get a token for `{what}`"), what };
        let answer = self.expect("GET", answer, &[200], &purpose).await?;
        let bytes = answer.bytes().await.map_err(|e| self.broken(e))?;
        // A parser's words could quote the token.
        let answer: TokenAnswer =
            serde_json::from_slice(&bytes).map_err(|_| bad("does not answer with JSON"))?;
        answer.into_token(Instant::now()).ok_or_else(|| bad("gave no token"))
    }

    fn token_request(
        &self,
        realm: &Url,
        service: Option<&str>,
        scopes: &[String],
    ) -> RequestBuilder {
        let client = self.http_for(realm);
        let mut fields = vec![("client_id", "edgectl".to_owned())];
        fields.extend(service.map(|service| ("service", service.to_owned())));
        if let Credentials::IdentityToken(token) = &self.access().credentials {
            fields.push(("scope", scopes.join(" ")));
            fields.push(("grant_type", "refresh_token".to_owned()));
            fields.push(("refresh_token", token.expose().to_owned()));
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            let body = form.extend_pairs(&fields).finish();
            let kind = "application/x-www-form-urlencoded";
            return client.post(realm.clone()).header(CONTENT_TYPE, kind).body(body);
        }
        fields.extend(scopes.iter().map(|scope| ("scope", scope.clone())));
        let mut url = realm.clone();
        url.query_pairs_mut().extend_pairs(&fields);
        match &self.access().credentials {
            Credentials::Basic { username, password } => {
                client.get(url).basic_auth(username, Some(password.expose()))
            }
            _ => client.get(url),
        }
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
pub(super) fn challenge_of(answer: &Response) -> Option<Challenge> {
    let values = answer.headers().get_all(WWW_AUTHENTICATE);
    Challenge::parse(values.iter().filter_map(|value| value.to_str().ok()))
}
