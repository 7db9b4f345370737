//! Holds the workspace to the fence.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use crate::Result;
use crate::cargo::metadata;
use crate::fence::{IMPURE, IMPURE_TEXT, RESERVED, RULES, Rule, TESTKIT};

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: BTreeSet<String>,
    resolve: Resolve,
}

#[derive(Debug, Deserialize)]
struct Package {
    id: String,
    name: String,
    manifest_path: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    /// None for normal ones; `dev` or `build`.
    kind: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    deps: Vec<Edge>,
}

#[derive(Debug, Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Debug, Deserialize)]
struct Kind {
    kind: Option<String>,
}

/// Fails with everything that crosses the fence.
pub(crate) fn check() -> Result {
    let metadata: Metadata = serde_json::from_value(metadata()?)?;
    let members: Vec<&Package> =
        metadata.packages.iter().filter(|p| metadata.workspace_members.contains(&p.id)).collect();
    let names: BTreeSet<&str> = members.iter().map(|member| member.name.as_str()).collect();
    let mut findings = Vec::new();
    for member in &members {
        let Some(rule) = RULES.iter().find(|rule| rule.name == member.name) else {
            findings.push(format!("{} is not in the fence", member.name));
            continue;
        };
        findings.extend(direct(member, rule, &names));
        if rule.pure {
            findings.extend(reached(member, &metadata));
            findings.extend(mentioned(member)?);
        }
    }
    match findings.is_empty() {
        true => Ok(()),
        false => Err(format!("the fence is crossed:\n{}", findings.join("\n")).into()),
    }
}

fn direct(member: &Package, rule: &Rule, members: &BTreeSet<&str>) -> Vec<String> {
    let mut findings = Vec::new();
    for Dependency { name, kind } in &member.dependencies {
        let is_test = kind.as_deref() == Some("dev");
        let is_test_bench = is_test && (name == TESTKIT || member.name == TESTKIT);
        if members.contains(name.as_str()) && !rule.may.contains(&name.as_str()) && !is_test_bench {
            findings.push(format!("{} must not depend on {name}", member.name));
        }
        let owner = RESERVED.iter().find(|(package, _)| package == name).map(|(_, owner)| *owner);
        if let Some(owner) = owner.filter(|owner| *owner != member.name) {
            findings.push(format!("{} depends on {name}, which is for {owner} alone", member.name));
        }
    }
    findings
}

/// What a pure crate reaches through others, tests and build scripts aside.
fn reached(member: &Package, metadata: &Metadata) -> Vec<String> {
    let names: BTreeMap<&str, &str> =
        metadata.packages.iter().map(|p| (p.id.as_str(), p.name.as_str())).collect();
    let nodes: BTreeMap<&str, &Node> =
        metadata.resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let mut seen = BTreeSet::from([member.id.as_str()]);
    let mut open = vec![member.id.as_str()];
    while let Some(id) = open.pop() {
        let edges = nodes.get(id).map(|node| node.deps.as_slice()).unwrap_or_default();
        let normal = edges.iter().filter(|e| e.dep_kinds.iter().any(|kind| kind.kind.is_none()));
        open.extend(normal.map(|edge| edge.pkg.as_str()).filter(|id| seen.insert(id)));
    }
    let reached = seen.iter().filter_map(|id| names.get(id)).filter(|name| IMPURE.contains(name));
    reached.map(|name| format!("{} is pure and reaches {name}", member.name)).collect()
}

fn mentioned(member: &Package) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    let mut open = vec![Path::new(&member.manifest_path).with_file_name("src")];
    let mut files = Vec::new();
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(&directory)? {
            let path = entry?.path();
            if path.is_dir() { open.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    for path in files {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        // What tests do is their own affair.
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for word in IMPURE_TEXT.iter().filter(|word| code.contains(**word)) {
            findings.push(format!("{} is pure and mentions {word}", path.display()));
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Package {
        let dependencies = dependencies
            .iter()
            .map(|(name, kind)| Dependency {
                name: (*name).to_owned(),
                kind: kind.map(str::to_owned),
            })
            .collect();
        Package { id: name.into(), name: name.into(), manifest_path: String::new(), dependencies }
    }

    #[test]
    fn siblings_and_reserved_packages_are_found() {
        let members = RULES.iter().map(|rule| rule.name).collect();
        let rule = RULES.iter().find(|rule| rule.name == "edgectl-iso").unwrap();
        let fine = [("edgectl-model", None), ("edgectl-testkit", Some("dev")), ("serde", None)];
        assert_eq!(direct(&package("edgectl-iso", &fine), rule, &members), [""; 0]);
        let bad = [("edgectl-qemu", None), ("edgectl-testkit", None), ("reqwest", None)];
        assert_eq!(
            direct(&package("edgectl-iso", &bad), rule, &members),
            [
                "edgectl-iso must not depend on edgectl-qemu",
                "edgectl-iso must not depend on edgectl-testkit",
                "edgectl-iso depends on reqwest, which is for edgectl-registry alone",
            ]
        );
    }
}
