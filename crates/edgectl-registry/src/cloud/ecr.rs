//! Amazon's registry: its login, and the repositories that must be made first.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use edgectl_model::Secret;
use serde_json::{Value, json};

use super::Passing;
use super::aws::{Answer, AwsKeys, Refusal, call};
use crate::access::Credentials;
use crate::error::RegistryError;
use crate::http::Client;

/// What the service says of most of its tokens.
const LIFE: Duration = Duration::from_secs(12 * 3600);
/// The service tells of no more repositories at once.
const AT_ONCE: usize = 1000;
/// Pages that are read: a hundred thousand repositories.
const PAGES: usize = 100;

/// `GetAuthorizationToken`.
pub(super) async fn login(client: &Client, keys: &AwsKeys) -> Result<Passing, RegistryError> {
    let answer = match call(client, keys, "GetAuthorizationToken", &json!({})).await? {
        Answer::Done(answer) => answer,
        Answer::Refused(status, refusal) => {
            return Err(refused(client, status, &refusal, "log in"));
        }
    };
    let data = &answer["authorizationData"][0];
    let credentials = data["authorizationToken"].as_str().and_then(decode).ok_or_else(|| {
        RegistryError::Configuration {
            host: client.host().to_owned(),
            reason: "its service gave no login".to_owned(),
        }
    })?;
    let end = data["expiresAt"].as_f64().filter(|end| end.is_finite() && *end > 0.0);
    let end = end.and_then(|end| Duration::try_from_secs_f64(end).ok());
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let life = end.map_or(LIFE, |end| end.saturating_sub(now));
    Ok(Passing { credentials, life })
}

fn decode(token: &str) -> Option<Credentials> {
    let text = String::from_utf8(STANDARD.decode(token.trim()).ok()?).ok()?;
    let (username, password) = text.split_once(':')?;
    Some(Credentials::basic(username, Secret::new(password)))
}

fn refused(client: &Client, status: u16, refusal: &Refusal, action: &str) -> RegistryError {
    let (host, user, message) = (client.host().to_owned(), client.user(), refusal.text());
    match refusal.kind.rsplit('#').next().unwrap_or_default() {
        "AccessDeniedException" => {
            RegistryError::Denied { host, user, action: action.to_owned(), message }
        }
        _ if status < 500 => RegistryError::LoginRefused { host, user, message },
        _ => RegistryError::Configuration {
            host,
            reason: format!("its service answers with {status} {message}"),
        },
    }
}

/// Those of `wanted` that aren't there, by `DescribeRepositories`.
pub(crate) async fn missing_repositories(
    client: &Client,
    keys: &AwsKeys,
    wanted: &BTreeSet<String>,
) -> Result<BTreeSet<String>, RegistryError> {
    let mut missing = wanted.clone();
    let mut input = json!({ "maxResults": AT_ONCE });
    for _ in 0..PAGES {
        let answer = match call(client, keys, "DescribeRepositories", &input).await? {
            Answer::Done(answer) => answer,
            Answer::Refused(status, refusal) => {
                return Err(refused(client, status, &refusal, "list repositories"));
            }
        };
        let names = answer["repositories"].as_array().into_iter().flatten();
        for name in names.filter_map(|one| one["repositoryName"].as_str()) {
            missing.remove(name);
        }
        match &answer["nextToken"] {
            Value::String(next) if !missing.is_empty() => input["nextToken"] = json!(next),
            _ => break,
        }
    }
    Ok(missing)
}

/// `CreateRepository`; one that is there already is as good.
pub(crate) async fn create_repository(
    client: &Client,
    keys: &AwsKeys,
    name: &str,
) -> Result<(), RegistryError> {
    match call(client, keys, "CreateRepository", &json!({ "repositoryName": name })).await? {
        Answer::Done(_) => Ok(()),
        Answer::Refused(_, refusal)
            if refusal.kind.ends_with("RepositoryAlreadyExistsException") =>
        {
            Ok(())
        }
        Answer::Refused(status, refusal) => {
            Err(refused(client, status, &refusal, &format!("create the repository `{name}`")))
        }
    }
}
