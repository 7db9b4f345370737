//! Findings for people and for machines.

use std::path::PathBuf;

use edgectl_cloudconfig::{Finding, Level, RULES};
use serde_json::{Value, json};

/// A file and what is wrong with it.
#[derive(Debug)]
pub(crate) struct CheckedFile {
    pub(crate) file: PathBuf,
    pub(crate) findings: Vec<Finding>,
}

/// A line each, as compilers write it.
pub(crate) fn as_text(checked: &[CheckedFile]) -> String {
    each(checked).map(|(file, finding)| line(file, finding)).collect()
}

fn line(file: &CheckedFile, finding: &Finding) -> String {
    let Finding { rule, level, place, path, message } = finding;
    let path = if path.is_empty() { String::new() } else { format!("{path}: ") };
    let (file, level) = (file.file.display(), level.word());
    format!("{file}:{}:{}: {level}: {path}{message} [{rule}]\n", place.line, place.column)
}

/// Our own form, schema 1.
pub(crate) fn as_json(checked: &[CheckedFile]) -> Value {
    let findings: Vec<Value> = each(checked)
        .map(|(file, finding)| {
            json!({
                "file": file.file,
                "line": finding.place.line,
                "column": finding.place.column,
                "level": finding.level.word(),
                "path": finding.path,
                "rule": finding.rule,
                "message": finding.message,
            })
        })
        .collect();
    json!({ "schema": 1, "findings": findings })
}

/// SARIF 2.1.0 (OASIS).
pub(crate) fn as_sarif(checked: &[CheckedFile]) -> Value {
    let rules: Vec<Value> = RULES
        .iter()
        .map(|rule| {
            json!({
                "id": rule.id,
                "shortDescription": { "text": rule.summary },
                "help": { "text": format!("docs/user-data-rules/{}.md", rule.id) },
                "defaultConfiguration": { "level": rule.level.word() },
            })
        })
        .collect();
    let results: Vec<Value> = each(checked).map(|(file, finding)| result(file, finding)).collect();
    let driver = json!({
        "name": "edgectl",
        "version": env!("CARGO_PKG_VERSION"),
        "rules": rules,
    });
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{ "tool": { "driver": driver }, "results": results }],
    })
}

fn result(file: &CheckedFile, finding: &Finding) -> Value {
    let Finding { rule, level, place, path, message } = finding;
    let text = if path.is_empty() { message.clone() } else { format!("{path}: {message}") };
    json!({
        "ruleId": rule,
        "level": match level { Level::Error => "error", Level::Warning => "warning" },
        "message": { "text": text },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": file.file },
            "region": { "startLine": place.line, "startColumn": place.column },
        }}],
    })
}

fn each(checked: &[CheckedFile]) -> impl Iterator<Item = (&CheckedFile, &Finding)> {
    checked.iter().flat_map(|file| file.findings.iter().map(move |finding| (file, finding)))
}
