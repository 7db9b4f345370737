//! The HelmChart objects of k3s and RKE2: values as text.

use crate::collect::join;
use crate::elsewhere::{ChartName, ChartSettings};
use crate::sources::{Desk, group, kind, text, values_in};
use crate::tree::{Node, parse};
use crate::values_text::json;

/// Whether it installs or configures a chart.
pub(super) fn is(node: &Node) -> bool {
    group(node) == "helm.cattle.io" && matches!(kind(node), "HelmChart" | "HelmChartConfig")
}

/// Reads the values and remembers the chart.
pub(super) fn read(desk: &mut Desk<'_, '_>, node: &Node, path: &str) {
    let Some(spec) = node.get("spec") else { return };
    let base = join(path, "spec");
    let mut values = Vec::new();
    if let Some(content) = spec.get("valuesContent").filter(|node| node.text().is_some()) {
        values.extend(embedded_values(desk, content, &join(&base, "valuesContent")));
    }
    if let Some(set) = spec.get("set") {
        desk.values(set, &join(&base, "set"));
    }
    let Some(name) = text(spec, "chart") else { return };
    let version = text(spec, "version").map(str::to_owned);
    let settings = ChartSettings {
        release: node.at(&["metadata", "name"]).and_then(Node::text).map(str::to_owned),
        namespace: text(spec, "targetNamespace").map(str::to_owned),
        values,
        value_files: Vec::new(),
    };
    let (repository, name) = match name.rsplit_once('/') {
        Some((repository, name)) if name.len() < repository.len() => (repository, name),
        _ => (text(spec, "repo").unwrap_or_default(), name),
    };
    let chart =
        ChartName { repository: repository.to_owned(), name: name.to_owned(), version, settings };
    desk.ask_chart(spec, &join(&base, "chart"), chart);
}

/// Reads values in a string, and gives them as JSON.
pub(super) fn embedded_values(
    desk: &mut Desk<'_, '_>,
    content: &Node,
    path: &str,
) -> Option<String> {
    let embedded = desk.scope.layer.embedded(content)?;
    let layer = desk.scope.layer.inner(&embedded);
    // What isn't YAML is reported where the object itself is searched.
    let documents = parse(layer.text).ok()?;
    let values = documents.first()?;
    let scope = desk.scope.inside(&layer, format!("{}{path}:", desk.scope.base));
    values_in(desk.book, &scope, values);
    Some(json(values))
}
