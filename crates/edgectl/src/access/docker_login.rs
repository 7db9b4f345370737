//! The user's own logins, as Docker and podman keep them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use edgectl_model::Secret;
use edgectl_registry::{Credentials, DockerConfig};

use crate::exit;
use crate::failure::{Doing, Failure};
use crate::files::read_text;

/// What a configuration says of one registry.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) credentials: Credentials,
    /// Logins for less than the whole registry, by path.
    pub(super) scoped: BTreeMap<String, Credentials>,
    pub(super) headers: Vec<(String, Secret)>,
}

impl From<Credentials> for Found {
    fn from(credentials: Credentials) -> Self {
        Self { credentials, ..Self::default() }
    }
}

impl Found {
    fn is_empty(&self) -> bool {
        self.credentials == Credentials::Anonymous && self.scoped.is_empty()
    }
}

/// The first file that knows a login, or nobody.
pub(super) fn by_environment(host: &str, path: &str) -> Result<Found, Failure> {
    let variable = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let mut found = Found::default();
    for file in files(variable) {
        let must_be_there = variable("REGISTRY_AUTH_FILE").as_ref() == Some(&file);
        if !must_be_there && !file.exists() {
            continue;
        }
        let next = by_file(&file, host, path)?;
        // Headers count whoever knows the login.
        found.headers.extend(next.headers);
        if found.is_empty() {
            (found.credentials, found.scoped) = (next.credentials, next.scoped);
        }
    }
    Ok(found)
}

/// Where logins are looked for: Docker's file, then podman's.
fn files(variable: impl Fn(&str) -> Option<PathBuf>) -> Vec<PathBuf> {
    let home = variable("HOME");
    let below_home = |path: &str| home.as_ref().map(|home| home.join(path));
    let docker = variable("DOCKER_CONFIG").or_else(|| below_home(".docker"));
    let config = variable("XDG_CONFIG_HOME").or_else(|| below_home(".config"));
    let podman = [variable("XDG_RUNTIME_DIR"), config];
    let podman = podman.map(|d| d.map(|d| d.join("containers/auth.json")));
    let docker = docker.map(|directory| directory.join("config.json"));
    [docker, variable("REGISTRY_AUTH_FILE")].into_iter().chain(podman).flatten().collect()
}

/// What one file says.
pub(super) fn by_file(file: &Path, host: &str, path: &str) -> Result<Found, Failure> {
    let text = read_text(file, "the Docker configuration")?;
    let doing = || format!("reading the Docker configuration `{}`", file.display());
    let config =
        DockerConfig::parse(&text).map_err(|e| Failure::of(exit::FAILED, &e).doing(doing()))?;
    let credentials = config.credentials(host, path).doing(doing()).map_err(|failure| {
        failure.hint(format!(
            "mend that entry or its helper, or say that nobody logs in to `{host}`: `credentials: {{anonymous: true}}` in edge.yaml, or `--anonymous`"
        ))
    })?;
    let (scoped, headers) = (config.scoped_logins(host), config.headers().to_vec());
    Ok(Found { credentials, scoped, headers })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(variables: &[(&str, &str)]) -> Vec<String> {
        let get = |name: &str| {
            variables.iter().find(|(n, _)| *n == name).map(|(_, value)| PathBuf::from(value))
        };
        files(get).iter().map(|file| file.display().to_string()).collect()
    }

    #[test]
    fn docker_comes_before_podman() {
        let home = ("HOME", "/h");
        assert_eq!(names(&[home]), ["/h/.docker/config.json", "/h/.config/containers/auth.json"]);
        let all = [
            ("DOCKER_CONFIG", "/d"),
            ("REGISTRY_AUTH_FILE", "/a.json"),
            ("XDG_RUNTIME_DIR", "/r"),
            ("XDG_CONFIG_HOME", "/c"),
            home,
        ];
        let expected =
            ["/d/config.json", "/a.json", "/r/containers/auth.json", "/c/containers/auth.json"];
        assert_eq!(names(&all), expected);
        assert!(names(&[]).is_empty());
    }
}
