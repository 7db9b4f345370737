//! One file from several, as Palette and Kairos merge them: mappings key by
//! key; lists of mappings one after the other; lists of scalars without
//! repetitions; of two scalars the later one; `null` takes a value away.
//! Different kinds of values under one key are an error.
//!
//! cloud-init's own mergers have no setting that does this, hence one finished
//! document. Comments stay behind; anchors and merge keys are written out. Single
//! values stay as they are written, for readers differ in what they mean.

mod block;
mod emit;
mod read;
mod scalar;
mod value;

use thiserror::Error;

use crate::error::Place;
use crate::header::{is_cloud_config, is_jinja_template, is_kairos_config};
use crate::template::{MARKS, has_only_values};
use crate::tree::{Document, Node};
use read::Reader;
use value::{Origin, Value};

const HEADER: &str = "#cloud-config\n";
const EATEN: &str = "a tag of the template (`-}}`, `-%}`) takes the line end behind it along, and merging would put another key there; remove its `-`";
const OUTSIDE: &str = "a statement, comment or expression of the template (`## template: jinja`) stands outside of values that can be read, and merging would lose it; put it into a value with quotes, or render the template first";
const TEMPLATE: &str = "## template: jinja\n";

/// One file.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// Its name, for people.
    pub name: &'a str,
    /// Its text.
    pub text: &'a str,
}

impl std::fmt::Debug for Source<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The text holds passwords.
        f.debug_struct("Source").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Why files can't be merged. No message quotes a value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MergeError {
    /// Another kind of user data.
    #[error("`{file}` is not cloud-config user data: the first line must be `#cloud-config`")]
    NotCloudConfig {
        /// The file.
        file: String,
    },
    /// Something in one file.
    #[error("{file}:{}:{}: {message}", place.line, place.column)]
    Unreadable {
        /// The file.
        file: String,
        /// Where.
        place: Place,
        /// What is wrong there.
        message: String,
    },
    /// One file is a template, and another has what would become one.
    #[error(
        "`{template}` is a template (`## template: jinja`) and `{other}` isn't, but has `{{{{`, `{{%` or `{{#`, \
         which would be run; make both templates, or none"
    )]
    Template {
        /// The template.
        template: String,
        /// The other one.
        other: String,
    },
    /// Two files that can't be one.
    #[error(transparent)]
    Kinds(Box<KindClash>),
}

/// A key that is one kind of value in one file and another in the next.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{file}:{}:{}: `{path}` is {kind} here and {other} in `{first}`, line {}; make them the same",
    place.line, place.column, other_place.line
)]
pub struct KindClash {
    /// The later file.
    pub file: String,
    /// Where.
    pub place: Place,
    /// The key.
    pub path: String,
    /// What it is there.
    pub kind: &'static str,
    /// The earlier file.
    pub first: String,
    /// Where it stands there.
    pub other_place: Place,
    /// What it is there.
    pub other: &'static str,
}

/// Several files as one.
pub struct Merged {
    root: Value,
    names: Vec<String>,
    is_template: bool,
}

impl std::fmt::Debug for Merged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Merged").field("names", &self.names).finish_non_exhaustive()
    }
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The file.
    pub file: String,
    /// Where in it.
    pub place: Place,
    /// It takes the value away (`null`).
    pub takes_away: bool,
    /// Nothing of it is left: a later file goes over it. Of a list or a mapping
    /// several files may have a part.
    pub is_over: bool,
}

/// Merges files, the later ones over the earlier ones.
pub fn merge(sources: &[Source<'_>]) -> Result<Merged, MergeError> {
    let names: Vec<String> = sources.iter().map(|source| source.name.to_owned()).collect();
    let is_template = is_template(sources)?;
    let mut root = Value::empty();
    for (number, source) in sources.iter().enumerate() {
        let next = read(number, source)?;
        root.add(next, "").map_err(|clash| {
            let value::Clash { path, kind, at, other, other_at } = *clash;
            MergeError::Kinds(Box::new(KindClash {
                file: names[at.file].clone(),
                place: at.place,
                path,
                kind,
                first: names[other_at.file].clone(),
                other_place: other_at.place,
                other,
            }))
        })?;
    }
    Ok(Merged { root, names, is_template })
}

/// Whether the result is a template: one of the files is, and no other would
/// become one.
fn is_template(sources: &[Source<'_>]) -> Result<bool, MergeError> {
    let is_template = |source: &&Source<'_>| is_jinja_template(source.text);
    let Some(template) = sources.iter().find(is_template) else { return Ok(false) };
    let has_marks = |source: &&Source<'_>| MARKS.iter().any(|mark| source.text.contains(mark));
    match sources.iter().find(|source| !is_template(source) && has_marks(source)) {
        None => Ok(true),
        Some(other) => Err(MergeError::Template {
            template: template.name.to_owned(),
            other: other.name.to_owned(),
        }),
    }
}

impl Merged {
    /// The merged user data.
    pub fn to_text(&self) -> String {
        let head = if self.is_template { TEMPLATE } else { "" };
        format!("{head}{HEADER}{}", emit::document(&self.root, self.is_template))
    }

    /// All files that have a say in the value at `path` (`stylus.site.name`,
    /// `write_files[1].path`), the one that counts last: also where that one
    /// takes it away. None if no file has such a value.
    pub fn explain(&self, path: &str) -> Option<Vec<Step>> {
        let origins = self.root.origins_at(path)?;
        let is_joined = self.root.at(path).is_some_and(Value::is_collection);
        let last_gone = origins.iter().rposition(|origin| origin.takes_away);
        let step = |(n, origin): (usize, &Origin)| Step {
            file: self.names[origin.file].clone(),
            place: origin.place,
            takes_away: origin.takes_away,
            is_over: last_gone.is_some_and(|gone| n < gone)
                || (!is_joined && n + 1 < origins.len()),
        };
        Some(origins.iter().enumerate().map(step).collect())
    }
}

/// The first value that takes the line end behind it along, where another key
/// may come to stand.
fn eats_its_line_end(text: &str, document: &Document) -> Option<Place> {
    let eats = |node: &&Node| {
        let written = text.get(node.range.clone()).unwrap_or_default().trim_end();
        node.scalar().is_some() && ["-}}", "-%}", "-#}"].iter().any(|tag| written.ends_with(tag))
    };
    document.nodes.iter().find(eats).map(|node| node.place)
}

fn read(number: usize, source: &Source<'_>) -> Result<Value, MergeError> {
    let file = source.name.to_owned();
    if !is_cloud_config(source.text) && !is_kairos_config(source.text) {
        return Err(MergeError::NotCloudConfig { file });
    }
    let unreadable = |place, message: &str| MergeError::Unreadable {
        file: source.name.to_owned(),
        place,
        message: message.to_owned(),
    };
    let is_template = is_jinja_template(source.text);
    let document = Document::parse(source.text).map_err(|error| match is_template {
        true => unreadable(error.place, &format!("{}; {OUTSIDE}", error.message)),
        false => unreadable(error.place, &error.message),
    })?;
    if let Some(place) = document.second {
        return Err(unreadable(place, "a second document starts here; keep one document per file"));
    }
    if is_template && !has_only_values(source.text, &document) {
        return Err(unreadable(Place::new(1, 1), OUTSIDE));
    }
    if let Some(place) = is_template.then(|| eats_its_line_end(source.text, &document)).flatten() {
        return Err(unreadable(place, EATEN));
    }
    let Some(root) = document.root else { return Ok(Value::empty()) };
    let value = Reader::new(source.text, &document, number).value(root).map_err(|fault| {
        let (place, message) = fault;
        unreadable(place, message)
    })?;
    match value.is_mapping() || value.is_null() {
        true => Ok(value),
        false => Err(unreadable(document.node(root).place, "expected a mapping")),
    }
}
