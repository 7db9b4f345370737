//! Answers that aren't a success.

use reqwest::{Response, Url};
use serde::Deserialize;

use super::client::{Client, wait_of};
use super::rights::MissingRight;
use crate::error::{HttpFailure, RegistryError};

/// How much of a body an error keeps.
const BODY: usize = 64 * 1024;

#[derive(Deserialize, Default)]
struct Errors {
    #[serde(default)]
    errors: Vec<OneError>,
}

#[derive(Deserialize, Default)]
struct OneError {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// What was asked, for errors.
#[derive(Debug, Clone, Default)]
pub(crate) struct Purpose {
    /// Reference or digest.
    pub(crate) what: String,
    /// ``pull from `a/b` ``.
    pub(crate) action: String,
}

impl Client {
    /// The answer if its status is one of `expected`, else the error it means.
    pub(crate) async fn expect(
        &self,
        method: &str,
        response: Response,
        expected: &[u16],
        purpose: &Purpose,
    ) -> Result<Response, RegistryError> {
        let status = response.status().as_u16();
        if expected.contains(&status) {
            return Ok(response);
        }
        let url = redacted(response.url());
        let retry_after = wait_of(&response);
        let missing = response.extensions().get::<MissingRight>().cloned();
        let body = read_start(response).await;
        let first = serde_json::from_str::<Errors>(&body).unwrap_or_default().errors;
        let OneError { code, message } = first.into_iter().next().unwrap_or_default();
        let (host, user) = (self.host().to_owned(), self.user());
        let error = match status {
            401 if !self.has_token_login() => RegistryError::LoginRefused { host, user, message },
            401 | 403 => {
                let message = with_missing(message, missing);
                RegistryError::Denied { host, user, action: purpose.action.clone(), message }
            }
            // What can't be written to is not an absent image.
            404 if matches!(method, "GET" | "HEAD") => {
                RegistryError::NotFound { what: purpose.what.clone(), place: host }
            }
            _ => RegistryError::Http(Box::new(HttpFailure {
                method: method.to_owned(),
                url,
                status,
                code: (!code.is_empty()).then_some(code),
                message,
                body,
                retry_after,
            })),
        };
        // More wrong logins could lock the account.
        self.remember(&error);
        Err(error)
    }
}

/// What the registry said, and what we know beyond it.
fn with_missing(message: String, missing: Option<MissingRight>) -> String {
    let Some(MissingRight(right)) = missing else { return message };
    let lack = format!("its token server gives this login no {right}");
    if message.is_empty() { lack } else { format!("{message}; {lack}") }
}

async fn read_start(mut response: Response) -> String {
    let mut body = Vec::new();
    while body.len() < BODY
        && let Ok(Some(chunk)) = response.chunk().await
    {
        body.extend_from_slice(&chunk[..chunk.len().min(BODY - body.len())]);
    }
    String::from_utf8_lossy(&body).into_owned()
}

/// A URL without its query and login.
pub(crate) fn redacted(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}
