//! Clouds' registries by their names, and what has to be made in them before
//! anything is pushed.

use std::collections::BTreeSet;

use super::aws::is_ecr_host;

/// Whose registry a host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloudHost<'a> {
    /// Azure: makes repositories by itself.
    Acr,
    /// Amazon: wants each repository to be made.
    Ecr,
    /// Google, in a location: wants `PROJECT/REPOSITORY` to be made.
    Gar(&'a str),
}

impl<'a> CloudHost<'a> {
    /// By the name; none for registries of others.
    pub fn of(host: &'a str) -> Option<Self> {
        if is_ecr_host(host) {
            return Some(Self::Ecr);
        }
        if [".azurecr.io", ".azurecr.cn", ".azurecr.us"].iter().any(|end| host.ends_with(end)) {
            return Some(Self::Acr);
        }
        host.strip_suffix("-docker.pkg.dev").map(Self::Gar)
    }
}

/// What has to be made before `repositories` can be pushed to; nothing where
/// the registry makes them by itself.
pub(crate) fn to_be_made<'r>(
    host: &str,
    repositories: impl IntoIterator<Item = &'r str>,
) -> BTreeSet<String> {
    let repositories = repositories.into_iter();
    match CloudHost::of(host) {
        Some(CloudHost::Ecr) => repositories.map(str::to_owned).collect(),
        Some(CloudHost::Gar(_)) => repositories.filter_map(gar_repository).collect(),
        Some(CloudHost::Acr) | None => BTreeSet::new(),
    }
}

fn gar_repository(path: &str) -> Option<String> {
    let mut parts = path.split('/');
    Some(format!("{}/{}", parts.next()?, parts.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_cloud_and_what_it_wants() {
        let ecr = "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn";
        let gar = "europe-west1-docker.pkg.dev";
        assert_eq!(CloudHost::of(ecr), Some(CloudHost::Ecr));
        assert_eq!(CloudHost::of(gar), Some(CloudHost::Gar("europe-west1")));
        assert_eq!(CloudHost::of("team.azurecr.io"), Some(CloudHost::Acr));
        assert_eq!(CloudHost::of("dkr.ecr.example.com"), None);
        let made =
            |host| to_be_made(host, ["p/edge/a", "p/edge/b"]).into_iter().collect::<Vec<_>>();
        assert_eq!(made(ecr), ["p/edge/a", "p/edge/b"]);
        assert_eq!(made(gar), ["p/edge"]);
        assert!(made("team.azurecr.io").is_empty() && made("quay.io").is_empty());
    }
}
