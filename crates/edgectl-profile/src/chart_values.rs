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

/// The image that a mapping names: as one text, or in parts. Parts without a
/// tag or digest leave it to the chart, and only rendering that would tell.
fn image(node: &Node) -> Option<(&Node, &'static str, String)> {
    let part = |key: &str| node.get(key).and_then(own_text);
    let (registry, repository) = (part("registry"), part("repository"));
    let Some(image) = part("image") else {
        let name = part("name").filter(|name| !name.contains(['/', ' ']));
        let text = match name {
            // `name` may also be a label for people or repeat the last part.
            Some(name) if !ends_in(repository?, name) => within(repository, name),
            _ => repository?.to_owned(),
        };
        let text = tagged(within(registry, &text), part("tag"), part("digest"));
        return has_tag(&text).then_some((node.get("repository")?, "repository", text));
    };
    let tag = part("tag").or_else(|| part("version"));
    let below = repository.filter(|_| !image.contains('/'));
    let text = tagged(within(registry, &within(below, image)), tag, part("digest"));
    let is_whole = registry.or(below).is_none();
    (is_whole || has_tag(&text)).then_some((node.get("image")?, "image", text))
}

/// Whether `repository` ends in the component `name`.
fn ends_in(repository: &str, name: &str) -> bool {
    repository.rsplit('/').next() == Some(name)
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
