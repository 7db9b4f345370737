//! Azure's registry: a token of the directory becomes a refresh token of the
//! registry.

use std::time::{Duration, Instant};

use edgectl_model::Secret;
use reqwest::Url;
use serde::Deserialize;

use super::Passing;
use crate::access::Credentials;
use crate::error::RegistryError;
use crate::http::Client;

/// The user name that stands for a token.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";
/// What a token of a service principal is for.
const SCOPE: &str = "https://containerregistry.azure.net/.default";
/// Refresh tokens last three hours.
const LIFE: Duration = Duration::from_secs(3 * 3600);

/// Who logs in to a registry of Azure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcrLogin {
    /// Where the directory's token comes from.
    pub identity: AzureIdentity,
}

/// Where the directory's token comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AzureIdentity {
    /// It is at hand.
    Token(Secret),
    /// A service principal asks for it.
    Principal {
        /// The directory's address.
        authority: String,
        /// The tenant.
        tenant: String,
        /// The principal.
        client: String,
        /// Its secret.
        secret: Secret,
    },
}

#[derive(Deserialize)]
struct DirectoryAnswer {
    access_token: Secret,
}

#[derive(Deserialize)]
struct ExchangeAnswer {
    refresh_token: Secret,
}

impl AcrLogin {
    /// Who logs in, for messages.
    pub(super) fn user(&self) -> String {
        match &self.identity {
            AzureIdentity::Token(_) => "Azure token".to_owned(),
            AzureIdentity::Principal { client, .. } => client.clone(),
        }
    }
}

/// `/oauth2/exchange`.
pub(super) async fn exchange(client: &Client, login: &AcrLogin) -> Result<Passing, RegistryError> {
    let began = Instant::now();
    let token = directory_token(client, &login.identity).await?;
    let url = client.base().await?.join("oauth2/exchange").map_err(|e| bad(client, e))?;
    let mut fields = vec![
        ("grant_type", "access_token"),
        ("service", client.host()),
        ("access_token", token.expose()),
    ];
    if let AzureIdentity::Principal { tenant, .. } = &login.identity {
        fields.push(("tenant", tenant));
    }
    let ExchangeAnswer { refresh_token } = client.post_form(&url, &fields).await?;
    let credentials = Credentials::identity_token(NOBODY, refresh_token);
    Ok(Passing { credentials, life: LIFE.saturating_sub(began.elapsed()) })
}

async fn directory_token(
    client: &Client,
    identity: &AzureIdentity,
) -> Result<Secret, RegistryError> {
    let AzureIdentity::Principal { authority, tenant, client: id, secret } = identity else {
        let AzureIdentity::Token(token) = identity else { return Ok(Secret::new("")) };
        return Ok(token.clone());
    };
    let mut url = Url::parse(authority).map_err(|e| bad(client, e))?;
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend([tenant, "oauth2", "v2.0", "token"]);
    }
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", secret.expose()),
        ("scope", SCOPE),
    ];
    let DirectoryAnswer { access_token } = client.post_form(&url, &fields).await?;
    Ok(access_token)
}

fn bad(client: &Client, reason: impl std::fmt::Display) -> RegistryError {
    RegistryError::Configuration { host: client.host().to_owned(), reason: reason.to_string() }
}
