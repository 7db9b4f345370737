//! The first request: which scheme, and how to log in.

use reqwest::{Method, Url};

use super::answer::Purpose;
use super::client::{Client, wait_of};
use super::login::challenge_of;
use crate::challenge::Challenge;
use crate::error::{RegistryError, is_temporary_status};
use crate::retry::Backoff;

impl Client {
    /// Finds the scheme and how to log in with one request, two where plain
    /// HTTP is allowed and TLS isn't spoken.
    pub(super) async fn ping(&self) -> Result<Url, RegistryError> {
        let secure = self.ping_with("https").await;
        match secure {
            Err(
                RegistryError::Tls { .. }
                | RegistryError::Transport { .. }
                | RegistryError::Unreachable { .. },
            ) if self.access().insecure => self.ping_with("http").await,
            other => other,
        }
    }

    async fn ping_with(&self, scheme: &str) -> Result<Url, RegistryError> {
        let host = match self.host() {
            "docker.io" => "registry-1.docker.io",
            host => host,
        };
        let unusable =
            |reason: String| RegistryError::Configuration { host: self.host().to_owned(), reason };
        let bad = |e: url::ParseError| unusable(e.to_string());
        let base = Url::parse(&format!("{scheme}://{host}/")).map_err(bad)?;
        let url = base.join("v2/").map_err(bad)?;
        let mut backoff = Backoff::new(self.patience());
        let answer = loop {
            let result = self.transmit(self.request(&Method::GET, &url, true), &url).await;
            // With plain HTTP as the alternative a broken connection is an
            // answer of its own.
            let is_final = self.access().insecure && scheme == "https";
            let after = match &result {
                Ok(answer) if is_temporary_status(answer.status().as_u16()) => wait_of(answer),
                Err(error) if error.is_temporary() && !is_final => None,
                _ => break result?,
            };
            let Some(wait) = backoff.next(after, false) else { break result? };
            tokio::time::sleep(wait).await;
        };
        let challenge = challenge_of(&answer).map(|asked| asked.challenge);
        let challenge = match answer.status().as_u16() {
            401 => challenge.unwrap_or(Challenge::Basic),
            _ => challenge.unwrap_or(Challenge::Open),
        };
        self.set_challenge(challenge);
        match answer.status().as_u16() {
            200 | 401 => Ok(base),
            404 => Err(unusable("it does not speak the registry API".to_owned())),
            _ => {
                let action = "use the registry API".to_owned();
                let purpose = Purpose { what: "/v2/".to_owned(), action };
                self.expect("GET", answer, &[200], &purpose).await.map(|_| base)
            }
        }
    }
}
