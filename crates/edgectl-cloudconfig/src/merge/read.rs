//! One file as a value, anchors and merge keys written out.

use crate::error::Place;
use crate::tree::{Data, Document, Id};

use super::scalar::Scalar;
use super::value::{Content, Entry, Origin, Value};

/// Deepest nesting; aliases can nest without end.
const MAX_DEPTH: usize = 64;
/// Most values of one file, aliases written out.
const MAX_VALUES: usize = 200_000;
/// Tags of collections that say nothing.
const PLAIN_TAGS: [&str; 2] = ["!!map", "!!seq"];

/// Reads one file.
pub(super) struct Reader<'a> {
    text: &'a str,
    document: &'a Document,
    file: usize,
    left: usize,
}

type Fault = (Place, &'static str);

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, document: &'a Document, file: usize) -> Self {
        Self { text, document, file, left: MAX_VALUES }
    }

    pub(super) fn value(mut self, id: Id) -> Result<Value, Fault> {
        self.read(id, 0)
    }

    fn read(&mut self, id: Id, depth: usize) -> Result<Value, Fault> {
        let place = self.document.node(id).place;
        let id = self.document.resolve(id).ok_or((place, "an alias that contains itself"))?;
        self.left = self.left.checked_sub(1).ok_or((place, "too large with its aliases"))?;
        if depth > MAX_DEPTH {
            return Err((place, "nested too deeply"));
        }
        let node = self.document.node(id);
        self.ensure_tag(id)?;
        let content = match &node.data {
            Data::Mapping { .. } => Content::Mapping(self.entries(id, depth)?),
            Data::Sequence { items, .. } => {
                let items = items.iter().map(|item| self.read(*item, depth + 1));
                Content::List(items.collect::<Result<_, Fault>>()?)
            }
            _ if node.is_null() => Content::Null,
            _ => Scalar::new(self.text, node).map_or(Content::Null, Content::Scalar),
        };
        Ok(Value::new(content, vec![Origin { file: self.file, place, takes_away: false }]))
    }

    /// What a tag makes of a collection, or one with a handle of the file's own,
    /// can't be said again in another file.
    fn ensure_tag(&self, id: Id) -> Result<(), Fault> {
        let node = self.document.node(id);
        let Some(tag) = node.tag.as_deref().filter(|tag| !PLAIN_TAGS.contains(tag)) else {
            return Ok(());
        };
        let own = tag.strip_prefix("!!").or(tag.strip_prefix('!')).unwrap_or(tag);
        match node.scalar() {
            None => Err((node.place, "a list or a mapping with a tag; remove the tag")),
            Some(_) if own.contains('!') || self.text.contains("\n%TAG") => {
                Err((node.place, "a tag with a handle; write it out as `!<…>`, or remove it"))
            }
            Some(_) => Ok(()),
        }
    }

    fn entries(&mut self, id: Id, depth: usize) -> Result<Vec<Entry>, Fault> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut bases = Vec::new();
        for (key, value) in self.document.entries(id).to_vec() {
            let node = self.document.node(key);
            let place = node.place;
            let Some(key) = Scalar::new(self.text, node) else {
                return Err((place, "a key that is not a text"));
            };
            if key.text == "<<" {
                bases.push(value);
                continue;
            }
            if entries.iter().any(|own| own.key.text == key.text) {
                return Err((place, "a key that stands twice; keep one"));
            }
            let mut value = self.read(value, depth + 1)?;
            if let Some(origin) = value.origins.first_mut() {
                // People look for the key.
                origin.place = place;
            }
            entries.push(Entry { key, value });
        }
        for base in bases {
            self.merge_key(base, depth, &mut entries)?;
        }
        Ok(entries)
    }

    /// What `<<` names comes behind the mapping's own keys.
    fn merge_key(&mut self, base: Id, depth: usize, entries: &mut Vec<Entry>) -> Result<(), Fault> {
        let value = self.read(base, depth + 1)?;
        let bases = match value.content {
            Content::List(items) => items,
            content => vec![Value::new(content, value.origins)],
        };
        for base in bases {
            let Content::Mapping(more) = base.content else { continue };
            for entry in more {
                if !entries.iter().any(|own| own.key.text == entry.key.text) {
                    entries.push(entry);
                }
            }
        }
        Ok(())
    }
}
