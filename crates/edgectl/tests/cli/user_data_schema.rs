//! Our schema against cloud-init's own, and our walk along it against a JSON
//! Schema validator: one Python process judges some thousand documents.

use std::collections::{BTreeMap, BTreeSet};

use edgectl_cloudconfig::{USER_DATA_SCHEMA, check};
use edgectl_process::{Cmd, Tool};
use serde::Deserialize;
use serde_json::{Value, json};

const PYTHON: Tool = Tool {
    name: "cloud-init",
    package: "cloud-init",
    purpose: "judging user data by its own schema",
    version: &["--version"],
};

/// Rules that say what a schema says.
const RULES: [&str; 9] = [
    "invalid-value",
    "misplaced-key",
    "missing-key",
    "null-password",
    "octal-permissions",
    "stage-list",
    "unknown-key",
    "unquoted-text",
    "wrong-type",
];

/// What Debian 12's cloud-init judges otherwise than we: key, what marks the
/// document, and why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("ansible", r#"{"pull": ["#, "newer ones take several"),
    ("ansible", r#""playbook_names""#, "since 25.2"),
    ("ansible", r#""run_ansible": ["#, "newer ones want mappings"),
    ("chef", r#""config_path""#, "newer ones know it"),
    ("disk_setup", r#""layout": [["a""#, "newer ones take names of partition types"),
    ("fs_setup", r#""partition""#, "numbers are documented, read, and no names to its schema"),
    ("grub_dpkg", r#""grub-efi/install_devices""#, "since 23.1"),
    ("locale", "true", "newer ones take `false` for none"),
    ("ntp", r#""peers""#, "since 23.2"),
    ("ntp", r#""allow""#, "since 23.2"),
    ("packages", r#"[{"#, "since 23.4: by package manager"),
    ("rh_subscription", "_", "newer ones have underscores in keys"),
    ("rh_subscription", r#""org""#, "newer ones take a text"),
    ("rsyslog", r#""check_exe""#, "since 23.3"),
    ("rsyslog", r#""install_rsyslog""#, "since 23.3"),
    ("rsyslog", r#""packages""#, "since 23.3"),
    ("users", r#""doas""#, "since 23.3"),
    ("users", r#""sudo": ["#, "newer ones take several"),
    ("users", r#"-"#, "newer ones take dashes for underscores, and call them old"),
    ("users", "[]}\n", "newer ones take it for: no users"),
    ("write_files", r#""source""#, "since 24.3"),
    ("write_files", r#""permissions": ""#, "its module passes over what is no mode"),
    ("yum_repos", r#""metalink""#, "newer ones know it, older ones take it for any option"),
    ("yum_repos", r#""mirrorlist""#, "newer ones know it, older ones take it for any option"),
];

/// Texts that are about YAML, which generated documents aren't.
const TEXTS: [&str; 12] = [
    "#cloud-config\nusers:\n- name: a\n  expiredate: 2030-01-31\n",
    "#cloud-config\nusers:\n- name: a\n  expiredate: '2030-01-31'\n",
    "#cloud-config\nruncmd:\n- [docker, run, -p, 22:22, a]\n",
    "#cloud-config\nruncmd:\n- [docker, run, -p, 80:80, a]\n",
    "#cloud-config\nruncmd:\n- [sleep, 5]\n",
    "#cloud-config\nhostname: yes\n",
    "#cloud-config\nmanage_etc_hosts: yes\n",
    "#cloud-config\nresize_rootfs: off\n",
    "#cloud-config\ngrowpart: {mode: off}\n",
    "#cloud-config\ngrowpart: {mode: 'off'}\n",
    "#cloud-config\nwrite_files:\n- {path: /a, permissions: 0644}\n",
    "#cloud-config\nntp:\n",
];

#[derive(Deserialize)]
struct Judged {
    text: String,
    /// The one key at the top.
    key: String,
    /// Nothing where cloud-init doesn't know the key.
    cloud_init: Option<bool>,
    validator: bool,
}

fn judged() -> Vec<Judged> {
    PYTHON.find().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/cloud_init_judges.py");
    let schema: Value = serde_json::from_str(USER_DATA_SCHEMA).unwrap();
    let question = json!({"schema": schema, "texts": TEXTS}).to_string();
    let (is_done, said) =
        Cmd::new("/usr/bin/python3").arg(script).exchange(question.as_bytes()).unwrap();
    assert!(is_done, "{}", String::from_utf8_lossy(&said));
    serde_json::from_slice(&said).unwrap()
}

fn exception(document: &Judged) -> Option<usize> {
    let key = if document.key == "user" { "users" } else { &document.key };
    let (_, value) = document.text.split_once(": ")?;
    let is_it = |(of, mark, _): &(&str, &str, &str)| *of == key && value.contains(mark);
    EXCEPTIONS.iter().position(is_it)
}

#[test]
fn cloud_init_and_a_validator_judge_as_we_do() {
    let documents = judged();
    let mut differing = BTreeMap::new();
    let mut used = BTreeSet::new();
    let mut refused = BTreeSet::new();
    for document in &documents {
        let findings = check(&document.text, None);
        let fine = !findings.iter().any(|finding| RULES.contains(&finding.rule));
        let is_about_yaml = TEXTS.contains(&document.text.as_str());
        if fine != document.validator && !is_about_yaml {
            differing.insert(&document.text, format!("we: {fine}, the validator: not"));
        }
        let Some(theirs) = document.cloud_init else { continue };
        refused.extend((!theirs).then_some(&document.key));
        if fine == theirs {
            continue;
        }
        match exception(document) {
            Some(number) => _ = used.insert(number),
            None => _ = differing.insert(&document.text, format!("we: {fine}, cloud-init: not")),
        }
    }
    let shown: Vec<String> = differing.iter().map(|(text, who)| format!("{who}: {text}")).collect();
    assert!(differing.is_empty(), "{} of {}:\n{}", shown.len(), documents.len(), shown.join(""));
    let unused: Vec<_> = (0..EXCEPTIONS.len()).filter(|n| !used.contains(n)).collect();
    assert!(unused.is_empty(), "exceptions without a document: {unused:?}");
    // Each of the keys can be wrong, but what anything may stand in.
    assert!(refused.len() > 85 && documents.len() > 5000, "{} {}", refused.len(), documents.len());
}
