//! User data of several parts: MIME multipart and cloud-config-archive, as
//! cloud-init takes them.

use std::ops::Range;

use crate::certificate::decode;
use crate::choice;
use crate::error::{InjectError, Place};
use crate::header::{is_cloud_config, line_end};
use crate::lines;
use crate::tree::{Data, Document, Id};

/// The header of an archive.
const ARCHIVE: &str = "#cloud-config-archive";

/// Headers of parts, and keys of archives' items, that say how to merge.
const MERGE_HEADERS: [&str; 2] = ["merge-type", "x-merge-type"];

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
    margin: String,
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
/// the whole where there are no parts.
pub(crate) fn edit_part<E: InPart>(
    text: &str,
    keys: impl FnOnce() -> Result<Vec<String>, InjectError>,
    edit: impl FnOnce(&str) -> Result<String, E>,
) -> Result<String, E> {
    edit_chosen(text, |parts| Ok(choice::chosen(parts, &keys()?)?), edit)
}

/// `text` with `edit` made to one of its parts, or to the whole where there are
/// no parts.
pub(crate) fn edit_chosen<E: InPart>(
    text: &str,
    choose: impl FnOnce(&[Part]) -> Result<usize, E>,
    edit: impl FnOnce(&str) -> Result<String, E>,
) -> Result<String, E> {
    let Some(parts) = parts(text) else { return edit(text) };
    let number = choose(&parts)?;
    let part = &parts[number];
    let refused = InjectError::Encoded { line: part.line };
    let range = part.range.clone().ok_or_else(|| refused.clone())?;
    let after = edit(&part.text).map_err(|error| error.in_whole(part))?;
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

/// cloud-init looks for these at the head of the text.
pub(crate) fn is_mime(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default().to_ascii_lowercase();
    first.starts_with("content-type:") || first.starts_with("mime-version:")
}

fn mime_parts(text: &str) -> Vec<Part> {
    sections(text).into_iter().filter_map(|section| mime_part(text, section)).collect()
}

/// What stands between the delimiters of a MIME message, headers included.
fn sections(text: &str) -> Vec<Range<usize>> {
    let Some(boundary) = boundary(text) else { return Vec::new() };
    let (delimiter, end) = (format!("--{boundary}"), format!("--{boundary}--"));
    let mut found = Vec::new();
    let mut open: Option<usize> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end();
        if bare == delimiter || bare == end {
            // The line end before a delimiter belongs to it.
            found.extend(open.take().map(|start| start..at));
            if bare == delimiter {
                open = Some(at + line.len());
            }
        }
        at += line.len();
    }
    found.extend(open.map(|start| start..text.len()));
    found
}

/// Whether a line of a MIME message is a delimiter, or a header that cloud-init
/// knows: the only lines outside of parts that hold nothing of anybody's.
pub(crate) fn is_structure(text: &str, line: &str) -> bool {
    const HEADERS: [&str; 7] = [
        "content-type",
        "mime-version",
        "content-transfer-encoding",
        "content-disposition",
        "number-attachments",
        "launch-index",
        "merge-type",
    ];
    let bare = line.trim_end();
    let name = bare.split_once(':').map(|(name, _)| name.trim().to_ascii_lowercase());
    let is_delimiter =
        || boundary(text).is_some_and(|b| bare == format!("--{b}") || bare == format!("--{b}--"));
    let is_folded = bare.starts_with([' ', '\t']) && bare.trim_start().starts_with("boundary=");
    bare.is_empty()
        || is_folded
        || name.is_some_and(|name| HEADERS.contains(&name.as_str()))
        || is_delimiter()
}

/// A part with its headers, if it is cloud-config.
fn mime_part(text: &str, Range { start, end }: Range<usize>) -> Option<Part> {
    let (headers, body) = split_headers(&text[start..end]);
    let body = start + body;
    let encoding = header(headers, "content-transfer-encoding").unwrap_or_default();
    let line = u64::try_from(text[..body].matches('\n').count() + 1).unwrap_or(u64::MAX);
    let has_merge_header =
        MERGE_HEADERS.iter().any(|name| header(headers, name).is_some_and(|how| !how.is_empty()));
    let part = match encoding.to_ascii_lowercase().as_str() {
        "base64" => Part {
            text: decode(&text[body..end])?,
            range: None,
            is_line_by_line: false,
            line,
            has_merge_header,
            margin: String::new(),
        },
        "quoted-printable" => Part {
            text: unquoted(&text[body..end]),
            range: None,
            is_line_by_line: false,
            line,
            has_merge_header,
            margin: String::new(),
        },
        _ => Part {
            text: text[body..end].to_owned(),
            range: Some(body..end),
            is_line_by_line: true,
            line,
            has_merge_header,
            margin: String::new(),
        },
    };
    let kind = header(headers, "content-type").unwrap_or_default().to_ascii_lowercase();
    let is_declared = kind.split(';').next().is_some_and(|kind| kind.trim() == "text/cloud-config");
    (is_declared || is_cloud_config(&part.text)).then_some(part)
}

/// Quoted-printable, decoded; what isn't right stays as it is.
fn unquoted(body: &str) -> String {
    let mut bytes = Vec::with_capacity(body.len());
    for line in body.split_inclusive('\n') {
        let bare = line.trim_end();
        // A `=` at its end joins it with the next one.
        let (content, end) = match bare.strip_suffix('=') {
            Some(content) => (content, ""),
            None => (bare, &line[line.trim_end_matches(['\r', '\n']).len()..]),
        };
        let mut rest = content;
        while let Some(at) = rest.find('=') {
            bytes.extend_from_slice(&rest.as_bytes()[..at]);
            let code = rest.get(at + 1..at + 3);
            let byte = code.and_then(|code| u8::from_str_radix(code, 16).ok());
            bytes.push(byte.unwrap_or(b'='));
            rest = &rest[at + if byte.is_some() { 3 } else { 1 }..];
        }
        bytes.extend_from_slice(rest.as_bytes());
        bytes.extend_from_slice(end.as_bytes());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Headers, and where the body behind their blank line starts.
fn split_headers(part: &str) -> (&str, usize) {
    let mut at = 0;
    for line in part.split_inclusive('\n') {
        if line.trim().is_empty() {
            return (&part[..at], at + line.len());
        }
        at += line.len();
    }
    (part, part.len())
}

/// The value of a header, folded lines joined.
fn header(headers: &str, name: &str) -> Option<String> {
    let mut value: Option<String> = None;
    for line in headers.lines() {
        match &mut value {
            Some(value) if line.starts_with([' ', '\t']) => {
                value.push(' ');
                value.push_str(line.trim());
            }
            Some(_) => break,
            None => {
                if let Some((key, text)) = line.split_once(':')
                    && key.trim().eq_ignore_ascii_case(name)
                {
                    value = Some(text.trim().to_owned());
                }
            }
        }
    }
    value
}

fn boundary(text: &str) -> Option<String> {
    let (headers, _) = split_headers(text);
    let kind = header(headers, "content-type")?;
    let at = kind.to_ascii_lowercase().find("boundary=")?;
    let value = kind[at + "boundary=".len()..].trim();
    let value = match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => value.split([';', ' ']).next()?,
    };
    (!value.is_empty()).then(|| value.to_owned())
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

fn archive_part(whole: &str, document: &Document, item: Id) -> Option<Part> {
    let item = document.resolve(item)?;
    let content = match document.node(item).data {
        Data::Mapping { .. } => document.get(item, "content")?,
        _ => item,
    };
    let kind = document.get(item, "type").and_then(|id| document.node(id).scalar());
    let is_declared = kind.is_some_and(|(kind, _)| kind == "text/cloud-config");
    let node = document.node(content);
    let (text, _) = node.scalar()?;
    if !is_declared && !is_cloud_config(text) {
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
    })
}
