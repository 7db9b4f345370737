//! Puts one value at one path by inserting lines or replacing one scalar.
//! Everything else keeps its bytes.

use crate::error::InjectError;
use crate::header::line_end;
use crate::place::Placing;
use crate::splice::Splice;
use crate::target::{Leaf, Seg, Target, is_same_text, shown};
use crate::tree::{Data, Document, Id};

/// What brings the target into the text, one change after the other; nothing
/// where it is there.
pub(crate) fn put(text: &str, target: &Target) -> Result<Vec<Splice>, InjectError> {
    put_into(text, &Document::parse(text)?, target)
}

/// The same for a text that was read before.
pub(crate) fn put_into(
    text: &str,
    document: &Document,
    target: &Target,
) -> Result<Vec<Splice>, InjectError> {
    if let Some(place) = document.second {
        return Err(InjectError::SecondDocument { place });
    }
    let placing = Placing::new(text, document, line_end(text));
    let (path, leaf) = (target.path.as_slice(), &target.leaf);
    match document.root {
        None => Ok(vec![placing.append(path, leaf)]),
        Some(root) if document.node(root).is_null() => Ok(vec![placing.append(path, leaf)]),
        Some(root) => Walk { document, placing, path, leaf }.down(root, 0),
    }
}

struct Walk<'a> {
    document: &'a Document,
    placing: Placing<'a>,
    path: &'a [Seg],
    leaf: &'a Leaf,
}

impl Walk<'_> {
    /// Goes on in the collection `id`, which stands at `path[..depth]`.
    fn down(&self, id: Id, depth: usize) -> Result<Vec<Splice>, InjectError> {
        match &self.path[depth] {
            Seg::Key(key) => self.through_mapping(id, key, depth),
            seg @ Seg::Item { .. } => self.through_list(id, seg, depth),
        }
    }

    fn through_mapping(&self, id: Id, key: &str, depth: usize) -> Result<Vec<Splice>, InjectError> {
        self.check_mapping(id, depth)?;
        let mut named = self.document.entries_named(id, key);
        let found = named.next();
        if let Some((second, _)) = named.next() {
            let place = self.document.node(second).place;
            return Err(InjectError::Duplicate { place, path: self.path_to(depth + 1) });
        }
        let done = match found {
            None => self.placing.insert(id, &self.path[depth..], self.leaf).map(one),
            Some((key, value)) => return self.at_value(key, value, depth + 1),
        };
        done.ok_or_else(|| self.unsupported(id))
    }

    fn through_list(&self, id: Id, seg: &Seg, depth: usize) -> Result<Vec<Splice>, InjectError> {
        self.check_value(id, depth)?;
        let Data::Sequence { items, .. } = &self.document.node(id).data else {
            return Err(self.shape(id, depth, "a list"));
        };
        let mut meant = items.iter().filter(|item| self.document.is_item(**item, seg));
        let found = meant.next();
        if let Some(second) = meant.next() {
            let place = self.document.node(*second).place;
            return Err(InjectError::Duplicate { place, path: self.path_to(depth + 1) });
        }
        match found {
            Some(item) => self.down(*item, depth + 1),
            None => self
                .placing
                .insert_item(id, &self.path[depth..], self.leaf)
                .map(one)
                .ok_or_else(|| self.unsupported(id)),
        }
    }

    /// Goes on at the value of a key on the path, which stands at
    /// `path[..depth]`.
    fn at_value(&self, key: Id, value: Id, depth: usize) -> Result<Vec<Splice>, InjectError> {
        self.check_value(value, depth)?;
        let rest = &self.path[depth..];
        let node = self.document.node(value);
        let done = match (&node.data, self.leaf) {
            _ if node.is_null() => self.placing.fill(key, value, rest, self.leaf),
            _ if !rest.is_empty() => return self.down(value, depth),
            (Data::Scalar { text, style }, Leaf::Scalar { means, .. })
                if means.is(text, *style) =>
            {
                Some(Vec::new())
            }
            (Data::Scalar { text: now, .. }, Leaf::Text(text)) if is_same_text(now, text) => {
                Some(Vec::new())
            }
            (Data::Scalar { .. }, Leaf::Scalar { written, .. }) => {
                self.placing.replace(key, value, written).map(one)
            }
            (Data::Scalar { .. }, Leaf::Text(text)) => {
                self.placing.replace_text(key, value, text).map(one)
            }
            (Data::Sequence { .. }, leaf) if leaf.is_item() => self.add_item(value),
            (_, leaf) if leaf.is_item() => return Err(self.shape(value, depth, "a list")),
            _ => return Err(self.shape(value, depth, "a single value")),
        };
        done.ok_or_else(|| self.unsupported(value))
    }

    fn add_item(&self, list: Id) -> Option<Vec<Splice>> {
        let Data::Sequence { items, .. } = &self.document.node(list).data else { return None };
        let is_there = items.iter().any(|item| {
            let item = self.document.resolve(*item).map(|id| self.document.node(id));
            let text = item.and_then(|node| node.scalar());
            text.is_some_and(|(text, _)| self.leaf.is_same_item(text))
        });
        match is_there {
            true => Some(Vec::new()),
            false => self.placing.insert_item(list, &[], self.leaf).map(one),
        }
    }

    fn check_mapping(&self, id: Id, depth: usize) -> Result<(), InjectError> {
        self.check_value(id, depth)?;
        let place = self.document.node(id).place;
        if !matches!(self.document.node(id).data, Data::Mapping { .. }) {
            return Err(self.shape(id, depth, "a mapping"));
        }
        match self.document.entries_named(id, "<<").next() {
            Some(_) => Err(InjectError::MergeKey { place, path: self.path_to(depth) }),
            None => Ok(()),
        }
    }

    fn check_value(&self, id: Id, depth: usize) -> Result<(), InjectError> {
        const PLAIN_TAGS: [&str; 3] = ["!!str", "!!map", "!!seq"];
        let node = self.document.node(id);
        let (place, path) = (node.place, self.path_to(depth));
        match &node.tag {
            _ if matches!(node.data, Data::Alias(_)) => Err(InjectError::Alias { place, path }),
            _ if self.document.is_aliased(id) => Err(InjectError::Anchor { place, path }),
            Some(tag) if !PLAIN_TAGS.contains(&tag.as_str()) => {
                Err(InjectError::Tag { place, path })
            }
            _ => Ok(()),
        }
    }

    fn shape(&self, id: Id, depth: usize, expected: &'static str) -> InjectError {
        let place = self.document.node(id).place;
        InjectError::Shape { place, path: self.path_to(depth), expected }
    }

    fn unsupported(&self, id: Id) -> InjectError {
        let place = self.document.node(id).place;
        InjectError::Unsupported { place, path: self.path_to(self.path.len()) }
    }

    fn path_to(&self, depth: usize) -> String {
        shown(&self.path[..depth])
    }
}

fn one(splice: Splice) -> Vec<Splice> {
    vec![splice]
}
