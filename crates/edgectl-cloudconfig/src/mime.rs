//! MIME multipart messages, as cloud-init takes them.

use std::ops::Range;

use crate::certificate::decode;
use crate::envelope::{CLOUD_CONFIG, JINJA, MERGE_HEADERS, Part};
use crate::header::is_cloud_config;

/// Whether a text is a message: cloud-init looks for `MIME-Version:` at its head,
/// whatever header comes first.
pub(crate) fn is_mime(text: &str) -> bool {
    const HEAD: usize = 4096;
    let is = |line: &str, name: &str| {
        line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
    };
    let first = text.lines().next().unwrap_or_default();
    if is(first, "content-type:") || is(first, "mime-version:") {
        return true;
    }
    let mut headers = text.lines().take_while(|line| !line.trim().is_empty());
    let mut at = 0;
    let is_early = |line: &&str| {
        at += line.len() + 1;
        at <= HEAD
    };
    (is(first, "from ") || is_header(first))
        && headers.by_ref().take_while(is_early).any(|line| is(line, "mime-version:"))
}

/// Whether a line is a header of a message, and no comment or key of YAML.
fn is_header(line: &str) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-';
    line.split_once(": ").is_some_and(|(name, _)| !name.is_empty() && name.chars().all(is_name))
}

/// Types of parts that are cloud-config where their first lines say so: what they hold
/// decides, or it is a template. Of any other type cloud-init takes the type's word.
const LOOKED_INTO: [&str; 4] = ["text/plain", "text/x-not-multipart", "text/x-shellscript", JINJA];

/// Messages inside of each other that are looked into.
const MAX_DEPTH: usize = 8;

/// Its cloud-config parts, those of messages inside of it, too.
pub(crate) fn mime_parts(text: &str) -> Vec<Part> {
    let sections = all_sections(text, 0..text.len(), MAX_DEPTH);
    sections.into_iter().filter_map(|section| mime_part(text, section)).collect()
}

/// Whether a message has any part at all.
pub(crate) fn has_sections(text: &str) -> bool {
    !sections(text).is_empty()
}

/// Parts in the order in which cloud-init takes them: those of a message stand in
/// the place of it.
fn all_sections(text: &str, range: Range<usize>, depth: usize) -> Vec<Range<usize>> {
    let own = sections(&text[range.clone()]);
    let own = own.into_iter().map(|own| range.start + own.start..range.start + own.end);
    own.flat_map(|section| {
        let (headers, _) = split_headers(&text[section.clone()]);
        let kind = header(headers, "content-type").unwrap_or_default().to_ascii_lowercase();
        match kind.starts_with("multipart/") && depth > 0 {
            true => all_sections(text, section, depth - 1),
            false => vec![section],
        }
    })
    .collect()
}

/// What stands between the delimiters of a MIME message, headers included.
fn sections(text: &str) -> Vec<Range<usize>> {
    let Some(boundary) = boundary(text) else { return only_section(text).into_iter().collect() };
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

/// A message that isn't made of parts is one itself.
fn only_section(text: &str) -> Option<Range<usize>> {
    let (headers, body) = split_headers(text);
    (!kind(headers).starts_with("multipart/") && body < text.len()).then_some(0..text.len())
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
    let encoding = encoding.to_ascii_lowercase();
    let line = u64::try_from(text[..body].matches('\n').count() + 1).unwrap_or(u64::MAX);
    let has_merge_header =
        MERGE_HEADERS.iter().any(|name| header(headers, name).is_some_and(|how| !how.is_empty()));
    let kind = kind(headers);
    let is_declared = kind == CLOUD_CONFIG;
    let is_line_by_line = !matches!(encoding.as_str(), "base64" | "quoted-printable");
    let text = match encoding.as_str() {
        "base64" => decode(&text[body..end])?,
        "quoted-printable" => unquoted(&text[body..end]),
        _ => text[body..end].to_owned(),
    };
    let part = Part {
        text,
        range: is_line_by_line.then_some(body..end),
        is_line_by_line,
        line,
        has_merge_header,
        margin: String::new(),
        is_declared,
    };
    let is_open = LOOKED_INTO.contains(&kind.as_str());
    (is_declared || (is_open && is_cloud_config(&part.text))).then_some(part)
}

/// The type of a part; what names none is text, as Python's reader has it.
fn kind(headers: &str) -> String {
    let said = header(headers, "content-type").unwrap_or_default().to_ascii_lowercase();
    let kind = said.split(';').next().unwrap_or_default().trim();
    match kind.matches('/').count() {
        1 => kind.to_owned(),
        _ => "text/plain".to_owned(),
    }
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
