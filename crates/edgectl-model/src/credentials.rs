//! Logins by reference: what `edge.yaml` says of them, never a secret itself.

use schemars::JsonSchema;
use serde::Deserialize;

/// A login by reference: the secret itself never stands in `edge.yaml`.
/// Exactly one way is named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CredentialsConfig {
    /// User name.
    #[serde(default)]
    pub username: Option<String>,
    /// File whose first line is the password.
    #[serde(default)]
    pub password_file: Option<String>,
    /// Environment variable that holds the password.
    #[serde(default)]
    pub password_env: Option<String>,
    /// Docker `config.json` that holds the login, helpers included.
    #[serde(default)]
    pub docker_config: Option<String>,
    /// Credential helper: `NAME` stands for the program
    /// `docker-credential-NAME`.
    #[serde(default)]
    pub helper: Option<String>,
    /// File whose first line is an identity (refresh) token.
    #[serde(default)]
    pub identity_token_file: Option<String>,
    /// Environment variable that holds an identity (refresh) token.
    #[serde(default)]
    pub identity_token_env: Option<String>,
    /// Nobody logs in, whatever Docker's configuration holds.
    #[serde(default)]
    pub anonymous: bool,
    /// A cloud's registry: its documented exchange, without a helper.
    #[serde(default)]
    pub cloud: Option<CloudConfig>,
    /// For `cloud: gar`: file with the JSON key of a service account.
    #[serde(default)]
    pub key_file: Option<String>,
    /// For `cloud: gar` and `acr`: file whose first line is an access token.
    #[serde(default)]
    pub token_file: Option<String>,
    /// For `cloud: gar` and `acr`: environment variable that holds an access
    /// token.
    #[serde(default)]
    pub token_env: Option<String>,
}

/// Whose registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CloudConfig {
    /// Azure: the token named here, or that of `AZURE_TENANT_ID`,
    /// `AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET`.
    Acr,
    /// Amazon: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, where it is
    /// needed, `AWS_SESSION_TOKEN`.
    Ecr,
    /// Google: the key or token named here, or the key file that
    /// `GOOGLE_APPLICATION_CREDENTIALS` names.
    Gar,
}

/// Where a secret stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretPlace<'a> {
    /// The first line of a file.
    File(&'a str),
    /// An environment variable.
    Variable(&'a str),
}

/// The one way that a [`CredentialsConfig`] names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginWay<'a> {
    /// Nobody.
    Anonymous,
    /// A cloud's exchange, with what was named for it.
    Cloud {
        /// Which one.
        cloud: CloudConfig,
        /// A service account's key.
        key_file: Option<&'a str>,
        /// An access token.
        token: Option<SecretPlace<'a>>,
    },
    /// A Docker configuration.
    DockerConfig(&'a str),
    /// A credential helper.
    Helper(&'a str),
    /// A refresh token.
    IdentityToken(SecretPlace<'a>),
    /// User name and password.
    Password {
        /// The name.
        username: &'a str,
        /// The password.
        password: SecretPlace<'a>,
    },
}

/// What is expected, for messages.
pub(crate) const WAYS: &str = "one of `dockerConfig`, `helper`, `username` with one of \
    `passwordFile` and `passwordEnv`, `identityTokenFile`, `identityTokenEnv`, `anonymous: true`, \
    and `cloud`, with `keyFile` only for gar and one of `tokenFile` and `tokenEnv` only for gar \
    and acr";

impl CredentialsConfig {
    /// The way that is named; none if it is none, several, or half of one.
    pub fn way(&self) -> Option<LoginWay<'_>> {
        let token = place(&self.token_file, &self.token_env)?;
        let password = place(&self.password_file, &self.password_env)?;
        let identity = place(&self.identity_token_file, &self.identity_token_env)?;
        let key_file = self.key_file.as_deref();
        let ways = [
            self.anonymous.then_some(LoginWay::Anonymous),
            self.cloud.map(|cloud| LoginWay::Cloud { cloud, key_file, token }),
            self.docker_config.as_deref().map(LoginWay::DockerConfig),
            self.helper.as_deref().map(LoginWay::Helper),
            identity.map(LoginWay::IdentityToken),
            self.username
                .as_deref()
                .zip(password)
                .map(|(username, password)| LoginWay::Password { username, password }),
        ];
        let mut named = ways.into_iter().flatten();
        let (Some(way), None) = (named.next(), named.next()) else { return None };
        let is_whole = self.username.is_some() == password.is_some();
        let extras_fit = match way {
            LoginWay::Cloud { cloud: CloudConfig::Acr, .. } => key_file.is_none(),
            LoginWay::Cloud { cloud: CloudConfig::Gar, .. } => {
                key_file.is_none() || token.is_none()
            }
            _ => key_file.is_none() && token.is_none(),
        };
        (is_whole && extras_fit).then_some(way)
    }
}

/// The outer none: both are given.
fn place<'a>(
    file: &'a Option<String>,
    variable: &'a Option<String>,
) -> Option<Option<SecretPlace<'a>>> {
    match (file, variable) {
        (Some(_), Some(_)) => None,
        (Some(file), None) => Some(Some(SecretPlace::File(file))),
        (None, variable) => Some(variable.as_deref().map(SecretPlace::Variable)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_right(text: &str) -> bool {
        let config: CredentialsConfig = crate::yaml::from_yaml(text).unwrap();
        config.way().is_some()
    }

    #[test]
    fn exactly_one_way_is_named() {
        for good in [
            "{username: u, passwordFile: f}",
            "{username: u, passwordEnv: E}",
            "{dockerConfig: config.json}",
            "{helper: ecr-login}",
            "{identityTokenEnv: T}",
            "{anonymous: true}",
            "{cloud: ecr}",
            "{cloud: gar, keyFile: k.json}",
            "{cloud: acr, tokenEnv: T}",
        ] {
            assert!(is_right(good), "{good}");
        }
        for bad in [
            "{}",
            "{anonymous: false}",
            "{username: u}",
            "{passwordEnv: E}",
            "{username: u, passwordFile: f, passwordEnv: E}",
            "{username: u, helper: h}",
            "{helper: h, passwordEnv: E}",
            "{helper: h, dockerConfig: c}",
            "{helper: h, tokenEnv: T}",
            "{cloud: ecr, tokenEnv: T}",
            "{cloud: gar, keyFile: k, tokenEnv: T}",
            "{cloud: acr, keyFile: k}",
            "{anonymous: true, cloud: ecr}",
        ] {
            assert!(!is_right(bad), "{bad}");
        }
    }
}
