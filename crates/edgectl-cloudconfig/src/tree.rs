//! YAML as a tree that remembers where everything stands. Aliases stay
//! aliases: nothing is expanded, so hostile texts can't grow.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle, Tag};

use crate::error::{Place, SyntaxError};
use crate::target::Seg;

/// How many aliases and merge keys a look-up follows: far more than people
/// write, and an end for anchors that contain themselves.
const MAX_HOPS: usize = 16;
/// How many mappings one look-up visits: merge keys may name lists of mappings
/// with merge keys.
const MAX_VISITS: usize = 256;

/// Index of a node in its document.
pub(crate) type Id = usize;

/// What a node is. No `Debug`: scalars can be passwords.
#[derive(Clone)]
pub(crate) enum Data {
    Scalar { text: String, style: ScalarStyle },
    Mapping { flow: bool, entries: Vec<(Id, Id)> },
    Sequence { flow: bool, items: Vec<Id> },
    Alias(usize),
}

/// A node and its place.
pub(crate) struct Node {
    /// Bytes of the node itself; a block scalar's without its header, a block
    /// collection's start only.
    pub(crate) range: Range<usize>,
    pub(crate) place: Place,
    /// Anchor number, 0 for none.
    pub(crate) anchor: usize,
    pub(crate) tag: Option<String>,
    pub(crate) data: Data,
}

impl Node {
    /// Text and style, if this is a scalar.
    pub(crate) fn scalar(&self) -> Option<(&str, ScalarStyle)> {
        match &self.data {
            Data::Scalar { text, style } => Some((text, *style)),
            _ => None,
        }
    }

    /// An absent value, `null` or `~`.
    pub(crate) fn is_null(&self) -> bool {
        let is_word = |text: &str| matches!(text, "" | "~" | "null" | "Null" | "NULL");
        self.tag.is_none()
            && self.scalar().is_some_and(|(t, style)| style == ScalarStyle::Plain && is_word(t))
    }

    /// `|` or `>`.
    pub(crate) fn is_block_scalar(&self) -> bool {
        self.scalar()
            .is_some_and(|(_, style)| matches!(style, ScalarStyle::Literal | ScalarStyle::Folded))
    }

    /// Whether it is a block of text at the end of a file without a line end: one that
    /// comes to stand there becomes a part of it.
    pub(crate) fn ends_open(&self, text: &str) -> bool {
        self.is_block_scalar() && self.range.end >= text.len() && !text.ends_with('\n')
    }
}

/// One YAML document.
#[derive(Default)]
pub(crate) struct Document {
    pub(crate) nodes: Vec<Node>,
    pub(crate) root: Option<Id>,
    anchors: BTreeMap<usize, Id>,
    aliased: BTreeSet<usize>,
    /// Where a second document starts, if there is one.
    pub(crate) second: Option<Place>,
}

impl Document {
    /// Parses `text`, which may start with a byte order mark.
    pub(crate) fn parse(text: &str) -> Result<Self, SyntaxError> {
        let options = granit_parser::options! { emit_comments: false };
        let mut builder = Builder::default();
        for event in Parser::new_from_str_with_options(text, options) {
            match event {
                Ok((event, span)) => builder.take(event, &span),
                Err(error) => return Err(SyntaxError::from_scan(text, &error)),
            }
        }
        builder.document.take_line_end_that_is_not_there(text);
        Ok(builder.document)
    }

    /// The last line of a block of text at the end of a file without a line end has none,
    /// as readers have it; the parser sees one.
    fn take_line_end_that_is_not_there(&mut self, text: &str) {
        let last = &text[text.rfind(['\n', '\r']).map_or(0, |end| end + 1)..];
        let node = self.nodes.iter_mut().rev().find(|node| node.scalar().is_some());
        let Some(node) = node.filter(|node| node.ends_open(text)) else { return };
        let Data::Scalar { text: value, .. } = &mut node.data else { return };
        let Some(line) = value.strip_suffix('\n').and_then(|value| value.rsplit('\n').next())
        else {
            return;
        };
        // `>` makes one line of several.
        let is_folded = !last.trim().is_empty() && line.ends_with(last.trim_start());
        if is_folded || !line.is_empty() && last.ends_with(line) {
            value.pop();
        }
    }

    pub(crate) fn node(&self, id: Id) -> &Node {
        &self.nodes[id]
    }

    /// Whether an alias points at this node.
    pub(crate) fn is_aliased(&self, id: Id) -> bool {
        self.aliased.contains(&self.nodes[id].anchor)
    }

    /// The entries of a mapping; none for anything else.
    pub(crate) fn entries(&self, id: Id) -> &[(Id, Id)] {
        match &self.nodes[id].data {
            Data::Mapping { entries, .. } => entries,
            _ => &[],
        }
    }

    /// The entries of `id` whose key is the scalar `key`.
    pub(crate) fn entries_named<'a>(
        &'a self,
        id: Id,
        key: &'a str,
    ) -> impl Iterator<Item = (Id, Id)> + 'a {
        let named = move |k: Id| self.nodes[k].scalar().is_some_and(|(text, _)| text == key);
        self.entries(id).iter().copied().filter(move |(k, _)| named(*k))
    }

    /// Whether a list's item is the one that a step of a path means.
    pub(crate) fn is_item(&self, item: Id, seg: &Seg) -> bool {
        let Seg::Item { key, is } = seg else { return false };
        let name = self.get(item, key).and_then(|id| self.nodes[id].scalar());
        name.is_some_and(|(name, _)| is.is(name))
    }

    /// The value at a path, through aliases and merge keys.
    pub(crate) fn at(&self, path: &[Seg]) -> Option<Id> {
        path.iter().try_fold(self.root?, |id, seg| match seg {
            Seg::Key(key) => self.get(id, key),
            Seg::Item { .. } => {
                let item = self.items(id).iter().find(|item| self.is_item(**item, seg))?;
                self.resolve(*item)
            }
        })
    }

    /// The items of a list, through an alias; none for anything else.
    pub(crate) fn items(&self, id: Id) -> &[Id] {
        match self.resolve(id).map(|id| &self.node(id).data) {
            Some(Data::Sequence { items, .. }) => items,
            _ => &[],
        }
    }

    /// The node that `id` stands for: itself, or what its alias points at.
    pub(crate) fn resolve(&self, mut id: Id) -> Option<Id> {
        for _ in 0..MAX_HOPS {
            match self.nodes[id].data {
                Data::Alias(anchor) => id = *self.anchors.get(&anchor)?,
                _ => return Some(id),
            }
        }
        None
    }

    /// The value of `key`, through aliases and merge keys.
    pub(crate) fn get(&self, id: Id, key: &str) -> Option<Id> {
        let mut visits = MAX_VISITS;
        self.get_within(id, key, MAX_HOPS, &mut visits)
    }

    fn get_within(&self, id: Id, key: &str, hops: usize, visits: &mut usize) -> Option<Id> {
        *visits = visits.checked_sub(1)?;
        let id = self.resolve(id)?;
        // The last one wins where a key stands twice, as most readers have it.
        if let Some((_, value)) = self.entries_named(id, key).last() {
            return self.resolve(value);
        }
        let hops = hops.checked_sub(1)?;
        self.merged(id).into_iter().find_map(|base| self.get_within(base, key, hops, visits))
    }

    /// What the merge keys of a mapping name.
    pub(crate) fn merged(&self, id: Id) -> Vec<Id> {
        let mut bases = Vec::new();
        for (_, value) in self.entries_named(id, "<<") {
            let Some(value) = self.resolve(value) else { continue };
            match &self.nodes[value].data {
                Data::Sequence { items, .. } => bases.extend(items.iter().take(MAX_HOPS)),
                _ => bases.push(value),
            }
        }
        bases
    }
}

#[derive(Default)]
struct Builder {
    document: Document,
    /// Open collections, with the key that waits for its value.
    open: Vec<(Id, Option<Id>)>,
    documents: usize,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: &Span) {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents == 2 {
                    self.document.second = Some(place(span));
                }
            }
            // Only the first document becomes a tree.
            _ if self.documents > 1 => {}
            Event::Scalar(text, style, anchor, tag) => {
                let data = Data::Scalar { text: text.into_owned(), style };
                self.add(node(span, anchor, tag.as_deref(), data));
            }
            Event::Alias(anchor) => {
                self.document.aliased.insert(anchor);
                self.add(node(span, 0, None, Data::Alias(anchor)));
            }
            Event::MappingStart(style, anchor, tag) => {
                let flow = style == StructureStyle::Flow;
                let data = Data::Mapping { flow, entries: Vec::new() };
                let id = self.add(node(span, anchor, tag.as_deref(), data));
                self.open.push((id, None));
            }
            Event::SequenceStart(style, anchor, tag) => {
                let flow = style == StructureStyle::Flow;
                let data = Data::Sequence { flow, items: Vec::new() };
                let id = self.add(node(span, anchor, tag.as_deref(), data));
                self.open.push((id, None));
            }
            Event::MappingEnd | Event::SequenceEnd => self.close(span),
            _ => {}
        }
    }

    fn add(&mut self, node: Node) -> Id {
        let id = self.document.nodes.len();
        if node.anchor != 0 {
            self.document.anchors.insert(node.anchor, id);
        }
        self.document.nodes.push(node);
        match self.open.last_mut() {
            None => self.document.root = Some(id),
            Some((parent, waiting)) => match &mut self.document.nodes[*parent].data {
                Data::Mapping { entries, .. } => match waiting.take() {
                    Some(key) => entries.push((key, id)),
                    None => *waiting = Some(id),
                },
                Data::Sequence { items, .. } => items.push(id),
                _ => {}
            },
        }
        id
    }

    fn close(&mut self, span: &Span) {
        let Some((id, _)) = self.open.pop() else { return };
        let node = &mut self.document.nodes[id];
        let flow = matches!(
            node.data,
            Data::Mapping { flow: true, .. } | Data::Sequence { flow: true, .. }
        );
        if let (true, Some(range)) = (flow, span.byte_range()) {
            node.range.end = range.end;
        }
    }
}

fn node(span: &Span, anchor: usize, tag: Option<&Tag>, data: Data) -> Node {
    Node {
        range: span.byte_range().unwrap_or_default(),
        place: place(span),
        anchor,
        tag: tag.map(Tag::original),
        data,
    }
}

fn place(span: &Span) -> Place {
    Place::new(span.start.line(), span.start.col() + 1)
}
