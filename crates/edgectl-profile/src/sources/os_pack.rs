//! Rule `os-pack`: the operating system image of the `os` layer.

use edgectl_model::{Role, Tier};

use crate::collect::{Book, Kind, Scope};
use crate::tree::Node;

const KIND: Kind = Kind { rule: "os-pack", tier: Tier::Certain, role: Role::Os, declared: false };

/// Collects `options.system.uri`, however its keys are split, or what it is
/// composed of. Says whether there is one; agent mode's `NA` counts.
pub(crate) fn collect(book: &mut Book, scope: &Scope<'_>, values: &Node) -> bool {
    let mut has_uri = false;
    for path in ["options.system.uri", "system.uri"] {
        let uri = values.at_dotted(path).and_then(|uri| Some((uri, uri.text()?)));
        if let Some((uri, text)) = uri {
            has_uri = true;
            book.take(scope, uri, path, text, KIND);
        }
    }
    has_uri || composed(book, scope, values)
}

/// The parts that a `system.uri` would be made of.
fn composed(book: &mut Book, scope: &Scope<'_>, values: &Node) -> bool {
    let part = |key: &str| values.at_dotted(&format!("options.system.{key}"));
    let text = |key: &str| part(key).and_then(Node::text);
    let (Some(registry), Some(repository)) = (text("registry"), part("repo")) else { return false };
    let Some(name) = repository.text() else { return false };
    let version = text("k8sVersion").unwrap_or("{{.spectro.system.kubernetes.version}}");
    let tag = [text("k8sDistribution"), Some(version), text("peVersion"), text("customTag")];
    let tag: Vec<&str> = tag.into_iter().flatten().collect();
    let uri = format!("{registry}/{name}:{}", tag.join("-"));
    book.take(scope, repository, "options.system.repo", &uri, KIND);
    true
}
