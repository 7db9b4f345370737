//! Logins from Docker's `config.json`, credential helpers included.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use edgectl_model::Secret;
use serde::Deserialize;
use thiserror::Error;

use crate::access::Credentials;
use crate::credential_helper::{ask_helper, program_of};
use crate::error::RegistryError;

/// Docker's engine hands these of the configured headers on to registries.
const META: &str = "x-meta-";

/// Why a text isn't Docker's configuration. The text itself holds passwords
/// and is never quoted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DockerConfigError {
    /// Not the expected JSON.
    #[error("the Docker configuration is not valid: line {line}, column {column}")]
    Json {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// An `auth` that isn't base64 of `user:password`.
    #[error(
        "the Docker configuration has an `auth` for `{0}` that is not `user:password` in base64"
    )]
    Auth(String),
}

/// Where a login comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// A helper has to be asked; what the file itself holds stands in if the
    /// helper knows nothing.
    Helper {
        /// The program.
        program: String,
        /// What it is asked for.
        server: String,
        /// What the file holds.
        otherwise: Credentials,
    },
    /// It stands in the file; anonymous if nothing does.
    Stored(Credentials),
}

/// Docker's configuration, as far as logins go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DockerConfig {
    /// By normal key, with the key as it stands there; no login where what
    /// stands there is none.
    logins: BTreeMap<String, (String, Option<Credentials>)>,
    helpers: BTreeMap<String, String>,
    store: Option<String>,
    headers: Vec<(String, Secret)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    auths: Option<BTreeMap<String, Option<Auth>>>,
    cred_helpers: Option<BTreeMap<String, Option<String>>>,
    creds_store: Option<String>,
    #[serde(rename = "HttpHeaders")]
    http_headers: Option<BTreeMap<String, Secret>>,
}

#[derive(Deserialize)]
struct Auth {
    auth: Option<Secret>,
    username: Option<String>,
    password: Option<Secret>,
    identitytoken: Option<Secret>,
    registrytoken: Option<Secret>,
}

impl DockerConfig {
    /// Reads the text of a `config.json`. As Docker has it, an empty one says
    /// nothing, and an `auth` that is none matters only to who asks for it.
    pub fn parse(text: &str) -> Result<Self, DockerConfigError> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let file: File = serde_json::from_str(text)
            .map_err(|e| DockerConfigError::Json { line: e.line(), column: e.column() })?;
        let mut logins = BTreeMap::new();
        for (key, auth) in file.auths.unwrap_or_default() {
            let login = auth.map_or(Some(Credentials::Anonymous), Auth::into_credentials);
            // Of two spellings of a host the one that says something counts.
            let known = logins.get(&normal_key(&key));
            let is_known = |(_, login): &(String, Option<Credentials>)| {
                login.as_ref().is_some_and(|login| *login != Credentials::Anonymous)
            };
            if !known.is_some_and(is_known) {
                logins.insert(normal_key(&key), (key, login));
            }
        }
        let helpers = file.cred_helpers.unwrap_or_default();
        let helpers = helpers.into_iter().filter_map(|(key, helper)| {
            Some((normal_key(&key), helper.filter(|helper| !helper.is_empty())?))
        });
        let store = file.creds_store.filter(|s| !s.is_empty());
        let headers = file.http_headers.unwrap_or_default().into_iter();
        let headers = headers.filter(|(name, _)| name.to_ascii_lowercase().starts_with(META));
        Ok(Self { logins, helpers: helpers.collect(), store, headers: headers.collect() })
    }

    /// The login for a repository: `host` is `host[:port]`, `path` what
    /// follows it. Entries for a path beat the one for the whole host.
    pub fn login(&self, host: &str, path: &str) -> Result<Login, DockerConfigError> {
        let host = normal_key(host);
        let keys = scoped_keys(&host, path);
        let stored = keys.iter().find_map(|key| self.logins.get(key));
        let otherwise = match stored {
            Some(entry) => decoded(entry)?,
            None => Credentials::default(),
        };
        let helper = keys.iter().find_map(|key| self.helpers.get(key)).or(self.store.as_ref());
        Ok(match helper {
            None => Login::Stored(otherwise),
            Some(suffix) => Login::Helper {
                program: program_of(suffix),
                server: match (stored, host.as_str()) {
                    (Some((key, _)), _) => key.clone(),
                    (None, "docker.io") => "https://index.docker.io/v1/".to_owned(),
                    (None, host) => host.to_owned(),
                },
                otherwise,
            },
        })
    }

    /// The headers meant for registries, `X-Meta-…`; all others are for Docker's
    /// own engine.
    pub fn headers(&self) -> &[(String, Secret)] {
        &self.headers
    }

    /// The logins of a host that hold only below a path, by path. One that
    /// can't be read stops nothing beside its path.
    pub fn scoped_logins(&self, host: &str) -> BTreeMap<String, Credentials> {
        let start = format!("{}/", normal_key(host));
        let scoped = self
            .logins
            .range(start.clone()..)
            .map_while(|(key, entry)| Some((key.strip_prefix(&start)?, entry)));
        let logins = scoped.map(|(path, entry)| {
            let unreadable = |e: DockerConfigError| Credentials::Unreadable(e.to_string());
            (path.to_owned(), decoded(entry).unwrap_or_else(unreadable))
        });
        logins.filter(|(_, login)| *login != Credentials::Anonymous).collect()
    }

    /// As [`login`](Self::login), with the helper asked. A helper that fails
    /// is an error: going on as nobody would show up as a riddle later.
    pub fn credentials(&self, host: &str, path: &str) -> Result<Credentials, RegistryError> {
        let login = self.login(host, path).map_err(|error| RegistryError::Configuration {
            host: host.to_owned(),
            reason: error.to_string(),
        })?;
        match login {
            Login::Stored(credentials) => Ok(credentials),
            Login::Helper { program, server, otherwise } => {
                Ok(ask_helper(&program, &server)?.unwrap_or(otherwise))
            }
        }
    }
}

impl Auth {
    /// None where it should be a login and isn't.
    fn into_credentials(self) -> Option<Credentials> {
        let given = |secret: Option<Secret>| secret.filter(|s| !s.is_empty());
        if let Some(token) = given(self.registrytoken) {
            return Some(Credentials::RegistryToken(token));
        }
        if let Some(token) = given(self.identitytoken) {
            let named = given(self.auth).as_ref().and_then(split_auth);
            let name = named.map(|(name, _)| name).or(self.username).unwrap_or_default();
            return Some(Credentials::identity_token(&name, token));
        }
        if let Some(auth) = given(self.auth) {
            return decode(&auth);
        }
        Some(match (self.username, self.password) {
            (Some(username), Some(password)) => Credentials::Basic { username, password },
            _ => Credentials::Anonymous,
        })
    }
}

/// What an entry of the file says.
fn decoded((key, login): &(String, Option<Credentials>)) -> Result<Credentials, DockerConfigError> {
    login.clone().ok_or_else(|| DockerConfigError::Auth(key.clone()))
}

fn decode(auth: &Secret) -> Option<Credentials> {
    let (username, password) = split_auth(auth)?;
    Some(Credentials::Basic { username, password })
}

fn split_auth(auth: &Secret) -> Option<(String, Secret)> {
    let text = String::from_utf8(STANDARD.decode(auth.expose().trim()).ok()?).ok()?;
    let (username, password) = text.split_once(':')?;
    // Old versions of Docker pad with NUL.
    Some((username.to_owned(), Secret::new(password.trim_end_matches('\0'))))
}

/// `host[:port][/path]`: without scheme; a path behind a scheme is the API's
/// own (`/v1/`) and not a scope.
fn normal_key(key: &str) -> String {
    let (has_scheme, rest) = match key.split_once("://") {
        Some((_, rest)) => (true, rest),
        None => (false, key),
    };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = match host.to_ascii_lowercase().as_str() {
        "index.docker.io" | "registry-1.docker.io" => "docker.io".to_owned(),
        lower => lower.to_owned(),
    };
    match path.trim_matches('/') {
        "" | "v1" | "v2" => host,
        _ if has_scheme => host,
        path => format!("{host}/{path}"),
    }
}

/// `host/a/b`, `host/a`, `host`.
fn scoped_keys(host: &str, path: &str) -> Vec<String> {
    let whole = format!("{host}/{path}");
    let mut key = whole.trim_end_matches('/');
    let mut keys = vec![key.to_owned()];
    while let Some((shorter, _)) = key.rsplit_once('/') {
        keys.push(shorter.to_owned());
        key = shorter;
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(config: &DockerConfig, host: &str, path: &str) -> Credentials {
        match config.login(host, path).unwrap() {
            Login::Stored(credentials) => credentials,
            other => panic!("{other:?}"),
        }
    }

    fn basic(user: &str, password: &str) -> Credentials {
        Credentials::basic(user, Secret::new(password))
    }

    #[test]
    fn finds_the_most_specific_entry() {
        let config = DockerConfig::parse(
            r#"{"auths": {
                "https://index.docker.io/v1/": {"auth": "aHViOng="},
                "reg.local:5000": {"auth": "cHVsbGVyOmE6Yg=="},
                "reg.local:5000/team": {"username": "team", "password": "t"},
                "token.local": {"identitytoken": "r"},
                "empty.local": {}}}"#,
        )
        .unwrap();
        assert_eq!(stored(&config, "docker.io", "library/nginx"), basic("hub", "x"));
        assert_eq!(stored(&config, "reg.local:5000", "other"), basic("puller", "a:b"));
        assert_eq!(stored(&config, "reg.local:5000", "team/app"), basic("team", "t"));
        assert_eq!(stored(&config, "reg.local:5000", "teams"), basic("puller", "a:b"));
        let token = Credentials::identity_token("", Secret::new("r"));
        assert_eq!(stored(&config, "token.local", "x"), token);
        assert_eq!(stored(&config, "empty.local", "x"), Credentials::Anonymous);
        assert_eq!(stored(&config, "", ""), Credentials::Anonymous);
        let scoped = config.scoped_logins("REG.local:5000");
        assert_eq!(scoped, BTreeMap::from([("team".to_owned(), basic("team", "t"))]));
        assert!(config.scoped_logins("reg.local").is_empty());
    }

    #[test]
    fn only_headers_for_registries_are_kept() {
        let text = r#"{"HttpHeaders": {"X-Meta-Team": "edge", "Authorization": "hunter2"}}"#;
        let config = DockerConfig::parse(text).unwrap();
        assert_eq!(config.headers(), [("X-Meta-Team".to_owned(), Secret::new("edge"))]);
    }

    #[test]
    fn helpers_beat_what_is_stored() {
        let text = r#"{"credsStore": "pass", "credHelpers": {"a.b": "ecr-login"},
            "auths": {"https://c.d": {}}}"#;
        let config = DockerConfig::parse(text).unwrap();
        let programs = [("a.b", "ecr-login", "a.b"), ("c.d", "pass", "https://c.d")];
        for (host, suffix, expected) in programs {
            let Login::Helper { program, server, .. } = config.login(host, "x").unwrap() else {
                panic!("expected a helper for {host}");
            };
            assert_eq!(program, format!("docker-credential-{suffix}"));
            assert_eq!(server, expected);
        }
        let error = config.credentials("a.b", "x").unwrap_err();
        assert!(error.to_string().contains("docker-credential-ecr-login"), "{error}");
    }

    #[test]
    fn files_that_say_nothing_are_taken_as_docker_takes_them() {
        for text in [
            "",
            " \n",
            "{}",
            r#"{"auths": null, "credHelpers": null}"#,
            r#"{"auths": {"a.b": null}, "credHelpers": {"a.b": "", "c.d": null}}"#,
        ] {
            let config = DockerConfig::parse(text).unwrap();
            assert_eq!(stored(&config, "a.b", "x"), Credentials::Anonymous, "{text}");
        }
    }

    #[test]
    fn of_two_spellings_the_one_that_says_something_counts() {
        let good = r#""a.b": {"auth": "aHViOng="}"#;
        for text in [
            format!(r#"{{"auths": {{{good}, "https://a.b/v1/": {{}}}}}}"#),
            format!(r#"{{"auths": {{{good}, "https://a.b/v1/": {{"auth": "bad"}}}}}}"#),
            format!(r#"{{"auths": {{"A.b": {{}}, {good}}}}}"#),
        ] {
            let config = DockerConfig::parse(&text).unwrap();
            assert_eq!(stored(&config, "a.b", "x"), basic("hub", "x"), "{text}");
        }
    }

    #[test]
    fn a_broken_login_matters_to_its_place_alone() {
        let text = r#"{"auths": {"a.b": {"auth": "hunter2"}, "c.d/e": {"auth": "hunter2"}}}"#;
        let config = DockerConfig::parse(text).unwrap();
        assert_eq!(config.credentials("e.f", "x").unwrap(), Credentials::Anonymous);
        assert_eq!(config.credentials("c.d", "x").unwrap(), Credentials::Anonymous);
        let mut scoped = config.scoped_logins("c.d");
        let Some(Credentials::Unreadable(below)) = scoped.remove("e") else { panic!("{scoped:?}") };
        for error in [
            config.credentials("a.b", "x").unwrap_err().to_string(),
            config.credentials("c.d", "e").unwrap_err().to_string(),
            below,
        ] {
            assert!(error.contains("not `user:password` in base64"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn errors_never_quote_the_file() {
        let error = DockerConfig::parse(r#"{"auths": "hunter2"}"#).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
}
