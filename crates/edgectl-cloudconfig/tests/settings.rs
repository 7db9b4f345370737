//! What the agent reads back.

#![allow(clippy::unwrap_used)]

use edgectl_cloudconfig::{InstallSettings, ReadError, read_settings};

const TEXT: &str = "\
#cloud-config
stylus:
  registryCredentials: &main
    domain: reg.local:5000/edge/
    username: puller
    password: \"s3cret\"
    insecure: yes
  externalRegistries:
    registries:
      - domain: other.local
        repositoryName: mir/x
        username: 0123
        password: czNjcmV0
        encodedPassword: true
        certificates:
          - |
            -----BEGIN CERTIFICATE-----
            AAAA
            -----END CERTIFICATE-----
      - <<: *main
        domain: third.local
        certificates: |
          -----BEGIN CERTIFICATE-----
          BBBB
          -----END CERTIFICATE-----
    registryMappingRules:
      \"hub.acme.io/base\": \"reg.local:5000/mir\"
      ghcr.io: reg.local:5000/mir/ghcr.io
  site:
    unknown: {key: 1}
    caCerts:
      - LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCkNDQ0MKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=
install:
  auto: true
  device: /dev/vda
  reboot: false
  poweroff: true
";

#[test]
fn reads_every_form() {
    let settings = read_settings(TEXT).unwrap();
    let shown: Vec<(String, &str, &str, bool, usize)> = settings
        .registries
        .iter()
        .map(|r| {
            (
                r.domain.to_string(),
                r.username.as_str(),
                r.password.expose(),
                r.insecure,
                r.ca_pems.len(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("reg.local:5000/edge".to_owned(), "puller", "s3cret", true, 0),
            ("other.local/mir/x".to_owned(), "0123", "s3cret", false, 1),
            ("third.local".to_owned(), "puller", "s3cret", true, 1),
        ]
    );
    let rules: Vec<String> =
        settings.rules.iter().map(|r| format!("{} -> {}", r.source, r.target)).collect();
    assert_eq!(
        rules,
        ["hub.acme.io/base -> reg.local:5000/mir", "ghcr.io -> reg.local:5000/mir/ghcr.io"]
    );
    assert_eq!(
        settings.ca_pems,
        ["-----BEGIN CERTIFICATE-----\nCCCC\n-----END CERTIFICATE-----\n"]
    );
    let install = InstallSettings {
        auto: true,
        device: "/dev/vda".to_owned(),
        reboot: false,
        poweroff: true,
    };
    assert_eq!(settings.install, install);
    assert!(!format!("{settings:?}").contains("s3cret"));
}

#[test]
fn everything_is_optional() {
    for text in [
        "#cloud-config",
        "#cloud-config\nstylus:\ninstall: {}\n",
        "#cloud-config\nstylus:\n  registryCredentials: {domain: ''}\n",
    ] {
        let settings = read_settings(text).unwrap();
        assert!(settings.registries.is_empty() && settings.rules.is_empty());
        assert_eq!(settings.install.device, "auto");
        assert!(!settings.install.auto);
    }
}

#[test]
fn errors_name_the_place_and_never_the_value() {
    for (text, message) in [
        ("[a", "line 2, column 1: unclosed bracket '['"),
        (
            "a: 1\n--- \nb: 2",
            "line 3, column 1: a second document starts here; keep one document per file",
        ),
        (
            "stylus:\n  registryCredentials: {domain: 'https://hunter2.x'}",
            "line 3, column 33: expected `stylus.registryCredentials.domain` to be `host[:port][/path]` without a scheme",
        ),
        (
            "stylus:\n  registryCredentials:\n    domain: a.b\n    password: null",
            "line 5, column 15: expected `stylus.registryCredentials.password` to be a quoted string",
        ),
        (
            "stylus:\n  registryCredentials:\n    domain: a.b\n    password: hunter2\n    encodedPassword: true",
            "line 5, column 15: expected `stylus.registryCredentials.password` to be base64, as `encodedPassword` is `true`",
        ),
        (
            "stylus:\n  registryCredentials:\n    domain: a.b\n    insecure: hunter2",
            "line 5, column 15: expected `stylus.registryCredentials.insecure` to be `true` or `false`",
        ),
        (
            "stylus:\n  externalRegistries:\n    registries:\n    - domain: a.b\n      username: [hunter2]",
            "line 6, column 17: expected `stylus.externalRegistries.registries[0].username` to be a string",
        ),
        (
            "stylus:\n  externalRegistries:\n    registryMappingRules: {hunter2: x}",
            "line 4, column 28: expected `stylus.externalRegistries.registryMappingRules` to be a source prefix and a target prefix, each `host[:port][/path]`",
        ),
        (
            "stylus:\n  site:\n    caCerts: [hunter2]",
            "line 4, column 15: expected `stylus.site.caCerts` to be a PEM certificate, as it is or in base64",
        ),
        ("install: hunter2", "line 2, column 10: expected `install` to be a mapping"),
    ] {
        let error = read_settings(&format!("#cloud-config\n{text}\n")).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert!(!format!("{error:?}").contains("hunter2"));
    }
    assert_eq!(read_settings("#!/bin/sh\n"), Err(ReadError::NotCloudConfig));
}

#[test]
fn merge_keys_cannot_grow() {
    let mut text = "#cloud-config\na0: &a0 {x: 1}\n".to_owned();
    for n in 1..40 {
        let list = vec![format!("*a{}", n - 1); 16].join(", ");
        text.push_str(&format!("a{n}: &a{n}\n  <<: [{list}]\n"));
    }
    text.push_str("stylus: *a39\n");
    assert!(read_settings(&text).unwrap().registries.is_empty());
    let own = "#cloud-config\nstylus: &s\n  <<: *s\n";
    let _ = read_settings(own);
}
