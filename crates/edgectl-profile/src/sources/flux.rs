//! Flux: values in HelmRelease objects, charts and artifacts of sources.

use edgectl_model::Tier;

use crate::collect::join;
use crate::elsewhere::{ChartName, ChartSettings};
use crate::sources::{Desk, group, items, kind, text, used};
use crate::tree::Node;
use crate::values_text::json;

/// Prefix of a repository that another object describes.
pub(crate) const SOURCE: &str = "flux:";

/// Whether it is one of Flux's objects that name images or charts.
pub(super) fn is(node: &Node) -> bool {
    group(node).ends_with(".toolkit.fluxcd.io")
}

/// Reads one object.
pub(super) fn read(desk: &mut Desk<'_, '_>, node: &Node, path: &str) {
    match kind(node) {
        "HelmRelease" => release(desk, node, path),
        "OCIRepository" => artifact(desk, node, path),
        "Kustomization" => images(desk, node, path),
        _ => {}
    }
}

fn release(desk: &mut Desk<'_, '_>, node: &Node, path: &str) {
    let Some(spec) = node.get("spec") else { return };
    let base = join(path, "spec");
    let mut values = Vec::new();
    if let Some(own) = spec.get("values") {
        desk.values(own, &join(&base, "values"));
        values.push(json(own));
    }
    let name = |key: &str| node.at(&["metadata", key]).and_then(Node::text);
    let namespace = text(spec, "targetNamespace").or(name("namespace"));
    let settings = ChartSettings {
        release: text(spec, "releaseName").or(name("name")).map(str::to_owned),
        namespace: namespace.map(str::to_owned),
        values,
        value_files: Vec::new(),
    };
    let own_namespace = name("namespace").unwrap_or_default();
    if let Some(reference) = spec.get("chartRef") {
        let chart = ChartName {
            repository: source(reference, own_namespace),
            name: String::new(),
            version: None,
            settings,
        };
        desk.ask_chart(reference, &join(&base, "chartRef"), chart);
    } else if let Some(chart) = spec.at(&["chart", "spec"]) {
        let reference = chart.get("sourceRef");
        let named = ChartName {
            repository: reference.map(|node| source(node, own_namespace)).unwrap_or_default(),
            name: text(chart, "chart").unwrap_or_default().to_owned(),
            version: text(chart, "version").map(str::to_owned),
            settings,
        };
        desk.ask_chart(chart, &join(&base, "chart.spec"), named);
    }
}

/// The key under which a source object is remembered.
fn source(reference: &Node, own_namespace: &str) -> String {
    let part = |key: &str| text(reference, key).unwrap_or_default();
    let namespace = text(reference, "namespace").unwrap_or(own_namespace);
    key(part("kind"), namespace, part("name"))
}

fn key(kind: &str, namespace: &str, name: &str) -> String {
    format!("{SOURCE}{kind}/{namespace}/{name}")
}

/// The key and the address of a source object.
pub(crate) fn repository(node: &Node) -> Option<(String, ChartName)> {
    if group(node) != "source.toolkit.fluxcd.io" {
        return None;
    }
    let part = |key: &str| node.at(&["metadata", key]).and_then(Node::text).unwrap_or_default();
    let spec = node.get("spec")?;
    let key = key(kind(node), part("namespace"), part("name"));
    let url = text(spec, "url");
    let named = match kind(node) {
        "HelmRepository" => ChartName { repository: url?.to_owned(), ..ChartName::default() },
        "OCIRepository" => {
            let (repository, name) = url?.rsplit_once('/')?;
            let version = spec.at(&["ref", "tag"]).or(spec.at(&["ref", "semver"]));
            ChartName {
                repository: repository.to_owned(),
                name: name.to_owned(),
                version: version.and_then(Node::text).map(str::to_owned),
                settings: ChartSettings::default(),
            }
        }
        "HelmChart" => ChartName {
            repository: spec.get("sourceRef").map(|node| source(node, part("namespace")))?,
            name: text(spec, "chart")?.to_owned(),
            version: text(spec, "version").map(str::to_owned),
            settings: ChartSettings::default(),
        },
        _ => return None,
    };
    Some((key, named))
}

/// The cluster pulls the artifact itself from a registry.
fn artifact(desk: &mut Desk<'_, '_>, node: &Node, path: &str) {
    let Some(spec) = node.get("spec") else { return };
    let Some(url) = spec.get("url") else { return };
    let Some(name) = url.text().and_then(|url| url.strip_prefix("oci://")) else { return };
    let path = join(path, "spec.url");
    let part = |key: &str| spec.at(&["ref", key]).and_then(Node::text);
    let name = match (part("digest"), part("tag"), part("semver")) {
        (Some(digest), Some(tag), _) => format!("{name}:{tag}@{digest}"),
        (Some(digest), None, _) => format!("{name}@{digest}"),
        (None, Some(tag), _) => format!("{name}:{tag}"),
        (None, None, Some(range)) => {
            let message = format!(
                "`{name}` is named by the range `{range}`; name the version that is mirrored under `images.include` in edge.yaml"
            );
            return desk.book.warn(desk.scope, url, &path, "version-range", message);
        }
        (None, None, None) => name.to_owned(),
    };
    desk.book.take(desk.scope, url, &path, &name, used("flux-artifact", Tier::Certain));
}

/// Images that a Kustomization puts in place of others.
fn images(desk: &mut Desk<'_, '_>, node: &Node, path: &str) {
    for (item, path) in items(node.at(&["spec", "images"]), &join(path, "spec.images")) {
        super::kustomize_file::replacement(desk, item, &path);
    }
}
