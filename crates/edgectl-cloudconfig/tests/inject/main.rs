//! Injecting: what is set, and that everything else keeps its bytes.

#![allow(clippy::unwrap_used)]

mod block;
mod flavors;
mod parts;
mod refusals;
mod remove;
mod templates;
mod values;

use edgectl_cloudconfig::{
    Flavor, HostFile, InjectError, Injection, RemoveError, RuntimeSetup, SiteSettings, carries,
    cloud_configs, inject, read_settings, remove, remove_by_force,
};
use edgectl_model::{HostRule, Prefix, Secret};

const PEM: &str = "-----BEGIN CERTIFICATE-----\nMIIB\nAAAA\n-----END CERTIFICATE-----\n";

fn injection() -> Injection {
    Injection {
        flavor: Flavor::Palette,
        registry: Prefix::parse("reg.local:5000/edge").unwrap(),
        username: "puller".to_owned(),
        password: Secret::new("s3cret"),
        insecure: false,
        ca_pem: None,
        rules: Vec::new(),
        listed: false,
        site: SiteSettings::default(),
        runtime: None,
    }
}

fn full() -> Injection {
    let rule = |source: &str| HostRule {
        source: Prefix::parse(source).unwrap(),
        target: Prefix::parse(&format!("reg.local:5000/edge/{source}")).unwrap(),
    };
    Injection {
        ca_pem: Some(PEM.to_owned()),
        rules: vec![rule("docker.io"), rule("quay.io")],
        ..injection()
    }
}

/// Injects, checks what must hold for every text, and leaves the line about it
/// away.
fn done(text: &str, injection: &Injection) -> String {
    let after = inject(text, injection).unwrap_or_else(|e| panic!("{e}\n{text}"));
    assert_eq!(inject(&after, injection).as_ref(), Ok(&after), "{after}");
    let settings = read_settings(&after).unwrap_or_else(|e| panic!("{e}\n{after}"));
    let first = &settings.registries[0];
    assert_eq!(first.domain, injection.registry, "{after}");
    assert_eq!(first.username, injection.username, "{after}");
    assert_eq!(first.password, injection.password, "{after}");
    assert_eq!(first.insecure, injection.insecure, "{after}");
    for rule in &injection.rules {
        assert!(settings.rules.contains(rule), "{after}");
    }
    if let Some(pem) = &injection.ca_pem {
        assert!(settings.ca_pems.contains(pem), "{after}");
    }
    assert_eq!(after.ends_with('\n'), text.ends_with('\n'), "{after}");
    if text.contains('\n') {
        assert_eq!(after.contains('\r'), text.contains('\r'), "{after}");
    }
    if text.contains('\r') {
        assert_eq!(after.matches('\n').count(), after.matches("\r\n").count(), "{after:?}");
    }
    match remove(&after) {
        Ok(before) => assert_eq!(before.text, text, "{after}"),
        Err(error) => assert!(error == RemoveError::Replaced || after == text, "{error}\n{after}"),
    }
    plain(&after)
}

/// A text without the line by which injecting tells what it has added.
fn plain(text: &str) -> String {
    let is_text = |line: &&str| !line.trim_start().starts_with("# edgectl: ");
    text.split_inclusive('\n').filter(is_text).collect()
}

/// The very bytes that were injected into.
fn removed(text: &str) -> String {
    let removed = remove(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    assert!(!removed.is_edited, "{text}");
    removed.text
}

/// A MIME message of cloud-config parts.
fn multipart(parts: &[&str]) -> String {
    let part = |part: &&str| format!("--b1\nContent-Type: text/cloud-config\n\n{part}");
    let parts: String = parts.iter().map(part).collect();
    format!("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b1\n\n{parts}--b1--\n")
}
