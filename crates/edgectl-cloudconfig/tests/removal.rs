//! Whatever a text looks like: what was injected is taken out to the byte, or
//! refused because somebody's value was replaced.

#![allow(clippy::unwrap_used)]

mod texts;

use edgectl_cloudconfig::{
    Flavor, HostFile, Injection, RemoveError, RuntimeSetup, SiteSettings, inject, remove,
};
use edgectl_model::{HostRule, Prefix, Secret};

use texts::{Source, wrapped};

const TEXTS: u64 = 2000;
const PEM: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

#[test]
fn taking_out_is_the_way_back() {
    let (mut injected, mut replaced) = (0, 0);
    for seed in 0..TEXTS {
        let mut source = Source::new(seed);
        let text = wrapped(&mut source);
        let injection = injection(&mut source);
        let Ok(after) = inject(&text, &injection) else { continue };
        let other = Injection { password: Secret::new("another, longer"), ..injection.clone() };
        let later = inject(&after, &other).unwrap_or_else(|e| panic!("{seed}: {e}\n{after}"));
        if after == text {
            continue;
        }
        injected += 1;
        for after in [after, later] {
            match remove(&after) {
                Ok(removed) => {
                    assert_eq!(removed.text, text, "{seed}:\n{after}");
                    assert!(!removed.is_edited, "{seed}:\n{after}");
                }
                Err(RemoveError::Replaced) => replaced += 1,
                Err(error) => panic!("{seed}: {error}\n{text}\n-----\n{after}"),
            }
        }
    }
    assert!(injected > TEXTS / 2, "{injected}");
    assert!(replaced * 50 < injected * 2, "{replaced} of {injected}");
}

fn injection(source: &mut Source) -> Injection {
    let flavor = source.one(&[Flavor::Palette, Flavor::Kairos, Flavor::CloudInit]);
    let rule = |host: &str| HostRule {
        source: Prefix::parse(host).unwrap(),
        target: Prefix::parse(&format!("reg.local:5000/edge/{host}")).unwrap(),
    };
    let runtime = source.one(&[None, Some("containerd"), Some("k3s"), Some("rke2")]);
    Injection {
        flavor,
        registry: Prefix::parse("reg.local:5000/edge").unwrap(),
        username: "puller".to_owned(),
        password: Secret::new(source.one(&["s3cret", "", "a: \"b\" # {{c}}", "ünï"])),
        insecure: source.one(&[false, true]),
        ca_pem: source.one(&[None, Some(PEM.to_owned())]),
        rules: source.one(&[vec![], vec![rule("docker.io")], vec![rule("a.b"), rule("quay.io/x")]]),
        listed: flavor == Flavor::Palette && source.one(&[false, true]),
        site: SiteSettings::default(),
        runtime: runtime.map(setup),
    }
}

fn setup(runtime: &str) -> RuntimeSetup {
    let file = |path: &str, content: &str| HostFile {
        path: path.to_owned(),
        mode: 0o600,
        content: Secret::new(format!("# Written by edgectl.\n{content}")),
    };
    let files = match runtime {
        "containerd" => vec![
            file("/etc/containerd/certs.d/docker.io/hosts.toml", "[host]\n  a = 1\n"),
            file("/etc/containerd/conf.d/edgectl.toml", "a = \"{{x}}\"\n"),
        ],
        name => vec![file(&format!("/etc/rancher/{name}/registries.yaml"), "mirrors: {}\n")],
    };
    RuntimeSetup { files, restart: vec![format!("systemctl try-restart {runtime}")] }
}
