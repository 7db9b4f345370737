//! The cases of a corpus: packs, with `expected.json` where there is one, and manifests with the
//! list of images that their project publishes.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use edgectl_model::Reference;
use edgectl_process::file_error;
use serde_json::Value;

use crate::Result;

/// One case.
pub(super) struct Case {
    pub(super) name: String,
    /// What `edgectl images` is given.
    pub(super) inputs: Vec<PathBuf>,
    /// The images of pod specifications.
    pub(super) pods: BTreeSet<Reference>,
    /// The images that a pack declares.
    pub(super) declared: BTreeSet<Reference>,
    /// The images that a project publishes, and that its manifests hold.
    pub(super) published: BTreeSet<Reference>,
    /// Those that they don't.
    pub(super) named_nowhere: BTreeSet<Reference>,
}

/// All cases below a directory, by name.
pub(super) fn find(root: &Path) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        let name = directory.strip_prefix(root).unwrap_or(&directory).display().to_string();
        let files = entries(&directory)?;
        directories.extend(files.iter().filter(|path| path.is_dir()).cloned());
        if directory.join("pack.json").is_file() {
            cases.push(pack(name, &directory)?);
            continue;
        }
        for list in files.iter().filter(|path| is_list(path)) {
            cases.extend(manifests(&name, list, &files)?);
        }
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(cases)
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>> {
    let reading = file_error("reading", directory);
    let entries = std::fs::read_dir(directory).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut paths: Vec<PathBuf> = entries.map_err(reading)?.iter().map(|e| e.path()).collect();
    paths.sort();
    Ok(paths)
}

fn pack(name: String, directory: &Path) -> Result<Case> {
    // Without expectations a pack still shows how precise we are.
    let expected = directory.join("expected.json");
    let expected = match expected.is_file() {
        true => serde_json::from_str(&read(&expected)?)?,
        false => Value::Null,
    };
    let list = |key: &str| -> Result<BTreeSet<Reference>> {
        let names = expected[key].as_array().into_iter().flatten().filter_map(Value::as_str);
        names.map(|name| Ok(Reference::parse(name)?)).collect()
    };
    let rendered = directory.join("rendered.yaml");
    let rendered = rendered.is_file().then_some(rendered);
    Ok(Case {
        name,
        pods: list("podspec_images")?,
        declared: list("declared")?,
        published: BTreeSet::new(),
        named_nowhere: BTreeSet::new(),
        inputs: std::iter::once(directory.to_owned()).chain(rendered).collect(),
    })
}

/// `images.txt` is for all the manifests beside it, `NAME-images.txt` for
/// `NAME.yaml`.
fn is_list(path: &Path) -> bool {
    path.file_name().is_some_and(|name| {
        let name = name.to_string_lossy();
        name == "images.txt" || name.ends_with("-images.txt")
    })
}

fn manifests(directory: &str, list: &Path, files: &[PathBuf]) -> Result<Option<Case>> {
    let stem = list.file_stem().unwrap_or_default().to_string_lossy();
    let own = stem.strip_suffix("-images").map(|stem| format!("{stem}.yaml"));
    let is_wanted = |path: &&PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        own.as_ref().map_or(name.ends_with(".yaml"), |own| name == *own)
    };
    let inputs: Vec<PathBuf> = files.iter().filter(is_wanted).cloned().collect();
    if inputs.is_empty() {
        return Ok(None);
    }
    let mut text = String::new();
    for input in &inputs {
        text.push_str(&without_comments(&read(input)?));
    }
    let (mut published, mut named_nowhere) = (BTreeSet::new(), BTreeSet::new());
    let names = read(list)?;
    for name in names.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let side = if text.contains(name) { &mut published } else { &mut named_nowhere };
        side.insert(Reference::parse(name)?);
    }
    let name = match own {
        Some(_) => format!("{directory}/{}", stem.trim_end_matches("-images")),
        None => directory.to_owned(),
    };
    let none = BTreeSet::new;
    Ok(Some(Case { name, inputs, pods: none(), declared: none(), published, named_nowhere }))
}

fn without_comments(text: &str) -> String {
    let lines = text.split_inclusive('\n').filter(|line| !line.trim_start().starts_with('#'));
    lines.collect()
}

/// Reads a text file.
pub(super) fn read(path: &Path) -> Result<String> {
    Ok(std::fs::read_to_string(path).map_err(file_error("reading", path))?)
}
