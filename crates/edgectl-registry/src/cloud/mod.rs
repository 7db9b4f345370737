//! Registries of clouds: their documented exchanges of a key for a login.
//!
//! Nothing is looked up here: keys come in as values, logins go out.

mod acr;
mod aws;
mod ecr;
mod gar;
mod places;
mod sigv4;

use std::time::Duration;

pub use acr::{AcrLogin, AzureIdentity};
pub use aws::AwsKeys;
pub(crate) use aws::is_ecr_host;
pub use gar::{GarLogin, GoogleKey, GoogleKeyError};
pub use places::CloudHost;
pub(crate) use places::to_be_made;

use crate::access::Credentials;
use crate::error::RegistryError;
use crate::http::Client;

pub(crate) use ecr::{create_repository, missing_repositories};

/// How a cloud's registry is logged in to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CloudLogin {
    /// Azure.
    Acr(AcrLogin),
    /// Amazon.
    Ecr(AwsKeys),
    /// Google.
    Gar(GarLogin),
}

/// A login that ends.
#[derive(Debug, Clone)]
pub(crate) struct Passing {
    /// Never a [`Credentials::Cloud`].
    pub(crate) credentials: Credentials,
    pub(crate) life: Duration,
}

impl CloudLogin {
    /// Who logs in, for messages.
    pub(crate) fn user(&self) -> String {
        match self {
            Self::Acr(login) => login.user(),
            Self::Ecr(_) => "AWS access key".to_owned(),
            Self::Gar(login) => login.key.client_email.clone(),
        }
    }

    /// Exchanges the key for a login.
    pub(crate) async fn exchange(&self, client: &Client) -> Result<Passing, RegistryError> {
        match self {
            Self::Acr(login) => acr::exchange(client, login).await,
            Self::Ecr(keys) => ecr::login(client, keys).await,
            Self::Gar(login) => gar::exchange(client, login).await,
        }
    }
}
