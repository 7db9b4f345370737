//! Rules `pod-spec` and `pod-template`: containers and image volumes, wherever
//! they stand.

use edgectl_model::Tier;

use super::plausible::is_template;
use super::table::{POD_SPEC, POD_TEMPLATE, Rule};
use super::walk::Walk;
use crate::collect::get_or_misspelt;
use crate::macros::has_macro;
use crate::tree::Node;

/// Kinds of Kubernetes itself that have a pod specification.
const BUILT_IN: &[&str] = &[
    "CronJob",
    "DaemonSet",
    "Deployment",
    "Job",
    "Pod",
    "PodTemplate",
    "ReplicaSet",
    "ReplicationController",
    "StatefulSet",
];

/// The lists of containers that a pod specification has.
const CONTAINERS: &[&str] = &["initContainers", "containers", "ephemeralContainers"];

/// Takes the images of the containers and volumes that a mapping has.
pub(crate) fn look_at(walk: &mut Walk<'_, '_>, node: &Node, kind: &str) {
    let rule = if BUILT_IN.contains(&kind) { POD_SPEC } else { POD_TEMPLATE };
    for (key, value) in node.entries() {
        let Some(key) = key.scalar() else { continue };
        if CONTAINERS.contains(&key) {
            containers(walk, key, value, rule);
        } else if key == "volumes" {
            volumes(walk, key, value, rule);
        }
    }
}

fn containers(walk: &mut Walk<'_, '_>, key: &str, list: &Node, rule: Rule) {
    for (index, container) in list.items().iter().enumerate() {
        walk.has_pods |= container.get("image").or_else(|| container.get("name")).is_some();
        walk.at_key(key, |walk| walk.at_index(index, |walk| image(walk, container, "image", rule)));
    }
}

fn volumes(walk: &mut Walk<'_, '_>, key: &str, list: &Node, rule: Rule) {
    for (index, volume) in list.items().iter().enumerate() {
        let Some(source) = volume.get("image").filter(|image| !image.entries().is_empty()) else {
            continue;
        };
        walk.at_key(key, |walk| {
            walk.at_index(index, |walk| {
                walk.at_key("image", |walk| image(walk, source, "reference", rule));
            });
        });
    }
}

/// Takes an image, and says so where a template stands in its place.
fn image(walk: &mut Walk<'_, '_>, node: &Node, key: &str, rule: Rule) {
    let found = get_or_misspelt(walk.book, &walk.scope, node, &walk.path, key);
    let Some((key, image)) = found else { return };
    let Some(text) = image.text().filter(|_| !walk.is_claimed(image)) else { return };
    walk.at_key(key, |walk| match is_template(text) && !has_macro(text) {
        true => {
            walk.claim(image);
            // Texts in texts are templates more often than not.
            if walk.ceiling > Tier::Certain {
                return;
            }
            let message = format!("`{text}` is filled in elsewhere; no image is taken from it");
            walk.book.warn(&walk.scope, image, &walk.path, "template", message);
        }
        false => walk.take(image, text, rule),
    });
}
