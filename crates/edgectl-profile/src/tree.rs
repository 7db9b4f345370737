//! YAML and JSON as a tree with places. Aliases share what they name, merge
//! keys are filled in, both within bounds.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::rc::Rc;

use granit_parser::{Event, Parser, ScalarStyle, Span};

use crate::error::{Fault, wide};
use crate::mask::unmask;

/// Deepest nesting, aliases filled in. Walks over a tree are recursive.
const MAX_DEPTH: usize = 128;
/// Most collections that are opened in a row; lines of dashes are longer than
/// anything nests.
const MAX_ROW: usize = 4096;
/// Nodes that any text may have.
const FREE_NODES: usize = 100_000;
/// Beyond these, a text needs so many bytes for a node: a tree stays within a
/// few times the text's size.
const BYTES_PER_NODE: usize = 5;
/// Nodes that aliases and merge keys may add to any text.
const FREE_ALIASED: usize = 20_000;
/// Beyond these, a text needs so many bytes for one.
const BYTES_PER_ALIASED: usize = 16;
/// Texts up to this length are kept once, however often they stand there.
const INTERNED: usize = 32;
/// Most different texts that are kept so.
const MAX_INTERNED: usize = 8192;
/// Most duplicate keys that are told of one text.
const MAX_DUPLICATES: usize = 100;

/// What a node is.
#[derive(Debug, Clone)]
pub(crate) enum Data {
    /// `start` is the byte of the text at which its source begins.
    Scalar {
        text: Rc<str>,
        start: u32,
        style: ScalarStyle,
    },
    Mapping(Rc<Vec<(Node, Node)>>),
    Sequence(Rc<Vec<Node>>),
}

/// A node and its place in its own text.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    line: u32,
    column: u32,
    pub(crate) data: Data,
}

/// The documents of a text.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    pub(crate) documents: Vec<Node>,
    /// Keys that stand in one mapping more than once, from the second on.
    pub(crate) duplicates: Vec<Node>,
}

impl Node {
    /// Nothing, at a place.
    pub(crate) fn at_place(line: u64, column: u64) -> Self {
        let narrow = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        let data = Data::Sequence(Rc::default());
        Self { line: narrow(line), column: narrow(column), data }
    }

    /// The same place with other data.
    pub(crate) fn with(&self, data: Data) -> Self {
        Self { line: self.line, column: self.column, data }
    }

    /// The same place with a text.
    pub(crate) fn saying(&self, text: &str) -> Self {
        self.with(Data::Scalar { text: text.into(), start: u32::MAX, style: ScalarStyle::Plain })
    }

    /// Line in its own text, from 1.
    pub(crate) fn line(&self) -> u64 {
        u64::from(self.line)
    }

    /// Column in its own text, from 1.
    pub(crate) fn column(&self) -> u64 {
        u64::from(self.column)
    }

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
        let is_nothing = text.is_empty() || (*style == ScalarStyle::Plain && is_word(text));
        (!is_nothing).then_some(&**text)
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

/// Null or a boolean, as YAML 1.1 spells them.
fn is_word(text: &str) -> bool {
    ["~", "null", "true", "false", "yes", "no", "on", "off"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word))
}

/// All documents of `text`, which has its macros masked.
pub(crate) fn parse(text: &str) -> Result<Vec<Node>, Fault> {
    read(text).map(|parsed| parsed.documents)
}

/// The same, with what is odd about them.
pub(crate) fn read(text: &str) -> Result<Parsed, Fault> {
    if let Some(fault) = tower(text) {
        return Err(fault);
    }
    let options = granit_parser::options! { emit_comments: false };
    let mut builder = Builder::new(text.len());
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| Fault::from_scan(&error))?;
        builder.take(event, &span)?;
    }
    Ok(builder.parsed)
}

/// The place where more collections are opened in a row than may be: the parser
/// would look at all of them before it says anything.
fn tower(text: &str) -> Option<Fault> {
    let mut row = 0;
    let at = text.bytes().position(|c| {
        match c {
            b'[' | b'{' | b'-' | b'?' => row += 1,
            b' ' | b'\n' | b'\r' | b'\t' => {}
            _ => row = 0,
        }
        row > MAX_ROW
    })?;
    let before = text.get(..at)?;
    let line = wide(before.matches('\n').count() + 1);
    Some(Fault { line, column: 1, message: "nested too deeply".to_owned(), is_indentation: false })
}

/// A node with what is below it.
#[derive(Clone)]
struct Subtree {
    node: Node,
    nodes: usize,
    depth: usize,
}

struct Builder {
    parsed: Parsed,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Subtree>,
    interned: HashSet<Rc<str>>,
    nodes_left: usize,
    aliased_left: usize,
}

/// A collection that isn't closed yet.
struct Open {
    line: u32,
    column: u32,
    anchor: usize,
    content: Content,
    nodes: usize,
    depth: usize,
}

enum Content {
    Mapping { entries: Vec<(Node, Node)>, key: Option<Node> },
    Sequence(Vec<Node>),
}

impl Builder {
    fn new(length: usize) -> Self {
        Self {
            parsed: Parsed::default(),
            open: Vec::new(),
            anchors: BTreeMap::new(),
            interned: HashSet::new(),
            nodes_left: FREE_NODES + length / BYTES_PER_NODE,
            aliased_left: FREE_ALIASED + length / BYTES_PER_ALIASED,
        }
    }

    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), Fault> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let start = span.byte_range().unwrap_or_default().start;
                let start = u32::try_from(start).map_err(|_| fault(span, "too large"))?;
                let text = self.intern(&unmask(&text));
                let (line, column) = place(span);
                let node = Node { line, column, data: Data::Scalar { text, start, style } };
                self.add(Subtree { node, nodes: 1, depth: 1 }, anchor, span)
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor).cloned() {
                Some(named) => {
                    self.spend_aliased(named.nodes, span)?;
                    self.add(named, 0, span)
                }
                None => Err(fault(span, "an alias that contains itself")),
            },
            Event::MappingStart(_, anchor, _) => {
                self.open(span, anchor, Content::Mapping { entries: Vec::new(), key: None })
            }
            Event::SequenceStart(_, anchor, _) => {
                self.open(span, anchor, Content::Sequence(Vec::new()))
            }
            Event::MappingEnd | Event::SequenceEnd => match self.open.pop() {
                Some(open) => self.close(open, span),
                None => Ok(()),
            },
            Event::DocumentEnd => {
                self.anchors.clear();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn intern(&mut self, text: &str) -> Rc<str> {
        if text.len() > INTERNED {
            return text.into();
        }
        if let Some(kept) = self.interned.get(text) {
            return Rc::clone(kept);
        }
        let text: Rc<str> = text.into();
        if self.interned.len() < MAX_INTERNED {
            self.interned.insert(Rc::clone(&text));
        }
        text
    }

    fn open(&mut self, span: &Span, anchor: usize, content: Content) -> Result<(), Fault> {
        if self.open.len() >= MAX_DEPTH {
            return Err(fault(span, "nested too deeply"));
        }
        let (line, column) = place(span);
        self.open.push(Open { line, column, anchor, content, nodes: 1, depth: 1 });
        Ok(())
    }

    fn close(&mut self, open: Open, span: &Span) -> Result<(), Fault> {
        let Open { line, column, anchor, content, nodes, depth } = open;
        let data = match content {
            Content::Mapping { mut entries, .. } => {
                merge(&mut entries);
                self.note_duplicates(&entries);
                Data::Mapping(settled(entries))
            }
            Content::Sequence(items) => Data::Sequence(settled(items)),
        };
        self.add(Subtree { node: Node { line, column, data }, nodes, depth }, anchor, span)
    }

    fn add(&mut self, sized: Subtree, anchor: usize, span: &Span) -> Result<(), Fault> {
        self.nodes_left =
            self.nodes_left.checked_sub(1).ok_or_else(|| fault(span, "too dense to be read"))?;
        if self.open.len() + sized.depth > MAX_DEPTH {
            return Err(fault(span, "nested too deeply"));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, sized.clone());
        }
        let Subtree { node, nodes, depth } = sized;
        let Some(parent) = self.open.last_mut() else {
            self.parsed.documents.push(node);
            return Ok(());
        };
        parent.nodes = parent.nodes.saturating_add(nodes);
        parent.depth = parent.depth.max(depth + 1);
        match &mut parent.content {
            Content::Mapping { entries, key } => match key.take() {
                Some(key) => push(entries, (key, node)),
                None => *key = Some(node),
            },
            Content::Sequence(items) => push(items, node),
        }
        Ok(())
    }

    fn spend_aliased(&mut self, nodes: usize, span: &Span) -> Result<(), Fault> {
        let left = self.aliased_left.checked_sub(nodes);
        self.aliased_left =
            left.ok_or_else(|| fault(span, "too large once its aliases are filled in"))?;
        Ok(())
    }

    fn note_duplicates(&mut self, entries: &[(Node, Node)]) {
        let names = || entries.iter().map(|(key, _)| key.scalar());
        let repeats: Vec<bool> = match entries.len() {
            0..=16 => names()
                .enumerate()
                .map(|(n, name)| name.is_some() && names().take(n).any(|other| other == name))
                .collect(),
            _ => {
                let mut seen = BTreeSet::new();
                names().map(|name| name.is_some_and(|name| !seen.insert(name))).collect()
            }
        };
        for ((key, _), _) in entries.iter().zip(repeats).filter(|(_, repeats)| *repeats) {
            if self.parsed.duplicates.len() < MAX_DUPLICATES {
                self.parsed.duplicates.push(key.clone());
            }
        }
    }
}

/// Fills in what `<<` names, behind the mapping's own keys. What it takes from
/// aliases is accounted for by them.
fn merge(entries: &mut Vec<(Node, Node)>) {
    let Some(at) = entries.iter().position(|(key, _)| key.scalar() == Some("<<")) else { return };
    let (_, bases) = entries.remove(at);
    let bases = match &bases.data {
        Data::Sequence(items) => items.to_vec(),
        _ => vec![bases],
    };
    let mut names: BTreeSet<String> =
        entries.iter().filter_map(|(key, _)| Some(key.scalar()?.to_owned())).collect();
    for (key, value) in bases.iter().flat_map(Node::entries) {
        if names.insert(key.scalar().unwrap_or_default().to_owned()) {
            entries.push((key.clone(), value.clone()));
        }
    }
}

/// Adds an item. A long list grows by an eighth, not to twice its size: it may
/// be most of what is in memory.
fn push<T>(items: &mut Vec<T>, item: T) {
    const LONG: usize = 4096;
    if items.len() == items.capacity() && items.len() >= LONG {
        items.reserve_exact(items.len() / 8);
    }
    items.push(item);
}

/// A list that grows no more.
fn settled<T>(mut items: Vec<T>) -> Rc<Vec<T>> {
    items.shrink_to_fit();
    Rc::new(items)
}

fn place(span: &Span) -> (u32, u32) {
    let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    (narrow(span.start.line()), narrow(span.start.col() + 1))
}

fn fault(span: &Span, message: &str) -> Fault {
    let (line, column) = (wide(span.start.line()), wide(span.start.col() + 1));
    Fault { line, column, message: message.to_owned(), is_indentation: false }
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

    #[test]
    fn long_texts_are_shared_by_their_aliases() {
        let text = format!("a: &a {}\nb: [{}]\n", "x".repeat(1000), vec!["*a"; 1000].join(", "));
        let tree = parse(&text).unwrap();
        let Data::Scalar { text, .. } = &tree[0].get("a").unwrap().data else { panic!() };
        assert_eq!(Rc::strong_count(text), 1001);
        let bomb = format!("a: &a [{}]\nb: [{}]\n", "x, ".repeat(999), vec!["*a"; 99].join(","));
        assert!(parse(&bomb).unwrap_err().message.contains("aliases"));
    }

    #[test]
    fn dense_texts_are_refused() {
        assert!(parse(&format!("[{}]", "0,".repeat(90_000))).is_ok());
        let error = parse(&format!("[{}]", "0,".repeat(300_000))).unwrap_err();
        assert!(error.message.contains("dense"));
    }

    #[test]
    fn both_of_two_equal_keys_are_kept() {
        let parsed = read("a: 1\nb: 2\na: 3\n").unwrap();
        assert_eq!(parsed.documents[0].entries().len(), 3);
        assert_eq!(parsed.documents[0].get("a").and_then(Node::scalar), Some("3"));
        let places: Vec<(u64, u64)> =
            parsed.duplicates.iter().map(|key| (key.line(), key.column())).collect();
        assert_eq!(places, [(3, 1)]);
    }
}
