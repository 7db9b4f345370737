//! Argo CD: charts, values, parameters and image overrides of applications.

use std::collections::BTreeMap;

use edgectl_model::Tier;

use crate::collect::join;
use crate::elsewhere::{ChartName, ChartSettings};
use crate::sources::k3s::embedded_values;
use crate::sources::{Desk, group, items, kind, text, texts, used};
use crate::tree::Node;
use crate::values_text::json;

/// Annotation of the image updater: `alias=image:constraint, …`.
const UPDATER: &str = "argocd-image-updater.argoproj.io/image-list";

/// Longest name of a parameter.
const MAX_NAME: usize = 1024;

/// Whether it is an application or makes some.
pub(super) fn is(node: &Node) -> bool {
    group(node) == "argoproj.io" && matches!(kind(node), "Application" | "ApplicationSet")
}

/// Reads one.
pub(super) fn read(desk: &mut Desk<'_, '_>, node: &Node, path: &str) {
    updater(desk, node, path);
    let (application, path) = match node.at(&["spec", "template"]) {
        Some(template) if kind(node) == "ApplicationSet" => (template, join(path, "spec.template")),
        _ => (node, path.to_owned()),
    };
    let Some(spec) = application.get("spec") else { return };
    let namespace = spec.at(&["destination", "namespace"]).and_then(Node::text);
    let release = application.at(&["metadata", "name"]).and_then(Node::text);
    let path = join(&path, "spec");
    let single = spec.get("source").map(|source| (source, join(&path, "source")));
    for (source, path) in
        single.into_iter().chain(items(spec.get("sources"), &join(&path, "sources")))
    {
        let settings = ChartSettings {
            release: release.map(str::to_owned),
            namespace: namespace.map(str::to_owned),
            ..ChartSettings::default()
        };
        one(desk, source, &path, settings);
    }
}

fn one(desk: &mut Desk<'_, '_>, source: &Node, path: &str, mut settings: ChartSettings) {
    if let Some(helm) = source.get("helm") {
        helm_values(desk, helm, &join(path, "helm"), &mut settings);
    }
    for (item, override_text, path) in
        texts(source.at(&["kustomize", "images"]), &join(path, "kustomize.images"))
    {
        // `old=new:tag`, or the new name alone.
        let image = override_text.rsplit_once('=').map_or(override_text, |(_, new)| new);
        desk.book.take(desk.scope, item, &path, image, used("argo-cd", Tier::Known));
    }
    let repository = text(source, "repoURL").unwrap_or_default();
    let version = text(source, "targetRevision").map(str::to_owned);
    if let Some(chart) = text(source, "chart") {
        let repository = match repository.contains("://") {
            true => repository.to_owned(),
            false => format!("oci://{repository}"),
        };
        let chart = ChartName { repository, name: chart.to_owned(), version, settings };
        return desk.ask_chart(source, &join(path, "chart"), chart);
    }
    if let Some(directory) = text(source, "path") {
        let message = format!(
            "what is in `{directory}` of `{repository}` isn't read; give a copy of that directory as an input"
        );
        desk.book.inform(desk.scope, source, &join(path, "path"), "not-read", message);
    }
}

fn helm_values(desk: &mut Desk<'_, '_>, helm: &Node, path: &str, settings: &mut ChartSettings) {
    if let Some(release) = text(helm, "releaseName") {
        settings.release = Some(release.to_owned());
    }
    if let Some(values) = helm.get("values").filter(|values| values.text().is_some()) {
        settings.values.extend(embedded_values(desk, values, &join(path, "values")));
    }
    if let Some(values) = helm.get("valuesObject") {
        desk.values(values, &join(path, "valuesObject"));
        settings.values.push(json(values));
    }
    let files = texts(helm.get("valueFiles"), path).into_iter().map(|(_, file, _)| file);
    settings.value_files.extend(files.filter(|file| !file.starts_with('$')).map(str::to_owned));
    parameters(desk, helm, &join(path, "parameters"), settings);
}

/// `image.repository` and `image.tag` are one image.
fn parameters(desk: &mut Desk<'_, '_>, helm: &Node, path: &str, settings: &mut ChartSettings) {
    let mut parts: BTreeMap<&str, BTreeMap<&str, (&Node, &str, String)>> = BTreeMap::new();
    for (item, path) in items(helm.get("parameters"), path) {
        let (Some(name), Some(value)) = (text(item, "name"), item.get("value")) else { continue };
        let Some(value_text) = value.scalar() else { continue };
        settings.values.push(nested(name, value_text));
        let (parent, last) = name.rsplit_once('.').unwrap_or(("", name));
        let path = join(&path, "value");
        parts.entry(parent).or_default().insert(last, (value, value_text, path));
    }
    for parts in parts.values() {
        let part = |key: &str| parts.get(key).map(|(_, text, _)| *text).filter(|t| !t.is_empty());
        let Some((key, name)) = ["image", "repository"].iter().find_map(|k| Some((*k, part(k)?)))
        else {
            continue;
        };
        let Some((node, _, path)) = parts.get(key) else { continue };
        let name = match part("registry") {
            Some(registry) => format!("{registry}/{name}"),
            None => name.to_owned(),
        };
        let name = match (part("digest"), part("tag")) {
            (Some(digest), _) => format!("{name}@{digest}"),
            (None, Some(tag)) => format!("{name}:{tag}"),
            (None, None) if key == "repository" => continue,
            (None, None) => name,
        };
        desk.book.take(desk.scope, node, path, &name, used("argo-cd", Tier::Likely));
    }
}

/// `a.b=x` as JSON.
fn nested(name: &str, value: &str) -> String {
    let quote = crate::values_text::quote;
    if name.len() > MAX_NAME {
        return "{}".to_owned();
    }
    name.rsplit('.').fold(quote(value), |inner, key| format!("{{{}:{inner}}}", quote(key)))
}

fn updater(desk: &mut Desk<'_, '_>, node: &Node, path: &str) {
    let Some(list) = node.at(&["metadata", "annotations", UPDATER]) else { return };
    let path = join(path, &format!("metadata.annotations.{UPDATER}"));
    for image in list.text().unwrap_or_default().split(',').map(str::trim) {
        let image = image.split_once('=').map_or(image, |(_, image)| image);
        // A constraint such as `~1.2` is no tag.
        let is_image = edgectl_model::Reference::parse(image).is_ok();
        if is_image {
            desk.book.take(desk.scope, list, &path, image, used("argo-cd", Tier::Likely));
        }
    }
}
