//! Puts one value at one path by inserting lines or replacing one scalar.
//! Everything else keeps its bytes.

use granit_parser::ScalarStyle;

use crate::error::InjectError;
use crate::header::line_end;
use crate::place::Placing;
use crate::scalar;
use crate::tree::{Data, Document, Id};

/// What to put.
pub(crate) enum Leaf<'a> {
    /// A scalar, written as it shall stand; kept as it is where `keeps` says
    /// that the present one means the same.
    Scalar { written: String, keeps: &'a dyn Fn(&str, ScalarStyle) -> bool },
    /// One more item of a list of certificates.
    Certificate(&'a str),
}

/// The text with `leaf` at `path`.
pub(crate) fn put(text: &str, path: &[&str], leaf: &Leaf<'_>) -> Result<String, InjectError> {
    let document = Document::parse(text)?;
    if let Some(place) = document.second {
        return Err(InjectError::SecondDocument { place });
    }
    let placing = Placing::new(text, &document, line_end(text));
    match document.root {
        None => Ok(placing.append(path, leaf)),
        Some(root) if document.node(root).is_null() => Ok(placing.append(path, leaf)),
        Some(root) => Walk { document: &document, placing, path, leaf }.down(root, 0),
    }
}

struct Walk<'a> {
    document: &'a Document,
    placing: Placing<'a>,
    path: &'a [&'a str],
    leaf: &'a Leaf<'a>,
}

impl Walk<'_> {
    /// Goes on in the mapping `id`, which stands at `path[..depth]`.
    fn down(&self, id: Id, depth: usize) -> Result<String, InjectError> {
        self.check_mapping(id, depth)?;
        let (key, rest) = (self.path[depth], &self.path[depth..]);
        let mut named = self.document.entries_named(id, key);
        let found = named.next();
        if let Some((second, _)) = named.next() {
            let place = self.document.node(second).place;
            return Err(InjectError::Duplicate { place, path: self.path_to(depth + 1) });
        }
        let done = match found {
            None => self.placing.insert(id, rest, self.leaf),
            Some((key, value)) => return self.at_value(key, value, depth + 1),
        };
        done.ok_or_else(|| self.unsupported(id))
    }

    /// Goes on at the value of a key on the path, which stands at
    /// `path[..depth]`.
    fn at_value(&self, key: Id, value: Id, depth: usize) -> Result<String, InjectError> {
        self.check_value(value, depth)?;
        let rest = &self.path[depth..];
        let node = self.document.node(value);
        let done = match (&node.data, self.leaf) {
            _ if node.is_null() => self.placing.fill(key, value, rest, self.leaf),
            _ if !rest.is_empty() => return self.down(value, depth),
            (Data::Scalar { text, style }, Leaf::Scalar { keeps, .. }) if keeps(text, *style) => {
                Some(self.placing.unchanged())
            }
            (Data::Scalar { .. }, Leaf::Scalar { written, .. }) => {
                self.placing.replace(key, value, written)
            }
            (Data::Sequence { .. }, Leaf::Certificate(pem)) => self.add_item(value, pem),
            (_, Leaf::Scalar { .. }) => return Err(self.shape(value, depth, "a single value")),
            (_, Leaf::Certificate(_)) => return Err(self.shape(value, depth, "a list")),
        };
        done.ok_or_else(|| self.unsupported(value))
    }

    fn add_item(&self, list: Id, pem: &str) -> Option<String> {
        let Data::Sequence { items, .. } = &self.document.node(list).data else { return None };
        let is_there = items.iter().any(|item| {
            let item = self.document.resolve(*item).map(|id| self.document.node(id));
            item.and_then(|node| node.scalar())
                .and_then(|(text, _)| crate::certificate::pem(text))
                .is_some_and(|present| present == pem)
        });
        match is_there {
            true => Some(self.placing.unchanged()),
            false => self.placing.insert_item(list, pem),
        }
    }

    fn check_mapping(&self, id: Id, depth: usize) -> Result<(), InjectError> {
        let place = self.document.node(id).place;
        if !matches!(self.document.node(id).data, Data::Mapping { .. }) {
            return Err(self.shape(id, depth, "a mapping"));
        }
        self.check_value(id, depth)?;
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
        match depth {
            0 => "the document".to_owned(),
            _ => self.path[..depth].join("."),
        }
    }
}

/// `path` and `leaf` on one line, as they stand inside braces.
pub(crate) fn flow_entry(path: &[&str], leaf: &Leaf<'_>) -> String {
    match path {
        [] => flow_leaf(leaf),
        [key] => format!("{}: {}", scalar::key(key), flow_leaf(leaf)),
        [key, rest @ ..] => format!("{}: {{{}}}", scalar::key(key), flow_entry(rest, leaf)),
    }
}

fn flow_leaf(leaf: &Leaf<'_>) -> String {
    match leaf {
        Leaf::Scalar { written, .. } => written.clone(),
        Leaf::Certificate(pem) => format!("[{}]", scalar::quoted(pem)),
    }
}

/// `path` and `leaf` as lines of block style.
pub(crate) fn block_entry(
    path: &[&str],
    leaf: &Leaf<'_>,
    indent: usize,
    step: usize,
) -> Vec<String> {
    let margin = " ".repeat(indent);
    match (path, leaf) {
        ([], Leaf::Certificate(pem)) => block_item(pem, indent),
        ([], Leaf::Scalar { written, .. }) => vec![format!("{margin}{written}")],
        ([key], Leaf::Scalar { written, .. }) => {
            vec![format!("{margin}{}: {written}", scalar::key(key))]
        }
        ([key, rest @ ..], _) => {
            let mut lines = vec![format!("{margin}{}:", scalar::key(key))];
            lines.extend(block_entry(rest, leaf, indent + step, step));
            lines
        }
    }
}

/// A certificate as the lines of one list item.
pub(crate) fn block_item(pem: &str, indent: usize) -> Vec<String> {
    let margin = " ".repeat(indent);
    if !crate::certificate::fits_block(pem) {
        return vec![format!("{margin}- {}", scalar::quoted(pem))];
    }
    let mut lines = vec![format!("{margin}- |")];
    lines.extend(pem.lines().map(|line| match line {
        "" => String::new(),
        _ => format!("{margin}  {line}"),
    }));
    lines
}
