//! A look before the upload: is the registry there, and may we push?

use edgectl_model::Prefix;

use crate::error::RegistryError;
use crate::registries::Registries;
use crate::upload::interruptible;

/// The repository an upload is opened in and given up again; nothing of it
/// stays visible.
const PROBE: &str = "edgectl-check";

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The registry.
    pub host: String,
    /// `https` or `http`.
    pub scheme: String,
    /// Who is logged in.
    pub user: Option<String>,
}

/// Finds out whether images can be pushed below `prefix`: reaches the
/// registry, checks its certificate, logs in, opens an upload and drops it.
pub async fn check(registries: &Registries, prefix: &Prefix) -> Result<Checked, RegistryError> {
    interruptible(check_now(registries, prefix)).await
}

async fn check_now(registries: &Registries, prefix: &Prefix) -> Result<Checked, RegistryError> {
    let client = registries.client(prefix.domain())?;
    let scheme = client.base().await?.scheme().to_owned();
    let path = match prefix.path() {
        "" => PROBE.to_owned(),
        path => format!("{path}/{PROBE}"),
    };
    let session = client.start_upload(&path).await?;
    client.cancel_upload(&path, session).await;
    Ok(Checked { host: prefix.domain().to_owned(), scheme, user: client.user() })
}
