//! Block style: what is added, and where.

use crate::*;

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
