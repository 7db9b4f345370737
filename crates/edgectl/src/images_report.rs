//! What `edgectl images` shows: tables, JSON, and the story of one image.

use edgectl_model::{Digest, Found, LockedImage, Reference, Role, Tier};
use edgectl_profile::{DiscoveredImage, Excluded, Problem};
use serde_json::{Value, json};

use crate::discovery::Discovered;
use crate::exit;
use crate::failure::Failure;
use crate::printer::table;
use crate::project::Scope;

/// An image, mirrored or only listed.
struct Shown<'a> {
    reference: &'a Reference,
    digest: Option<&'a Digest>,
    role: Role,
    tier: Tier,
    declared: bool,
    found: &'a [Found],
}

impl<'a> From<&'a LockedImage> for Shown<'a> {
    fn from(image: &'a LockedImage) -> Self {
        Self {
            reference: &image.source,
            digest: image.digest.as_ref(),
            role: image.role,
            tier: image.tier,
            declared: image.declared,
            found: &image.found,
        }
    }
}

impl<'a> From<&'a DiscoveredImage> for Shown<'a> {
    fn from(image: &'a DiscoveredImage) -> Self {
        Self {
            reference: &image.reference,
            digest: image.reference.digest(),
            role: image.role,
            tier: image.tier,
            declared: image.declared,
            found: &image.found,
        }
    }
}

/// All images, sorted.
fn all(discovered: &Discovered) -> Vec<Shown<'_>> {
    let mirrored = discovered.lock.images.iter().map(Shown::from);
    let mut all: Vec<Shown<'_>> =
        mirrored.chain(discovered.listed.iter().map(Shown::from)).collect();
    all.sort_by_cached_key(|image| image.reference.canonical());
    all
}

/// For people.
pub(crate) fn as_table(discovered: &Discovered) -> String {
    let mut rows =
        vec![["IMAGE", "DIGEST", "ROLE", "TIER", "DECLARED", "FOUND"].map(str::to_owned).to_vec()];
    rows.extend(all(discovered).iter().map(row));
    table(&rows)
}

fn row(image: &Shown<'_>) -> Vec<String> {
    let digest = image.digest.map_or("-".to_owned(), |d| d.short().to_owned());
    let place = image.found.first().map(|f| format!("{} {}", f.object, f.rule)).unwrap_or_default();
    let more = match image.found.len() {
        0 | 1 => String::new(),
        n => format!(" and {} more", n - 1),
    };
    vec![
        image.reference.to_string(),
        digest,
        word(&image.role),
        word(&image.tier),
        if image.declared { "yes" } else { "NO" }.to_owned(),
        format!("{place}{more}"),
    ]
}

/// The word that a type has in the lock file.
fn word<T: serde::Serialize>(value: &T) -> String {
    json!(value).as_str().unwrap_or_default().to_owned()
}

/// For programs.
pub(crate) fn as_json(discovered: &Discovered) -> Value {
    let image = |image: &Shown<'_>| {
        json!({
            "image": image.reference,
            "tier": image.tier,
            "role": image.role,
            "declared": image.declared,
            "digest": image.digest,
            "found": image.found,
        })
    };
    let images: Vec<Value> = all(discovered).iter().map(image).collect();
    let problems: Vec<Value> = discovered.problems.iter().map(problem_value).collect();
    json!({ "schema": 1, "images": images, "problems": problems })
}

/// The same as YAML.
pub(crate) fn as_yaml(discovered: &Discovered) -> Result<String, Failure> {
    serde_saphyr::to_string(&as_json(discovered)).map_err(|e| Failure::of(exit::BUG, &e))
}

fn problem_value(problem: &Problem) -> Value {
    json!({
        "severity": problem.severity.as_str(),
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "path": problem.path,
        "object": problem.object,
        "rule": problem.rule,
        "message": problem.message,
    })
}

/// Everything that is known of one image.
pub(crate) fn explain(
    discovered: &Discovered,
    wanted: &str,
    scope: &Scope,
) -> Result<String, Failure> {
    let reference = Reference::parse(wanted).map_err(|e| Failure::of(exit::USAGE, &e))?;
    if let Some(image) = discovered.lock.images.iter().find(|image| image.source == reference) {
        let mut fate = format!("mirrored: {}", reason(image.tier));
        if scope.registry.is_some() {
            fate.push_str(&format!("\n  in the registry: {}", image.target));
        }
        return Ok(story(&Shown::from(image), &fate));
    }
    if let Some(image) = discovered.listed.iter().find(|image| image.reference == reference) {
        let fate = format!(
            "only listed: {}; `--tier {}`, or an entry under `images.include` in edge.yaml, has it mirrored",
            reason(image.tier),
            word(&image.tier),
        );
        return Ok(story(&Shown::from(image), &fate));
    }
    let is_it = |excluded: &&Excluded| excluded.image.reference == reference;
    if let Some(excluded) = discovered.excluded.iter().find(is_it) {
        let fate = format!("left out by `images.exclude` in edge.yaml: {}", excluded.reason);
        return Ok(story(&Shown::from(&excluded.image), &fate));
    }
    Err(Failure::new(exit::FOUND_WRONG, format!("nothing in the inputs names `{reference}`"))
        .hint("`edgectl images -o list` shows what is there"))
}

fn story(image: &Shown<'_>, fate: &str) -> String {
    let declared = match (image.declared, by(image.found)) {
        (false, _) => "used but not declared".to_owned(),
        (true, Some(by)) => format!("declared by {by}"),
        (true, None) => "declared".to_owned(),
    };
    let (role, tier) = (word(&image.role), word(&image.tier));
    let mut text =
        format!("{}\n  {fate}\n  role {role}, tier {tier}, {declared}\n", image.reference);
    for found in image.found {
        let place = match found.line {
            0 => found.file.clone(),
            line => format!("{}:{line}", found.file),
        };
        text.push_str(&format!(
            "  found by rule {} in {}\n    {place} {}\n",
            found.rule, found.object, found.path
        ));
    }
    text
}

/// Who declares it.
fn by(found: &[Found]) -> Option<&str> {
    let is_list =
        |found: &&Found| matches!(found.rule.as_str(), "pack-content" | "chart-annotation");
    found.iter().find(is_list).map(|found| found.object.as_str())
}

fn reason(tier: Tier) -> &'static str {
    match tier {
        Tier::Certain => "a pod specification or a list names it",
        Tier::Known => "a field that is known to hold an image names it",
        Tier::Likely => "a key, a variable or an argument that looks like an image names it",
        Tier::Possible => "a text that could be a reference, and nothing surer, names it",
    }
}
