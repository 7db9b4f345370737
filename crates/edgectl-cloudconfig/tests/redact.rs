//! Hiding secrets, and nothing else.

#![allow(clippy::unwrap_used)]

use edgectl_cloudconfig::redact;
use proptest::prelude::*;

#[test]
fn secrets_are_hidden_and_nothing_else() {
    let text = r#"#cloud-config
# password: old-one
stylus:
  registryCredentials: {domain: reg.local, username: puller, password: "s3cret"}
  site:
    edgeHostToken: tok-1 # keep
    tags: {a: "b"}   # odd   blanks
    network: {httpsProxy: "http://u:pw@proxy:3128"}
users:
  - name: ops
    passwd: |
      multi
      line
    ssh_authorized_keys: [ssh-ed25519 AAAA]
write_files:
  - path: /a
    content: |
      auth: {password: p}
  - {path: /b, content: cGFzc3dvcmQ6IGJhc2U2NA==}
  - {path: /c, content: plain}
x: &s hidden-anchor
y: {token: *s}
"#;
    let expected = r#"#cloud-config
# password: <hidden>
stylus:
  registryCredentials: {domain: reg.local, username: puller, password: "<hidden>"}
  site:
    edgeHostToken: "<hidden>" # keep
    tags: {a: "b"}   # odd   blanks
    network: {httpsProxy: "http://<hidden>@proxy:3128"}
users:
  - name: ops
    passwd: |
      <hidden>
    ssh_authorized_keys: [ssh-ed25519 AAAA]
write_files:
  - path: /a
    content: |
      <hidden>
  - {path: /b, content: "<hidden>"}
  - {path: /c, content: plain}
x: &s "<hidden>"
y: {token: *s}
"#;
    assert_eq!(redact(text).unwrap(), expected);
    assert_eq!(redact(expected).unwrap(), expected);
}

#[test]
fn what_cannot_be_read_is_not_shown() {
    assert!(redact("a: [\n").is_err());
    assert!(redact("a: 1\n---\npassword: x\n").is_err());
}

proptest! {
    #[test]
    fn no_password_survives(password in "[ -~]{1,40}", style in 0..4_u8) {
        let marked = format!("SENTINEL{}", password.replace(['\\', '"', '\''], "x"));
        let written = match style {
            0 => format!("\"{marked}\""),
            1 => format!("'{marked}'"),
            2 => format!("|\n    {marked}"),
            _ => format!(">-\n    {marked}"),
        };
        let text = format!("#cloud-config\nstylus:\n  password: {written}\n  other: 1\n");
        let shown = redact(&text).unwrap();
        prop_assert!(!shown.contains("SENTINEL"), "{}", shown);
        prop_assert!(shown.ends_with("  other: 1\n"), "{}", shown);
    }
}
