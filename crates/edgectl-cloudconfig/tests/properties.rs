//! What must hold for every user data and every password.

#![allow(clippy::unwrap_used)]

use edgectl_cloudconfig::{
    Flavor, HostFile, InjectError, Injection, RegistryAccess, RemoveError, RuntimeSetup,
    SiteSettings, carries, inject, read_settings, remove,
};
use edgectl_model::{HostRule, Prefix, Secret};
use proptest::prelude::*;

const PEM: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

fn password() -> impl Strategy<Value = String> {
    let awkward = prop::sample::select(vec![
        "",
        " ",
        "null",
        "~",
        "yes",
        "0123",
        "1e3",
        "a: b",
        "a #b",
        "'",
        "\"",
        "\\",
        "{{x}}",
        "{% y %}",
        "{#",
        "- a",
        "line\nline\n",
        "\r\n",
        "\t",
        "\u{85}\u{2028}\u{feff}",
        "\0\u{7}\u{7f}",
        "ünï 🔑",
        "*a",
        "&a",
        "!t",
        "%d",
        "|",
        ">",
        "---",
        "...",
        "<<",
    ]);
    prop_oneof![
        prop::collection::vec(awkward, 1..4).prop_map(|parts| parts.concat()),
        any::<String>(),
        "[ -~]{0,40}",
        Just("p\"'#: {{".repeat(512)),
    ]
}

fn rules() -> impl Strategy<Value = Vec<HostRule>> {
    let hosts = ["docker.io", "quay.io/org", "10.0.0.7:5000", "[fd00::1]:5000", "ghcr.io"];
    prop::sample::subsequence(hosts.to_vec(), 0..=hosts.len()).prop_map(|hosts| {
        let rule = |(n, host): (usize, &str)| HostRule {
            source: Prefix::parse(host).unwrap(),
            target: Prefix::parse(&format!("reg.local:5000/edge/r{n}")).unwrap(),
        };
        hosts.into_iter().enumerate().map(rule).collect()
    })
}

fn setup(content: &str) -> RuntimeSetup {
    let file = |path: &str, mode, content: String| HostFile {
        path: path.to_owned(),
        mode,
        content: Secret::new(content),
    };
    RuntimeSetup {
        files: vec![
            file(
                "/etc/rancher/k3s/registries.yaml",
                0o600,
                format!("# Written by edgectl.\n{content}"),
            ),
            file(
                "/etc/containerd/certs.d/[fd00::1]_5000_/hosts.toml",
                0o644,
                "# Written by edgectl.\n[host]\n  a = 1\n".to_owned(),
            ),
        ],
        restart: vec!["systemctl try-restart k3s".to_owned()],
    }
}

prop_compose! {
    fn injection()(
        password in password(),
        username in password(),
        insecure: bool,
        with_ca: bool,
        rules in rules(),
        registry in prop::sample::select(vec!["reg.local:5000/edge", "10.10.254.254:8000/spectro-images", "localhost"]),
        flavor in prop::sample::select(vec![Flavor::Palette, Flavor::Kairos, Flavor::CloudInit]),
        listed: bool,
        content in prop::option::of(password()),
    ) -> Injection {
        Injection {
            flavor,
            registry: Prefix::parse(registry).unwrap(),
            username,
            password: Secret::new(password),
            insecure,
            ca_pem: with_ca.then(|| PEM.to_owned()),
            rules,
            listed: listed && flavor == Flavor::Palette,
            site: SiteSettings::default(),
            runtime: content.map(|content| setup(&content)),
        }
    }
}

/// Block-style user data out of pieces.
fn block_text() -> impl Strategy<Value = String> {
    let credentials = prop::sample::select(vec![
        "",
        "  registryCredentials:\n",
        "  registryCredentials: # c\n    # nothing yet\n",
        "  registryCredentials:\n    repositoryName: x\n    # tail\n",
        "  registryCredentials:\n    note: |\n      a\n\n",
        "  registryCredentials:\n    encodedPassword: true # b64\n",
    ]);
    let external = prop::sample::select(vec![
        "",
        "  externalRegistries:\n    registryMappingRules:\n      'gcr.io': \"mine.local\" # keep\n",
        "  externalRegistries:\n    registries:\n    - domain: other.local\n      password: \"x\"\n",
        "  externalRegistries:\n\n",
    ]);
    let site = prop::sample::select(vec![
        "",
        "  site:\n    name: x\n\n  # about the rest\n",
        "  site:\n    caCerts:\n    - |\n      -----BEGIN CERTIFICATE-----\n      OLD\n      -----END CERTIFICATE-----\n",
        "  site:\n    caCerts:\n      # none\n",
        "  site:\n    motd: |+\n      # not a comment\n\n\n",
        "  site:\n    motd: >-\n      folded\n      text\n",
    ]);
    let end = prop::sample::select(vec![
        "",
        "install:\n  auto: true\n",
        "# the end\n",
        "\n\nstages:\n  boot:\n  - commands: [a, b]\n",
        "note: |\n  last\n",
        "write_files:\n- path: /etc/motd\n  content: |\n    hello\n\n# end\n",
        "write_files:\n  # none yet\nruncmd:\n  - [ls, -l]\n",
        "stages:\n  initramfs:\n    - name: mine\n      files:\n        - {path: /a, content: b}\n",
    ]);
    (credentials, external, site, end, any::<(bool, bool, bool)>()).prop_map(
        |(credentials, external, site, end, (with_stylus, dos, open))| {
            let body = format!("{credentials}{site}{external}");
            let stylus = if with_stylus { format!("stylus:\n{body}") } else { String::new() };
            let mut text = format!("#cloud-config\n# ours\n{stylus}{end}");
            if open {
                text = text.trim_end_matches('\n').to_owned();
            }
            if dos { text.replace('\n', "\r\n") } else { text }
        },
    )
}

fn assert_reads_back(after: &str, injection: &Injection) {
    assert!(carries(after, injection), "{after}");
    if injection.runtime.is_some() && injection.flavor != Flavor::Palette {
        return;
    }
    let settings = read_settings(after).unwrap_or_else(|e| panic!("{e}\n{after}"));
    let is_ours = |access: &&RegistryAccess| access.domain == injection.registry;
    let first = settings.registries.iter().rfind(is_ours).unwrap();
    assert_eq!(first.domain, injection.registry);
    assert_eq!(first.username, injection.username);
    assert_eq!(first.password.expose(), injection.password.expose());
    assert_eq!(first.insecure, injection.insecure);
    for rule in &injection.rules {
        assert!(settings.rules.contains(rule), "{after}");
    }
    if let Some(pem) = &injection.ca_pem {
        let all = settings.ca_pems.iter().chain(&first.ca_pems);
        assert_eq!(all.filter(|found| *found == pem).count(), 1);
    }
}

/// Whether all lines of `before` are in `after`, in order.
fn keeps_lines(before: &str, after: &str) -> bool {
    let mut lines = after.lines();
    before.lines().all(|line| lines.any(|other| other == line))
}

/// The text beside a script, before or behind it.
fn multipart(text: &str, is_second: bool) -> String {
    let own = format!("--b1\nContent-Type: text/cloud-config\n\n{text}");
    let script = "--b1\nContent-Type: text/x-shellscript\n\n#!/bin/sh\nls\n".to_owned();
    let parts = if is_second { [script, own] } else { [own, script] };
    format!("Content-Type: multipart/mixed; boundary=b1\n\n{}--b1--\n", parts.concat())
}

fn archive(text: &str, is_second: bool) -> String {
    let line = |line: &str| if line.is_empty() { "\n".to_owned() } else { format!("  {line}\n") };
    let own = format!("- |\n{}", text.lines().map(line).collect::<String>());
    let script = "- {type: text/x-shellscript, content: \"#!/bin/sh\"}\n".to_owned();
    let parts = if is_second { [script, own] } else { [own, script] };
    format!("#cloud-config-archive\n{}", parts.concat())
}

proptest! {
    #[test]
    fn block_texts_take_everything(text in block_text(), injection in injection()) {
        let after = inject(&text, &injection).unwrap_or_else(|e| panic!("{e}\n{text}"));
        assert_reads_back(&after, &injection);
        let again = inject(&after, &injection).unwrap();
        prop_assert_eq!(&again, &after);
        prop_assert!(keeps_lines(&text, &after), "{}\n-----\n{}", text, after);
        prop_assert_eq!(text.ends_with('\n'), after.ends_with('\n'));
        if text.contains('\r') {
            prop_assert_eq!(after.matches('\n').count(), after.matches("\r\n").count());
        } else {
            prop_assert!(!after.contains('\r'));
        }
        // What was added can be taken out again; what was replaced can't.
        match remove(&after) {
            Ok(removed) => prop_assert_eq!(&removed.text, &text),
            Err(error) => prop_assert!(error == RemoveError::Replaced || after == text, "{}", error),
        }
        // A second, other injection changes no line but its own.
        let other = Injection { password: Secret::new("other"), ca_pem: None, ..injection };
        let changed = inject(&after, &other).unwrap();
        assert_reads_back(&changed, &other);
        prop_assert_eq!(changed.lines().count(), after.lines().count());
    }

    #[test]
    fn what_was_added_can_be_removed(site in 0..9_usize, injection in injection(), dos: bool, open: bool) {
        let texts = [
            "#cloud-config\n",
            "#cloud-config\nhostname: a # b\n",
            "#cloud-config\nstylus:\n  site:\n    name: x   # the site\n\n# end\n",
            "#cloud-config\nstylus: {site: {name: x}}\ninstall: {auto: true}\n",
            "#cloud-config\nstylus:\n    externalRegistries:\n        registryMappingRules:\n            \"gcr.io\": reg.local/gcr\n    site:\n        caCerts:\n            - |\n              -----BEGIN CERTIFICATE-----\n              AAAA\n              -----END CERTIFICATE-----\ninstall: {}\n",
            "#cloud-config\nstages:\n  boot:\n    - name: a\n",
            "#cloud-config\nwrite_files:\n  - path: /etc/motd\n    content: |\n      hello\nruncmd:\n  - ls\n",
            "#cloud-config\nwrite_files: [{path: /etc/motd, content: a}]\nstages: {initramfs: [{name: a}]}\n",
            "#cloud-config\nstages:\n  initramfs:\n  - name: a\n    files:\n    - path: /a\n      content: b\n",
        ];
        let mut text = texts[site].to_owned();
        if open { text.truncate(text.len() - 1); }
        if dos { text = text.replace('\n', "\r\n"); }
        let after = inject(&text, &injection).unwrap();
        prop_assert_eq!(remove(&after).unwrap().text, text);
    }

    /// A part is edited as a file of its own would be, and nothing else of the whole.
    #[test]
    fn of_several_parts_one_is_edited(text in block_text(), injection in injection(), is_archive: bool, is_second: bool) {
        let text = if text.ends_with('\n') { text } else { format!("{text}\n") };
        let whole = |part: &str| match is_archive {
            true => archive(part, is_second),
            false => multipart(part, is_second),
        };
        // An archive's lines have its own ends, and blank ones at its end are no
        // part of a block.
        let clipped = || format!("{}\n", text.replace("\r\n", "\n").trim_end());
        let text = if is_archive { clipped() } else { text };
        let own = inject(&text, &injection).unwrap();
        let after = match inject(&whole(&text), &injection) {
            Ok(after) => after,
            // What a block of text would not give again to the byte.
            Err(InjectError::Encoded { .. }) if is_archive => return Ok(()),
            Err(error) => panic!("{error}\n{text}"),
        };
        prop_assert_eq!(&after, &whole(&own));
        prop_assert_eq!(inject(&after, &injection).unwrap(), after.clone());
        if let Ok(removed) = remove(&after) {
            prop_assert_eq!(removed.text, whole(&text));
        }
    }

    #[test]
    fn nothing_panics_and_what_works_is_right(body in "[-a-z:{}\\[\\]#&*|>~'\"!?,<\\r\\n\\t ]{0,60}", injection in injection()) {
        let text = format!("#cloud-config\n{body}");
        let _ = read_settings(&text);
        if let Ok(after) = inject(&text, &injection) {
            let again = inject(&after, &injection).unwrap();
            prop_assert_eq!(again, after);
        }
    }

    #[test]
    fn mutated_texts(text in block_text(), injection in injection(), at: prop::sample::Index, with in "[-a-z:{}\\[\\]#&*|>~'\"!?,<\\r\\n\\t ]{0,4}") {
        let at = text.char_indices().map(|(n, _)| n).nth(at.index(text.chars().count())).unwrap_or(0);
        let text = format!("{}{with}{}", &text[..at], &text[at..]);
        let _ = read_settings(&text);
        if let Ok(after) = inject(&text, &injection) {
            let again = inject(&after, &injection).unwrap();
            prop_assert_eq!(again, after);
        }
    }

    #[test]
    fn any_text(text: String, injection in injection()) {
        let _ = read_settings(&text);
        let _ = inject(&text, &injection);
        let _ = inject(&format!("#cloud-config\n{text}"), &injection);
    }

    #[test]
    fn errors_hide_values(noise in "[@*&!%`{\\[\"'|]{1,3}", flow: bool) {
        let (open, close) = if flow { ("{", "}") } else { ("\n    ", "") };
        let text = format!("#cloud-config\nstylus:\n  registryCredentials: {open}password: {noise}Zqx7{close}\n");
        let injection = Injection {
            flavor: Flavor::Palette,
            registry: Prefix::parse("localhost").unwrap(), username: String::new(),
            password: Secret::new(""), insecure: false, ca_pem: None, rules: Vec::new(),
            listed: false, site: SiteSettings::default(), runtime: None,
        };
        if let Err(error) = inject(&text, &injection) {
            let shown = format!("{error} {error:?}");
            prop_assert!(!shown.contains("Zqx7"), "{}", shown);
        }
        if let Err(error) = read_settings(&text) {
            let shown = format!("{error} {error:?}");
            prop_assert!(!shown.contains("Zqx7"), "{}", shown);
        }
    }
}
