//! How one registry is reached.

use std::collections::BTreeMap;

use edgectl_model::Secret;

use crate::cloud::CloudLogin;
use crate::proxy::Proxies;

/// The user name that marks an identity token.
pub(crate) const TOKEN_USER: &str = "<token>";

/// How one registry is reached and who we are there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// The login.
    pub credentials: Credentials,
    /// Logins that take its place below a path; the longest path wins.
    pub scoped: BTreeMap<String, Credentials>,
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

impl Access {
    /// The login for a repository.
    pub(crate) fn credentials_for(&self, path: &str) -> &Credentials {
        let is_above = |scope: &str| {
            path.strip_prefix(scope).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let above = self.scoped.iter().filter(|(scope, _)| is_above(scope));
        above.max_by_key(|(scope, _)| scope.len()).map_or(&self.credentials, |(_, login)| login)
    }
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
    /// A key that a cloud exchanges for a login.
    Cloud(Box<CloudLogin>),
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
    /// Something that should be a login and isn't, with what is wrong: who
    /// needs it fails, and nobody else.
    Unreadable(String),
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
            Self::Anonymous | Self::Unreadable(_) => None,
            Self::Basic { username, .. } => Some(username.clone()),
            Self::Cloud(cloud) => Some(cloud.user()),
            Self::IdentityToken { .. } => Some("identity token".to_owned()),
            Self::RegistryToken(_) => Some("registry token".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_path_wins() {
        let login = |name: &str| Credentials::basic(name, Secret::new("x"));
        let scoped = ["a", "a/b"].map(|path| (path.to_owned(), login(path)));
        let scoped = BTreeMap::from(scoped);
        let access = Access { credentials: login("all"), scoped, ..Access::default() };
        for (path, expected) in [("a/b/c", "a/b"), ("a/b", "a/b"), ("a/bc", "a"), ("b", "all")] {
            assert_eq!(access.credentials_for(path), &login(expected), "{path}");
        }
    }
}
