//! Files of the host's own runtime: what is written where, that it can be
//! taken out again, and what is refused.

#![allow(clippy::unwrap_used)]

use edgectl_cloudconfig::{
    Flavor, HostFile, InjectError, Injection, RuntimeSetup, SiteSettings, carries, inject, remove,
    written_files,
};
use edgectl_model::{Prefix, Secret};

const PEM: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
const LOGIN: &str =
    "# Written by edgectl.\nconfigs:\n  \"reg.local\":\n    auth: {password: \"s\"}\n";
const PATH: &str = "/etc/rancher/k3s/registries.yaml";

fn file(path: &str, mode: u32, content: &str) -> HostFile {
    HostFile { path: path.to_owned(), mode, content: Secret::new(content) }
}

fn injection(flavor: Flavor) -> Injection {
    Injection {
        flavor,
        registry: Prefix::parse("reg.local/edge").unwrap(),
        username: "puller".to_owned(),
        password: Secret::new("s"),
        insecure: false,
        ca_pem: Some(PEM.to_owned()),
        rules: Vec::new(),
        listed: false,
        site: SiteSettings::default(),
        runtime: Some(RuntimeSetup {
            files: vec![file("/etc/edgectl/registry-ca.pem", 0o644, PEM), file(PATH, 0o600, LOGIN)],
            restart: vec!["systemctl try-restart k3s".to_owned()],
        }),
    }
}

/// A text without the line by which injecting tells what it has added.
fn plain(text: &str) -> String {
    let is_text = |line: &&str| !line.starts_with("# edgectl: ");
    text.split_inclusive('\n').filter(is_text).collect()
}

/// Injects, checks what must hold for every text, and leaves the line about it
/// away.
fn done(before: &str, injection: &Injection) -> String {
    let after = inject(before, injection).unwrap_or_else(|e| panic!("{e}\n{before}"));
    assert_eq!(inject(&after, injection).as_ref(), Ok(&after), "{after}");
    assert_eq!(remove(&after).map(|removed| removed.text).as_deref(), Ok(before), "{after}");
    assert!(carries(&after, injection), "{after}");
    assert!(!carries(before, injection), "{before}");
    let files = &injection.runtime.as_ref().unwrap().files;
    let written = written_files(&after).unwrap();
    let end = |file: &HostFile| file.content.expose().trim_end().to_owned();
    for file in files {
        let found = written.iter().find(|other| other.path == file.path).unwrap();
        assert_eq!((found.mode, end(found)), (file.mode, end(file)), "{after}");
    }
    plain(&after)
}

#[test]
fn cloud_init_gets_write_files_and_ca_certs() {
    let expected = r#"#cloud-config
ca_certs:
  trusted:
    - |
      -----BEGIN CERTIFICATE-----
      MIIB
      -----END CERTIFICATE-----
write_files:
  - path: /etc/edgectl/registry-ca.pem
    permissions: '0644'
    content: |
      -----BEGIN CERTIFICATE-----
      MIIB
      -----END CERTIFICATE-----
  - path: /etc/rancher/k3s/registries.yaml
    permissions: '0600'
    content: |
      # Written by edgectl.
      configs:
        "reg.local":
          auth: {password: "s"}
runcmd:
  - "systemctl try-restart k3s"
"#;
    let injection = injection(Flavor::CloudInit);
    assert_eq!(done("#cloud-config\n", &injection), expected);
    let dos = |text: &str| text.replace('\n', "\r\n");
    assert_eq!(done("#cloud-config\r\n", &injection), dos(expected));
    let jinja = |text: &str| format!("## template: jinja\n{text}");
    assert_eq!(done(&jinja("#cloud-config\n"), &injection), jinja(expected));
}

#[test]
fn lists_of_the_user_grow() {
    let injection = injection(Flavor::CloudInit);
    for before in [
        "#cloud-config\nwrite_files:\n- path: /etc/motd\n  content: |\n    hello\n\n# the end\n",
        "#cloud-config\nwrite_files:\n    - content: x\n      path: /etc/motd # m\nruncmd:\n- [ls]\n- ls\n",
        "#cloud-config\nwrite_files: [{path: /etc/motd, content: x}]\nruncmd: [ls]\n",
        "#cloud-config\nca_certs:\n  remove_defaults: true\n",
        "#cloud-config\nhostname: a",
        "#cloud-config\nnote: |\n  open",
    ] {
        let after = done(before, &injection);
        assert!(after.contains("/etc/motd") == before.contains("/etc/motd"), "{after}");
    }
    // With both spellings cloud-init would ignore the older one.
    let old = "#cloud-config\nca-certs:\n  trusted:\n  - |\n    -----BEGIN CERTIFICATE-----\n    OLD\n    -----END CERTIFICATE-----\n";
    let after = done(old, &injection);
    assert!(!after.contains("ca_certs"), "{after}");
}

#[test]
fn kairos_and_palette_get_a_step() {
    let expected = r#"#cloud-config
stages:
  initramfs:
    - name: "edgectl registry"
      files:
        - path: /etc/edgectl/registry-ca.pem
          permissions: 0644
          content: |
            -----BEGIN CERTIFICATE-----
            MIIB
            -----END CERTIFICATE-----
        - path: /etc/rancher/k3s/registries.yaml
          permissions: 0600
          content: |
            # Written by edgectl.
            configs:
              "reg.local":
                auth: {password: "s"}
"#;
    assert_eq!(done("#cloud-config\n", &injection(Flavor::Kairos)), expected);
    let before = "#cloud-config\nstages:\n  initramfs:\n    - name: mine\n      files: [{path: /a, content: b}]\n  boot:\n    - commands: [ls]\n";
    let after = done(before, &injection(Flavor::Kairos));
    assert!(after.contains("- name: mine") && after.contains("commands: [ls]\n"), "{after}");
    let after = done("#cloud-config\nstylus: {debug: true}\n", &injection(Flavor::Palette));
    assert!(after.contains("registryCredentials") && after.contains("initramfs:"), "{after}");
    // Kairos runs contents as templates.
    let mut marked = injection(Flavor::Kairos);
    let content = "# Written by edgectl.\npassword: \"a{{b}}\"\n";
    marked.runtime.as_mut().unwrap().files[1].content = Secret::new(content);
    let after = done("#cloud-config\n", &marked);
    assert!(after.contains(r#"a\x7B{ \"\x7B{\" }}b}}"#), "{after}");
}

#[test]
fn a_new_password_changes_its_lines_alone() {
    for flavor in [Flavor::CloudInit, Flavor::Kairos, Flavor::Palette] {
        let old = injection(flavor);
        let before = inject("#cloud-config\nhostname: a # b\n", &old).unwrap();
        let mut new = old.clone();
        let content = LOGIN.replace("\"s\"", "\"other\"");
        new.runtime.as_mut().unwrap().files[1].content = Secret::new(content);
        let after = inject(&before, &new).unwrap();
        assert_eq!(
            plain(&after),
            plain(&before).replace("{password: \"s\"}", "{password: \"other\"}")
        );
        // From a literal to quotes, where a literal can't say it.
        let content = LOGIN.replace("\"s\"", "\"ä\"");
        new.runtime.as_mut().unwrap().files[1].content = Secret::new(content.as_str());
        let after = inject(&before, &new).unwrap();
        assert!(carries(&after, &new), "{after}");
        assert_eq!(inject(&after, &new).unwrap(), after);
    }
}

#[test]
fn files_of_others_are_not_taken_over() {
    for (flavor, text, message) in [
        (
            Flavor::CloudInit,
            "write_files:\n- path: /etc/rancher/k3s/registries.yaml\n  content: 'mirrors: {}'\n",
            "line 3, column 3: `/etc/rancher/k3s/registries.yaml` is written here with a content of its own; take this entry out",
        ),
        (
            Flavor::CloudInit,
            "write_files:\n- path: /etc/edgectl/registry-ca.pem\n  encoding: b64\n  content: eA==\n",
            "line 3, column 3: `/etc/edgectl/registry-ca.pem` is written here",
        ),
        (
            Flavor::Kairos,
            "stages:\n  boot:\n  - files:\n    - path: /etc/rancher/k3s/registries.yaml\n      content: '# Written by edgectl.'\n",
            "line 5, column 7: `/etc/rancher/k3s/registries.yaml` is written here",
        ),
        (
            Flavor::Kairos,
            "write_files:\n- path: /etc/edgectl/registry-ca.pem\n",
            "line 3, column 3: `/etc/edgectl/registry-ca.pem` is written here",
        ),
        (
            Flavor::CloudInit,
            "write_files: {path: x}\n",
            "line 2, column 14: expected `write_files` to be a list",
        ),
        (
            Flavor::CloudInit,
            "write_files:\n- &a {path: /etc/edgectl/registry-ca.pem}\n- *a\n",
            "line 4, column 3: `write_files[/etc/edgectl/registry-ca.pem]` stands here a second time",
        ),
        (
            Flavor::Kairos,
            "stages:\n  initramfs:\n    commands: [ls]\n",
            "line 4, column 5: expected `stages.initramfs` to be a list",
        ),
    ] {
        let error = inject(&format!("#cloud-config\n{text}"), &injection(flavor)).unwrap_err();
        assert!(error.to_string().starts_with(message), "{text}\n{error}");
    }
}

#[test]
fn a_listed_registry_of_palette() {
    let mut listed = injection(Flavor::Palette);
    listed.runtime = None;
    listed.listed = true;
    let after = inject("#cloud-config\n", &listed).unwrap();
    let expected = r#"#cloud-config
stylus:
  externalRegistries:
    registries:
      - domain: reg.local
        repositoryName: "edge"
        username: "puller"
        password: "s"
        insecure: false
        certificates:
          - |
            -----BEGIN CERTIFICATE-----
            MIIB
            -----END CERTIFICATE-----
"#;
    assert_eq!(plain(&after), expected);
    assert_eq!(remove(&after).unwrap().text, "#cloud-config\n");
    let settings = edgectl_cloudconfig::read_settings(&after).unwrap();
    assert_eq!(settings.registries[0].domain, listed.registry);
    assert_eq!(settings.registries[0].ca_pems, [PEM]);

    // An entry of the user's is brought up to date, and others stay.
    let before = "#cloud-config\nstylus:\n  externalRegistries:\n    registries:\n    - username: me\n      domain: 'reg.local/' # ours\n      encodedPassword: true\n    - {domain: other.local, password: \"p\"}\n";
    let after = inject(before, &listed).unwrap();
    assert!(after.contains("    - username: \"puller\"\n      domain: 'reg.local/' # ours\n"));
    assert!(after.contains("password: \"cw==\"\n"), "{after}");
    assert!(after.contains("    - {domain: other.local, password: \"p\"}\n"), "{after}");
    assert_eq!(inject(&after, &listed).unwrap(), after);
}

#[test]
fn a_site_has_authorities_and_a_proxy() {
    let other = PEM.replace("MIIB", "SITE");
    let site = SiteSettings {
        ca_pems: vec![other.clone()],
        http_proxy: Some("http://10.1.0.9:3128".to_owned()),
        https_proxy: None,
        no_proxy: Some("10.0.0.0/8,reg.local".to_owned()),
    };
    let palette = Injection { site: site.clone(), runtime: None, ..injection(Flavor::Palette) };
    let before =
        "#cloud-config\nstylus:\n  site:\n    name: x\n    network:\n      interfaces: {}\n";
    let after = inject(before, &palette).unwrap();
    assert!(after.contains("      interfaces: {}\n      httpProxy: \"http://10.1.0.9:3128\"\n      noProxy: \"10.0.0.0/8,reg.local\"\n"), "{after}");
    assert!(after.contains("MIIB") && after.contains("SITE"), "{after}");
    assert_eq!(remove(&after).unwrap().text, before);

    for flavor in [Flavor::Kairos, Flavor::CloudInit] {
        let refused = Injection { flavor, ..palette.clone() };
        assert_eq!(inject(before, &refused), Err(InjectError::ProxyWithoutPlace));
    }
    let trust = SiteSettings { ca_pems: vec![other], ..SiteSettings::default() };
    let mut plain = Injection { site: trust, ..injection(Flavor::CloudInit) };
    let after = done("#cloud-config\n", &plain);
    assert_eq!(after.matches("SITE").count(), 1, "{after}");
    plain.runtime = None;
    let after = inject("#cloud-config\n", &plain).unwrap();
    assert!(after.contains("edgectl:\n") && after.contains("ca_certs:\n"), "{after}");
    let kairos = Injection { flavor: Flavor::Kairos, ..plain };
    let after = inject("#cloud-config\n", &kairos).unwrap();
    assert!(after.contains("/usr/local/share/ca-certificates/edgectl-site-1.crt"), "{after}");
    assert!(after.contains("      commands:\n        - \"update-ca-certificates\"\n"), "{after}");
    assert_eq!(remove(&after).unwrap().text, "#cloud-config\n");
}
