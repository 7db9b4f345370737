//! containerd's files: golden texts, and what a TOML reader makes of them.

#![allow(clippy::unwrap_used)]

use edgectl_model::{HostRule, Prefix, Reference, Secret};
use edgectl_node::{NodeError, NodeRegistries, NodeRegistry, RuntimeFile, containerd_files};
use proptest::prelude::*;

const PEM: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

fn registry(domain: &str) -> NodeRegistry {
    NodeRegistry {
        domain: Prefix::parse(domain).unwrap(),
        username: "puller".to_owned(),
        password: Secret::new("s\"3\\cret"),
        insecure: false,
        ca_pems: vec![PEM.to_owned()],
    }
}

fn rule(source: &str, target: &str) -> HostRule {
    HostRule { source: Prefix::parse(source).unwrap(), target: Prefix::parse(target).unwrap() }
}

fn settings(registry: NodeRegistry, rules: &[(&str, &str)]) -> NodeRegistries {
    NodeRegistries {
        registries: vec![registry],
        rules: rules.iter().map(|(source, target)| rule(source, target)).collect(),
        sandbox_image: None,
        proxy: None,
    }
}

fn content<'a>(files: &'a [RuntimeFile], path: &str) -> &'a str {
    let file = files.iter().find(|file| file.path == path);
    &file.unwrap_or_else(|| panic!("no {path} in {files:?}")).content
}

#[test]
fn golden_files() {
    let rules = [("quay.io", "reg.local:5000/edge/quay.io")];
    let mut settings = settings(registry("reg.local:5000/edge"), &rules);
    settings.sandbox_image = Some(Reference::parse("registry.k8s.io/pause:3.9").unwrap());
    let files = containerd_files(&settings).unwrap();
    let shape: Vec<(&str, u32, bool)> =
        files.iter().map(|f| (f.path.as_str(), f.mode, f.secret)).collect();
    assert_eq!(
        shape,
        [
            ("/etc/containerd/certs.d/quay.io/hosts.toml", 0o644, false),
            ("/etc/containerd/certs.d/reg.local_5000_/hosts.toml", 0o644, false),
            ("/etc/containerd/config.toml", 0o600, true),
            ("/etc/edgectl/registry-ca.pem", 0o644, false),
        ]
    );
    assert_eq!(files[3].content, PEM);
    assert_eq!(
        files[0].content,
        r#"# Written by edgectl.
# Images of quay.io come from reg.local:5000/edge/quay.io, and from nowhere else.
server = "https://reg.local:5000/v2/edge/quay.io"
capabilities = ["pull", "resolve"]
override_path = true
ca = "/etc/edgectl/registry-ca.pem"

[host."https://reg.local:5000/v2/edge/quay.io"]
  capabilities = ["pull", "resolve"]
  override_path = true
  ca = "/etc/edgectl/registry-ca.pem"
"#
    );
    assert_eq!(
        files[1].content,
        r#"# Written by edgectl.
# How this registry is reached.
server = "https://reg.local:5000"
capabilities = ["pull", "resolve"]
ca = "/etc/edgectl/registry-ca.pem"

[host."https://reg.local:5000"]
  capabilities = ["pull", "resolve"]
  ca = "/etc/edgectl/registry-ca.pem"
"#
    );
    assert_eq!(
        files[2].content,
        r#"# Written by edgectl.
version = 2

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "registry.k8s.io/pause:3.9"

[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "/etc/containerd/certs.d"

[plugins."io.containerd.grpc.v1.cri".registry.configs."reg.local:5000".auth]
  username = "puller"
  password = "s\"3\\cret"
"#
    );
}

#[test]
fn insecure_tries_unverified_tls_and_then_plain_http() {
    let registry = NodeRegistry { insecure: true, ..registry("reg.local:5000/edge") };
    let files = containerd_files(&settings(registry, &[("docker.io", "reg.local:5000")])).unwrap();
    assert_eq!(
        content(&files, "/etc/containerd/certs.d/docker.io/hosts.toml"),
        r#"# Written by edgectl.
# Images of docker.io come from reg.local:5000, and from nowhere else.
server = "https://reg.local:5000/v2"
capabilities = ["pull", "resolve"]
override_path = true
skip_verify = true

[host."https://reg.local:5000/v2"]
  capabilities = ["pull", "resolve"]
  override_path = true
  skip_verify = true

[host."http://reg.local:5000/v2"]
  capabilities = ["pull", "resolve"]
  override_path = true
"#
    );
}

#[test]
fn agreeing_rules_of_one_host_become_one() {
    let rules = [
        ("quay.io/org", "reg.local:5000/edge/quay.io/org"),
        ("quay.io/other/deep", "reg.local:5000/edge/quay.io/other/deep"),
        ("quay.io", "reg.local:5000/edge/quay.io"),
        ("old.local:8443/a", "reg.local:5000/a"),
        ("[fd00::1]:5000", "plain.local/v6"),
    ];
    let files = containerd_files(&settings(registry("reg.local:5000/edge"), &rules)).unwrap();
    let server = |folder: &str| {
        let text = content(&files, &format!("/etc/containerd/certs.d/{folder}/hosts.toml"));
        let table: toml::Table = text.parse().unwrap();
        table["server"].as_str().unwrap().to_owned()
    };
    assert_eq!(server("quay.io"), "https://reg.local:5000/v2/edge/quay.io");
    assert_eq!(server("old.local_8443_"), "https://reg.local:5000/v2");
    assert_eq!(server("[fd00::1]_5000_"), "https://plain.local/v2/v6");
}

#[test]
fn what_containerd_cannot_do_is_refused() {
    for (rules, message) in [
        (
            vec![("quay.io/org", "reg.local:5000/edge")],
            "containerd can't express the mirror rule `quay.io/org` -> `reg.local:5000/edge`: it keeps the whole path",
        ),
        (
            vec![("quay.io/org", "reg.local:5000/edge/xorg")],
            "containerd can't express the mirror rule `quay.io/org` -> `reg.local:5000/edge/xorg`",
        ),
        (
            vec![("quay.io", "reg.local:5000/a"), ("quay.io/org", "reg.local:5000/b/org")],
            "containerd can't express both `quay.io` -> `reg.local:5000/a` and `quay.io/org` -> `reg.local:5000/b/org`",
        ),
    ] {
        let error = containerd_files(&settings(registry("reg.local:5000"), &rules)).unwrap_err();
        let shown = error.to_string();
        assert!(shown.starts_with(message), "{shown}");
        assert!(shown.contains("use the layout `full`"), "{shown}");
    }
    let mut twice = settings(registry("reg.local:5000/a"), &[]);
    twice.registries.push(registry("reg.local:5000/b"));
    assert!(containerd_files(&twice).is_ok());
    twice.registries[1].username = "other".to_owned();
    let error = containerd_files(&twice).unwrap_err();
    assert_eq!(error, NodeError::TwoLogins { host: "reg.local:5000".to_owned() });
}

#[test]
fn registries_keep_their_own_authorities() {
    let mut two = settings(registry("a.local"), &[("docker.io", "b.local/x")]);
    two.registries.push(registry("b.local"));
    let files = containerd_files(&two).unwrap();
    assert_eq!(content(&files, "/etc/edgectl/registry-ca-2.pem"), PEM);
    assert!(
        content(&files, "/etc/containerd/certs.d/docker.io/hosts.toml")
            .contains("registry-ca-2.pem")
    );
}

#[test]
fn nobody_and_nothing_is_fine() {
    let files = containerd_files(&NodeRegistries::default()).unwrap();
    assert_eq!(files.len(), 1);
    assert!(!files[0].secret);
    let anonymous = NodeRegistry { username: String::new(), ..registry("a.local") };
    let files = containerd_files(&settings(anonymous, &[])).unwrap();
    assert!(!content(&files, "/etc/containerd/config.toml").contains("auth"));
}

#[test]
fn debug_hides_passwords() {
    let settings = settings(registry("a.local"), &[]);
    let shown = format!("{settings:?} {:?}", containerd_files(&settings).unwrap());
    assert!(!shown.contains("cret\""), "{shown}");
    assert!(shown.contains("****"), "{shown}");
}

proptest! {
    #[test]
    fn every_password_survives(username in "\\PC{1,20}", password: String, noise in "[\"\\\\\\x00-\\x1f\\x7f\\u{85}🔑]{0,20}") {
        let password = format!("{password}{noise}");
        let registry = NodeRegistry {
            username: username.clone(),
            password: Secret::new(password.clone()),
            ..registry("reg.local:5000")
        };
        let files = containerd_files(&settings(registry, &[])).unwrap();
        let config: toml::Table = content(&files, "/etc/containerd/config.toml").parse().unwrap();
        let auth = &config["plugins"]["io.containerd.grpc.v1.cri"]["registry"]["configs"]["reg.local:5000"]["auth"];
        prop_assert_eq!(auth["username"].as_str(), Some(username.as_str()));
        prop_assert_eq!(auth["password"].as_str(), Some(password.as_str()));
    }
}
