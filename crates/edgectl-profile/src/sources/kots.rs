//! Rules `kots-application`, `kots-airgap`, `kots-collector`: what KOTS keeps
//! beside the manifests, and the values in its HelmChart objects.

use edgectl_model::Tier;

use crate::collect::join;
use crate::elsewhere::{ChartName, ChartSettings};
use crate::sources::{Desk, group, items, kind, text, texts, used};
use crate::tree::{Data, Node};
use crate::values_text::json;

/// Names of the groups of the troubleshooting objects.
const TROUBLESHOOT: [&str; 2] = ["troubleshoot.sh", "troubleshoot.replicated.com"];

/// Whether it is a list of images.
pub(super) fn is_list(node: &Node) -> bool {
    group(node) == "kots.io" && matches!(kind(node), "Application" | "Airgap")
}

/// Reads `additionalImages` or `savedImages`.
pub(super) fn read_list(desk: &mut Desk<'_, '_>, node: &Node, path: &str) {
    for (key, rule) in [("additionalImages", "kots-application"), ("savedImages", "kots-airgap")] {
        let path = join(path, &format!("spec.{key}"));
        for (item, _, path) in texts(node.at(&["spec", key]), &path) {
            desk.declare(rule, item, &path);
        }
    }
}

/// Whether it installs a chart.
pub(super) fn is_chart(node: &Node) -> bool {
    group(node) == "kots.io" && kind(node) == "HelmChart"
}

/// Reads the values, those for special cases included.
pub(super) fn read_chart(desk: &mut Desk<'_, '_>, node: &Node, path: &str) {
    let Some(spec) = node.get("spec") else { return };
    let base = join(path, "spec");
    let mut values = Vec::new();
    if let Some(own) = spec.get("values") {
        desk.values(own, &join(&base, "values"));
        values.push(json(own));
    }
    let optional = items(spec.get("optionalValues"), &join(&base, "optionalValues"));
    for (item, path) in optional {
        if let Some(own) = item.get("values") {
            desk.values(own, &join(&path, "values"));
        }
    }
    let Some(name) = spec.get("chart").and_then(|chart| text(chart, "name")) else { return };
    let chart = ChartName {
        repository: String::new(),
        name: name.to_owned(),
        version: spec.get("chart").and_then(|chart| text(chart, "chartVersion")).map(str::to_owned),
        settings: ChartSettings {
            release: text(spec, "releaseName").map(str::to_owned),
            namespace: text(spec, "namespace").map(str::to_owned),
            values,
            value_files: Vec::new(),
        },
    };
    desk.ask_chart(spec, &join(&base, "chart"), chart);
}

/// Whether it is a preflight, a support bundle or the like.
pub(super) fn is_collector(node: &Node) -> bool {
    TROUBLESHOOT.contains(&group(node))
}

/// Reads the images of collectors, whatever their kind.
pub(super) fn read_collector(desk: &mut Desk<'_, '_>, node: &Node, path: &str) {
    if let Some(spec) = node.get("spec") {
        walk(desk, spec, &join(path, "spec"));
    }
}

fn walk(desk: &mut Desk<'_, '_>, node: &Node, path: &str) {
    match &node.data {
        Data::Mapping(entries) => {
            for (key, value) in entries.iter() {
                let name = key.scalar().unwrap_or("?");
                let path = join(path, name);
                if name == "image" {
                    desk.take(used("kots-collector", Tier::Certain), value, &path);
                }
                walk(desk, value, &path);
            }
        }
        Data::Sequence(list) => {
            for (index, item) in list.iter().enumerate() {
                walk(desk, item, &format!("{path}[{index}]"));
            }
        }
        Data::Scalar { .. } => {}
    }
}
