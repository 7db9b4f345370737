//! User data with its secrets hidden, every other byte as it was.

mod comments;
mod properties;

use std::borrow::Cow;
use std::ops::Range;

use granit_parser::ScalarStyle;
use thiserror::Error;

use crate::certificate::decode;
use crate::data_url::{is_data_url, is_data_url_with};
use crate::envelope::{Part, is_archive, parts};
use crate::error::{Place, SyntaxError};
use crate::holes::Holes;
use crate::jinja::{self, raw_inside, word};
use crate::lines;
use crate::mime::{is_mime, is_structure};
use crate::secrets::{
    has_secret_line, is_beside_secret, is_command_with_secret, is_login_file, is_login_key,
    is_public_key, is_secret_file, is_secret_key, is_secrets_key, is_user_with_password, logins,
    without_logins,
};
use crate::template::{Template, explained};
use crate::tree::{Data, Document, Id};
use comments::{has_secret_inside, hide_comments};
use properties::odd_properties;

/// What stands in place of a secret.
const HIDDEN: &str = "\"<hidden>\"";
/// And of a tag or an anchor before a list, a mapping or several lines.
const HIDDEN_TAG: &str = "!<hidden>";
/// What an expression is to those who look for secrets.
const VARIABLE: &str = "${X}";

/// Why secrets can't be hidden: where they stand can't be told.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{place}: {message}; what can't be read can't be hidden")]
pub struct RedactError {
    /// Where.
    pub place: Place,
    /// What is wrong there.
    pub message: String,
}

type Edit = (Range<usize>, String);

/// `text` with every password, token and key hidden: by their keys, in the
/// content of files, in proxy URLs, and in comments. Of several parts those
/// that are cloud-config and written as they are; what is in the others is
/// hidden as a whole.
pub fn redact(text: &str) -> Result<String, RedactError> {
    let mut edits = part_edits(text)?;
    if is_mime(text) {
        return Ok(apply(text, edits, |rest| only_structure(text, rest)));
    }
    if edits.is_empty() && !is_archive(text) {
        return redact_one(text);
    }
    document_edits(text, None, &mut edits)?;
    Ok(apply(text, edits, hide_comments))
}

/// Of what is no part that can be read, headers and delimiters alone.
fn only_structure(text: &str, rest: &str) -> String {
    let mut shown = String::with_capacity(rest.len());
    let mut is_hiding = false;
    for line in rest.split_inclusive('\n') {
        let is_shown = is_structure(text, line);
        match is_shown || is_hiding {
            true if is_shown => shown.push_str(line),
            true => {}
            false => shown.push_str("<hidden>\n"),
        }
        is_hiding = !is_shown;
    }
    shown
}

/// What becomes of the parts of a larger text.
fn part_edits(text: &str) -> Result<Vec<Edit>, RedactError> {
    let parts = parts(text).unwrap_or_default();
    let places = parts.iter().filter_map(|part| Some((part, part.range.clone()?)));
    let edit = |(part, range): (&Part, Range<usize>)| {
        let inner = redact_one(&part.text).map_err(|error| RedactError {
            place: part.place_in_whole(error.place),
            message: error.message,
        })?;
        Ok((range, part.in_place(&inner, text)))
    };
    places.map(edit).collect()
}

fn redact_one(text: &str) -> Result<String, RedactError> {
    let unclosed = |error: SyntaxError| RedactError { place: error.place, message: error.message };
    match Template::of(text).map_err(unclosed)? {
        None => redact_yaml(text, None),
        Some(template) => match redact_yaml(template.text(), Some(&template.holes)) {
            Ok(shown) => Ok(filled(&template.holes, &shown)),
            Err(error) => Err(RedactError {
                place: template.place(error.place),
                message: explained(&error.message),
            }),
        },
    }
}

/// What was hidden in a text with words, with what these stand for. What a macro is
/// called around may be used anywhere.
fn filled(holes: &Holes, shown: &str) -> String {
    let (mut edits, mut open): (Vec<Edit>, Vec<usize>) = (Vec::new(), Vec::new());
    let text = holes.fill(shown, |_, put, before| {
        let shown = shown_of(put.written());
        match word(put.written()) {
            "call" => open.push(before.len() + shown.len()),
            "endcall" => edits.extend(open.pop().map(|at| (at..before.len(), HIDDEN.to_owned()))),
            _ => {}
        }
        shown
    });
    edits.retain(|(range, _)| !text[range.clone()].trim().is_empty());
    // The outermost one hides those inside of it.
    edits.sort_by_key(|(range, _)| (range.start, usize::MAX - range.end));
    apply(&text, edits, str::to_owned)
}

/// What Jinja reads, which may be several statements in a line.
fn shown_of(written: &str) -> String {
    let (mut shown, mut rest) = (String::new(), written);
    loop {
        let start = rest.len() - rest.trim_start().len();
        let first = &rest[start..];
        let length = jinja::section_length(first).or_else(|| jinja::length(first));
        let Some(end) = length.map(|length| start + length).filter(|end| *end < rest.len()) else {
            return shown + &shown_of_one(rest);
        };
        shown += &shown_of_one(&rest[..end]);
        rest = &rest[end..];
    }
}

/// One of these, which may hold a secret of its own. A raw block of several lines is
/// user data that isn't looked into.
fn shown_of_one(written: &str) -> String {
    let bare = written.trim_start();
    let is_raw = raw_inside(bare).is_some() && bare.contains('\n');
    let section = jinja::section_length(bare);
    let has_text = bare.contains(['"', '\'']);
    // What it is set to may be used anywhere, and what a macro is given.
    let is_set = match word(bare) {
        "set" => section.is_some() || has_text,
        "with" | "for" | "do" | "call" | "print" => has_text,
        _ => bare.starts_with("{{") && has_text && calls_macro(jinja::inside(bare)),
    };
    let is_told = is_set
        || is_secret_macro(bare)
        || (!bare.starts_with("{#") && raw_inside(bare).is_none() && names_secret(bare));
    let is_section = bare.starts_with("{#") || section.is_some();
    let has_inside = || is_section && has_secret_inside(bare);
    let is_secret = is_raw || is_told || has_secret_line(written) || has_login(bare);
    if !is_secret && !has_inside() {
        return written.to_owned();
    }
    match (bare.get(..2), bare.get(bare.len() - 2..)) {
        (Some(open), Some(close)) => format!("{open} <hidden> {close}"),
        _ => "<hidden>".to_owned(),
    }
}

/// Whether an expression calls something by a name: no filter, no test and no method.
fn calls_macro(inside: &str) -> bool {
    const OTHERS: [&str; 10] =
        ["and", "or", "not", "in", "is", "if", "else", "range", "dict", "namespace"];
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    inside.match_indices('(').any(|(at, _)| {
        let before = inside[..at].trim_end();
        let name = before.len() - before.trim_end_matches(is_word).len();
        let (before, name) = before.split_at(before.len() - name);
        let before = before.trim_end();
        let is_test = ["is", "is not"]
            .into_iter()
            .any(|test| before.strip_suffix(test).is_some_and(|rest| !rest.ends_with(is_word)));
        !name.is_empty() && !OTHERS.contains(&name) && !before.ends_with(['.', '|']) && !is_test
    })
}

/// Whether a macro makes a secret, by its name.
fn is_secret_macro(bare: &str) -> bool {
    let behind = jinja::inside(bare).strip_prefix("macro").filter(|_| word(bare) == "macro");
    behind.and_then(|behind| behind.trim().split('(').next()).is_some_and(is_secret_key)
}

/// Whether a text within what Jinja reads may be a secret, by a name beside it:
/// `{{ v1.pw | default("x") }}`.
fn names_secret(written: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    written.contains(['"', '\'']) && written.split(|c| !is_word(c)).any(is_secret_key)
}

/// Whether what Jinja reads has a login of its own.
fn has_login(written: &str) -> bool {
    written.get(2..).is_some_and(|inside| logins(inside) > 0)
}

/// `holes` has what the words stand for.
fn redact_yaml(text: &str, holes: Option<&Holes>) -> Result<String, RedactError> {
    let mut edits = Vec::new();
    document_edits(text, holes, &mut edits)?;
    Ok(apply(text, edits, hide_comments))
}

/// Adds the edits of a YAML document, but for what has some already.
fn document_edits(
    text: &str,
    holes: Option<&Holes>,
    edits: &mut Vec<Edit>,
) -> Result<(), RedactError> {
    let document = Document::parse(text)
        .map_err(|error| RedactError { place: error.place, message: error.message })?;
    if let Some(place) = document.second {
        let message = "a second document starts here".to_owned();
        return Err(RedactError { place, message });
    }
    let done: Vec<Range<usize>> = edits.iter().map(|(range, _)| range.clone()).collect();
    let mut search = Search { text, document: &document, holes, done, keys: Vec::new(), edits };
    match document.root {
        Some(root) if is_archive(text) => search.archive(root),
        Some(root) if is_jsonp(text) => search.patch(root),
        Some(root) => search.value(root, false),
        None => {}
    }
    Ok(())
}

/// cloud-init's JSON patches, as a part's first line says it.
fn is_jsonp(text: &str) -> bool {
    text.trim_start().to_ascii_lowercase().starts_with("#cloud-config-jsonp")
}

/// The text with its edits; `rest` shows what is between them.
fn apply(text: &str, mut edits: Vec<Edit>, rest: impl Fn(&str) -> String) -> String {
    edits.sort_by_key(|edit| edit.0.start);
    edits.dedup_by(|b, a| {
        let is_within = b.0.start < a.0.end;
        a.0.end = if is_within { a.0.end.max(b.0.end) } else { a.0.end };
        is_within
    });
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (range, with) in edits {
        out.push_str(&rest(&text[at..range.start]));
        out.push_str(&with);
        at = range.end;
    }
    out.push_str(&rest(&text[at..]));
    out
}

struct Search<'a> {
    text: &'a str,
    document: &'a Document,
    /// What words stand for, in a template.
    holes: Option<&'a Holes>,
    /// Places that are hidden by themselves.
    done: Vec<Range<usize>>,
    /// The keys above what is looked at.
    keys: Vec<String>,
    edits: &'a mut Vec<Edit>,
}

impl Search<'_> {
    /// Looks at a value as it is written; aliases stand for what is looked at
    /// where it is written.
    fn value(&mut self, id: Id, is_secret: bool) {
        match &self.document.node(id).data {
            Data::Scalar { text, .. } => self.scalar(id, text, is_secret),
            Data::Sequence { items, .. } => {
                self.properties(id, is_secret);
                let is_secret = is_secret || self.is_command(items);
                items.iter().for_each(|item| self.value(*item, is_secret));
            }
            Data::Mapping { entries, flow } => {
                self.properties(id, is_secret);
                if let Some(content) = self.closed_content(id) {
                    self.value(content, true);
                }
                let told = self.told_beside(id);
                for (key, value) in entries {
                    let name = self.document.node(*key).scalar().map_or("", |(name, _)| name);
                    let is_alone = (*flow || entries.len() == 1) && self.is_nothing(*value);
                    self.key(*key, is_secret, is_alone);
                    let is_inherited = is_secret && !self.is_beside(name, *value);
                    let is_own = self.is_secret_key(name, *value) || told.contains(&name);
                    self.keys.push(name.to_owned());
                    self.aliased(*value, is_inherited || is_own);
                    self.keys.pop();
                }
            }
            Data::Alias(_) => {}
        }
    }

    /// Looks at a key. One without a value, in braces or alone below a secret's key, is the
    /// secret (`password: {x}`), and no name of one that is said elsewhere.
    fn key(&mut self, id: Id, is_secret: bool, is_alone: bool) {
        match &self.document.node(id).data {
            Data::Scalar { text, .. } => {
                let is_name = is_beside_secret(text) || is_secret_key(text);
                let is_value = is_secret && is_alone && !is_name;
                self.properties(id, is_secret && !is_value);
                self.scalar(id, text, is_value);
            }
            _ => self.value(id, is_secret),
        }
    }

    /// Hides the tag and the anchor of a secret that is a list or a mapping.
    fn properties(&mut self, id: Id, is_secret: bool) {
        let odd = is_secret.then(|| self.odd_properties(id)).flatten();
        self.edits.extend(odd.map(|range| (range, HIDDEN_TAG.to_owned())));
    }

    fn odd_properties(&self, id: Id) -> Option<Range<usize>> {
        let node = self.document.node(id);
        let is_empty = node.scalar().is_some() && node.range.is_empty();
        odd_properties(self.text, node, self.document.is_aliased(id) && !is_empty)
    }

    fn is_nothing(&self, id: Id) -> bool {
        let node = self.document.node(id);
        node.is_null() && node.anchor == 0 && node.range.is_empty()
    }

    /// Whether a key tells that its value is a secret. What stands below a key that
    /// Jinja makes may be one, whatever it makes.
    fn is_secret_key(&self, name: &str, value: Id) -> bool {
        let single = self.document.node(value).scalar();
        let is_single = single.is_some();
        let is_login = is_login_key(name)
            && single.is_some_and(|(text, _)| {
                !text.contains(char::is_whitespace) && is_user_with_password(text)
            });
        is_login
            || is_secret_key(name)
            || (!is_single && is_secrets_key(name))
            || self.has_expression(name)
    }

    /// The keys of a mapping whose values are secrets by what stands beside them:
    /// those of Kubernetes' Secrets and of variables.
    fn told_beside(&self, id: Id) -> &'static [&'static str] {
        let text = |key| self.document.node(self.document.get(id, key)?).scalar();
        let says = |key, is: fn(&str) -> bool| text(key).is_some_and(|(text, _)| is(text));
        match () {
            () if says("kind", |kind| kind == "Secret") => &["data", "stringData"],
            () if says("name", is_secret_key) => &["value"],
            () => &[],
        }
    }

    fn has_expression(&self, text: &str) -> bool {
        text.contains("{{") || self.holes.is_some_and(|holes| text.contains(holes.mark()))
    }

    /// Whether a value has a secret in one of its lines. What stands beside
    /// statements is read by itself; an expression is a variable.
    fn has_secret_line(&self, value: &str) -> bool {
        let with = |expression: &str| match self.holes {
            Some(holes) => Cow::Owned(holes.with_expressions_as(value, expression)),
            None => Cow::Borrowed(value),
        };
        let mut has_text = false;
        let as_variables = jinja::with_expressions_as(&with(VARIABLE), |whole| {
            has_text |= names_secret(whole) || has_login(whole);
            VARIABLE.to_owned()
        });
        has_text
            || has_secret_line(&with(" "))
            || (as_variables != value && has_secret_line(&as_variables))
    }

    /// Whether a value is in a mapping that is a secret, and none itself.
    fn is_beside(&self, name: &str, value: Id) -> bool {
        is_beside_secret(name) && self.document.node(value).scalar().is_some()
    }

    /// Whether a list is a command with a secret, a word an item; the keys above may
    /// name it (`k3s: {args: [-t, x]}`).
    fn is_command(&self, items: &[Id]) -> bool {
        const ABOVE: usize = 2;
        let word = |id: &Id| self.document.node(*id).scalar().map_or("", |(word, _)| word);
        let above = self.keys.iter().rev().take(ABOVE).rev().map(String::as_str);
        let words: Vec<&str> = above.chain(items.iter().map(word)).collect();
        is_command_with_secret(&words)
    }

    /// Whether a value unlocks a disk, as Ignition and Butane write it: the key itself, in
    /// a URL or as it is, or what Clevis makes it of.
    fn unlocks(&self, value: &str) -> bool {
        let is_below = |name: &str| self.keys.iter().any(|key| key == name);
        let is_here = |name: &str| self.keys.last().is_some_and(|key| key == name);
        let is_key = is_below("keyFile") || is_below("key_file");
        let is_config = is_below("clevis") && is_below("custom") && is_here("config");
        is_config || is_key && (is_here("inline") || is_data_url(value))
    }

    /// The content of a file that can't be looked into (compressed, or no text),
    /// or that is a secret as a whole. Ignition says `contents`.
    fn closed_content(&self, file: Id) -> Option<Id> {
        let text = |id| self.document.node(id).scalar().map(|(text, _)| text);
        let content =
            ["content", "contents"].into_iter().find_map(|key| self.document.get(file, key))?;
        let path = self.document.get(file, "path").and_then(text);
        let is_open_key = || text(content).is_some_and(is_public_key);
        let is_login = |path| {
            let decoded = text(content).and_then(decode);
            let said = decoded.as_deref().or_else(|| text(content));
            said.is_some_and(|said| is_login_file(path, said))
        };
        let is_told = |path| is_login(path) || is_secret_file(path) && !is_open_key();
        if path.is_some_and(|path| is_told(path) || self.has_expression(path)) {
            return Some(content);
        }
        let encoding = self.document.get(file, "encoding").and_then(text)?;
        let is_open = match encoding {
            "" | "text/plain" => true,
            _ => text(content).is_some_and(|text| decode(text).is_some()),
        };
        let is_packed = encoding.starts_with('g');
        (is_packed || !is_open).then_some(content)
    }

    /// The parts of an archive that can't be read as cloud-config are hidden
    /// as a whole, whatever they are.
    fn archive(&mut self, root: Id) {
        let document = self.document;
        let Data::Sequence { items, .. } = &document.node(root).data else {
            return self.value(root, true);
        };
        for item in items {
            let Some(target) = document.resolve(*item) else { continue };
            let Data::Mapping { entries, .. } = &document.node(target).data else {
                self.value(target, true);
                continue;
            };
            for (key, value) in entries {
                let name = document.node(*key).scalar().map_or("", |(name, _)| name);
                self.aliased(*value, name == "content" || is_secret_key(name));
            }
        }
    }

    /// The values of patches are hidden as a whole: a path has no keys beside it.
    fn patch(&mut self, root: Id) {
        let document = self.document;
        let Data::Sequence { items, .. } = &document.node(root).data else {
            return self.value(root, true);
        };
        for item in items {
            let Data::Mapping { entries, .. } = &document.node(*item).data else {
                self.value(*item, true);
                continue;
            };
            for (key, value) in entries {
                let name = document.node(*key).scalar().map_or("", |(name, _)| name);
                self.aliased(*value, !matches!(name, "op" | "path" | "from"));
            }
        }
    }

    /// A secret may be written elsewhere, under an anchor.
    fn aliased(&mut self, id: Id, is_secret: bool) {
        match self.document.resolve(id) {
            Some(target) if is_secret => self.value(target, true),
            _ => self.value(id, is_secret),
        }
    }

    fn scalar(&mut self, id: Id, value: &str, is_secret: bool) {
        let node = self.document.node(id);
        let is_done =
            self.done.iter().any(|done| node.range.start < done.end && done.start < node.range.end);
        let odd = is_secret.then(|| self.odd_properties(id)).flatten();
        if is_done || (odd.is_none() && (node.range.is_empty() || value.is_empty())) {
            return;
        }
        // `lock_passwd: true`
        let is_flag = matches!(value, "true" | "True" | "TRUE" | "false" | "False" | "FALSE")
            && node.scalar().is_some_and(|(_, style)| style == ScalarStyle::Plain)
            && odd.is_none();
        let is_secret = is_secret && !is_flag;
        let is_told = || {
            self.has_secret_line(value)
                || is_data_url_with(value, |text| self.has_secret_line(text))
        };
        if is_secret || is_told() || self.unlocks(value) {
            // A tag stands before the `|` of a text with lines.
            let apart = odd.clone().filter(|_| node.is_block_scalar());
            self.edits.extend(apart.map(|range| (range, HIDDEN_TAG.to_owned())));
            self.edits.push(match node.is_block_scalar() {
                true => self.hidden_block(&node.range),
                false => {
                    let start = odd.map_or(node.range.start, |odd| odd.start);
                    (start..node.range.end, HIDDEN.to_owned())
                }
            });
        } else if logins(value) > 0 {
            let written = &self.text[node.range.clone()];
            // What is written in another way than it reads is hidden as a whole.
            let shown = without_logins(written).filter(|_| logins(written) == logins(value));
            self.edits.push((node.range.clone(), shown.unwrap_or_else(|| HIDDEN.to_owned())));
        }
    }

    /// One line in place of a block scalar's, with its indentation. The blanks
    /// at the end stay: the parser's range goes on to the next line's first
    /// word.
    fn hidden_block(&self, range: &Range<usize>) -> (Range<usize>, String) {
        let body = self.text[range.clone()].trim_end();
        let line = lines::start(self.text, range.start);
        let is_indented = range.start > line && self.text[line..range.start].trim().is_empty();
        let indent: String = match is_indented {
            true => String::new(),
            false => body.chars().take_while(|c| *c == ' ').collect(),
        };
        (range.start..range.start + body.len(), format!("{indent}<hidden>"))
    }
}
