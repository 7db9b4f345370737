//! The one thing to do about what went wrong with a registry.

use edgectl_model::Platform;
use edgectl_registry::{AwsKeys, CloudHost, ErrorKind, HttpFailure, RegistryError};

/// The one thing to do about a registry's answer.
pub(crate) fn registry_hint(error: &RegistryError) -> Option<String> {
    match error {
        RegistryError::ClientCertificate { host, .. } => Some(format!(
            "name a certificate that `{host}` takes, and its key: `cert` and `key` of this registry in edge.yaml, or `--cert` and `--key`"
        )),
        RegistryError::Kept { digest, .. } => Some(format!(
            "delete `{digest}` on the registry's side (in its storage, or with what names it and a garbage collection), then run the same command again"
        )),
        RegistryError::Lost { .. } => Some(
            "look into the registry's log: it says that it took it; then run the same command again"
                .to_owned(),
        ),
        RegistryError::LackingPlatforms { there, .. } => Some(match there.as_slice() {
            [] => "name an archive that has it".to_owned(),
            there => format!("`{}` takes what is there", options_for(there)),
        }),
        RegistryError::OtherPlatforms { has, .. } => Some(format!(
            "ask for one that it has as well (`{}`), or leave the image out",
            options_for(has)
        )),
        RegistryError::LayoutInUse { .. } => {
            Some("wait for it to end, or save to another directory".to_owned())
        }
        RegistryError::LeftAlone { .. } => {
            Some("run the same command again after that: it continues".to_owned())
        }
        RegistryError::ManyPlatforms { platforms, .. } => Some(format!(
            "name it with `--platform {}`, or save an OCI archive, which holds all of them",
            platforms.first().map_or("OS/ARCHITECTURE", String::as_str)
        )),
        RegistryError::MissingProjects { .. } => Some(
            "`edgectl upload-profile --create-project` makes it, if this login may; else ask an administrator of Harbor for it".to_owned(),
        ),
        RegistryError::MissingRepositories { host, names } => Some(create_repositories(host, names)),
        RegistryError::LoginRefused { user: None, host, .. } => Some(login_at(host)),
        RegistryError::Tls { reason, .. } if is_about_plain_http(reason) => Some(
            "`insecure: true` of this registry in edge.yaml, or `--insecure`, allows plain HTTP".to_owned(),
        ),
        RegistryError::Tls { reason, .. } if reason.contains("CaUsedAsEndEntity") => Some(
            "it shows the certificate of an authority: name this very certificate with `ca` of this registry in edge.yaml, or `--ca`".to_owned(),
        ),
        RegistryError::Tls { reason, .. } if reason.contains("NotValidForName") => Some(
            "its certificate is for other names: use one of those in `registry.domain`, with `connectTo` to send the connection where it runs, or give it a certificate for this name".to_owned(),
        ),
        RegistryError::Digest { place, .. } => Some(format!(
            "what `{place}` holds is damaged: get an archive again; in a registry delete it, let the registry collect its garbage, and push it anew"
        )),
        RegistryError::Denied { user: None, host, .. } => Some(login_at(host)),
        RegistryError::Http(failure) => by_answer(failure),
        RegistryError::Configuration { reason, .. } if reason.contains("the registry API") => {
            Some(NO_REGISTRY.to_owned())
        }
        RegistryError::Size { has, named, .. } => Some(format!(
            "its digest is right, and the index that names it is not: it says {named} bytes in the place of {has}, which runtimes refuse; have the index written anew"
        )),
        RegistryError::Sparse { .. } => Some(
            "`--platform OS/ARCHITECTURE` copies only the platforms that are there".to_owned(),
        ),
        RegistryError::Unreachable { proxy: Some(proxy), .. } => Some(format!(
            "check the proxy `{proxy}` and its login in HTTPS_PROXY, or name the registry in NO_PROXY"
        )),
        RegistryError::Denied { host, .. } => {
            right_in_cloud(host).or_else(|| by_kind(ErrorKind::Denied).map(str::to_owned))
        }
        error => by_kind(error.kind()).map(str::to_owned),
    }
}

fn options_for(platforms: &[Platform]) -> String {
    let one = |platform: &Platform| format!("--platform {platform}");
    platforms.iter().map(one).collect::<Vec<_>>().join(" ")
}

const NO_REGISTRY: &str = "what answers there is no registry, but a web page or something else: check host and port; a registry answers below `/v2/` of its host";

fn login_at(host: &str) -> String {
    format!(
        "log in with `docker login {host}`, name `credentials` of this registry in edge.yaml, or pass `--username`"
    )
}

/// What an answer that isn't a success mostly means.
fn by_answer(failure: &HttpFailure) -> Option<String> {
    let says = |word: &str| {
        let code = failure.code.as_deref().unwrap_or_default().to_ascii_lowercase();
        code.contains(word) || failure.message.to_ascii_lowercase().contains(word)
    };
    let hint = match failure.status {
        200..=399 => NO_REGISTRY,
        507 => "make room in the registry, or raise its quota",
        _ if says("quota") || says("no space") => "make room in the registry, or raise its quota",
        404 if failure.method != "GET" && failure.method != "HEAD" => {
            "make the project or the repository in the registry first, or check the namespace in `registry.domain`"
        }
        405 => {
            "it takes no uploads: a mirror or a cache of another registry can only be pulled from"
        }
        409 | 412 => {
            "the tag can't be moved there: delete it in the registry, or allow tags to be changed"
        }
        429 | 500 | 502..=504 => {
            "the registry is busy or not well: run the same command again later, it continues"
        }
        _ => return None,
    };
    Some(hint.to_owned())
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

/// What a cloud calls the right to push.
fn right_in_cloud(host: &str) -> Option<String> {
    Some(match CloudHost::of(host)? {
        CloudHost::Acr => "give this login the role `AcrPush` of the registry".to_owned(),
        CloudHost::Ecr => {
            "give this login the policy `AmazonEC2ContainerRegistryPowerUser`".to_owned()
        }
        CloudHost::Gar(_) => {
            "give this login `roles/artifactregistry.writer`; it is also refused where the repository isn't there: `gcloud artifacts repositories list` shows them".to_owned()
        }
    })
}

/// One line for a shell, whatever their number.
fn create_repositories(host: &str, names: &[String]) -> String {
    if let Some(CloudHost::Gar(location)) = CloudHost::of(host) {
        let create = |name: &String| {
            let (project, repository) = name.split_once('/').unwrap_or(("PROJECT", name));
            format!(
                "gcloud artifacts repositories create {repository} --project={project} --location={location} --repository-format=docker"
            )
        };
        let all: Vec<String> = names.iter().map(create).collect();
        return format!(
            "make {}: {}",
            if names.len() == 1 { "it" } else { "them" },
            all.join(" && ")
        );
    }
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
        let own = "invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))";
        assert!(hint(own).contains("this very certificate"));
    }

    #[test]
    fn answers_have_hints_by_what_they_mean() {
        let hint = |method: &str, status, message: &str| {
            registry_hint(&RegistryError::Http(Box::new(HttpFailure {
                method: method.to_owned(),
                url: "https://r/v2/a".to_owned(),
                status,
                code: None,
                message: message.to_owned(),
                body: String::new(),
                retry_after: None,
            })))
        };
        let cases = [
            ("POST", 404, "", "make the project"),
            ("POST", 405, "", "it takes no uploads"),
            ("GET", 302, "", "no registry"),
            ("PUT", 412, "", "the tag can't be moved"),
            ("PUT", 403, "Quota exceeded", "make room"),
            ("PUT", 507, "", "make room"),
            ("PATCH", 503, "", "run the same command again later"),
        ];
        for (method, status, message, expected) in cases {
            let found = hint(method, status, message).unwrap_or_default();
            assert!(found.contains(expected), "{status}: {found}");
        }
        assert_eq!(hint("PUT", 400, ""), None);
    }

    #[test]
    fn google_wants_its_repository_and_clouds_have_words_of_their_own() {
        let host = "europe-west1-docker.pkg.dev".to_owned();
        let missing = RegistryError::MissingRepositories { host, names: vec!["p/edge".to_owned()] };
        assert_eq!(
            registry_hint(&missing).unwrap(),
            "make it: gcloud artifacts repositories create edge --project=p \
             --location=europe-west1 --repository-format=docker"
        );
        let denied = |host: &str| {
            let (host, action) = (host.to_owned(), "push to `a`".to_owned());
            let user = Some("u".to_owned());
            let error = RegistryError::Denied { host, user, action, message: String::new() };
            registry_hint(&error).unwrap()
        };
        assert!(denied("team.azurecr.io").contains("AcrPush"));
        assert!(denied("reg.local").contains("right to push"));
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
