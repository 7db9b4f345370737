//! Rule `zarf`: the images, charts and manifests of Zarf packages.

use crate::collect::join;
use crate::elsewhere::{ChartName, ChartSettings, Target};
use crate::sources::{Desk, items, kind, text, texts};
use crate::tree::Node;

const RULE: &str = "zarf";

/// Whether it is the definition of a package.
pub(super) fn is(node: &Node) -> bool {
    kind(node) == "ZarfPackageConfig" || (kind(node) == "ZarfInitConfig")
}

/// Reads all components, optional ones too.
pub(super) fn read(desk: &mut Desk<'_, '_>, node: &Node, path: &str) {
    for (component, path) in items(node.get("components"), &join(path, "components")) {
        for (image, _, path) in texts(component.get("images"), &join(&path, "images")) {
            desk.declare(RULE, image, &path);
        }
        for (archive, path) in items(component.get("imageArchives"), &join(&path, "imageArchives"))
        {
            for (image, _, path) in texts(archive.get("images"), &join(&path, "images")) {
                desk.declare(RULE, image, &path);
            }
        }
        for (manifest, path) in items(component.get("manifests"), &join(&path, "manifests")) {
            for key in ["files", "kustomizations"] {
                for (item, file, path) in texts(manifest.get(key), &join(&path, key)) {
                    desk.ask(item, &path, target(file));
                }
            }
        }
        for (chart, path) in items(component.get("charts"), &join(&path, "charts")) {
            ask_chart(desk, chart, &path);
        }
        let import = component.get("import").and_then(|import| import.get("path"));
        if let Some((import, file)) = import.and_then(|node| Some((node, node.text()?))) {
            desk.ask(import, &join(&path, "import.path"), target(file));
        }
    }
}

fn target(file: &str) -> Target {
    match file.contains("://") {
        true => Target::Url(file.to_owned()),
        false => Target::Path(file.to_owned()),
    }
}

fn ask_chart(desk: &mut Desk<'_, '_>, node: &Node, path: &str) {
    let Some(name) = text(node, "name") else { return };
    let place = text(node, "localPath").or_else(|| text(node, "url")).unwrap_or_default();
    let own = text(node, "repoName").unwrap_or(name);
    let files = texts(node.get("valuesFiles"), path);
    let chart = ChartName {
        // An address of `oci://` names the chart itself.
        repository: match place.starts_with("oci://") {
            true => place.strip_suffix(&format!("/{own}")).unwrap_or(place).to_owned(),
            false => place.to_owned(),
        },
        name: own.to_owned(),
        version: text(node, "version").map(str::to_owned),
        settings: ChartSettings {
            release: Some(text(node, "releaseName").unwrap_or(name).to_owned()),
            namespace: text(node, "namespace").map(str::to_owned),
            values: Vec::new(),
            value_files: files.into_iter().map(|(_, file, _)| file.to_owned()).collect(),
        },
    };
    desk.ask_chart(node, path, chart);
}
