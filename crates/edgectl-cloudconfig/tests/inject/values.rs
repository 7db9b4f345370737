//! Flow style, lists and single values.

use crate::*;

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
