//! The login of a moment: what was given, or what a cloud gave for it.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use super::answer::redacted;
use super::client::Client;
use crate::access::Credentials;
use crate::cloud::{CloudLogin, Passing};
use crate::error::RegistryError;

/// More than any login is a mistake or an attack; lists of repositories are
/// longer.
const LIMIT: usize = 8 << 20;
/// Renewed before the end, so that it doesn't end on its way.
const MARGIN: Duration = Duration::from_secs(60);

/// A cloud's login, while it lasts.
#[derive(Debug, Default)]
pub(crate) struct Exchanged(Mutex<Option<Held>>);

#[derive(Debug)]
struct Held {
    credentials: Credentials,
    fetched: Instant,
    until: Instant,
}

impl Exchanged {
    /// Whether the login was fetched within `ready`.
    pub(super) fn is_from(&self, ready: &RangeInclusive<Instant>) -> bool {
        let held = self.0.try_lock();
        held.is_ok_and(|held| held.as_ref().is_some_and(|held| ready.contains(&held.fetched)))
    }
}

impl Client {
    /// The login as it was given, for the repository of the first scope.
    pub(super) fn given_login(&self, scopes: &[String]) -> &Credentials {
        let path = scopes.first().and_then(|scope| scope.strip_prefix("repository:"));
        let path = path.and_then(|rest| rest.rsplit_once(':')).map_or("", |(path, _)| path);
        self.access().credentials_for(path)
    }

    /// The login for the registry as a whole, as it was given.
    pub(crate) fn given(&self) -> &Credentials {
        &self.access().credentials
    }

    /// The login to use now: never a [`Credentials::Cloud`] or one that is
    /// unreadable, and no exchanged one from before `since`.
    pub(super) async fn credentials(
        &self,
        scopes: &[String],
        since: Option<Instant>,
    ) -> Result<Credentials, RegistryError> {
        match self.given_login(scopes) {
            Credentials::Cloud(cloud) => self.exchanged(cloud, since).await,
            Credentials::Unreadable(reason) => {
                let (host, reason) = (self.host().to_owned(), reason.clone());
                Err(RegistryError::Configuration { host, reason })
            }
            given => Ok(given.clone()),
        }
    }

    async fn exchanged(
        &self,
        cloud: &CloudLogin,
        since: Option<Instant>,
    ) -> Result<Credentials, RegistryError> {
        let mut held = self.login().exchanged.0.lock().await;
        if let Some(held) = held.as_ref()
            && Instant::now() < held.until
            && since.is_none_or(|since| held.fetched >= since)
        {
            return Ok(held.credentials.clone());
        }
        let exchanging = cloud.exchange(self).await.inspect_err(|error| self.remember(error));
        let Passing { credentials, life } = exchanging?;
        let fetched = Instant::now();
        let until = fetched.checked_add(life - MARGIN.min(life / 5)).unwrap_or(fetched);
        *held = Some(Held { credentials: credentials.clone(), fetched, until });
        Ok(credentials)
    }

    /// Sends a body somewhere that isn't the registry's API; its status and
    /// what it answers.
    pub(crate) async fn post_elsewhere(
        &self,
        url: &Url,
        headers: HeaderMap,
        body: String,
    ) -> Result<(u16, Vec<u8>), RegistryError> {
        self.check_scheme(url)?;
        let request = self.http_for(url).post(url.clone()).headers(headers).body(body);
        let answer = self.transmit(request, url).await?;
        let status = answer.status().as_u16();
        Ok((status, self.read_all(answer, LIMIT).await?))
    }

    /// Sends a form that holds a key, and reads the JSON that is its answer.
    pub(crate) async fn post_form<T: DeserializeOwned>(
        &self,
        url: &Url,
        fields: &[(&str, &str)],
    ) -> Result<T, RegistryError> {
        let body =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, kind)]);
        let (status, bytes) = self.post_elsewhere(url, headers, body).await?;
        let place = redacted(url);
        match status {
            200 => serde_json::from_slice(&bytes).map_err(|_| RegistryError::Configuration {
                host: self.host().to_owned(),
                reason: format!("`{place}` gave no token"),
            }),
            _ => Err(RegistryError::LoginRefused {
                host: self.host().to_owned(),
                user: self.user(),
                message: format!("`{place}` answers with {status}{}", told(&bytes)),
            }),
        }
    }
}

/// The error's name and description, as OAuth has them; not more, for the rest
/// could quote what was sent.
fn told(bytes: &[u8]) -> String {
    let value: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
    let text = |name: &str| value[name].as_str().map(|t| t.chars().take(256).collect::<String>());
    let parts = [text("error"), text("error_description")];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { String::new() } else { format!(" {}", parts.join(": ")) }
}
