//! Rule `hauler`: the images and charts of Hauler's content manifests.

use crate::collect::join;
use crate::elsewhere::{ChartName, ChartSettings, Target};
use crate::sources::{Desk, declared, group, items, kind, text};
use crate::tree::Node;

const RULE: &str = "hauler";
/// Annotation that names the registry of images that name none.
const REGISTRY: &str = "hauler.dev/registry";

/// Whether it is one of Hauler's.
pub(super) fn is(node: &Node) -> bool {
    group(node).ends_with("hauler.cattle.io")
}

/// Reads one object.
pub(super) fn read(desk: &mut Desk<'_, '_>, node: &Node, path: &str) {
    let Some(spec) = node.get("spec") else { return };
    let path = join(path, "spec");
    match kind(node) {
        "Images" => images(desk, node, spec, &path),
        "Charts" => charts(desk, spec, &path),
        "ThickCharts" => thick_charts(desk, spec, &path),
        "ImageTxts" => image_texts(desk, spec, &path),
        _ => {}
    }
}

fn images(desk: &mut Desk<'_, '_>, node: &Node, spec: &Node, path: &str) {
    let registry = node.at(&["metadata", "annotations", REGISTRY]).and_then(Node::text);
    for (item, path) in items(spec.get("images"), &join(path, "images")) {
        let (name, path) = match item.get("name") {
            Some(name) => (name, join(&path, "name")),
            None => (item, path),
        };
        let Some(image) = name.text() else { continue };
        let own = text(item, "registry").or(registry);
        let image = match own.filter(|_| !has_registry(image)) {
            Some(registry) => format!("{}/{image}", registry.trim_end_matches('/')),
            None => image.to_owned(),
        };
        desk.book.take(desk.scope, name, &path, &image, declared(RULE));
    }
}

/// Whether the first part of a reference is a host.
fn has_registry(image: &str) -> bool {
    let first = image.split_once('/').map_or("", |(first, _)| first);
    first == "localhost" || first.contains(['.', ':'])
}

fn charts(desk: &mut Desk<'_, '_>, spec: &Node, path: &str) {
    for (item, path) in items(spec.get("charts"), &join(path, "charts")) {
        ask(desk, item, &path);
    }
}

fn thick_charts(desk: &mut Desk<'_, '_>, spec: &Node, path: &str) {
    for (item, path) in items(spec.get("charts"), &join(path, "charts")) {
        ask(desk, item.get("chart").unwrap_or(item), &path);
        let path = join(&path, "extraImages");
        for (image, path) in items(item.get("extraImages"), &path) {
            let named = ["reference", "ref", "image"].iter().find_map(|key| image.get(key));
            desk.declare(RULE, named.unwrap_or(image), &path);
        }
    }
}

fn ask(desk: &mut Desk<'_, '_>, item: &Node, path: &str) {
    let Some(name) = text(item, "name") else { return };
    let chart = ChartName {
        repository: text(item, "repoURL").unwrap_or_default().to_owned(),
        name: name.to_owned(),
        version: text(item, "version").map(str::to_owned),
        settings: ChartSettings::default(),
    };
    desk.ask_chart(item, path, chart);
}

fn image_texts(desk: &mut Desk<'_, '_>, spec: &Node, path: &str) {
    for (item, path) in items(spec.get("imageTxts"), &join(path, "imageTxts")) {
        let Some(place) = text(item, "ref") else { continue };
        let target = match place.contains("://") {
            true => Target::Url(place.to_owned()),
            false => Target::Path(place.to_owned()),
        };
        desk.ask(item, &join(&path, "ref"), target);
    }
}
