//! Asking a token server, by GET or, with a refresh token, by POST.

use std::sync::atomic::Ordering;
use std::time::Instant;

use edgectl_model::Secret;
use reqwest::header::CONTENT_TYPE;
use reqwest::{RequestBuilder, Response, Url};

use super::answer::Purpose;
use super::body::read_limited;
use super::client::Client;
use super::login::with_password;
use super::token::{Token, TokenAnswer};
use crate::access::Credentials;
use crate::error::RegistryError;

/// More than any token is a mistake or an attack.
const LIMIT: usize = 1 << 20;

/// What is asked, and where.
#[derive(Debug)]
pub(super) struct Question<'a> {
    pub(super) realm: &'a str,
    pub(super) service: Option<&'a str>,
    pub(super) scopes: &'a [String],
}

impl Client {
    /// Fetches a token.
    pub(super) async fn fetch_token(
        &self,
        question: &Question<'_>,
        login: &Credentials,
    ) -> Result<Token, RegistryError> {
        let bad = |reason: &str| RegistryError::Configuration {
            host: self.host().to_owned(),
            reason: format!("its token server `{}` {reason}", question.realm),
        };
        let url = Url::parse(question.realm).map_err(|_| bad("is not a URL"))?;
        self.check_scheme(&url)?;
        let answer = self.ask_token_server(&url, question, login).await?;
        if matches!(answer.status().as_u16(), 400 | 401) {
            let (host, user) = (self.host().to_owned(), login.user());
            let error = RegistryError::LoginRefused { host, user, message: String::new() };
            self.remember(&error);
            return Err(error);
        }
        let what = question.scopes.join(" ");
        let purpose = Purpose { action: format!("get a token for `{what}`"), what };
        let answer = self.expect("GET", answer, &[200], &purpose).await?;
        let bytes = self.read_all(answer, LIMIT).await?;
        // A parser's words could quote the token.
        let mut answer: TokenAnswer =
            serde_json::from_slice(&bytes).map_err(|_| bad("does not answer with JSON"))?;
        self.login().tokens.keep_refresh_token(answer.refresh_token.take());
        answer.into_token(Instant::now()).ok_or_else(|| bad("gave no token"))
    }

    async fn ask_token_server(
        &self,
        realm: &Url,
        question: &Question<'_>,
        login: &Credentials,
    ) -> Result<Response, RegistryError> {
        let tokens = &self.login().tokens;
        if let Credentials::IdentityToken { token, .. } = login
            && !tokens.only_get.load(Ordering::Relaxed)
        {
            let request = self.post_request(realm, question, &tokens.refresh_token(token));
            let answer = self.transmit(request, realm).await?;
            // Not every server knows refresh tokens by POST.
            if !matches!(answer.status().as_u16(), 404 | 405) {
                return Ok(answer);
            }
            tokens.only_get.store(true, Ordering::Relaxed);
        }
        let mut url = realm.clone();
        let scopes = question.scopes.iter().map(|scope| ("scope", scope.as_str()));
        url.query_pairs_mut().extend_pairs(common(question.service)).extend_pairs(scopes);
        let request = self.http_for(realm).get(url);
        self.transmit(with_password(request, login), realm).await
    }

    fn post_request(&self, realm: &Url, question: &Question<'_>, token: &Secret) -> RequestBuilder {
        let scopes = question.scopes.join(" ");
        let fields = [
            ("scope", scopes.as_str()),
            ("grant_type", "refresh_token"),
            ("refresh_token", token.expose()),
        ];
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        let body = form.extend_pairs(common(question.service)).extend_pairs(fields).finish();
        let kind = "application/x-www-form-urlencoded";
        self.http_for(realm).post(realm.clone()).header(CONTENT_TYPE, kind).body(body)
    }

    /// The whole body of a small answer.
    pub(super) async fn read_all(
        &self,
        mut answer: Response,
        limit: usize,
    ) -> Result<Vec<u8>, RegistryError> {
        read_limited(self, &mut answer, limit).await?.ok_or_else(|| {
            let reason = format!("it answers with more than {limit} bytes");
            RegistryError::Configuration { host: self.host().to_owned(), reason }
        })
    }
}

/// What every question says.
fn common(service: Option<&str>) -> impl Iterator<Item = (&'static str, &str)> {
    [("client_id", "edgectl")].into_iter().chain(service.map(|service| ("service", service)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Access;
    use crate::error::ErrorKind;
    use crate::http::Settings;

    #[tokio::test]
    async fn a_login_goes_to_a_token_server_only_over_tls() {
        let credentials = Credentials::basic("robot", Secret::new("hunter2"));
        let access = Access { credentials: credentials.clone(), ..Access::default() };
        let client = Client::new("reg.local", &access, Settings::default()).unwrap();
        let question = Question { realm: "http://127.0.0.1:1/token", service: None, scopes: &[] };
        let error = client.fetch_token(&question, &credentials).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Tls, "{error:?}");
        assert_eq!(client.requests(), 0);
    }
}
