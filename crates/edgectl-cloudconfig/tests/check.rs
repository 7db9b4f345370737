//! Every rule on its examples: `tests/check/RULE/NAME.yaml`, with the findings
//! in `NAME.txt`. `EDGECTL_UPDATE_EXPECTED=1` writes those anew.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use edgectl_cloudconfig::{Against, Finding, RULES, USER_DATA_SCHEMA, check};
use edgectl_model::Reference;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check")
}

fn sorted(directory: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// `NAME.images`: an image a line, and where it is in the private registry.
fn against(case: &Path) -> Option<Against> {
    let text = std::fs::read_to_string(case.with_extension("images")).ok()?;
    let mut against = Against { images: Vec::new(), targets: BTreeMap::new() };
    for line in text.lines() {
        let mut names = line.split_whitespace().map(|name| Reference::parse(name).unwrap());
        let image = names.next().unwrap();
        against.targets.extend(names.next().map(|target| (image.canonical(), target)));
        against.images.push(image);
    }
    Some(against)
}

fn shown(findings: &[Finding]) -> String {
    let line = |f: &Finding| {
        let (line, column, level) = (f.place.line, f.place.column, f.level.word());
        format!("{line}:{column}: {level}: {}: {} [{}]\n", f.path, f.message, f.rule)
    };
    findings.iter().map(line).collect()
}

#[test]
fn examples() {
    let mut wrong = Vec::new();
    for rule in sorted(&directory()) {
        for case in sorted(&rule) {
            if case.extension().is_none_or(|extension| extension != "yaml") {
                continue;
            }
            let text = std::fs::read_to_string(&case).unwrap();
            let found = shown(&check(&text, against(&case).as_ref()));
            let expected = case.with_extension("txt");
            if std::env::var_os("EDGECTL_UPDATE_EXPECTED").is_some() {
                std::fs::write(&expected, &found).unwrap();
            }
            if std::fs::read_to_string(&expected).unwrap_or_default() != found {
                wrong.push(format!("{}:\n{found}", case.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_examples_and_a_page() {
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/user-data-rules");
    let mut ids = BTreeSet::new();
    for rule in RULES {
        let examples: String = sorted(&directory().join(rule.id))
            .iter()
            .filter(|path| path.extension().is_some_and(|e| e == "txt"))
            .map(|path| std::fs::read_to_string(path).unwrap())
            .collect();
        assert!(examples.contains(&format!("[{}]", rule.id)), "{} is never found", rule.id);
        let page = std::fs::read_to_string(pages.join(format!("{}.md", rule.id))).unwrap();
        let start = format!("# `{}`\n\n{}: {}\n\n", rule.id, rule.level.word(), rule.summary);
        assert!(page.starts_with(&start), "{} is explained otherwise", rule.id);
        assert!(ids.insert(rule.id));
    }
    assert_eq!(sorted(&pages).len(), ids.len(), "a page without a rule");
    let clean: String = sorted(&directory().join("clean"))
        .iter()
        .filter(|path| path.extension().is_some_and(|e| e == "txt"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    assert_eq!(clean, "");
}

#[test]
fn the_patterns_of_the_schema_are_read() {
    let schema: serde_json::Value = serde_json::from_str(USER_DATA_SCHEMA).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    for pattern in patterns(&schema) {
        regex_lite::Regex::new(&pattern).unwrap();
    }
}

fn patterns(value: &serde_json::Value) -> Vec<String> {
    use serde_json::Value;
    match value {
        Value::Object(entries) => {
            let own = entries.get("pattern").and_then(Value::as_str).map(str::to_owned);
            own.into_iter().chain(entries.values().flat_map(patterns)).collect()
        }
        Value::Array(items) => items.iter().flat_map(patterns).collect(),
        _ => Vec::new(),
    }
}
