//! How one registry is reached.

use edgectl_model::Secret;

/// How one registry is reached and who we are there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// The login.
    pub credentials: Credentials,
    /// Certificates of its authority, PEM.
    pub ca_pem: Option<String>,
    /// Allow plain HTTP and certificates that can't be verified.
    pub insecure: bool,
    /// `host:port` to connect to in place of the registry's own; names in
    /// URLs and certificates stay those of the registry.
    pub connect_to: Option<String>,
}

/// A login.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Credentials {
    /// Nobody.
    #[default]
    Anonymous,
    /// User name and password.
    Basic {
        /// User name.
        username: String,
        /// Password.
        password: Secret,
    },
    /// A refresh token that the registry's token server exchanges.
    IdentityToken(Secret),
    /// A token that is sent as it is.
    RegistryToken(Secret),
}

impl Credentials {
    /// User name and password.
    pub fn basic(username: impl Into<String>, password: Secret) -> Self {
        Self::Basic { username: username.into(), password }
    }

    /// Who logs in, for messages.
    pub fn user(&self) -> Option<String> {
        match self {
            Self::Anonymous => None,
            Self::Basic { username, .. } => Some(username.clone()),
            Self::IdentityToken(_) => Some("identity token".to_owned()),
            Self::RegistryToken(_) => Some("registry token".to_owned()),
        }
    }
}
