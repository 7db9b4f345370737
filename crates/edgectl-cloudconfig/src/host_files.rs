//! The files that user data writes on the host: `write_files` of cloud-init and
//! the `files` of Kairos' stages.

use edgectl_model::Secret;

use crate::certificate;
use crate::error::{InjectError, ReadError};
use crate::injection::HostFile;
use crate::plan::{STAGE, STEP};
use crate::tree::{Document, Id};

/// Where the user data of a file stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writer {
    /// In `write_files`.
    CloudInit,
    /// In the step of a stage that injecting adds.
    OurStep,
    /// In another step.
    OtherStep,
}

/// One of them.
pub(crate) struct Written<'a> {
    pub(crate) item: Id,
    pub(crate) path: &'a str,
    pub(crate) writer: Writer,
}

/// All of them, in the order of the text.
pub(crate) fn written(document: &Document) -> Vec<Written<'_>> {
    let mut found = Vec::new();
    let Some(root) = document.root else { return found };
    add(document, document.get(root, "write_files"), Writer::CloudInit, &mut found);
    let stages = document.get(root, "stages");
    for (key, steps) in stages.map(|id| document.entries(id)).unwrap_or_default() {
        let is_our_stage = document.node(*key).scalar().is_some_and(|(name, _)| name == STAGE);
        for step in document.items(*steps) {
            let name = document.get(*step, "name").and_then(|id| document.node(id).scalar());
            let is_ours = is_our_stage && name.is_some_and(|(name, _)| name == STEP);
            let writer = if is_ours { Writer::OurStep } else { Writer::OtherStep };
            add(document, document.get(*step, "files"), writer, &mut found);
        }
    }
    found
}

fn add<'a>(document: &'a Document, list: Option<Id>, writer: Writer, found: &mut Vec<Written<'a>>) {
    for item in list.map(|list| document.items(list)).unwrap_or_default() {
        let path = document.get(*item, "path").and_then(|id| document.node(id).scalar());
        if let Some((path, _)) = path {
            found.push(Written { item: *item, path, writer });
        }
    }
}

/// The content of one of them, base64 decoded; none where it is compressed or
/// comes from elsewhere.
pub(crate) fn content(document: &Document, item: Id) -> Option<String> {
    let text = |key| {
        let id = document.get(item, key)?;
        document.node(id).scalar().map(|(text, _)| text)
    };
    match text("encoding").unwrap_or_default() {
        "" | "text/plain" => text("content").map(str::to_owned),
        "b64" | "base64" => certificate::decode(text("content")?),
        _ => None,
    }
}

/// Refuses to take over files that somebody else writes there, or writes again
/// later.
pub(crate) fn refuse_foreign(
    document: &Document,
    files: &[HostFile],
    ours: Writer,
) -> Result<(), InjectError> {
    for written in written(document) {
        let is_meant = files.iter().any(|file| file.path == written.path);
        if is_meant && (written.writer != ours || !is_our_content(document, &written)) {
            let place = document.node(written.item).place;
            return Err(InjectError::ForeignFile { place, file: written.path.to_owned() });
        }
    }
    Ok(())
}

/// How the files that injecting writes begin.
pub(crate) const OWN_MARK: &str = "# Written by edgectl.";

pub(crate) fn is_our_content(document: &Document, written: &Written<'_>) -> bool {
    const OWN_NAMES: [&str; 2] = ["/etc/edgectl/", "/usr/local/share/ca-certificates/edgectl-"];
    let is_plain = ["encoding", "append", "source"]
        .into_iter()
        .all(|key| document.get(written.item, key).is_none());
    let content = content(document, written.item).unwrap_or_default();
    let is_named = OWN_NAMES.iter().any(|name| written.path.starts_with(name));
    is_plain && (is_named || content.is_empty() || content.starts_with(OWN_MARK))
}

/// The files that user data of one part writes on the host, with what they
/// contain; those that are compressed or fetched are left out.
pub fn written_files(text: &str) -> Result<Vec<HostFile>, ReadError> {
    let document = Document::parse(text)?;
    let file = |written: &Written<'_>| {
        let mode = document.get(written.item, "permissions");
        let mode = mode.and_then(|id| document.node(id).scalar()).map(|(text, _)| text);
        let mode = mode.map(|text| text.strip_prefix("0o").unwrap_or(text));
        let mode = mode.and_then(|text| u32::from_str_radix(text, 8).ok());
        let content = content(&document, written.item)?;
        let content = match written.writer {
            Writer::CloudInit => content,
            Writer::OurStep | Writer::OtherStep => with_openings(&content),
        };
        Some(HostFile {
            path: written.path.to_owned(),
            mode: mode.unwrap_or(DEFAULT_MODE),
            content: Secret::new(content),
        })
    };
    Ok(written(&document).iter().filter_map(file).collect())
}

const DEFAULT_MODE: u32 = 0o644;
const OPENING: &str = "{{";
const ESCAPED: &str = r#"{{ "{{" }}"#;

/// A content that Kairos takes, as it is on the host.
pub(crate) fn with_openings(content: &str) -> String {
    content.replace(ESCAPED, OPENING)
}

/// A content as Kairos takes it, which runs it as a Go template.
pub(crate) fn without_templates(content: &str) -> String {
    content.replace(OPENING, ESCAPED)
}
