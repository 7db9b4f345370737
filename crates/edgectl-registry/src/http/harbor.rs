//! Harbor's own API: projects must be there before anything is pushed.

use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, RequestBuilder, Url};
use serde_json::json;

use super::answer::Purpose;
use super::client::Client;
use super::login::with_password;
use crate::challenge::Challenge;
use crate::error::RegistryError;

/// How Harbor names itself to its token server.
const SERVICE: &str = "harbor-registry";

impl Client {
    /// Whether the registry is a Harbor, by the challenge it gave.
    pub(crate) fn is_harbor(&self) -> bool {
        matches!(self.challenge(), Challenge::Bearer { service: Some(name), .. } if name == SERVICE)
    }

    /// Whether a project is there; none if Harbor doesn't say.
    pub(crate) async fn has_project(&self, name: &str) -> Result<Option<bool>, RegistryError> {
        let mut url = self.projects().await?;
        url.query_pairs_mut().append_pair("project_name", name);
        let request = self.harbor_request(Method::HEAD, &url)?;
        let answer = self.transmit(request, &url).await?;
        Ok(match answer.status().as_u16() {
            200 => Some(true),
            404 => Some(false),
            _ => None,
        })
    }

    /// Makes a private project; one that is there already is as good.
    pub(crate) async fn create_project(&self, name: &str) -> Result<(), RegistryError> {
        let url = self.projects().await?;
        let body = json!({ "project_name": name, "metadata": { "public": "false" } });
        let request = self.harbor_request(Method::POST, &url)?;
        let request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        let answer = self.transmit(request, &url).await?;
        let action = format!("create the project `{name}`");
        let purpose = Purpose { what: name.to_owned(), action: action.clone() };
        match self.expect("POST", answer, &[200, 201, 409], &purpose).await {
            Ok(_) => Ok(()),
            // A robot's login is good for images and not for this.
            Err(RegistryError::LoginRefused { host, user, message }) => {
                Err(RegistryError::Denied { host, user, action, message })
            }
            Err(error) => Err(error),
        }
    }

    async fn projects(&self) -> Result<Url, RegistryError> {
        let bad = |e: url::ParseError| RegistryError::Configuration {
            host: self.host().to_owned(),
            reason: e.to_string(),
        };
        self.base().await?.join("api/v2.0/projects").map_err(bad)
    }

    fn harbor_request(&self, method: Method, url: &Url) -> Result<RequestBuilder, RegistryError> {
        self.check_scheme(url)?;
        Ok(with_password(self.request(&method, url, true), &self.access().credentials))
    }
}
