//! The one thing to do about what went wrong with a registry.

use edgectl_registry::{AwsKeys, ErrorKind, RegistryError};

/// The one thing to do about a registry's answer.
pub(crate) fn registry_hint(error: &RegistryError) -> Option<String> {
    match error {
        RegistryError::ClientCertificate { host, .. } => Some(format!(
            "name a certificate that `{host}` takes, and its key: `cert` and `key` of this registry in edge.yaml, or `--cert` and `--key`"
        )),
        RegistryError::MissingProjects { .. } => Some(
            "`edgectl upload-profile --create-project` makes it, if this login may; else ask an administrator of Harbor for it".to_owned(),
        ),
        RegistryError::MissingRepositories { host, names } => Some(create_repositories(host, names)),
        RegistryError::LoginRefused { user: None, host, .. } => Some(format!(
            "log in with `docker login {host}`, name `credentials` of this registry in edge.yaml, or pass `--username`"
        )),
        RegistryError::Tls { reason, .. } if is_about_plain_http(reason) => Some(
            "`insecure: true` of this registry in edge.yaml, or `--insecure`, allows plain HTTP".to_owned(),
        ),
        RegistryError::Sparse { .. } => Some(
            "`--platform OS/ARCHITECTURE` copies only the platforms that are there".to_owned(),
        ),
        RegistryError::Unreachable { proxy: Some(proxy), .. } => Some(format!(
            "check the proxy `{proxy}` and its login in HTTPS_PROXY, or name the registry in NO_PROXY"
        )),
        error => by_kind(error.kind()).map(str::to_owned),
    }
}

fn is_about_plain_http(reason: &str) -> bool {
    reason.contains("does not speak TLS") || reason.contains("over plain HTTP")
}

fn by_kind(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::Unreachable => {
            "check that the registry runs and that its name and port are right; `connectTo` in edge.yaml sends the connection elsewhere"
        }
        ErrorKind::Tls => {
            "name the PEM certificate of the authority that signed the registry's certificate: `ca` of this registry in edge.yaml, or `--ca`"
        }
        ErrorKind::Login => {
            "check the user name and the password that `credentials` of this registry in edge.yaml refers to"
        }
        ErrorKind::Denied => "give this user the right to push to the namespace",
        ErrorKind::NotFound => {
            "check the name and the tag; if the image lives elsewhere, map its host under `sources.mirrors` in edge.yaml, or leave it out under `images.exclude`"
        }
        ErrorKind::Interrupted => "run the same command again to continue",
        _ => return None,
    })
}

/// One line for a shell, whatever their number.
fn create_repositories(host: &str, names: &[String]) -> String {
    let region = AwsKeys::region_of(host).map(|r| format!(" --region {r}")).unwrap_or_default();
    let create = format!("aws ecr create-repository{region} --repository-name");
    match names {
        [name] => format!("make it: {create} {name}"),
        names => format!("make them: for r in {}; do {create} \"$r\"; done", names.join(" ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_without_tls_needs_another_word_than_an_unknown_authority() {
        let hint = |reason: &str| {
            let (host, reason) = ("reg.local:5000".to_owned(), reason.to_owned());
            registry_hint(&RegistryError::Tls { host, reason }).unwrap()
        };
        assert!(hint("the other side does not speak TLS").contains("--insecure"));
        assert!(hint("invalid peer certificate: UnknownIssuer").contains("--ca"));
    }

    #[test]
    fn repositories_are_made_with_one_command() {
        let hint = |names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            let host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com".to_owned();
            registry_hint(&RegistryError::MissingRepositories { host, names }).unwrap()
        };
        let create = "aws ecr create-repository --region eu-west-1 --repository-name";
        assert_eq!(hint(&["edge/a"]), format!("make it: {create} edge/a"));
        let both = format!("make them: for r in edge/a edge/b; do {create} \"$r\"; done");
        assert_eq!(hint(&["edge/a", "edge/b"]), both);
    }
}
