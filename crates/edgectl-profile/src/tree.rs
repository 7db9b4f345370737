//! YAML and JSON as a tree with places. Aliases and merge keys are filled in,
//! within bounds.

use std::collections::BTreeMap;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span};

use crate::error::{Fault, wide};
use crate::mask::unmask;

/// Most nodes of one text, aliases filled in.
const MAX_NODES: usize = 1_000_000;
/// Deepest nesting, aliases filled in. Walks over a tree are recursive.
const MAX_DEPTH: usize = 128;

/// What a node is.
#[derive(Debug, Clone)]
pub(crate) enum Data {
    Scalar { text: String, style: ScalarStyle, range: Range<usize> },
    Mapping(Vec<(Node, Node)>),
    Sequence(Vec<Node>),
}

/// A node and its place in its own text.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) line: u64,
    pub(crate) column: u64,
    pub(crate) data: Data,
    nodes: usize,
    depth: usize,
}

impl Node {
    /// The text of a scalar.
    pub(crate) fn scalar(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The text of a scalar that is neither null nor a boolean, and not empty.
    pub(crate) fn text(&self) -> Option<&str> {
        let Data::Scalar { text, style, .. } = &self.data else { return None };
        let is_word = matches!(
            text.to_ascii_lowercase().as_str(),
            "~" | "null" | "true" | "false" | "yes" | "no" | "on" | "off"
        );
        let is_nothing = text.is_empty() || (*style == ScalarStyle::Plain && is_word);
        (!is_nothing).then_some(text.as_str())
    }

    /// The entries of a mapping; none for anything else.
    pub(crate) fn entries(&self) -> &[(Node, Node)] {
        match &self.data {
            Data::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none for anything else.
    pub(crate) fn items(&self) -> &[Node] {
        match &self.data {
            Data::Sequence(items) => items,
            _ => &[],
        }
    }

    /// The value of `key`; the last one, where it stands twice.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().rev().find(|(k, _)| k.scalar() == Some(key)).map(|(_, value)| value)
    }

    /// The value at a path of keys.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The value at a dotted path, where keys may hold dots themselves.
    pub(crate) fn at_dotted(&self, path: &str) -> Option<&Node> {
        if let Some(node) = self.get(path) {
            return Some(node);
        }
        path.match_indices('.')
            .filter_map(|(dot, _)| Some((self.get(&path[..dot])?, &path[dot + 1..])))
            .find_map(|(node, rest)| node.at_dotted(rest))
    }
}

/// All documents of `text`, which has its macros masked.
pub(crate) fn parse(text: &str) -> Result<Vec<Node>, Fault> {
    let options = granit_parser::options! { emit_comments: false };
    let mut builder = Builder::default();
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| Fault::from_scan(&error))?;
        builder.take(event, &span)?;
    }
    Ok(builder.documents)
}

#[derive(Default)]
struct Builder {
    documents: Vec<Node>,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
}

/// A collection that isn't closed yet.
struct Open {
    node: Node,
    anchor: usize,
    key: Option<Node>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), Fault> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let range = span.byte_range().unwrap_or_default();
                let node = leaf(span, Data::Scalar { text: unmask(&text), style, range });
                self.add(node, anchor, span)
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(node) => {
                    let node = node.clone();
                    self.add(node, 0, span)
                }
                None => Err(fault(span, "an alias that contains itself")),
            },
            Event::MappingStart(_, anchor, _) => self.open(span, anchor, Data::Mapping(Vec::new())),
            Event::SequenceStart(_, anchor, _) => {
                self.open(span, anchor, Data::Sequence(Vec::new()))
            }
            Event::MappingEnd | Event::SequenceEnd => match self.open.pop() {
                Some(Open { mut node, anchor, .. }) => {
                    merge(&mut node);
                    self.add(node, anchor, span)
                }
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn open(&mut self, span: &Span, anchor: usize, data: Data) -> Result<(), Fault> {
        if self.open.len() >= MAX_DEPTH {
            return Err(fault(span, "nested too deeply"));
        }
        self.open.push(Open { node: leaf(span, data), anchor, key: None });
        Ok(())
    }

    fn add(&mut self, node: Node, anchor: usize, span: &Span) -> Result<(), Fault> {
        self.nodes = self.nodes.saturating_add(node.nodes);
        if self.nodes > MAX_NODES {
            return Err(fault(span, "too large once its aliases are filled in"));
        }
        if self.open.len() + node.depth > MAX_DEPTH {
            return Err(fault(span, "nested too deeply"));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(parent) = self.open.last_mut() else {
            self.documents.push(node);
            return Ok(());
        };
        parent.node.nodes += node.nodes;
        parent.node.depth = parent.node.depth.max(node.depth + 1);
        match &mut parent.node.data {
            Data::Mapping(entries) => match parent.key.take() {
                Some(key) => entries.push((key, node)),
                None => parent.key = Some(node),
            },
            Data::Sequence(items) => items.push(node),
            Data::Scalar { .. } => {}
        }
        Ok(())
    }
}

/// Fills in what `<<` names, behind the mapping's own keys.
fn merge(node: &mut Node) {
    let Data::Mapping(entries) = &mut node.data else { return };
    let Some(at) = entries.iter().position(|(key, _)| key.scalar() == Some("<<")) else { return };
    let (_, bases) = entries.remove(at);
    let bases = match bases.data {
        Data::Sequence(items) => items,
        _ => vec![bases],
    };
    for (key, value) in bases.into_iter().flat_map(|base| match base.data {
        Data::Mapping(entries) => entries,
        _ => Vec::new(),
    }) {
        if !entries.iter().any(|(own, _)| own.scalar() == key.scalar()) {
            entries.push((key, value));
        }
    }
}

fn leaf(span: &Span, data: Data) -> Node {
    let (line, column) = (wide(span.start.line()), wide(span.start.col() + 1));
    Node { line, column, data, nodes: 1, depth: 1 }
}

fn fault(span: &Span, message: &str) -> Fault {
    let (line, column) = (wide(span.start.line()), wide(span.start.col() + 1));
    Fault { line, column, message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bombs_and_towers_are_refused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..10 {
            bomb.push_str(&format!(
                "a{n}: &a{n} [{}]\n",
                vec![format!("*a{}", n - 1); 10].join(",")
            ));
        }
        assert!(parse(&bomb).unwrap_err().message.contains("too large"));
        let mut tower = "a0: &a0 [x]\n".to_owned();
        for n in 1..1000 {
            tower.push_str(&format!("a{n}: &a{n} [*a{}]\n", n - 1));
        }
        assert!(parse(&tower).unwrap_err().message.contains("deeply"));
        assert!(parse(&"[".repeat(5000)).is_err());
        assert!(parse("a: &a [*a]\n").is_err());
    }

    #[test]
    fn dotted_paths_try_joined_keys() {
        let tree = parse("options:\n  system.uri: x\n  a.b:\n    c.d: y\n").unwrap();
        assert_eq!(tree[0].at_dotted("options.system.uri").and_then(Node::scalar), Some("x"));
        assert_eq!(tree[0].at_dotted("options.a.b.c.d").and_then(Node::scalar), Some("y"));
        assert!(tree[0].at_dotted("options.a.x").is_none());
    }

    #[test]
    fn merge_keys_are_filled_in() {
        let tree = parse("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n").unwrap();
        assert_eq!(tree[0].at(&["b", "x"]).and_then(Node::scalar), Some("1"));
        assert_eq!(tree[0].at(&["b", "y"]).and_then(Node::scalar), Some("3"));
    }
}
