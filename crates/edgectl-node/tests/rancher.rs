//! K3s' and RKE2's files: golden texts, and what a YAML reader makes of them.

#![allow(clippy::unwrap_used)]

use edgectl_model::{HostRule, Prefix, Secret, from_yaml};
use edgectl_node::{NodeProxy, NodeRegistries, NodeRegistry, Rancher, RuntimeFile, rancher_files};
use proptest::prelude::*;
use serde_json::Value;

const PEM: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

fn settings(password: &str, insecure: bool) -> NodeRegistries {
    let rule = |source: &str, target: &str| HostRule {
        source: Prefix::parse(source).unwrap(),
        target: Prefix::parse(target).unwrap(),
    };
    NodeRegistries {
        registries: vec![NodeRegistry {
            domain: Prefix::parse("reg.local:5000/edge").unwrap(),
            username: "puller".to_owned(),
            password: Secret::new(password),
            insecure,
            ca_pems: vec![PEM.to_owned()],
        }],
        rules: vec![
            rule("docker.io", "reg.local:5000/edge/docker.io"),
            rule("quay.io", "reg.local:5000"),
        ],
        sandbox_image: None,
        proxy: None,
    }
}

fn shape(files: &[RuntimeFile]) -> Vec<(&str, u32, bool)> {
    files.iter().map(|f| (f.path.as_str(), f.mode, f.secret)).collect()
}

#[test]
fn golden_files() {
    let files = rancher_files(Rancher::K3s, &settings("s\"3", false)).unwrap();
    assert_eq!(
        shape(&files),
        [
            ("/etc/edgectl/registry-ca.pem", 0o644, false),
            ("/etc/rancher/k3s/config.yaml.d/50-edgectl.yaml", 0o644, false),
            ("/etc/rancher/k3s/registries.yaml", 0o600, true),
        ]
    );
    assert_eq!(files[0].content, PEM);
    assert_eq!(
        files[1].content,
        "# Written by edgectl.\ndisable-default-registry-endpoint: true\n"
    );
    assert_eq!(
        files[2].content,
        r#"# Written by edgectl.
mirrors:
  "docker.io":
    endpoint:
      - "https://reg.local:5000"
    rewrite:
      "^(.*)$": "edge/docker.io/$1"
  "quay.io":
    endpoint:
      - "https://reg.local:5000"
configs:
  "reg.local:5000":
    auth:
      username: "puller"
      password: "s\"3"
    tls:
      ca_file: "/etc/edgectl/registry-ca.pem"
"#
    );
    let files = rancher_files(Rancher::Rke2, &settings("x", true)).unwrap();
    assert_eq!(shape(&files)[2].0, "/etc/rancher/rke2/registries.yaml");
    let text = &files[2].content;
    assert!(text.contains("      - \"http://reg.local:5000\"\n    rewrite:\n"), "{text}");
    assert!(text.contains("      insecure_skip_verify: true\n"), "{text}");
}

/// All that the file may have, by the documents of K3s and RKE2: whatever the
/// names of hosts and patterns are, and the kind of value at the end.
const FIELDS: [(&str, &str); 10] = [
    ("mirrors.*.endpoint", "texts"),
    ("mirrors.*.rewrite.*", "text"),
    ("configs.*.auth.username", "text"),
    ("configs.*.auth.password", "text"),
    ("configs.*.auth.auth", "text"),
    ("configs.*.auth.identity_token", "text"),
    ("configs.*.tls.ca_file", "text"),
    ("configs.*.tls.cert_file", "text"),
    ("configs.*.tls.key_file", "text"),
    ("configs.*.tls.insecure_skip_verify", "flag"),
];

/// Fails with what no field of the file is.
fn ensure_documented(value: &Value, path: &[&str]) {
    let kind = match value {
        Value::Object(entries) => {
            for (key, below) in entries {
                let is_free = path.len() == 1 || path.last() == Some(&"rewrite");
                let step = if is_free { "*" } else { key.as_str() };
                ensure_documented(below, &[path, &[step]].concat());
            }
            return;
        }
        Value::Array(items) if items.iter().all(Value::is_string) => "texts",
        Value::String(_) => "text",
        Value::Bool(_) => "flag",
        _ => "nothing",
    };
    let path = path.join(".");
    assert!(FIELDS.contains(&(path.as_str(), kind)), "{path}: {kind}");
}

/// Where an image is asked for: the first endpoint, the repository rewritten.
fn asked(registries: &Value, host: &str, repository: &str) -> String {
    let mirror = &registries["mirrors"][host];
    let endpoint = mirror["endpoint"][0].as_str().unwrap();
    let repository = match &mirror["rewrite"]["^(.*)$"] {
        Value::String(replacement) => replacement.replace("$1", repository),
        _ => repository.to_owned(),
    };
    format!("{endpoint}/v2/{repository}")
}

#[test]
fn every_field_is_documented_and_leads_to_the_mirror() {
    let nobody =
        NodeRegistry { username: String::new(), ..settings("", false).registries.remove(0) };
    let open = NodeRegistry { ca_pems: Vec::new(), ..nobody.clone() };
    for distribution in [Rancher::K3s, Rancher::Rke2] {
        for registry in [
            settings("p", false).registries.remove(0),
            settings("p", true).registries.remove(0),
            nobody.clone(),
            open.clone(),
        ] {
            let settings = NodeRegistries { registries: vec![registry], ..settings("p", false) };
            let files = rancher_files(distribution, &settings).unwrap();
            let file = files.iter().find(|file| file.path.ends_with("/registries.yaml")).unwrap();
            let value: Value = from_yaml(&file.content).unwrap();
            ensure_documented(&value, &[]);
            let nginx = asked(&value, "docker.io", "library/nginx");
            assert_eq!(nginx, "https://reg.local:5000/v2/edge/docker.io/library/nginx");
            assert_eq!(asked(&value, "quay.io", "a/b"), "https://reg.local:5000/v2/a/b");
            // Keyed by the host that is asked.
            assert!(value["configs"]["reg.local:5000"].is_object(), "{value:#}");
        }
    }
}

#[test]
fn nobody_and_nothing_is_fine() {
    let files = rancher_files(Rancher::K3s, &NodeRegistries::default()).unwrap();
    assert_eq!(files[1].content, "# Written by edgectl.\nmirrors:\nconfigs:\n");
    assert!(!files[1].secret);
    let mut open = settings("", false);
    open.registries[0].username = String::new();
    open.registries[0].ca_pems.clear();
    let files = rancher_files(Rancher::K3s, &open).unwrap();
    assert!(files[1].content.ends_with("configs:\n  \"reg.local:5000\": {}\n"), "{files:?}");
}

#[test]
fn a_proxy_is_told_to_servers_and_agents() {
    let mut settings = settings("x", false);
    settings.proxy = Some(NodeProxy {
        http: None,
        https: Some("http://10.1.0.9:3128".to_owned()),
        bypass: "10.1.0.0/16".to_owned(),
    });
    for (distribution, services) in
        [(Rancher::K3s, ["k3s", "k3s-agent"]), (Rancher::Rke2, ["rke2-agent", "rke2-server"])]
    {
        let files = rancher_files(distribution, &settings).unwrap();
        let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths[..2], services.map(|service| format!("/etc/default/{service}")));
        assert_eq!(
            files[1].content,
            "# Written by edgectl.\nHTTPS_PROXY=\"http://10.1.0.9:3128\"\nNO_PROXY=\"localhost,127.0.0.0/8,::1,.svc,.cluster.local,10.42.0.0/16,10.43.0.0/16,reg.local,10.1.0.0/16\"\n"
        );
    }
}

#[test]
fn debug_hides_passwords() {
    let files = rancher_files(Rancher::K3s, &settings("hunter2", false)).unwrap();
    assert!(!format!("{files:?}").contains("hunter2"));
}

proptest! {
    #[test]
    fn every_password_survives(password: String) {
        let files = rancher_files(Rancher::K3s, &settings(&password, false)).unwrap();
        let value: serde_json::Value = from_yaml(&files[2].content).unwrap();
        let auth = &value["configs"]["reg.local:5000"]["auth"];
        prop_assert_eq!(auth["password"].as_str(), Some(password.as_str()));
    }
}
