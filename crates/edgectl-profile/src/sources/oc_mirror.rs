//! Rule `oc-mirror`: ImageSetConfiguration objects.

use crate::collect::join;
use crate::elsewhere::{ChartName, ChartSettings};
use crate::sources::{Desk, items, kind, text};
use crate::tree::Node;

const RULE: &str = "oc-mirror";

/// Whether it says what oc-mirror mirrors.
pub(super) fn is(node: &Node) -> bool {
    kind(node) == "ImageSetConfiguration"
}

/// Reads all sections of `mirror`.
pub(super) fn read(desk: &mut Desk<'_, '_>, node: &Node, path: &str) {
    let Some(mirror) = node.get("mirror") else { return };
    let path = &join(path, "mirror");
    let images = mirror.get("additionalImages");
    desk.declare_each(RULE, images, &join(path, "additionalImages"), "name");
    blocked(desk, mirror, path);
    operators(desk, mirror, path);
    if let Some(platform) = mirror.get("platform") {
        let message = "the images of OpenShift's release are in its payload, which is in the network; mirror that with oc-mirror".to_owned();
        desk.book.warn(desk.scope, platform, &join(path, "platform"), "not-read", message);
    }
    if let Some(helm) = mirror.get("helm") {
        charts(desk, helm, &join(path, "helm"));
    }
}

/// A hint only: what else names such an image decides.
fn blocked(desk: &mut Desk<'_, '_>, mirror: &Node, path: &str) {
    for (item, path) in items(mirror.get("blockedImages"), &join(path, "blockedImages")) {
        let Some(name) = text(item, "name").or(item.text()) else { continue };
        let message = format!(
            "`{name}` is blocked here; if no cluster needs it, put it under `images.exclude` in edge.yaml"
        );
        desk.book.inform(desk.scope, item, &path, "blocked-image", message);
    }
}

fn operators(desk: &mut Desk<'_, '_>, mirror: &Node, path: &str) {
    for (item, path) in items(mirror.get("operators"), &join(path, "operators")) {
        let Some(catalog) = item.get("catalog") else { continue };
        let path = join(&path, "catalog");
        // `oci://` is a directory beside.
        let is_image = catalog.text().is_some_and(|text| !text.contains("://"));
        if is_image {
            desk.declare(RULE, catalog, &path);
        }
        let message = "the images of the catalog's operators are listed inside that catalog, which isn't looked into; add them under `additionalImages`".to_owned();
        desk.book.warn(desk.scope, catalog, &path, "not-read", message);
    }
}

fn charts(desk: &mut Desk<'_, '_>, helm: &Node, path: &str) {
    for (repository, path) in items(helm.get("repositories"), &join(path, "repositories")) {
        let url = text(repository, "url").unwrap_or_default();
        for (item, path) in items(repository.get("charts"), &join(&path, "charts")) {
            ask(desk, item, &path, url);
        }
    }
    for (item, path) in items(helm.get("local"), &join(path, "local")) {
        ask(desk, item, &path, text(item, "path").unwrap_or_default());
    }
}

fn ask(desk: &mut Desk<'_, '_>, item: &Node, path: &str, repository: &str) {
    let Some(name) = text(item, "name") else { return };
    let chart = ChartName {
        repository: repository.to_owned(),
        name: name.to_owned(),
        version: text(item, "version").map(str::to_owned),
        settings: ChartSettings::default(),
    };
    desk.ask_chart(item, path, chart);
}
