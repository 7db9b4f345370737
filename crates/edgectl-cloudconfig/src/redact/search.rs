//! Where a document has secrets.

use std::borrow::Cow;
use std::ops::Range;

use granit_parser::ScalarStyle;

use super::properties::odd_properties;
use super::statements::{has_login, names_secret};
use super::{Edit, HIDDEN};
use crate::certificate::decode;
use crate::data_url::{is_data_url, is_data_url_with};
use crate::holes::Holes;
use crate::jinja;
use crate::lines;
use crate::secrets::{
    has_secret_line, is_beside_secret, is_command_with_secret, is_login_file, is_login_key,
    is_public_key, is_secret_file, is_secret_key, is_secrets_key, is_user_with_password, logins,
    without_logins,
};
use crate::tree::{Data, Document, Id};

/// What stands in place of a tag or an anchor before a list, a mapping or several lines.
const HIDDEN_TAG: &str = "!<hidden>";
/// What an expression is to those who look for secrets.
const VARIABLE: &str = "${X}";

/// A search of a document, which adds what hides its secrets to the edits.
pub(super) struct Search<'a> {
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

impl<'a> Search<'a> {
    /// What has an edit already is hidden by it.
    pub(super) fn new(
        text: &'a str,
        document: &'a Document,
        holes: Option<&'a Holes>,
        edits: &'a mut Vec<Edit>,
    ) -> Self {
        let done = edits.iter().map(|(range, _)| range.clone()).collect();
        Self { text, document, holes, done, keys: Vec::new(), edits }
    }

    /// Looks at a value as it is written; aliases stand for what is looked at
    /// where it is written.
    pub(super) fn value(&mut self, id: Id, is_secret: bool) {
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
    pub(super) fn archive(&mut self, root: Id) {
        self.items(root, |name| name == "content" || is_secret_key(name));
    }

    /// The values of patches are hidden as a whole: a path has no keys beside it.
    pub(super) fn patches(&mut self, root: Id) {
        self.items(root, |name| !matches!(name, "op" | "path" | "from"));
    }

    /// Looks at a list of mappings, where `is_secret` tells of keys; anything else there is
    /// a secret.
    fn items(&mut self, root: Id, is_secret: impl Fn(&str) -> bool) {
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
                self.aliased(*value, is_secret(name));
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
