//! From inputs to images.

use edgectl_model::{Digest, Found, Hasher, ImagesConfig, Role, Tier};

use crate::collect::{Book, Kind, Scope, Sighting};
use crate::error::ProfileError;
use crate::export::{Export, Pack, Values, read};
use crate::findings::{self, PackFacts};
use crate::layer::Layer;
use crate::macros::Macros;
use crate::report::{Discovery, Problem, Severity};
use crate::rules::KnownFields;
use crate::tree::Node;
use crate::{chart_values, content, manifests, os_pack};

/// Where inclusions and exclusions stand.
const CONFIG: &str = "edge.yaml";

/// One profile export.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// Its name, for people.
    pub file: &'a str,
    /// Its text, JSON or YAML.
    pub text: &'a str,
}

/// Every image of the profiles, with the corrections of `images` applied.
/// Several inputs are the profiles of one cluster.
pub fn discover(inputs: &[Input<'_>], images: &ImagesConfig) -> Result<Discovery, ProfileError> {
    let exports = inputs.iter().map(read).collect::<Result<Vec<Export>, ProfileError>>()?;
    let known = KnownFields::new(&images.known_fields);
    let mut book = Book { known, ..Book::default() };
    let mut packs = Vec::new();
    for (index, export) in exports.iter().enumerate() {
        let macros = Macros::new(index, &exports);
        for pack in &export.packs {
            let number = packs.len();
            packs.push(search(&mut book, export, pack, number, &macros));
        }
    }
    exclude(&mut book, images);
    let late = findings::problems(&book, &packs);
    book.problems.extend(late);
    include(&mut book, images);
    let mut problems = std::mem::take(&mut book.problems);
    problems.sort_by(|a, b| place(a).cmp(&place(b)));
    problems.dedup();
    let images_found = book.images().into_values().collect();
    Ok(Discovery { images: images_found, problems, inputs: digest(inputs, images) })
}

fn place(problem: &Problem) -> (&str, u64, u64, &str, &str, &str) {
    let Problem { file, line, column, path, rule, message, .. } = problem;
    (file, *line, *column, rule, path, message)
}

fn search(
    book: &mut Book,
    export: &Export,
    pack: &Pack,
    number: usize,
    macros: &Macros<'_>,
) -> PackFacts {
    let layer = Layer::file(&export.text);
    let whole = Scope {
        file: &export.file,
        layer: &layer,
        base: pack.path.clone(),
        object: pack.object(),
        pack: number,
        macros,
    };
    let mut has_pods = false;
    for (path, content) in &pack.manifests {
        if let Some(content) = layer.embedded(content) {
            has_pods |= manifests::collect(book, &whole.inside(&layer, path.clone()), &content);
        }
    }
    let mut has_charts = false;
    if let Some(values) = &pack.values {
        let inner = layer.inner(&values.embedded);
        match &values.tree {
            Ok(tree) => {
                let scope = whole.inside(&inner, format!("{}.values:", pack.path));
                has_pods |= search_values(book, &scope, pack, tree);
                has_charts |= has_chart(tree);
            }
            Err(_) => book.problems.extend(unreadable(export, pack, values)),
        }
    }
    PackFacts { shows_all_use: has_pods && !has_charts, name: pack.name.clone() }
}

fn search_values(book: &mut Book, scope: &Scope<'_>, pack: &Pack, values: &Node) -> bool {
    let mut role = Role::Workload;
    if pack.layer == "os" {
        // Beside a `system.uri` the list repeats that image, which joins the
        // two; without one, the list is where the image is named.
        let has_uri = os_pack::collect(book, scope, values);
        role = if has_uri { Role::Workload } else { Role::Os };
    }
    content::collect(book, scope, values, role);
    chart_values::collect(book, scope, values);
    let mut has_pods = false;
    for (name, manifest) in values.get("manifests").map(Node::entries).unwrap_or_default() {
        let Some(contents) = manifest.get("contents").filter(|text| text.text().is_some()) else {
            continue;
        };
        let name = name.scalar().unwrap_or("?");
        if let Some(content) = scope.layer.embedded(contents) {
            let base = format!("{}manifests.{name}.contents", scope.base);
            has_pods |= manifests::collect(book, &scope.inside(scope.layer, base), &content);
        }
    }
    has_pods
}

fn has_chart(values: &Node) -> bool {
    let listed = values.at(&["pack", "content", "charts"]).is_some_and(|c| !c.items().is_empty());
    listed || values.get("charts").is_some_and(|charts| !charts.entries().is_empty())
}

fn unreadable(export: &Export, pack: &Pack, values: &Values) -> Option<Problem> {
    let fault = values.tree.as_ref().err()?;
    Some(Problem {
        severity: Severity::Error,
        file: export.file.clone(),
        line: fault.line,
        column: fault.column,
        path: format!("{}.values", pack.path),
        object: pack.object(),
        rule: "values-syntax",
        message: format!("the values aren't YAML: {}", fault.message),
    })
}

fn exclude(book: &mut Book, images: &ImagesConfig) {
    for (index, listed) in images.exclude.iter().enumerate() {
        let before = book.sightings.len();
        book.sightings.retain(|seen| seen.reference != listed.image);
        if book.sightings.len() == before {
            book.problems.push(Problem {
                severity: Severity::Warning,
                file: CONFIG.to_owned(),
                line: 0,
                column: 0,
                path: format!("images.exclude[{index}]"),
                object: CONFIG.to_owned(),
                rule: "exclude-unmatched",
                message: format!("`{}` is excluded, but nothing names it", listed.image),
            });
        }
    }
}

fn include(book: &mut Book, images: &ImagesConfig) {
    let kind = Kind { rule: "include", tier: Tier::Certain, role: Role::Workload, declared: false };
    for (index, listed) in images.include.iter().enumerate() {
        let found = Found {
            file: CONFIG.to_owned(),
            line: 0,
            path: format!("images.include[{index}]"),
            object: CONFIG.to_owned(),
            rule: kind.rule.to_owned(),
        };
        let reference = listed.image.clone();
        book.sightings.push(Sighting { reference, kind, pack: usize::MAX, found, column: 0 });
    }
}

/// Over the texts and the corrections; each with its length, so that no two
/// sets of inputs look alike.
fn digest(inputs: &[Input<'_>], images: &ImagesConfig) -> Digest {
    let mut hasher = Hasher::sha256();
    let mut add = |part: &str| {
        hasher.update(format!("{}:", part.len()).as_bytes());
        hasher.update(part.as_bytes());
    };
    inputs.iter().for_each(|input| add(input.text));
    for (word, list) in [("include", &images.include), ("exclude", &images.exclude)] {
        add(word);
        list.iter().for_each(|listed| add(&listed.image.canonical()));
    }
    images.known_fields.iter().for_each(|field| add(&format!("{field:?}")));
    hasher.finish()
}
