//! How one registry is reached.

use edgectl_model::Secret;

use crate::proxy::Proxies;

/// The user name that marks an identity token.
pub(crate) const TOKEN_USER: &str = "<token>";

/// How one registry is reached and who we are there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// The login.
    pub credentials: Credentials,
    /// Certificates of its authority, PEM.
    pub ca_pem: Option<String>,
    /// The certificate that we show to the registry.
    pub client_certificate: Option<ClientCertificate>,
    /// Allow plain HTTP and certificates that can't be verified.
    pub insecure: bool,
    /// `host:port` to connect to in place of the registry's own; names in
    /// URLs and certificates stay those of the registry.
    pub connect_to: Option<String>,
    /// The proxies to go through, this registry or what it names.
    pub proxies: Proxies,
    /// Headers that the registry, and nobody else, gets with every request.
    pub headers: Vec<(String, Secret)>,
}

/// A certificate of ours, with its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The certificate and those between it and its authority, PEM.
    pub cert_pem: String,
    /// Its private key, PEM and not encrypted.
    pub key_pem: Secret,
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
    IdentityToken {
        /// The name that stands before it where a server wants a password.
        username: String,
        /// The token.
        token: Secret,
    },
    /// A token that is sent as it is.
    RegistryToken(Secret),
}

impl Credentials {
    /// User name and password.
    pub fn basic(username: impl Into<String>, password: Secret) -> Self {
        Self::Basic { username: username.into(), password }
    }

    /// A refresh token. Docker's own mark stands in for an absent name.
    pub fn identity_token(username: &str, token: Secret) -> Self {
        let username = if username.is_empty() { TOKEN_USER } else { username };
        Self::IdentityToken { username: username.to_owned(), token }
    }

    /// Who logs in, for messages.
    pub fn user(&self) -> Option<String> {
        match self {
            Self::Anonymous => None,
            Self::Basic { username, .. } => Some(username.clone()),
            Self::IdentityToken { .. } => Some("identity token".to_owned()),
            Self::RegistryToken(_) => Some("registry token".to_owned()),
        }
    }
}
