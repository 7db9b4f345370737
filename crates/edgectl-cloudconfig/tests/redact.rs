//! Hiding secrets, and nothing else.

#![allow(clippy::unwrap_used)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use edgectl_cloudconfig::{
    Flavor, HostFile, Injection, RuntimeSetup, SiteSettings, inject, redact,
};
use edgectl_model::{Prefix, Secret};
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

/// A password without quotes may be a tag, an anchor or a key to YAML.
#[test]
fn secrets_that_yaml_takes_for_something_else_are_hidden() {
    let text = "#cloud-config\nusers:\n- {name: a, passwd: !zqx , b: !c d}\npassword: !zqx\n\
                token: &zqx # a\napi_token: !zqx zqx # a\nsecret: {zqx}\nauth: {username: , x: {zqx: , !zqx}}\n\
                tokens: [!zqx, &zqx , !zqx zqx]\napi_key: !zqx | # a\n  zqx\n\
                psk: !zqx\n  # a &b\n  &zqx # c\n  zqx\npasswords: &zqx {a: &zqx b}\n\
                db_password:\n  !zqx a: b\n  c: {{zqx}}\n  d: !<zqx,!zqx>\n\"a #b token\":\n  !zqx\npassword2:\n  zqx:\n";
    let expected = "#cloud-config\nusers:\n- {name: a, passwd: \"<hidden>\" , b: !c d}\npassword: \"<hidden>\"\n\
                    token: \"<hidden>\" # a\napi_token: \"<hidden>\" # a\nsecret: {\"<hidden>\"}\nauth: {username: , x: {\"<hidden>\": , \"<hidden>\"}}\n\
                    tokens: [\"<hidden>\", \"<hidden>\" , \"<hidden>\"]\napi_key: !<hidden> | # a\n  <hidden>\n\
                    psk: \"<hidden>\"\npasswords: !<hidden> {a: \"<hidden>\"}\n\
                    db_password:\n  !<hidden> a: \"<hidden>\"\n  c: {{\"<hidden>\"}}\n  d: \"<hidden>\"\n\"a #b token\":\n  \"<hidden>\"\npassword2:\n  \"<hidden>\":\n";
    let shown = redact(text).unwrap();
    assert_eq!(shown, expected);
    assert_eq!(redact(&shown).unwrap(), shown);
    let clean = "#cloud-config\na: !x\nb: &y\nc: {d, e: , !f g: h}\nusers:\n- {name: i, passwd: !}\nlock_passwd: !!bool true\nauth: {token: , password: }\n";
    assert_eq!(redact(clean).unwrap(), clean);
    let anchored = "ok: &a b\npassword: &c d\ntoken: *a\nx: *c\n";
    let shown = "ok: &a \"<hidden>\"\npassword: &c \"<hidden>\"\ntoken: *a\nx: *c\n";
    assert_eq!(redact(anchored).unwrap(), shown);
    let text = "## template: jinja\n#cloud-config\nhostname: {{ v1.a }}\n{% if b %}\npassword: !zqx{{ v1.c }}\n{% endif %}\n";
    assert!(!redact(text).unwrap().contains("zqx"));
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

/// Where a password can stand that isn't told by a key of the user data.
#[test]
fn secrets_in_contents_and_comments_are_hidden() {
    let file = |more: &str| format!("#cloud-config\nwrite_files:\n  - path: /a\n    {more}\n");
    let base64 = |text: &[u8]| STANDARD.encode(text);
    for text in [
        file("content: |\n      NO_PROXY=h\n      HTTPS_PROXY=http://a:zqx@b"),
        file("content: |\n      http_proxy=http://h\n      https_proxy=http://a:b@c http://a:zqx@b"),
        file("content: \"http:\\/\\/a:zqx@b\""),
        file(&format!("encoding: b64\n    content: {}", base64("passwört: 1\npassword: zqx".as_bytes()))),
        file(&format!("encoding: b64\n    content: {}", base64(b"\xe4\npassword: zqx"))),
        file(&format!("encoding: gz+b64\n    content: {}", base64(b"\x1f\x8bzqx"))),
        file("encoding: gzip\n    content: !!binary H4sIzqx="),
        file("content: |\n      client-key-data: zqx"),
        file("content: //registry.local/:_authToken=zqx"),
        file("content: |\n      machine h\n        login a\n        password zqx"),
        "#cloud-config\n# proxy: http://a:zqx@b\n".to_owned(),
        "#cloud-config\nusers: # http://a:zqx@b\n".to_owned(),
        "#cloud-config\n# passwd: $6$zqx\n".to_owned(),
        "#cloud-config\n#users:\n#  - passwd: |\n#      zqx\n#    name: a\n".to_owned(),
        "#cloud-config\n# curl --token zqx: a\n".to_owned(),
        "#cloud-config\nkey:\n  # -----BEGIN PRIVATE KEY-----\n  # zqx\n  # zqx\n  # -----END PRIVATE KEY-----\n"
            .to_owned(),
        "#cloud-config\n# a\n# b\n# c: d e\n# f\n# chpasswd:\n#   list: |\n#     root:zqx\n# g h\n".to_owned(),
        "#cloud-config\n## chpasswd:\n##   list: |\n##     root:zqx\n".to_owned(),
        "#cloud-config\n### password: zqx\n".to_owned(),
        "#cloud-config\n# chpasswd:\n# the old ones, see the wiki\n#   list: |\n#     root:zqx\n"
            .to_owned(),
        "#cloud-config\n# users:\n#   - name: a\n#     passwd: |\n#   see the wiki\n#       zqx\n"
            .to_owned(),
        "#cloud-config\ncredentials: {a: zqx}\n".to_owned(),
        "#cloud-config\ncredentials: [zqx]\n".to_owned(),
        file("content: |\n      env:\n      - name: DB_PASSWORD\n        # why\n\n        value: zqx"),
        file("content: |\n      <key>password</key>\n      <string>zqx</string>"),
        file("content: rocommunity zqx"),
        "#cloud-config\nruncmd:\n- [kubectl, create, secret, generic, a, --from-literal=b=zqx]\n".to_owned(),
        "#cloud-config\nruncmd:\n- cryptsetup luksOpen /dev/sda a <<< zqx\n".to_owned(),
        "#cloud-config-jsonp\n[{\"op\":\"add\",\"path\":\"/password\",\"value\":\"zqx\"}]\n".to_owned(),
        file("content: |\n      kind: Secret\n      stringData:\n        admin: zqx"),
        file("content: |\n      env:\n      - name: DB_PASSWORD\n        value: zqx"),
        file("content: <a><password>zqx</password></a>"),
        file("content: |\n      HTTP_PROXY=http://{{ v1.u }}:zqx@proxy/"),
        "#cloud-config\nkind: Secret\ndata: {admin: zqx}\n".to_owned(),
        "#cloud-config\nenv: [{name: DB_PASSWORD, value: zqx}]\n".to_owned(),
        "#cloud-config\ntokens: {a: zqx}\nsecrets: {x: {y: zqx}}\n".to_owned(),
        "#cloud-config\nx: \"{{ p or 'http://u:zqx@h' }}\"\n".to_owned(),
        "#cloud-config\nfoo: http://{{ v1.u }}:zqx@h/x\n".to_owned(),
        "#cloud-config\nx: \"http://u:zqx{{ v1.x }}@h\"\n".to_owned(),
        "#cloud-config\nruncmd: ['git clone https://{{ u }}:zqx@git/x']\n".to_owned(),
        "#cloud-config\nruncmd:\n  - curl -u {{ v1.u }}:zqx https://h\n".to_owned(),
        "#cloud-config\ndb_password_{{ v1.env }}: zqx\nx:\n  a{{ v1.k }}: zqx\n".to_owned(),
        "#cloud-config\nx: \"{{ pw | default('zqx') }}\"\n".to_owned(),
        "#cloud-config\nruncmd: [docker login -p zqx reg.local]\n".to_owned(),
        "#cloud-config\nruncmd:\n  - [docker, login, reg.local, -p, zqx]\n".to_owned(),
        "#cloud-config\nruncmd:\n  - [k3s, agent, \"--token\", \"zqx\"]\n".to_owned(),
        "#cloud-config\nruncmd:\n  - echo root:zqx | chpasswd\n".to_owned(),
        "#cloud-config\nstages:\n  boot:\n    - commands: [\"echo 'root:zqx' | chpasswd\"]\n".to_owned(),
    ] {
        let shown = redact(&text).unwrap();
        let is_there = ["zqx", &base64(b"password: zqx")[4..], "H4sI", "cXp4"]
            .into_iter()
            .any(|secret| shown.contains(secret));
        assert!(!is_there && shown.contains("<hidden>"), "{text}\n{shown}");
        assert_eq!(redact(&shown).unwrap(), shown);
    }
    let clean = "#cloud-config\nimagePullSecrets: [{name: a}]\nx: \"{{ v1.token }} {{ v1.name | default('a') }}\"\nruncmd:\n- curl -u {{ u }}:{{ p }} https://h\n# password\n# see: this\n# name: x\n# and: that\n";
    assert_eq!(redact(clean).unwrap(), clean);
    let clean = file(
        "content: |\n      -----BEGIN PUBLIC KEY-----\n      MFkwEwYHKoZI\n      -----END PUBLIC KEY-----",
    );
    let clean = clean.replace("/a", "/etc/edge/release.key");
    assert_eq!(redact(&clean).unwrap(), clean);
    let clean = "#cloud-config\n## the password is made by the server\n## users:\n# credentials: see the wiki\nregistryCredentials: {domain: a, caCert: b}\ncredentials: a\n##\n";
    assert_eq!(redact(clean).unwrap(), clean);
    let clean = "## template: jinja\n#cloud-config\n{# users: see the wiki\n  and the password\n#}\na: {{ b }}\n";
    assert_eq!(redact(clean).unwrap(), clean);
    let clean = "#cloud-config\n# see https://reg.local/a@sha256:0 and --token $TOKEN\nruncmd:\n  - [docker, run, -p, \"80:80\", nginx]\n  - TOKEN=$TOKEN /join\nwrite_files:\n  - {path: /a, encoding: b64, content: aGVsbG8=}\n";
    assert_eq!(redact(clean).unwrap(), clean);
}

/// Secrets by their key, by the command they stand in, and by their looks; and
/// what is none.
#[test]
fn secrets_are_told_from_what_is_none() {
    for line in [
        "AWS_SECRET_ACCESS_KEY: zqx",
        "aws: {aws_secret_access_key: zqx}",
        "env: {DB_PASS: zqx, GITHUB_PAT: zqx}",
        "sshPrivateKey: zqx",
        "licenseKey: zqx",
        "registration_key: zqx",
        "activation-key: zqx",
        "validation_key: zqx",
        "wifi: {psk: zqx, pre-shared-key: zqx}",
        "runcmd:\n  - curl -H \"Authorization: Bearer zqx\" http://h",
        "runcmd:\n  - curl -u me:zqx -H \"Accept: x\" http://h",
        "runcmd: [export MYPASS=zqx]",
        "runcmd: [mysql -pzqx]",
        "runcmd:\n  - [mysql, -pzqx]",
        "runcmd: [htpasswd -b /a me zqx]",
        "runcmd: [tailscale up --authkey zqx]",
        "runcmd: ['openssl rsa -passin pass:zqx']",
        "runcmd: [nmcli dev wifi connect net password zqx]",
        "runcmd: [[wpa_passphrase, net, zqx]]",
        "runcmd: [ipmitool -P zqx]",
        "runcmd: [snap login --pass zqx]",
        "runcmd:\n  - 'PASSWORD=\"$(rev <<<zqx)\"'",
        "runcmd:\n  - 'PASSWORD=\"$(sed s/x// <<<zqx)\"'",
        "runcmd:\n  - PASSWORD=`cat <<< zqx`",
        "runcmd:\n  - PASSWORD=$(awk 'BEGIN{print \"zqx\"}')",
        "runcmd:\n  - 'curl -H \"Authorization: $SCHEME zqx\" https://a'",
        "write_files:\n- path: /a\n  content: |\n    PASSWORD=$(cat <<EOF\n    zqx\n    EOF\n    )",
        "# PASSWORD=$(cat <<EOF\n# zqx\n# EOF\n# )",
        "runcmd: ['echo root:zqx | chpasswd']",
        "# old password: zqx",
        "# password zqx",
        "# pw is zqx1",
        "runcmd:\n  - |\n    docker login reg.local \\\n      -u puller \\\n      -p zqx",
        "write_files: [{path: /var/lib/rancher/k3s/server/token, content: zqx}]",
        "write_files: [{path: /etc/luks.key, encoding: b64, content: enF4enF4}]",
        "stages: {boot: [{files: [{path: /etc/rancher/k3s/token, content: zqx}]}]}",
        "write_files: [{path: /etc/edge/registry.auth, content: 'puller:zqx'}]",
        "write_files:\n- path: /etc/edge/credentials\n  content: |\n    puller\n    zqx",
        "write_files: [{path: /etc/edge/credentials, encoding: b64, content: cHVsbGVyCnpxeAo=}]",
        "write_files: [{path: /etc/sssd/sssd.conf, content: ldap_default_authtok = zqx}]",
        "write_files: [{path: /etc/chrony/chrony.keys, content: 1 MD5 zqx}]",
        "k3s: {args: [-t, zqx]}",
        "runcmd: [canonical-livepatch enable zqx]",
        "runcmd:\n  - [canonical-livepatch, enable, zqx]",
        "runcmd:\n  - [sudo, /snap/bin/canonical-livepatch, enable, zqx]",
        "puppet: {csr_attributes: {custom_attributes: {\"1.2.840.113549.1.9.7\": zqx}}}",
        "puppet:\n  csr_attributes:\n    custom_attributes:\n      1.2.840.113549.1.9.7: zqx",
        "httpsProxy: bob:zqx@proxy:3128",
        "credentials: u:zqx",
        "a: b # the pass: zqx",
        "note: \"-----BEGIN RSA PRIVATE KEY-----\\nzqx\\n-----END RSA PRIVATE KEY-----\"",
        "note: http://me:zqx@h",
        "note: ghp_zqx4567890123456789",
        "note: glpat-zqx4567890123456789",
        "note: xoxb-zqx45678-90",
        "note: eyJzqx45678.eyJzqx.zqx",
        "note: sk-zqx4567890123456789",
        "note: AKIAIOSFODNN7EXAMPLE zqx4567890zqx4567890zqx4567890zqx4567890",
        "passwd: {lock: true, plain: zqx}",
        "write_files: [{path: /var/lib/srv/.pgpass, content: 'h:1:d:u:zqx'}]",
        "zqx-key-of-x: {password: 1, passwords: [zqx]}",
    ] {
        let text = format!("#cloud-config\n{line}\n");
        let shown = redact(&text).unwrap();
        let is_there = shown.replace("zqx-key-of-x", "").contains("zqx") || shown.contains("cHVs");
        assert!(!is_there, "{shown}");
        assert_eq!(redact(&shown).unwrap(), shown);
    }
    let clean = "#cloud-config\npasswd: {lock: true, name: a}\nlock_passwd: true\nssh_pwauth: true\npublicKey: abc\nssh_authorized_keys: [ssh-ed25519 AAAA]\nkeyboard: {layout: de}\nchpasswd: {expire: false}\napt: {sources: {a: {keyid: AB12, key: x}}}\nbypass: x\nsecretName: a\npasswordFile: /a\nruncmd: [openssl req -newkey rsa -keyout /a -nodes, tailscale up --authkey $KEY, vault read -field=token a, TOKEN=$(vault kv get -field=token a), echo y | realm leave a]\n# the token: see the wiki\n";
    assert_eq!(redact(clean).unwrap(), clean);
}

/// What stands in a file where a secret could, and the same with one.
#[test]
fn values_that_are_no_secrets_are_shown() {
    let file = |line: &str| {
        format!("#cloud-config\nwrite_files:\n- path: /a\n  content: |\n    {line}\n    b\n")
    };
    for line in [
        "uwsgi_pass 127.0.0.1:5000;",
        "fastcgi_pass unix:/run/php.sock;",
        "passwd: files systemd",
        "passwd: files [NOTFOUND=return] sss",
        "X_PASSWORD=\"$(makepasswd)\"",
        "apiKey: process.env.KEY",
        "password = os.environ[\"X\"]",
        "password = os.getenv(\"X\")",
        "password = ENV[\"X\"]",
        "env PASSWORD=\"$PASSWORD\" cmd",
        "token: ${token}",
        "read -s -p \"Password: \" PW",
        "log_token=off",
    ] {
        assert_eq!(redact(&file(line)).unwrap(), file(line));
    }
    for line in [
        "uwsgi_pass zqx;",
        "fastcgi_pass unix:zqx;",
        "passwd: zqx files",
        "X_PASSWORD=\"$(makepasswd) zqx\"",
        "apiKey: process.env.KEY || \"zqx\"",
        "password = os.environ.get(\"X\", \"zqx\")",
        "password = os.getenv(\"X\", \"zqx\")",
        "password = ENV[\"X\"] || \"zqx\"",
        "env PASSWORD=\"$PASSWORD zqx\" cmd",
        "token: ${token} zqx",
        "read -s -p \"Password: zqx\" PW",
        "log_token=zqx",
        "canonical-livepatch enable zqx",
        "1.2.840.113549.1.9.7: zqx",
    ] {
        let shown = redact(&file(line)).unwrap();
        assert!(!shown.contains("zqx") && shown.contains("<hidden>"), "{shown}");
    }
}

/// The files that runtimes read, as they are written for them.
fn contents(password: &str) -> [(&'static str, String); 3] {
    let quoted = serde_json::to_string(password).unwrap();
    let encoded = STANDARD.encode(format!("u:{password}"));
    let head = "# Written by edgectl.\n";
    [
        (
            "/etc/rancher/k3s/registries.yaml",
            format!(
                "{head}configs:\n  \"reg.local\":\n    auth:\n      username: \"u\"\n      password: {quoted}\n"
            ),
        ),
        (
            "/etc/containerd/config.toml",
            format!(
                "{head}[plugins.\"reg.local\".auth]\n  username = \"u\"\n  password = {quoted}\n"
            ),
        ),
        (
            "/etc/docker.json",
            format!("{head}{{\"auths\": {{\"reg.local\": {{\"auth\": \"{encoded}\"}}}}}}\n"),
        ),
    ]
}

proptest! {
    #[test]
    fn no_injected_password_is_shown(
        start in prop::sample::select(vec![
            "", "$", "${", "{", "{{", "[", ",", ";", "&", "\"", "'", "#", "|", "%", "\\", " ", "\n", ": ", "}", "$A ",
        ]),
        body in "\\PC{0,12}",
        end in prop::sample::select(vec!["", "}", "\"", "]", "\n", "}}", " #"]),
        flavor in prop::sample::select(vec![Flavor::Palette, Flavor::Kairos, Flavor::CloudInit]),
        runtime in prop::option::of(0..3_usize),
        listed: bool,
        is_encoded: bool,
    ) {
        let password = format!("{start}{body}Zqx7{end}");
        let file = |(path, content): &(&str, String)| HostFile {
            path: (*path).to_owned(),
            mode: 0o600,
            content: Secret::new(content.clone()),
        };
        let injection = Injection {
            flavor,
            registry: Prefix::parse("reg.local").unwrap(),
            username: "u".to_owned(),
            password: Secret::new(password.clone()),
            insecure: false,
            ca_pem: None,
            rules: Vec::new(),
            listed: listed && flavor == Flavor::Palette,
            site: SiteSettings::default(),
            runtime: runtime.map(|at| RuntimeSetup {
                files: vec![file(&contents(&password)[at])],
                restart: Vec::new(),
            }),
        };
        let text = match is_encoded && flavor == Flavor::Palette && !injection.listed {
            true => "#cloud-config\nstylus:\n  registryCredentials:\n    encodedPassword: true\n",
            false => "#cloud-config\nhostname: a\n",
        };
        let shown = redact(&inject(text, &injection).unwrap()).unwrap();
        let encoded = [STANDARD.encode(&password), STANDARD.encode(format!("u:{password}"))];
        prop_assert!(!shown.contains("Zqx7"), "{}", shown);
        prop_assert!(!encoded.iter().any(|encoded| shown.contains(encoded)), "{}", shown);
    }
}

#[test]
fn secrets_of_a_template_are_hidden() {
    let text = "## template: jinja\n#cloud-config\n{% set password = \"s3cret\" %}\nhostname: {{ v1.name }}\n{% if a %}\npassword: s3cret-{{ v1.name }}\n{% endif %}\n{# token: s3cret #}\n";
    let expected = "## template: jinja\n#cloud-config\n{% <hidden> %}\nhostname: {{ v1.name }}\n{% if a %}\npassword: \"<hidden>\"\n{% endif %}\n{# <hidden> #}\n";
    assert_eq!(redact(text).unwrap(), expected);
    for secret in [
        "{% raw %}\nchpasswd:\n  list: |\n    root:S3cr\n{% endraw %}\n",
        "{% set proxy = \"http://u:S3cr@h:3128\" %}\n",
        "x: {% print 'S3cr' %}\n",
        "{% set users = [(\"a\", \"S3cr\")] %}\n",
        "x: {{ v1.pw | default(\"S3cr\") }}\n",
        "{% for pw in [\"S3cr\"] %}\na: {{ pw }}\n{% endfor %}\n",
        "runcmd:\n- curl -u {{ v1.u }}:S3cr https://h\n",
        "x:\n  a{{ v1.k }}: S3cr\n",
        "x: {{ v1.proxy or \"http://u:S3cr@h\" }}\n",
        "{# http://u:S3cr@h #}\n",
        "{% set pw %}S3cr{% endset %}\nx: {{ pw }}\n",
        "{% macro password() %}S3cr{% endmacro %}\n",
        "{% macro m() %}\nchpasswd:\n  list: |\n    root:S3cr\n{% endmacro %}\n{{ m() }}\n",
        "{% macro m() %}\n- {name: a, passwd: S3cr}\n{% endmacro %}\nusers:\n{{ m() }}\n",
        "{% if a %}{% set p = 'S3cr' %}{% else %}{% set p = 'S3cr' %}{% endif %}\na: {{ p }}\n",
        "{% with p = 'S3cr' %}\na: {{ p }}\n{% endwith %}\n",
        "{% macro user(n, p) %}\n- {name: {{ n }}, passwd: {{ p }}}\n{% endmacro %}\nusers:\n{{ user('a', 'S3cr') }}\n",
        "{% for n, p in [('a', 'S3cr')] %}\na: {{ p }}\n{% endfor %}\n",
        "{% do d.update({'x': 'S3cr'}) %}\n",
        "{% macro m() %}{{ caller() }}{% endmacro %}\na: {% call m() %}S3cr{% endcall %}\n\n",
        "{# an old one\nchpasswd:\n  list: |\n    root:S3cr\n#}\n",
        "{#\n  chpasswd:\n    list: |\n      root:S3cr\n#}\n",
        "password_{{ v1.k }}: S3cr\n",
        "{{ \"password\" }}: S3cr\n",
        "{% if a %}password{% else %}passwd{% endif %}: S3cr\n",
        "write_files:\n- content: |\n    {% if a %}sshpass -p S3cr ssh{% endif %}\n    {{ x }}\n",
        "write_files:\n- path: {% if a %}/srv/a/.pgpass{% else %}/srv/.pgpass{% endif %}\n  content: h:1:d:u:S3cr\n",
    ] {
        let text = format!(
            "## template: jinja\n#cloud-config\nhostname: {{{{ a }}}}\n{{% if b %}}\nc: 1\n{{% endif %}}\n{secret}"
        );
        let shown = redact(&text).unwrap();
        assert!(!shown.contains("S3cr") && shown.contains("<hidden>"), "{shown}");
    }
    for commented in [
        "#chpasswd:\n#  list: |\n#    root:S3cr\n",
        "# an old one\n# write_files:\n# - path: /srv/a/.pgpass\n#   content: |\n#     h:1:d:u:S3cr\n",
    ] {
        let shown = redact(&format!("#cloud-config\n{commented}a: 1\n")).unwrap();
        assert!(!shown.contains("S3cr") && shown.ends_with("a: 1\n"), "{shown}");
    }
    let error = redact("## template: jinja\n#cloud-config\n{% if a %}\nb: [\n{% endif %}\n");
    assert!(error.unwrap_err().to_string().contains("this is a template"));
}

#[test]
fn files_of_ignition_are_looked_into() {
    let text = r#"{"ignition": {"version": "3.2.0"}, "storage": {"files": [
  {"path": "/etc/hostname", "contents": {"source": "data:,edge-1"}},
  {"path": "/etc/x.env", "contents": {"source": "data:,PASSWORD%3Dhunter2"}},
  {"path": "/etc/y", "contents": {"compression": "gzip", "source": "data:;base64,H4sIAAAAAAAAAw=="}},
  {"path": "/etc/password", "contents": {"source": "data:,hunter2"}},
  {"path": "/etc/z", "contents": {"source": "https://example.com/z"}}
]}}
"#;
    let shown = redact(text).unwrap();
    let sources: Vec<&str> = shown.split(r#""source": "#).skip(1).collect();
    let expected =
        [r#""data:,edge-1""#, "\"<hidden>\"", "\"<hidden>\"", "\"<hidden>\"", "\"https:"];
    assert_eq!(sources.len(), expected.len(), "{shown}");
    for (source, expected) in sources.iter().zip(expected) {
        assert!(source.starts_with(expected), "{shown}");
    }
    let text = r#"{"storage": {"luks": [
  {"device": "/dev/sdb", "keyFile": {"source": "data:,hunter2"}},
  {"device": "/dev/sdc", "keyFile": {"source": "https://example.com/z"}},
  {"device": "/dev/sdd", "key_file": {"inline": "hunter2"}},
  {"device": "/dev/sde", "clevis": {"custom": {"pin": "sss", "config": "{hunter2}"}}}
]}}
"#;
    let shown = redact(text).unwrap();
    assert!(!shown.contains("hunter2") && shown.contains("/dev/sdb"), "{shown}");
    assert!(shown.contains("https:") && shown.contains(r#""pin": "sss""#), "{shown}");
}

#[test]
fn what_is_hidden_once_is_hidden_everywhere() {
    let text = "#cloud-config
# it was Tr0ub4dor-and-3
password: 'Tr0ub4dor-and-3'
hostname: edge-0007
write_files:
- path: /etc/app.env
  content: |
    HOST=db01.example.com
    EMPTY_KEY=
    PIN_PASSWORD=changeit
    API_TOKEN=\"q8-Fz.x/9w=\"
runcmd:
- grep -q 'q8-Fz.x/9w=' /etc/app.env
- [logger, Tr0ub4dor-and-3, db01.example.com, changeit, edge-0007]
";
    let expected = "#cloud-config
# it was <hidden>
password: \"<hidden>\"
hostname: edge-0007
write_files:
- path: /etc/app.env
  content: |
    <hidden>
runcmd:
- grep -q '<hidden>' /etc/app.env
- [logger, <hidden>, db01.example.com, changeit, edge-0007]
";
    assert_eq!(redact(text).unwrap(), expected);
    let archive = "#cloud-config-archive
- type: text/cloud-config
  content: |
    #cloud-config
    password: Tr0ub4dor-and-3
- type: text/cloud-config
  content: |
    #cloud-config
    runcmd: [echo Tr0ub4dor-and-3]
";
    assert!(!redact(archive).unwrap().contains("Tr0ub4dor"), "{}", redact(archive).unwrap());
    let template = "## template: jinja
#cloud-config
password: Tr0ub4dor-and-3
{% if v1.region == 'a' %}
runcmd: [echo Tr0ub4dor-and-3]
{% endif %}
";
    assert!(!redact(template).unwrap().contains("Tr0ub4dor"), "{}", redact(template).unwrap());
}
