//! User data of several parts: MIME multipart and cloud-config-archive, as
//! cloud-init takes them.

use std::ops::Range;

use crate::choice;
use crate::error::{InjectError, Place};
use crate::header::{is_cloud_config, line_end};
use crate::lines;
use crate::mime::{is_mime, mime_parts};
use crate::tree::{Data, Document, Id};

/// How parts begin that say what they are.
const TYPES: [&str; 7] = [
    "#!",
    "#include",
    "#cloud-config",
    "#upstart-job",
    "#part-handler",
    "#cloud-boothook",
    "## template: jinja",
];
/// The header of an archive.
const ARCHIVE: &str = "#cloud-config-archive";

/// The type of a part that needs no header.
pub(crate) const CLOUD_CONFIG: &str = "text/cloud-config";
/// The type of one that is a template.
pub(crate) const JINJA: &str = "text/jinja2";

/// Headers of parts, and keys of archives' items, that say how to merge.
pub(crate) const MERGE_HEADERS: [&str; 2] = ["merge-type", "x-merge-type"];

/// A cloud-config part of a larger text.
pub(crate) struct Part {
    /// Its text, decoded.
    pub(crate) text: String,
    /// Its bytes in the whole, where they are its lines as they are, each behind
    /// the margin.
    pub(crate) range: Option<Range<usize>>,
    /// Whether its lines are lines of the whole; if not, all of it is at `line`.
    pub(crate) is_line_by_line: bool,
    /// The line of the whole that its first line is, from 1.
    pub(crate) line: u64,
    /// Whether a header says how it is merged into the parts before it.
    pub(crate) has_merge_header: bool,
    /// Blanks before each of its lines in the whole.
    pub(crate) margin: String,
    /// Whether its type says what it is, so that it needs no header.
    pub(crate) is_declared: bool,
}

/// The cloud-config parts of a text; none if it is no text of parts.
pub(crate) fn parts(text: &str) -> Option<Vec<Part>> {
    if is_mime(text) {
        return Some(mime_parts(text));
    }
    is_archive(text).then(|| archive_parts(text))
}

/// An error that can be told where a part stands.
pub(crate) trait InPart: From<InjectError> {
    /// The error with its place in the whole text.
    fn in_whole(self, part: &Part) -> Self;
}

impl InPart for InjectError {
    fn in_whole(mut self, part: &Part) -> Self {
        if let Some(place) = self.place_mut() {
            *place = part.place_in_whole(*place);
        }
        self
    }
}

/// The cloud-config parts of a MIME multipart or a cloud-config-archive, decoded;
/// of any other text the whole.
pub fn cloud_configs(text: &str) -> Vec<String> {
    match parts(text) {
        Some(parts) => parts.into_iter().map(|part| part.text).collect(),
        None => vec![text.to_owned()],
    }
}

/// `text` with `edit` made to the part that its top-level `keys` go into, or to
/// the whole where there are no parts. `edit` is told whether the type is declared.
pub(crate) fn edit_part<E: InPart>(
    text: &str,
    keys: impl FnOnce() -> Result<Vec<String>, InjectError>,
    edit: impl FnOnce(&str, bool) -> Result<String, E>,
) -> Result<String, E> {
    edit_chosen(text, |parts| Ok(choice::chosen(parts, &keys()?)?), edit)
}

/// `text` with `edit` made to one of its parts, or to the whole where there are
/// no parts.
pub(crate) fn edit_chosen<E: InPart>(
    text: &str,
    choose: impl FnOnce(&[Part]) -> Result<usize, E>,
    edit: impl FnOnce(&str, bool) -> Result<String, E>,
) -> Result<String, E> {
    let Some(parts) = parts(text) else { return edit(text, false) };
    let number = choose(&parts)?;
    let part = &parts[number];
    let refused = InjectError::Encoded { line: part.line };
    let range = part.range.clone().ok_or_else(|| refused.clone())?;
    let after = edit(&part.text, part.is_declared).map_err(|error| error.in_whole(part))?;
    let whole = match part.margin() {
        "" => {
            // A part ends where a line does, unless the text ends there.
            let is_open = !after.ends_with('\n') && range.end < text.len();
            let end = if is_open { line_end(text) } else { "" };
            return Ok(lines::splice(text, range, &format!("{after}{end}")));
        }
        margin => lines::splice(text, range, &indented(&after, margin, line_end(text))),
    };
    // The lines may mean something else where they stand.
    let again = self::parts(&whole).and_then(|parts| parts.into_iter().nth(number));
    match again.is_some_and(|part| part.text.trim_end() == after.trim_end()) {
        true => Ok(whole),
        false => Err(refused.into()),
    }
}

impl Part {
    /// What stands before each of its lines.
    fn margin(&self) -> &str {
        &self.margin
    }

    /// Another text as it stands in the place of this one.
    pub(crate) fn in_place(&self, text: &str, whole: &str) -> String {
        match self.margin() {
            "" => text.to_owned(),
            margin => indented(text, margin, line_end(whole)),
        }
    }

    /// A place in it as a place in the whole.
    pub(crate) fn place_in_whole(&self, place: Place) -> Place {
        let indent = u64::try_from(self.margin.len()).unwrap_or(0);
        match self.is_line_by_line {
            true => Place { line: self.line + place.line - 1, column: indent + place.column },
            false => Place { line: self.line, column: 1 },
        }
    }
}

/// The lines of a literal block, without the end of the last one.
fn indented(text: &str, margin: &str, line_end: &str) -> String {
    let line = |line: &str| match line {
        "" => String::new(),
        line => format!("{margin}{line}"),
    };
    text.lines().map(line).collect::<Vec<_>>().join(line_end)
}

/// Whether the text is an archive.
pub(crate) fn is_archive(text: &str) -> bool {
    text.lines().next().is_some_and(|header| header.trim_end() == ARCHIVE)
}

fn archive_parts(text: &str) -> Vec<Part> {
    let Ok(document) = Document::parse(text) else { return Vec::new() };
    let items = document.root.map(|root| &document.node(root).data);
    let Some(Data::Sequence { items, .. }) = items else { return Vec::new() };
    items.iter().filter_map(|item| archive_part(text, &document, *item)).collect()
}

/// Whether a part begins as one of cloud-init's types does.
fn names_type(text: &str) -> bool {
    let text = text.trim_start().to_ascii_lowercase();
    text.is_empty() || TYPES.iter().any(|begin| text.starts_with(begin))
}

fn is_mapping(text: &str) -> bool {
    let root = |document: &Document| {
        document.root.is_some_and(|root| matches!(document.node(root).data, Data::Mapping { .. }))
    };
    Document::parse(text).is_ok_and(|document| root(&document))
}

fn archive_part(whole: &str, document: &Document, item: Id) -> Option<Part> {
    let item = document.resolve(item)?;
    let content = match document.node(item).data {
        Data::Mapping { .. } => document.get(item, "content")?,
        _ => item,
    };
    let kind = document.get(item, "type").and_then(|id| document.node(id).scalar());
    let kind = kind.map(|(kind, _)| kind).filter(|kind| !kind.is_empty());
    let node = document.node(content);
    let (text, _) = node.scalar()?;
    // What says nothing of its type is cloud-config in an archive, if it can be.
    let is_one = || !names_type(text) && is_mapping(text);
    let is_declared = kind == Some(CLOUD_CONFIG) || (kind.is_none() && is_one());
    // What an item holds decides only where its type doesn't.
    let is_open = kind.is_none_or(|kind| kind == JINJA);
    if !(is_declared || is_open && is_cloud_config(text)) {
        return None;
    }
    let start = lines::start(whole, node.range.start);
    let body = &whole[start..node.range.end];
    let indent = body.len() - body.trim_start_matches(' ').len();
    let margin = " ".repeat(indent);
    // Bytes that this would not give again are not taken out of their place.
    let as_written = indented(text, &margin, line_end(whole));
    let is_literal = node.is_block_scalar() && indent > 0;
    let is_plain = is_literal && whole[start..].starts_with(&as_written);
    Some(Part {
        text: text.to_owned(),
        range: is_plain.then(|| start..start + as_written.len()),
        is_line_by_line: node.is_block_scalar(),
        line: node.place.line,
        has_merge_header: document.entries(item).iter().any(|(key, _)| {
            let name = document.node(*key).scalar().map(|(name, _)| name.to_ascii_lowercase());
            name.is_some_and(|name| MERGE_HEADERS.contains(&name.as_str()))
        }),
        margin,
        is_declared,
    })
}
