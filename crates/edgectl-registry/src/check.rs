//! A look before the upload: is the registry there, and may we push?

use std::collections::BTreeSet;

use edgectl_model::Prefix;

use crate::access::Credentials;
use crate::cloud::{self, AwsKeys, CloudLogin, is_ecr_host, to_be_made};
use crate::error::RegistryError;
use crate::http::{Client, Probed};
use crate::registries::Registries;
use crate::upload::interruptible;

/// The repository an upload is opened in and given up again; nothing of it
/// stays visible.
const PROBE: &str = "edgectl-check";
/// Repositories of a plan that are tried where that one is refused.
const PLANNED: usize = 8;

/// What is looked at.
#[derive(Debug, Clone, Copy)]
pub struct CheckRequest<'a> {
    /// Where images are going to be.
    pub prefix: &'a Prefix,
    /// The repositories they are going to be in, without the host.
    pub repositories: &'a BTreeSet<String>,
    /// Make projects (Harbor) and repositories (ECR) that are missing.
    pub create: bool,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The registry.
    pub host: String,
    /// `https` or `http`.
    pub scheme: String,
    /// Who is logged in.
    pub user: Option<String>,
    /// Whether asking for a mount in vain isn't refused as a mistake.
    pub takes_mounts: bool,
    /// The smallest chunk it takes; 0 where it doesn't say.
    pub least_chunk: u64,
    /// Projects or repositories that were made.
    pub created: Vec<String>,
    /// Requests that it took.
    pub requests: u64,
}

/// Finds out whether images can be pushed below `prefix`: reaches the
/// registry, checks its certificate, logs in, opens an upload and drops it.
pub async fn check(registries: &Registries, prefix: &Prefix) -> Result<Checked, RegistryError> {
    let repositories = BTreeSet::new();
    preflight(registries, CheckRequest { prefix, repositories: &repositories, create: false }).await
}

/// As [`check`], for the repositories of a plan: tells those that must be made
/// first from rights that are missing, and makes them where that is asked for.
/// At most five requests where nothing has to be made; a few more where rights
/// are given for repositories one by one.
pub async fn preflight(
    registries: &Registries,
    request: CheckRequest<'_>,
) -> Result<Checked, RegistryError> {
    interruptible(preflight_now(registries, request)).await
}

/// Whether the login may push below `prefix`, for logins that should not.
/// Leaves nothing behind.
pub async fn can_push(registries: &Registries, prefix: &Prefix) -> Result<bool, RegistryError> {
    match check(registries, prefix).await {
        Ok(_) => Ok(true),
        Err(RegistryError::Denied { .. } | RegistryError::LoginRefused { user: None, .. }) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

async fn preflight_now(
    registries: &Registries,
    request: CheckRequest<'_>,
) -> Result<Checked, RegistryError> {
    let client = registries.client(request.prefix.domain())?;
    let before = client.requests();
    let scheme = client.base().await?.scheme().to_owned();
    let mut created = Vec::new();
    let mut path = probed_repository(&request);
    let probed = match probe(&client, &path, &request).await {
        Err(error) if request.create => {
            created = create(&client, error).await?;
            probe(&client, &path, &request).await?
        }
        // Rights may be given, and repositories made, one by one; Harbor's
        // are those of a project.
        Err(error) if is_of_one_repository(&error) && !client.is_harbor() => {
            let Some((planned, probed)) = probe_planned(&client, &path, &request).await else {
                return Err(error);
            };
            path = planned;
            probed
        }
        other => other?,
    };
    let least_chunk = probed.session.least;
    client.cancel_upload(&path, probed.session).await;
    Ok(Checked {
        host: client.host().to_owned(),
        scheme,
        user: client.user(),
        takes_mounts: probed.takes_mounts,
        least_chunk,
        created,
        requests: client.requests() - before,
    })
}

/// The first repository of the plan that takes an upload; not all of many
/// are asked.
async fn probe_planned(
    client: &Client,
    tried: &str,
    request: &CheckRequest<'_>,
) -> Option<(String, Probed)> {
    let planned = request.repositories.iter().filter(|planned| *planned != tried);
    for planned in planned.take(PLANNED) {
        match probe(client, planned, request).await {
            Ok(probed) => return Some((planned.clone(), probed)),
            Err(error) if is_of_one_repository(&error) => {}
            Err(_) => return None,
        }
    }
    None
}

/// Whether another repository may be answered otherwise.
fn is_of_one_repository(error: &RegistryError) -> bool {
    match error {
        RegistryError::Denied { .. } | RegistryError::LoginRefused { user: None, .. } => true,
        RegistryError::Http(failure) => failure.status == 404,
        _ => false,
    }
}

/// One below the prefix that nobody has; where repositories must be made, or
/// the namespace is in their own names, one of the plan.
fn probed_repository(request: &CheckRequest<'_>) -> String {
    let (domain, path) = (request.prefix.domain(), request.prefix.path());
    let planned = request.repositories.first();
    match (path, planned) {
        (_, Some(planned)) if path.is_empty() || is_ecr_host(domain) => planned.clone(),
        ("", None) => PROBE.to_owned(),
        _ => format!("{path}/{PROBE}"),
    }
}

/// Opens an upload, and finds out why that fails.
async fn probe(
    client: &Client,
    path: &str,
    request: &CheckRequest<'_>,
) -> Result<Probed, RegistryError> {
    let keys = aws_keys(client);
    match client.probe(path).await {
        Ok(probed) => {
            let Some(keys) = keys else { return Ok(probed) };
            let missing = cloud::missing_repositories(client, keys, request.repositories).await?;
            if missing.is_empty() {
                return Ok(probed);
            }
            client.cancel_upload(path, probed.session).await;
            Err(missing_repositories(client, missing))
        }
        Err(error) if client.is_harbor() => explain_harbor(client, error, path, request).await,
        Err(RegistryError::Http(failure)) if failure.status == 404 => {
            let missing = match keys {
                Some(keys) if !request.repositories.is_empty() => {
                    cloud::missing_repositories(client, keys, request.repositories).await?
                }
                Some(_) => BTreeSet::from([path.to_owned()]),
                None => to_be_made(client.host(), planned_or(path, request)),
            };
            match missing.is_empty() {
                true => Err(RegistryError::Http(failure)),
                false => Err(missing_repositories(client, missing)),
            }
        }
        Err(error) => Err(error),
    }
}

/// The repositories of the plan; without a plan the one that was tried.
fn planned_or<'a>(path: &'a str, request: &'a CheckRequest<'_>) -> Vec<&'a str> {
    match request.repositories.is_empty() {
        true => vec![path],
        false => request.repositories.iter().map(String::as_str).collect(),
    }
}

fn aws_keys(client: &Client) -> Option<&AwsKeys> {
    match client.given() {
        Credentials::Cloud(cloud) => match &**cloud {
            CloudLogin::Ecr(keys) => Some(keys),
            _ => None,
        },
        _ => None,
    }
}

fn missing_repositories(client: &Client, names: BTreeSet<String>) -> RegistryError {
    let host = client.host().to_owned();
    RegistryError::MissingRepositories { host, names: names.into_iter().collect() }
}

/// Harbor says the same of projects that aren't there and of missing rights.
async fn explain_harbor(
    client: &Client,
    error: RegistryError,
    path: &str,
    request: &CheckRequest<'_>,
) -> Result<Probed, RegistryError> {
    let is_telling = match &error {
        RegistryError::Denied { .. } | RegistryError::LoginRefused { .. } => true,
        RegistryError::Http(failure) => failure.status == 404,
        _ => false,
    };
    let project = project_of(path);
    if !is_telling || client.has_project(project).await? != Some(false) {
        return Err(error);
    }
    // Without a namespace each repository names its project itself.
    let planned = request.repositories.iter().map(|path| project_of(path));
    let mut names = BTreeSet::from([project.to_owned()]);
    if request.prefix.path().is_empty() {
        names.extend(planned.map(str::to_owned));
    }
    let host = client.host().to_owned();
    Err(RegistryError::MissingProjects { host, names: names.into_iter().collect() })
}

fn project_of(path: &str) -> &str {
    path.split('/').next().unwrap_or(path)
}

/// Makes what an error says is missing; any other error stays one.
async fn create(client: &Client, error: RegistryError) -> Result<Vec<String>, RegistryError> {
    match (&error, aws_keys(client)) {
        (RegistryError::MissingProjects { names, .. }, _) => {
            for name in names {
                client.create_project(name).await?;
            }
            Ok(names.clone())
        }
        (RegistryError::MissingRepositories { names, .. }, Some(keys)) => {
            for name in names {
                cloud::create_repository(client, keys, name).await?;
            }
            Ok(names.clone())
        }
        _ => Err(error),
    }
}
