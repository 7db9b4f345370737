//! Rule `pod-spec`: the images of Kubernetes objects.

use edgectl_model::{Role, Tier};

use crate::collect::{Book, Kind, Scope, get_or_misspelt, join};
use crate::error::Fault;
use crate::layer::{Embedded, Layer};
use crate::report::{Problem, Severity};
use crate::tree::{Node, parse};

const KIND: Kind =
    Kind { rule: "pod-spec", tier: Tier::Certain, role: Role::Workload, declared: false };

/// Lists in lists end here.
const MAX_LISTS: usize = 8;

/// Collects the images of the objects in a text of manifests. Says whether it
/// had any that could show the use of images.
pub(crate) fn collect(book: &mut Book, scope: &Scope<'_>, content: &Embedded) -> bool {
    let layer = scope.layer.inner(content);
    match parse(layer.text) {
        Ok(documents) => {
            let mut has_pods = false;
            for document in &documents {
                has_pods |= object(book, scope, &layer, document, "", MAX_LISTS);
            }
            has_pods
        }
        Err(fault) => {
            book.problems.push(unreadable(scope, &layer, fault));
            false
        }
    }
}

fn unreadable(scope: &Scope<'_>, layer: &Layer<'_>, fault: Fault) -> Problem {
    let (line, column) = layer.place(fault.line, fault.column);
    Problem {
        severity: Severity::Error,
        file: scope.file.to_owned(),
        line,
        column,
        path: scope.base.clone(),
        object: scope.object.clone(),
        rule: "manifest-syntax",
        message: format!("the manifests aren't YAML: {}", fault.message),
    }
}

/// One object, or the objects of a list.
fn object(
    book: &mut Book,
    outer: &Scope<'_>,
    layer: &Layer<'_>,
    node: &Node,
    path: &str,
    lists: usize,
) -> bool {
    let kind = node.get("kind").and_then(Node::scalar).unwrap_or_default();
    if kind.ends_with("List") && lists > 0 {
        let items = node.get("items").map(Node::items).unwrap_or_default();
        let mut has_pods = false;
        for (index, item) in items.iter().enumerate() {
            let path = join(path, &format!("items[{index}]"));
            has_pods |= object(book, outer, layer, item, &path, lists - 1);
        }
        return has_pods;
    }
    let Some(spec_path) = pod_spec(kind) else { return false };
    let keys: Vec<&str> = spec_path.split('.').collect();
    let Some(spec) = node.at(&keys) else { return false };
    let scope = Scope {
        file: outer.file,
        layer,
        base: format!("{}:", outer.base),
        object: name(kind, node),
        pack: outer.pack,
        macros: outer.macros,
    };
    pod(book, &scope, spec, &join(path, spec_path));
    true
}

/// Where objects of a kind keep their pod specification.
fn pod_spec(kind: &str) -> Option<&'static str> {
    match kind {
        "Pod" => Some("spec"),
        "CronJob" => Some("spec.jobTemplate.spec.template.spec"),
        "DaemonSet"
        | "Deployment"
        | "Job"
        | "ReplicaSet"
        | "ReplicationController"
        | "StatefulSet" => Some("spec.template.spec"),
        "PodTemplate" => Some("template.spec"),
        _ => None,
    }
}

fn name(kind: &str, node: &Node) -> String {
    let text = |key: &str| node.at(&["metadata", key]).and_then(Node::scalar);
    let name = text("name").or_else(|| text("generateName")).unwrap_or("?");
    match text("namespace") {
        Some(namespace) => format!("{kind} {namespace}/{name}"),
        None => format!("{kind} {name}"),
    }
}

fn pod(book: &mut Book, scope: &Scope<'_>, spec: &Node, path: &str) {
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        let containers = spec.get(list).map(Node::items).unwrap_or_default();
        for (index, container) in containers.iter().enumerate() {
            let path = join(path, &format!("{list}[{index}]"));
            take_image(book, scope, container, &path, "image");
        }
    }
    let volumes = spec.get("volumes").map(Node::items).unwrap_or_default();
    for (index, volume) in volumes.iter().enumerate() {
        if let Some(image) = volume.get("image") {
            let path = join(path, &format!("volumes[{index}].image"));
            take_image(book, scope, image, &path, "reference");
        }
    }
}

fn take_image(book: &mut Book, scope: &Scope<'_>, node: &Node, path: &str, key: &str) {
    let Some((key, image)) = get_or_misspelt(book, scope, node, path, key) else { return };
    if let Some(text) = image.text() {
        book.take(scope, image, &join(path, key), text, KIND);
    }
}
