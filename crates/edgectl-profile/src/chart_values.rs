//! Rule `chart-values`: what looks like an image in the values of a chart.

use edgectl_model::{Role, Tier};

use crate::collect::{Book, Kind, Scope, join};
use crate::macros::own_text;
use crate::tree::{Data, Node};

const KIND: Kind =
    Kind { rule: "chart-values", tier: Tier::Likely, role: Role::Workload, declared: false };

/// Collects from everything below `charts`.
pub(crate) fn collect(book: &mut Book, scope: &Scope<'_>, values: &Node) {
    if let Some(charts) = values.get("charts") {
        walk(book, scope, charts, "charts");
    }
}

fn walk(book: &mut Book, scope: &Scope<'_>, node: &Node, path: &str) {
    match &node.data {
        Data::Mapping(entries) => {
            if let Some((at, key, text)) = image(node) {
                book.take(scope, at, &join(path, key), &text, KIND);
            }
            for (key, value) in entries {
                walk(book, scope, value, &join(path, key.scalar().unwrap_or("?")));
            }
        }
        Data::Sequence(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(book, scope, item, &format!("{path}[{index}]"));
            }
        }
        Data::Scalar { .. } => {}
    }
}

/// The image that a mapping names: as one text, or in parts.
fn image(node: &Node) -> Option<(&Node, &'static str, String)> {
    let part = |key: &str| node.get(key).and_then(own_text);
    let tag = part("tag").or_else(|| part("version"));
    let registry = part("registry");
    if let Some(image) = part("image") {
        let below = part("repository").filter(|_| !image.contains('/'));
        let name = within(registry, &within(below, image));
        return Some((node.get("image")?, "image", tagged(name, tag, part("digest"))));
    }
    let repository = part("repository")?;
    // Without either, the chart decides, and only rendering it would tell.
    let digest = part("digest").filter(|digest| digest.contains(':'));
    let tag = part("tag");
    let is_pinned = tag.or(digest).is_some() || has_tag(repository);
    let text = tagged(within(registry, repository), tag, digest);
    is_pinned.then_some((node.get("repository")?, "repository", text))
}

/// `name` below `prefix`, unless it is there already.
fn within(prefix: Option<&str>, name: &str) -> String {
    match prefix.map(|prefix| prefix.trim_end_matches('/')) {
        Some(prefix) if !name.starts_with(&format!("{prefix}/")) => format!("{prefix}/{name}"),
        _ => name.to_owned(),
    }
}

fn tagged(name: String, tag: Option<&str>, digest: Option<&str>) -> String {
    let mut text = name;
    if text.contains('@') {
        return text;
    }
    if let Some(tag) = tag.filter(|_| !has_tag(&text)) {
        text = format!("{text}:{tag}");
    }
    match digest {
        Some(digest) if digest.contains(':') => format!("{text}@{digest}"),
        _ => text,
    }
}

/// Whether a name ends in a tag or digest; macros may hold anything.
fn has_tag(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or(name);
    last.contains([':', '@'])
}
