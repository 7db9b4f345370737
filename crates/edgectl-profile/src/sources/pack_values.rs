//! The values of a pack: what it declares, its operating system, its charts'
//! values and its manifests.

use edgectl_model::{Role, Tier};

use crate::collect::{Book, Kind, Scope, join};
use crate::elsewhere::{ChartName, Elsewhere, Target};
use crate::rules;
use crate::sources::{os_pack, pack_content};
use crate::tree::Node;

/// What the values of a pack hold besides images.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Seen {
    /// Objects that show the use of images.
    pub(crate) has_pods: bool,
    /// Values of charts.
    pub(crate) has_charts: bool,
}

/// Searches the values of one pack.
pub(crate) fn read(book: &mut Book, scope: &Scope<'_>, layer: &str, values: &Node) -> Seen {
    let mut role = Role::Workload;
    if layer == "os" {
        // Beside a `system.uri` the list repeats that image, which joins the
        // two; without one, the list is where the image is named.
        let has_uri = os_pack::collect(book, scope, values);
        role = if has_uri { Role::Workload } else { Role::Os };
    }
    pack_content::collect(book, scope, values, role);
    super::values_in(book, scope, values);
    packages(book, scope, values, "");
    let mut has_pods = false;
    for (name, manifest) in values.get("manifests").map(Node::entries).unwrap_or_default() {
        let Some(contents) = manifest.get("contents").filter(|text| text.text().is_some()) else {
            continue;
        };
        let name = name.scalar().unwrap_or("?");
        if let Some(content) = scope.layer.embedded(contents) {
            let base = format!("{}manifests.{name}.contents", scope.base);
            has_pods |= rules::search_text(book, &scope.inside(scope.layer, base), &content);
        }
    }
    Seen { has_pods, has_charts: has_chart(values) }
}

/// Rule `stylus-package`: packages that the edge agent pulls, `container://…`.
fn packages(book: &mut Book, scope: &Scope<'_>, node: &Node, path: &str) {
    const PACKAGE: Kind =
        Kind { rule: "stylus-package", tier: Tier::Known, role: Role::Workload, declared: false };
    for (key, value) in node.entries() {
        let path = join(path, key.scalar().unwrap_or("?"));
        if let Some(image) = value.text().and_then(|text| text.strip_prefix("container://")) {
            book.take(scope, value, &path, image, PACKAGE);
        }
        packages(book, scope, value, &path);
    }
}

fn has_chart(values: &Node) -> bool {
    let listed = values.at(&["pack", "content", "charts"]).is_some_and(|c| !c.items().is_empty());
    listed || values.get("charts").is_some_and(|charts| !charts.entries().is_empty())
}

/// The charts that `pack.content.charts` names.
pub(crate) fn charts(scope: &Scope<'_>, values: &Node) -> Vec<Elsewhere> {
    let path = "pack.content.charts";
    let listed = super::items(values.at(&["pack", "content", "charts"]), path);
    let named = listed.into_iter().filter_map(|(item, path)| {
        let part = |key: &str| super::text(item, key).map(str::to_owned);
        let chart = ChartName {
            repository: part("repo").unwrap_or_default(),
            name: part("name")?,
            version: part("version"),
            ..ChartName::default()
        };
        let (found, column) = scope.found(item, &path, "not-read");
        Some(Elsewhere { found, column, unit: scope.pack, target: Target::Chart(chart) })
    });
    named.collect()
}
