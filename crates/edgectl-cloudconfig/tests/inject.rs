//! Injecting: what is set, and that everything else keeps its bytes.

#![allow(clippy::unwrap_used)]

use edgectl_cloudconfig::{
    Flavor, HostFile, InjectError, Injection, RuntimeSetup, SiteSettings, cloud_configs, inject,
    read_settings, remove,
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

/// Injects, and checks what must hold for every text.
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
    after
}

#[test]
fn a_whole_file_from_nothing() {
    let expected = "\
#cloud-config
stylus:
  registryCredentials:
    domain: reg.local:5000/edge
    username: \"puller\"
    password: \"s3cret\"
    insecure: false
  externalRegistries:
    registryMappingRules:
      \"docker.io\": \"reg.local:5000/edge/docker.io\"
      \"quay.io\": \"reg.local:5000/edge/quay.io\"
  site:
    caCerts:
      - |
        -----BEGIN CERTIFICATE-----
        MIIB
        AAAA
        -----END CERTIFICATE-----
";
    assert_eq!(done("#cloud-config\n", &full()), expected);
    assert_eq!(done("#cloud-config\nstylus:\n", &full()), expected);
    assert_eq!(done("#cloud-config\nstylus: ~\n", &full()), expected);
    assert_eq!(done("#cloud-config", &full()), expected.trim_end());
    let dos = |text: &str| text.replace('\n', "\r\n");
    assert_eq!(done("#cloud-config\r\n", &full()), dos(expected));
    let jinja = |text: &str| format!("## template: jinja\n{text}");
    assert_eq!(done(&jinja("#cloud-config\n"), &full()), jinja(expected));
    let marked = |text: &str| format!("\u{feff}{text}");
    assert_eq!(done(&marked("#cloud-config\n"), &full()), marked(expected));
}

#[test]
fn only_values_change_in_a_block() {
    let before = "\
#cloud-config
# site 7
stylus:
    registryCredentials:   # the old one
        insecure:   yes  # for now
        password: old # secret
        domain: 'old.example'
        username: 0123

    debug: true
install: {poweroff: true}
";
    let after = "\
#cloud-config
# site 7
stylus:
    registryCredentials:   # the old one
        insecure:   false  # for now
        password: \"s3cret\" # secret
        domain: reg.local:5000/edge
        username: \"puller\"

    debug: true
install: {poweroff: true}
";
    assert_eq!(done(before, &injection()), after);
}

#[test]
fn what_is_right_already_keeps_its_spelling() {
    let text = "#cloud-config\nstylus:\n  registryCredentials: {domain: 'reg.local:5000/edge/', username: puller, password: 's3cret', insecure: off}\n";
    assert_eq!(done(text, &injection()), text);
}

#[test]
fn new_lines_stand_at_the_end_of_their_section() {
    let before = "\
#cloud-config
stylus:
  site:
    name: x   # name
    # projectName: y

  # end of stylus

# about install
install:
  auto: true
";
    let after = "\
#cloud-config
stylus:
  site:
    name: x   # name
    # projectName: y
    caCerts:
      - |
        -----BEGIN CERTIFICATE-----
        MIIB
        AAAA
        -----END CERTIFICATE-----

  # end of stylus
  registryCredentials:
    domain: reg.local:5000/edge
    username: \"puller\"
    password: \"s3cret\"
    insecure: false

# about install
install:
  auto: true
";
    let injection = Injection { ca_pem: Some(PEM.to_owned()), ..injection() };
    assert_eq!(done(before, &injection), after);
}

#[test]
fn nulls_and_empty_values_are_filled() {
    let before = "\
#cloud-config
stylus:
  registryCredentials: # later
    # domain: x
  externalRegistries: ~ # none
  site:
    caCerts:
    name: x
";
    let after = done(before, &full());
    assert!(after.contains("  registryCredentials: # later\n    domain: reg"), "{after}");
    assert!(after.contains("    # domain: x\n"), "{after}");
    assert!(after.contains("  externalRegistries: # none\n    registryMappingRules:\n"), "{after}");
    assert!(after.contains("    caCerts:\n      - |\n        -----BEGIN"), "{after}");
    let before = "#cloud-config\nstylus:\n  registryCredentials:\n    domain:\n    username: # who\n    password: null\n    insecure:\n";
    let after = "#cloud-config\nstylus:\n  registryCredentials:\n    domain: reg.local:5000/edge\n    username: \"puller\" # who\n    password: \"s3cret\"\n    insecure: false\n";
    assert_eq!(done(before, &injection()), after);
}

#[test]
fn flow_style() {
    for (before, after) in [
        (
            "#cloud-config\nstylus: {}\n",
            "#cloud-config\nstylus: {registryCredentials: {domain: reg.local:5000/edge, username: \"puller\", password: \"s3cret\", insecure: false}}\n",
        ),
        (
            "#cloud-config\n{\"stylus\": {\"debug\": true}}\n",
            "#cloud-config\n{\"stylus\": {\"debug\": true, registryCredentials: {domain: reg.local:5000/edge, username: \"puller\", password: \"s3cret\", insecure: false}}}\n",
        ),
        (
            "#cloud-config\nstylus: {registryCredentials: {password: , domain: a.b, insecure: true}}\n",
            "#cloud-config\nstylus: {registryCredentials: {password: \"s3cret\" , domain: reg.local:5000/edge, insecure: false, username: \"puller\"}}\n",
        ),
        (
            "#cloud-config\nstylus: {\n  debug: true, # on\n}\n",
            "#cloud-config\nstylus: {registryCredentials: {domain: reg.local:5000/edge, username: \"puller\", password: \"s3cret\", insecure: false}, \n  debug: true, # on\n}\n",
        ),
    ] {
        assert_eq!(done(before, &injection()), after);
        done(before, &full());
    }
    done("#cloud-config\nstylus: {site}\n", &full());
    done("#cloud-config\nstylus: {site: {caCerts: [ ]}}\n", &injection());
    done(
        "#cloud-config\nstylus: {\"registryCredentials\":{\"domain\":\"x.y\"},site: ~}\n",
        &full(),
    );
}

#[test]
fn certificates_are_added_once() {
    let listed = "\
#cloud-config
stylus:
  site:
    caCerts:
    - |
      -----BEGIN CERTIFICATE-----
      OTHER
      -----END CERTIFICATE-----
    # more to come
    name: x
";
    let with_ca = Injection { ca_pem: Some(PEM.to_owned()), ..injection() };
    let after = done(listed, &with_ca);
    assert!(
        after.contains(
            "    # more to come\n    - |\n      -----BEGIN CERTIFICATE-----\n      MIIB\n"
        ),
        "{after}"
    );
    assert!(after.contains("OTHER"), "{after}");
    let dos = PEM.replace('\n', "\r\n");
    let again = inject(&after, &Injection { ca_pem: Some(dos), ..injection() }).unwrap();
    assert_eq!(again, after);
    let flow = "#cloud-config\nstylus: {site: {caCerts: []}}\n";
    let after = done(flow, &with_ca);
    assert!(after.contains(r#"caCerts: ["-----BEGIN CERTIFICATE-----\nMIIB\n"#), "{after}");
    let bad = Injection { ca_pem: Some("/etc/ca.pem".to_owned()), ..injection() };
    assert_eq!(inject("#cloud-config\n", &bad), Err(InjectError::NotPem));
}

#[test]
fn rules_of_the_user_stay() {
    let before = "\
#cloud-config
stylus:
  externalRegistries:
    registries: []
    registryMappingRules:
      ghcr.io: mine.local/x # mine
      'quay.io/': \"old.local\"
";
    let after = done(before, &full());
    assert!(after.contains("      ghcr.io: mine.local/x # mine\n      'quay.io/': \"reg.local:5000/edge/quay.io\"\n      \"docker.io\": \"reg.local:5000/edge/docker.io\"\n"), "{after}");
}

#[test]
fn a_last_block_scalar_keeps_its_value() {
    // Without a final line end the scalar has none either; text behind it
    // would give it one.
    for (before, start) in [
        ("#cloud-config\nnote: |\n  abc", "#cloud-config\nstylus:\n"),
        (
            "#cloud-config\nstylus:\n  note: >-\n    abc\n     ",
            "#cloud-config\nstylus:\n  registryCredentials:\n",
        ),
        ("#cloud-config\nnote: |+\n  abc\n\n\n", "#cloud-config\nnote: |+\n  abc\n\n\nstylus:\n"),
        (
            "#cloud-config\nnote: |\n  abc\n  # not a comment\n\n\n",
            "#cloud-config\nnote: |\n  abc\n  # not a comment\nstylus:\n",
        ),
    ] {
        let after = done(before, &full());
        assert!(after.starts_with(start), "{after}");
    }
}

#[test]
fn a_block_scalar_can_be_replaced() {
    let before = "#cloud-config\nstylus:\n  registryCredentials:\n    password: |- # old\n      a\n      b\n\n    domain: x.y # d\n";
    let after = done(before, &injection());
    assert!(
        after.contains("    password: \"s3cret\" # old\n\n    domain: reg.local:5000/edge # d\n"),
        "{after}"
    );
    let before = "#cloud-config\nstylus:\n  registryCredentials:\n    password: >\n      a";
    assert!(done(before, &injection()).contains("password: \"s3cret\""));
}

#[test]
fn an_encoded_password_stays_encoded() {
    let before = "#cloud-config\nstylus:\n  registryCredentials:\n    encodedPassword: true\n";
    let after = done(before, &injection());
    assert!(after.contains("password: \"czNjcmV0\""), "{after}");
    assert!(!after.contains("s3cret"), "{after}");
    let odd = before.replace("true", "\"true\"");
    assert!(matches!(inject(&odd, &injection()), Err(InjectError::Shape { .. })));
}

#[test]
fn template_markers_in_passwords_are_defused() {
    let text = "## template: jinja\n#cloud-config\n";
    let injection = Injection { password: Secret::new("a{{b}}{%c%}{#"), ..injection() };
    let after = done(text, &injection);
    for marker in ["{{", "{%", "{#"] {
        assert!(!after.contains(marker), "{after}");
    }
}

#[test]
fn refusals_name_the_place_and_the_way_out() {
    for (text, message) in [
        (
            "stylus: {}\n",
            "this is not cloud-config user data: the first line must be `#cloud-config` (after `## template: jinja`, if that is there)",
        ),
        ("#cloud-config\na: [1\n", "line 2, column 4: unclosed bracket"),
        (
            "#cloud-config\na: 1\n---\nb: 2\n",
            "line 3, column 1: a second document starts here; keep one document per file",
        ),
        ("#cloud-config\n- a\n", "line 2, column 1: expected `the document` to be a mapping"),
        ("#cloud-config\nstylus: text\n", "line 2, column 9: expected `stylus` to be a mapping"),
        (
            "#cloud-config\nx: &c {domain: a}\nstylus:\n  registryCredentials: *c\n",
            "line 4, column 24: `stylus.registryCredentials` is an alias; write its value out in place of it",
        ),
        (
            "#cloud-config\nstylus:\n  registryCredentials: &c\n    domain: a\ncopy: *c\n",
            "line 4, column 5: `stylus.registryCredentials` has an anchor that is used elsewhere",
        ),
        (
            "#cloud-config\nb: &b {username: u}\nstylus:\n  registryCredentials:\n    <<: *b\n",
            "line 5, column 5: `stylus.registryCredentials` takes keys from elsewhere with `<<`",
        ),
        (
            "#cloud-config\nstylus: {}\nstylus: {}\n",
            "line 3, column 1: `stylus` stands here a second time; keep one",
        ),
        (
            "#cloud-config\nstylus:\n  registryCredentials:\n    password: [a]\n",
            "line 4, column 15: expected `stylus.registryCredentials.password` to be a single value",
        ),
        (
            "#cloud-config\nstylus:\n  registryCredentials:\n    password: !!binary aGk=\n",
            "line 4, column 24: `stylus.registryCredentials.password` has a tag",
        ),
        (
            "#cloud-config\nstylus: {site: {caCerts: pem}}\n",
            "line 2, column 26: expected `stylus.site.caCerts` to be a list",
        ),
        ("#cloud-config\n? stylus\n: debug: true\n", "line 3, column 3: `stylus"),
    ] {
        let error = inject(text, &full()).unwrap_err();
        assert!(error.to_string().starts_with(message), "{text}\n{error}");
    }
}

#[test]
fn errors_and_debug_hide_passwords() {
    let injection = Injection { password: Secret::new("hunter2"), ..injection() };
    assert!(!format!("{injection:?}").contains("hunter2"));
    for text in [
        "#cloud-config\nstylus:\n  registryCredentials:\n    password: *hunter2\n",
        "#cloud-config\nstylus:\n  registryCredentials: hunter2\n",
        "#cloud-config\nstylus:\n  registryCredentials:\n    password: @hunter2\n",
        "#cloud-config\nstylus:\n  registryCredentials:\n    password: \"hunter2\n",
    ] {
        let error = inject(text, &injection).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
}

#[test]
fn other_flavors_get_a_section_of_the_agent() {
    let before = "#cloud-config\nhostname: a\nstages:\n  boot: []\n";
    for flavor in [Flavor::Kairos, Flavor::CloudInit] {
        let injection = Injection { flavor, ..full() };
        let after = inject(before, &injection).unwrap();
        assert_eq!(inject(&after, &injection).unwrap(), after);
        assert_eq!(remove(&after, &injection, false).unwrap(), before);
        assert!(after.starts_with(before), "{after}");
        assert!(after.contains("edgectl:\n  registry:\n    domain: "), "{after}");
        assert!(!after.contains("stylus"), "{after}");
        let settings = read_settings(&after).unwrap();
        assert_eq!(settings.registries.len(), 1);
        assert_eq!(settings.registries[0].ca_pems, [PEM]);
        assert_eq!(settings.rules.len(), 2);
    }
    assert_eq!(Flavor::detect(before), Some(Flavor::Kairos));
    assert_eq!(Flavor::detect("#cloud-config\nstylus: {}\n"), Some(Flavor::Palette));
    assert_eq!(Flavor::detect("#cloud-config\nhostname: a\n"), Some(Flavor::CloudInit));
    assert_eq!(Flavor::detect("a: [\n"), None);
    let plain = "#cloud-config\nhostname: a\n";
    for (parts, flavor) in [
        (&[plain, before][..], Some(Flavor::Kairos)),
        (&[before, "#cloud-config\nstylus: {}\n"], Some(Flavor::Palette)),
        (&[plain], Some(Flavor::CloudInit)),
        (&[plain, "#cloud-config\na: [\n"], None),
        (&[], None),
    ] {
        assert_eq!(Flavor::detect(&multipart(parts)), flavor, "{parts:?}");
    }
    let archive = "#cloud-config-archive\n- |\n  #cloud-config\n  stages: {}\n- |\n  #!/bin/sh\n";
    assert_eq!(Flavor::detect(archive), Some(Flavor::Kairos));
    assert_eq!(cloud_configs(archive), ["#cloud-config\nstages: {}\n"]);
}

#[test]
fn headers_of_kairos_are_for_kairos() {
    for header in ["#kairos-config", "#node-config"] {
        let before = format!("{header}\nhostname: a\n");
        let kairos = Injection { flavor: Flavor::Kairos, ..full() };
        let after = inject(&before, &kairos).unwrap();
        assert!(after.starts_with(&before), "{after}");
        assert_eq!(remove(&after, &kairos, false).unwrap(), before);
        assert_eq!(read_settings(&after).unwrap().registries[0].domain, kairos.registry);
        let other = Injection { flavor: Flavor::CloudInit, ..full() };
        assert_eq!(inject(&before, &other), Err(InjectError::NotCloudConfig));
    }
}

#[test]
fn of_several_parts_the_cloud_config_is_changed() {
    let head = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"b1\"\n\n--b1\nContent-Type: text/x-shellscript\n\n#!/bin/sh\necho\n--b1\nContent-Type: text/cloud-config\n\n";
    let body = "#cloud-config\nhostname: a  # odd\n";
    let tail = "--b1--\n";
    let after = inject(&format!("{head}{body}{tail}"), &full()).unwrap();
    assert_eq!(after, format!("{head}{}{tail}", inject(body, &full()).unwrap()));
    assert_eq!(inject(&after, &full()).unwrap(), after);
    assert_eq!(remove(&after, &full(), false).unwrap(), format!("{head}{body}{tail}"));
    assert_eq!(read_settings(&after).unwrap().rules.len(), 2);
    for archive in [
        "#cloud-config-archive\n- \"#cloud-config\\na: 1\\n\"\n",
        "#cloud-config-archive\n- >\n  #cloud-config\n\n  a: 1\n",
        // A line that isn't what it would be written as.
        "#cloud-config-archive\n- |\n  #cloud-config\n  a: 1\n \n  b: 2\n",
    ] {
        assert!(matches!(inject(archive, &full()), Err(InjectError::Encoded { .. })), "{archive}");
    }
    assert_eq!(inject("#cloud-config-archive\n[]\n", &full()), Err(InjectError::NotCloudConfig));
}

/// A MIME message of cloud-config parts.
fn multipart(parts: &[&str]) -> String {
    let part = |part: &&str| format!("--b1\nContent-Type: text/cloud-config\n\n{part}");
    let parts: String = parts.iter().map(part).collect();
    format!("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b1\n\n{parts}--b1--\n")
}

#[test]
fn of_several_cloud_configs_the_one_that_counts_is_changed() {
    let palette = Injection { flavor: Flavor::Palette, ..full() };
    let plain = "#cloud-config\nhostname: a\n";
    let stylus = "#cloud-config\nstylus: {site: {name: b}}\n";
    let done = inject(stylus, &palette).unwrap();
    for (before, after) in [
        (&[plain, stylus][..], &[plain, done.as_str()][..]),
        (&[stylus, plain], &[&done, plain]),
        // The first one's key is gone already.
        (&[stylus, stylus, plain], &[stylus, &done, plain]),
    ] {
        let (before, after) = (multipart(before), multipart(after));
        assert_eq!(inject(&before, &palette).unwrap(), after);
        assert_eq!(inject(&after, &palette).unwrap(), after);
        assert_eq!(remove(&after, &palette, false).unwrap(), before);
        assert_eq!(read_settings(&after).unwrap().registries[0].domain, palette.registry);
    }
    let archive = "#cloud-config-archive\n- |\n  #cloud-config\n  a: 1\n- |\n  #cloud-config\n  stylus: {debug: true}\n- |\n  #cloud-config\n  b: 1\n";
    let after = inject(archive, &palette).unwrap();
    assert!(after.contains("stylus: {debug: true, registryCredentials"), "{after}");
    assert_eq!(remove(&after, &palette, false).unwrap(), archive);
}

#[test]
fn parts_of_which_none_is_right_are_refused() {
    let files = RuntimeSetup {
        files: vec![HostFile {
            path: "/etc/edgectl/a".into(),
            mode: 0o600,
            content: Secret::new("a\n"),
        }],
        restart: vec!["ls".into()],
    };
    let host = Injection { flavor: Flavor::CloudInit, runtime: Some(files), ..full() };
    let written = "#cloud-config\nwrite_files: [{path: /x, content: y}]\n";
    let run = "#cloud-config\nruncmd: [ls]\n";
    for (first, second) in [(written, run), (run, written)] {
        let refused = inject(&multipart(&[first, second]), &host);
        let Err(InjectError::Spread { line: 12, other_line: 7, .. }) = refused else {
            panic!("{refused:?}")
        };
    }
    // Both spellings are one key to cloud-init.
    let old = "#cloud-config\nca-certs: {remove-defaults: false}\n";
    let refused = inject(&multipart(&[old, run]), &host);
    assert!(matches!(refused, Err(InjectError::Spread { .. })), "{refused:?}");
    let merged =
        written.replace("write_files", "merge_how: list(append)+dict(recurse_list)\nwrite_files");
    let refused = inject(&multipart(&[written, &merged]), &host);
    assert_eq!(refused, Err(InjectError::Merging { line: 12 }));
    // Faults have their place in the whole.
    let odd = "#cloud-config\nwrite_files: 7\n";
    let refused = inject(&multipart(&["#cloud-config\na: 1\n", odd]), &host);
    let Err(InjectError::Shape { place, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(place.line, 13);
}

#[test]
fn archives_are_edited_in_their_literal_blocks() {
    for before in [
        "#cloud-config-archive\n- |\n  #cloud-config\n  a: 1\n",
        "#cloud-config-archive\n- type: text/x-shellscript\n  content: |\n    #!/bin/sh\n    ls\n- type: text/cloud-config\n  content: |-\n      #cloud-config\n      stylus:\n        site: {name: x}   # here\n\n      a: 1\n  filename: x\n",
        "#cloud-config-archive\n- content: |\n    #cloud-config\n    a: 1",
    ] {
        for text in [before.to_owned(), before.replace('\n', "\r\n")] {
            let after = inject(&text, &full()).unwrap_or_else(|e| panic!("{e}\n{text}"));
            assert_eq!(inject(&after, &full()).unwrap(), after);
            assert_eq!(remove(&after, &full(), false).unwrap(), text, "{after:?}");
            let settings = read_settings(&after).unwrap();
            assert_eq!(settings.registries[0].domain, full().registry, "{after}");
            assert_eq!(settings.ca_pems, [PEM]);
            assert_eq!(after.contains("filename: x"), text.contains("filename: x"));
            let ends = after.matches('\n').count();
            assert_eq!(after.matches("\r\n").count(), if text.contains('\r') { ends } else { 0 });
        }
    }
}
