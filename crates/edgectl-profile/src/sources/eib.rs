//! Rule `eib`: the definition of an Edge Image Builder image.

use crate::collect::join;
use crate::elsewhere::{ChartName, ChartSettings, Target};
use crate::sources::{Desk, items, text, texts};
use crate::tree::Node;

const RULE: &str = "eib";

/// Whether it is such a definition.
pub(super) fn is(node: &Node) -> bool {
    let has_image = node.at(&["image", "imageType"]).is_some();
    has_image || node.at(&["embeddedArtifactRegistry", "images"]).is_some()
}

/// Reads the images, and what else brings some.
pub(super) fn read(desk: &mut Desk<'_, '_>, node: &Node, path: &str) {
    let images = node.at(&["embeddedArtifactRegistry", "images"]);
    desk.declare_each(RULE, images, &join(path, "embeddedArtifactRegistry.images"), "name");
    let Some(kubernetes) = node.get("kubernetes") else { return };
    let urls = kubernetes.at(&["manifests", "urls"]);
    for (item, url, path) in texts(urls, &join(path, "kubernetes.manifests.urls")) {
        desk.ask(item, &path, Target::Url(url.to_owned()));
    }
    let Some(helm) = kubernetes.get("helm") else { return };
    for (item, path) in items(helm.get("charts"), &join(path, "kubernetes.helm.charts")) {
        let Some(name) = text(item, "name") else { continue };
        let chart = ChartName {
            repository: repository(helm, text(item, "repositoryName").unwrap_or_default()),
            name: name.to_owned(),
            version: text(item, "version").map(str::to_owned),
            settings: ChartSettings {
                release: text(item, "releaseName").map(str::to_owned),
                namespace: text(item, "targetNamespace").map(str::to_owned),
                values: Vec::new(),
                // They are kept in a directory of their own.
                value_files: text(item, "valuesFile")
                    .map(|file| format!("kubernetes/helm/values/{file}"))
                    .into_iter()
                    .collect(),
            },
        };
        desk.ask_chart(item, &path, chart);
    }
}

fn repository(helm: &Node, name: &str) -> String {
    let repositories = helm.get("repositories").map(Node::items).unwrap_or_default();
    let named = repositories.iter().find(|one| text(one, "name") == Some(name));
    named.and_then(|one| text(one, "url")).unwrap_or_default().to_owned()
}
