//! Pack directories: `pack.json` and `values.yaml`.

use std::collections::BTreeMap;

use crate::layer::Layer;
use crate::mask::{join_surrogates, mask};
use crate::sources::profile::{Pack, Profile, ValuesText, values};
use crate::tree::{Node, parse};

/// The two files that make a directory a pack.
#[derive(Debug, Clone, Copy)]
pub struct PackFiles<'a> {
    /// The directory, for people.
    pub directory: &'a str,
    /// Text of `pack.json`.
    pub pack_json: &'a str,
    /// Name and text of `values.yaml`, where there is one.
    pub values: Option<(&'a str, &'a str)>,
}

/// Reads a pack directory, with what is wrong with its `pack.json`.
pub(crate) fn read_pack(files: &PackFiles<'_>, unit: usize) -> (Profile, Option<String>) {
    let (root, fault) = match parse(&join_surrogates(files.pack_json)) {
        Ok(mut documents) if !documents.is_empty() => (Some(documents.swap_remove(0)), None),
        Ok(_) => (None, Some("it is empty".to_owned())),
        Err(fault) => {
            (None, Some(format!("line {}, column {}: {}", fault.line, fault.column, fault.message)))
        }
    };
    let text = |key: &str| {
        let node = root.as_ref().and_then(|root| root.get(key)).and_then(Node::scalar);
        node.unwrap_or_default().to_owned()
    };
    let name = match text("name") {
        name if name.is_empty() => last_component(files.directory).to_owned(),
        name => name,
    };
    let own_values = files.values.and_then(|(file, text)| {
        let text = mask(text).into_owned();
        values(&Layer::file(""), ValuesText::Own { file: file.to_owned(), text })
    });
    let charts = root.as_ref().and_then(|root| root.get("charts"));
    let charts = charts.map(Node::items).unwrap_or_default().iter().filter_map(Node::text);
    let pack = Pack {
        name,
        layer: text("layer"),
        version: text("version"),
        path: String::new(),
        values: own_values,
        manifests: Vec::new(),
        charts: charts.map(str::to_owned).collect(),
        unit,
    };
    let profile = Profile {
        file: files.directory.to_owned(),
        text: String::new(),
        first_line: 1,
        packs: vec![pack],
        variables: BTreeMap::new(),
    };
    (profile, fault)
}

/// Whether a document is the `values.yaml` of a pack.
pub(crate) fn is_values(root: &Node) -> bool {
    let has = |key: &str| root.get(key).is_some_and(|node| !node.entries().is_empty());
    let has_inside = |key: &str| root.at(&["pack", key]).is_some();
    root.get("kind").is_none()
        && has("pack")
        && ["content", "charts", "manifests"].iter().any(|key| has(key) || has_inside(key))
}

fn last_component(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}
