//! Values with their origins, and how two become one.

use crate::error::Place;

use super::scalar::Scalar;

/// Where a value was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Origin {
    /// Number of the file.
    pub(super) file: usize,
    pub(super) place: Place,
    /// A `null` that takes away what was there.
    pub(super) takes_away: bool,
}

/// What a value is. No `Debug`: scalars can be passwords.
#[derive(Clone)]
pub(super) enum Content {
    Null,
    Scalar(Scalar),
    List(Vec<Value>),
    Mapping(Vec<Entry>),
}

/// A key as it is written first, and its value.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) key: Scalar,
    pub(super) value: Value,
}

/// A value and who had a say in it, the last one last.
#[derive(Clone)]
pub(super) struct Value {
    pub(super) content: Content,
    pub(super) origins: Vec<Origin>,
    /// What later nulls have taken away, and which, in their order.
    former: Vec<(Content, Origin)>,
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
    pub(super) fn new(content: Content, origins: Vec<Origin>) -> Self {
        Self { content, origins, former: Vec::new() }
    }

    pub(super) fn empty() -> Self {
        Self::new(Content::Mapping(Vec::new()), Vec::new())
    }

    pub(super) fn is_mapping(&self) -> bool {
        matches!(self.content, Content::Mapping(_))
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.content, Content::Null)
    }

    /// Takes over what a later file says.
    pub(super) fn add(&mut self, mut later: Self, path: &str) -> Result<(), Box<Clash>> {
        if self.is_null() || later.is_null() {
            let content = std::mem::replace(&mut self.content, later.content);
            if !matches!(content, Content::Null) {
                later.origins.iter_mut().for_each(|origin| origin.takes_away = true);
                self.former.extend(later.origins.last().map(|by| (content, *by)));
            }
            self.origins.extend(later.origins);
            return Ok(());
        }
        match (&mut self.content, later.content) {
            (Content::Mapping(entries), Content::Mapping(later)) => {
                for Entry { key, value } in later {
                    let name = &key.text;
                    let path =
                        if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    match entries.iter_mut().find(|own| own.key.text == *name) {
                        Some(own) => own.value.add(value, &path)?,
                        None => entries.push(Entry { key, value }),
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

    pub(super) fn is_collection(&self) -> bool {
        self.content.is_collection()
    }

    /// The value at `a.b[2].c`.
    pub(super) fn at<'a>(&'a self, path: &'a str) -> Option<&'a Self> {
        match path {
            "" => Some(self),
            path => self.content.steps(path).find_map(|(value, rest)| value.at(rest)),
        }
    }

    /// Whether a later `null` has taken it away.
    pub(super) fn is_gone(&self) -> bool {
        self.is_null() && self.origins.len() > 1
    }

    /// Who had a say in the value at `a.b[2].c`, also where it was taken away;
    /// keys may hold dots.
    pub(super) fn origins_at(&self, path: &str) -> Option<Vec<Origin>> {
        if path.is_empty() {
            return Some(self.origins.clone());
        }
        let mut found = Vec::new();
        for (content, by) in &self.former {
            if let Some(more) = content.below(path) {
                found.extend(more);
                found.push(*by);
            }
        }
        found.extend(self.content.below(path).into_iter().flatten());
        (!found.is_empty()).then_some(found)
    }
}

impl Content {
    fn is_collection(&self) -> bool {
        matches!(self, Self::List(_) | Self::Mapping(_))
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Scalar(_) => "a single value",
            Self::List(_) => "a list",
            Self::Mapping(_) => "a mapping",
        }
    }

    fn below(&self, path: &str) -> Option<Vec<Origin>> {
        self.steps(path).find_map(|(value, rest)| value.origins_at(rest))
    }

    /// The values that a path may go on in, and its rest.
    fn steps<'a>(&'a self, path: &'a str) -> impl Iterator<Item = (&'a Value, &'a str)> {
        let item = || {
            let (number, rest) = path.strip_prefix('[')?.split_once(']')?;
            let Self::List(items) = self else { return None };
            Some((
                items.get(number.parse::<usize>().ok()?)?,
                rest.strip_prefix('.').unwrap_or(rest),
            ))
        };
        let entries = if let Self::Mapping(entries) = self { entries.as_slice() } else { &[] };
        let named = |entry: &'a Entry| {
            let rest = path.strip_prefix(entry.key.text.as_str())?;
            match rest.chars().next() {
                None | Some('[') => Some((&entry.value, rest)),
                Some('.') => Some((&entry.value, &rest[1..])),
                Some(_) => None,
            }
        };
        item().into_iter().chain(entries.iter().filter_map(named))
    }
}

/// Lists of scalars have no repetitions; others are put one after the other.
fn join(items: &mut Vec<Value>, later: Vec<Value>) {
    for item in later {
        let is_there = |own: &Value| match (&own.content, &item.content) {
            (Content::Scalar(a), Content::Scalar(b)) => a.is_same(b),
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
        origins.last().copied().unwrap_or(Origin {
            file: 0,
            place: Place::new(1, 1),
            takes_away: false,
        })
    };
    Box::new(Clash {
        path: path.to_owned(),
        kind: later.word(),
        at: at(later_at),
        other: own.word(),
        other_at: at(own_at),
    })
}
