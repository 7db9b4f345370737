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

#[test]
fn parts_are_hidden_where_they_stand() {
    let mime = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/cloud-config\n\n#cloud-config\npassword: zqx\nhostname: a\n--b\nContent-Type: text/x-shellscript\n\n#!/bin/sh\ncurl -u me:zqx\n--b\nContent-Type: text/cloud-config\nContent-Transfer-Encoding: base64\n\nI2Nsb3VkLWNvbmZpZwpwYXNzd29yZDogenF4Cg==\n--b--\n";
    let shown = redact(mime).unwrap();
    assert!(!shown.contains("zqx") && !shown.contains("I2Nsb3"), "{shown}");
    assert!(shown.contains("#cloud-config\npassword: \"<hidden>\"\nhostname: a\n--b\n"), "{shown}");
    assert!(shown.contains("text/x-shellscript\n\n<hidden>\n--b\n"), "{shown}");

    let archive = "#cloud-config-archive\n- type: text/cloud-config\n  content: |\n    #cloud-config\n    password: zqx\n    hostname: a\n- |\n  #!/bin/sh\n  TOKEN=zqx\n# token: zqx\n";
    let shown = redact(archive).unwrap();
    assert!(!shown.contains("zqx"), "{shown}");
    assert!(shown.contains("    password: \"<hidden>\"\n    hostname: a\n- |\n"), "{shown}");
    let bad = mime.replace("hostname: a", "hostname: [");
    let error = redact(&bad).unwrap_err().to_string();
    assert!(error.starts_with("line 9, column") || error.starts_with("line 10"), "{error}");
}

/// What can't be told to be a part is no reason to show it.
#[test]
fn what_is_no_part_is_hidden() {
    for text in [
        "Content-Type: text/cloud-config\n\n#cloud-config\npassword: zqx\n",
        "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary = \"b\"\n\n--b\n\npassword: zqx\n--b--\n",
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n#cloud-config\npassword: zqx\n--b--\n",
        "Content-Type: multipart/mixed; boundary=b\n\nzqx\n--b\nContent-Type: text/plain\n\nx\n--b--\nzqx\n",
        "#cloud-config-archive\n- type: text/x-shellscript\n  content: |\n    #!/bin/sh\n    curl -u me:zqx\n",
        "#cloud-config-archive\n- content: \"#cloud-config\\nchpasswd:\\n  list: |\\n    root:zqx\\n\"\n",
        "#cloud-config-archive\n- \"curl -u me:zqx\"\n",
    ] {
        let shown = redact(text).unwrap();
        assert!(!shown.contains("zqx"), "{shown}");
        assert!(shown.contains("<hidden>"), "{shown}");
    }
}
