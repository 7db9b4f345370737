//! Values with their origins, and how two become one.

use crate::check::Kind;
use crate::error::Place;
use crate::tree::{Data, Document, Id};

/// Deepest nesting; aliases can nest without end.
const MAX_DEPTH: usize = 64;
/// Most values of one file, aliases written out.
const MAX_VALUES: usize = 200_000;

/// Where a value was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Origin {
    /// Number of the file.
    pub(super) file: usize,
    pub(super) place: Place,
}

/// What a value is. No `Debug`: scalars can be passwords.
#[derive(Clone)]
pub(super) enum Content {
    Null,
    /// A number or a boolean, as it was written.
    Plain(String),
    Text(String),
    List(Vec<Value>),
    Mapping(Vec<(String, Value)>),
}

/// A value and who had a say in it, the last one last.
#[derive(Clone)]
pub(super) struct Value {
    pub(super) content: Content,
    pub(super) origins: Vec<Origin>,
}

/// Two values that can't become one.
pub(super) struct Clash {
    pub(super) path: String,
    pub(super) kind: &'static str,
    pub(super) at: Origin,
    pub(super) other: &'static str,
    pub(super) other_at: Origin,
}

impl Value {
    pub(super) fn empty() -> Self {
        Self { content: Content::Mapping(Vec::new()), origins: Vec::new() }
    }

    pub(super) fn is_mapping(&self) -> bool {
        matches!(self.content, Content::Mapping(_))
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.content, Content::Null)
    }

    /// Takes over what a later file says.
    pub(super) fn add(&mut self, later: Self, path: &str) -> Result<(), Box<Clash>> {
        if self.is_null() || later.is_null() {
            self.content = later.content;
            self.origins.extend(later.origins);
            return Ok(());
        }
        match (&mut self.content, later.content) {
            (Content::Mapping(entries), Content::Mapping(later)) => {
                for (key, value) in later {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    match entries.iter_mut().find(|(own, _)| *own == key) {
                        Some((_, own)) => own.add(value, &path)?,
                        None => entries.push((key, value)),
                    }
                }
            }
            (Content::List(items), Content::List(later)) => join(items, later),
            (own, later_content) => {
                if own.is_collection() || later_content.is_collection() {
                    return Err(clash(path, own, &self.origins, &later_content, &later.origins));
                }
                *own = later_content;
            }
        }
        self.origins.extend(later.origins);
        Ok(())
    }

    /// Takes out what a later `null` has taken away.
    pub(super) fn drop_nulls(&mut self) {
        if let Content::Mapping(entries) = &mut self.content {
            entries.retain(|(_, value)| !(value.is_null() && value.origins.len() > 1));
            entries.iter_mut().for_each(|(_, value)| value.drop_nulls());
        }
    }

    /// The value at `a.b[2].c`; keys may hold dots.
    pub(super) fn at(&self, path: &str) -> Option<&Self> {
        if path.is_empty() {
            return Some(self);
        }
        if let Some(rest) = path.strip_prefix('[') {
            let (number, rest) = rest.split_once(']')?;
            let Content::List(items) = &self.content else { return None };
            let rest = rest.strip_prefix('.').unwrap_or(rest);
            return items.get(number.parse::<usize>().ok()?)?.at(rest);
        }
        let Content::Mapping(entries) = &self.content else { return None };
        entries.iter().find_map(|(key, value)| {
            let rest = path.strip_prefix(key.as_str())?;
            match rest.chars().next() {
                None => Some(value),
                Some('.') => value.at(&rest[1..]),
                Some('[') => value.at(rest),
                Some(_) => None,
            }
        })
    }
}

impl Content {
    fn is_collection(&self) -> bool {
        matches!(self, Self::List(_) | Self::Mapping(_))
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Plain(_) | Self::Text(_) => "a single value",
            Self::List(_) => "a list",
            Self::Mapping(_) => "a mapping",
        }
    }
}

/// Lists of scalars have no repetitions; others are put one after the other.
fn join(items: &mut Vec<Value>, later: Vec<Value>) {
    for item in later {
        let is_there = |own: &Value| match (&own.content, &item.content) {
            (Content::Text(a), Content::Text(b)) | (Content::Plain(a), Content::Plain(b)) => a == b,
            _ => false,
        };
        match items.iter_mut().find(|own| is_there(own)) {
            Some(own) => own.origins.extend(item.origins),
            None => items.push(item),
        }
    }
}

fn clash(
    path: &str,
    own: &Content,
    own_at: &[Origin],
    later: &Content,
    later_at: &[Origin],
) -> Box<Clash> {
    let at = |origins: &[Origin]| {
        origins.last().copied().unwrap_or(Origin { file: 0, place: Place::new(1, 1) })
    };
    Box::new(Clash {
        path: path.to_owned(),
        kind: later.word(),
        at: at(later_at),
        other: own.word(),
        other_at: at(own_at),
    })
}

/// Reads one file.
pub(super) struct Reader<'a> {
    document: &'a Document,
    file: usize,
    left: usize,
}

type Fault = (Place, &'static str);

impl<'a> Reader<'a> {
    pub(super) fn new(document: &'a Document, file: usize) -> Self {
        Self { document, file, left: MAX_VALUES }
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
        let content = match &node.data {
            Data::Mapping { .. } => Content::Mapping(self.entries(id, depth)?),
            Data::Sequence { items, .. } => {
                let items = items.iter().map(|item| self.read(*item, depth + 1));
                Content::List(items.collect::<Result<_, Fault>>()?)
            }
            Data::Scalar { text, .. } => match Kind::of(node) {
                Kind::Null => Content::Null,
                Kind::String => Content::Text(text.clone()),
                _ => Content::Plain(text.clone()),
            },
            Data::Alias(_) => Content::Null,
        };
        Ok(Value { content, origins: vec![Origin { file: self.file, place }] })
    }

    fn entries(&mut self, id: Id, depth: usize) -> Result<Vec<(String, Value)>, Fault> {
        let mut entries: Vec<(String, Value)> = Vec::new();
        let mut bases = Vec::new();
        for (key, value) in self.document.entries(id).to_vec() {
            let place = self.document.node(key).place;
            let Some((name, _)) = self.document.node(key).scalar() else {
                return Err((place, "a key that is not a text"));
            };
            if name == "<<" {
                bases.push(value);
                continue;
            }
            if entries.iter().any(|(own, _)| own == name) {
                return Err((place, "a key that stands twice; keep one"));
            }
            let mut value = self.read(value, depth + 1)?;
            if let Some(origin) = value.origins.first_mut() {
                // People look for the key.
                origin.place = place;
            }
            entries.push((name.to_owned(), value));
        }
        for base in bases {
            self.merge_key(base, depth, &mut entries)?;
        }
        Ok(entries)
    }

    /// What `<<` names comes behind the mapping's own keys.
    fn merge_key(
        &mut self,
        base: Id,
        depth: usize,
        entries: &mut Vec<(String, Value)>,
    ) -> Result<(), Fault> {
        let value = self.read(base, depth + 1)?;
        let bases = match value.content {
            Content::List(items) => items,
            content => vec![Value { content, origins: value.origins }],
        };
        for base in bases {
            let Content::Mapping(more) = base.content else { continue };
            for (key, value) in more {
                if !entries.iter().any(|(own, _)| *own == key) {
                    entries.push((key, value));
                }
            }
        }
        Ok(())
    }
}
